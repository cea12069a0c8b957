"""`python -m controller.console`: serve the bedside console of the controller in a run directory until SIGTERM.

Exit codes: 0 ended by a signal, 2 refused: an address that is in use or not allowed, a certificate or PIN file that
cannot be used. Not responsible for being restarted (`controller.runtime.processes`).
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from controller.console import missed
from controller.console.app import make_app
from controller.console.connections import Connection
from controller.console.hub import Hub
from controller.console.pins import BadPins, Pins
from controller.console.place import BadPlace, Place, place_of
from controller.console.shared import Console
from controller.console.simulator import Simulator
from controller.console.upstream import Upstream
from controller.runtime.exits import REFUSED

MESSAGE_MAX = 1024


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m controller.console", allow_abbrev=False)
    parser.add_argument("--socket", type=Path, required=True, help="the controller's socket")
    parser.add_argument("--simulator", type=Path, help="the socket of the simulator that serves the ports, if one does")
    parser.add_argument("--at", default="127.0.0.1:8765", metavar="HOST:PORT")
    parser.add_argument("--remote", action="store_true", help="allow an address that other machines can reach")
    parser.add_argument("--tls-certificate", type=Path)
    parser.add_argument("--tls-key", type=Path)
    parser.add_argument("--pins", type=Path, help="file of PINs, see `hipec pin`")
    given = parser.parse_args(arguments)
    try:
        place = place_of(given.at, remote=given.remote, tls=bool(given.tls_certificate and given.tls_key))
        pins = Pins(given.pins)
        listener = _listen(place)
    except (BadPlace, BadPins, OSError) as error:
        print(f"console: {error}", file=sys.stderr)  # noqa: T201
        return REFUSED
    _be_unimportant()
    hub = Hub(missed=missed.ask)
    upstream = Upstream(given.socket, on_state=hub.arrived, on_lost=hub.lost, attended=lambda: hub.attended)
    simulator = Simulator(given.simulator) if given.simulator else None
    app = make_app(Console(hub=hub, controller=upstream, pins=pins, place=place, simulator=simulator))
    server = _Server(
        uvicorn.Config(
            app,
            http=Connection,  # in the place of limit_concurrency, which would refuse STOP too
            ws="websockets-sansio",
            ws_max_size=MESSAGE_MAX,
            ws_per_message_deflate=False,
            h11_max_incomplete_event_size=16 * 1024,
            proxy_headers=False,  # who the client is, is not for the client to say
            server_header=False,
            timeout_keep_alive=20,
            timeout_graceful_shutdown=1,
            log_level="warning",
            ssl_certfile=str(given.tls_certificate) if place.tls else None,
            ssl_keyfile=str(given.tls_key) if place.tls else None,
        )
    )
    server.url = place.url
    server.run(sockets=[listener])
    return 0


class _Server(uvicorn.Server):
    """Says where it is as soon as it answers there."""

    url = ""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            print(f"Console: {self.url}", file=sys.stderr, flush=True)  # noqa: T201


def _listen(place: Place) -> socket.socket:
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((place.host, place.port))
    except OSError as error:
        listener.close()
        raise BadPlace(
            f"{place.host}:{place.port}: {error.strerror}; choose another with --console, or --no-console"
        ) from error
    listener.set_inheritable(True)
    return listener


def _be_unimportant() -> None:
    """Control and protective come first on a busy processor."""
    os.nice(5)


if __name__ == "__main__":
    sys.exit(main())
