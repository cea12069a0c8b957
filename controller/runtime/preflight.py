"""What can be seen to be missing before anything is started, all of it at once.

Not responsible for whether a port can be opened or who answers on it (`drivers.port`, `probing`).
"""

from __future__ import annotations

import socket
from pathlib import Path

from config.schema import Rig

TCP = "tcp:"


def taken(host: str, port: int) -> str:
    """Why nothing can be served there now, "" when it can: looked at before a self-test and not after it."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def missing_ports(rig: Rig) -> str:
    """One message that names every port of the rig whose device is not there; "" when all are."""
    missing = {
        name: port.path
        for name, port in rig.ports.items()
        if not (port.path.startswith(TCP) or Path(port.path).exists())
    }
    if not missing:
        return ""
    listed = "".join(f"\n  {name:<10} {path}" for name, path in missing.items())
    return (
        f"rig {rig.name}: {len(missing)} of {len(rig.ports)} ports are not there:{listed}\n"
        "Put your own paths into a copy of the rig file (`ls -l /dev/serial/by-id/` shows them), "
        "or give --port NAME=PATH, or --simulate."
    )
