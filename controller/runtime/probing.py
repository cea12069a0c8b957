"""Ask each device of a rig who it is, without running anything. Opening a session leaves each device safe.

Not responsible for the protective channel's devices: nobody but that channel speaks to them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from config.schema import Rig
from controller.runtime.bench import OpenLine, port_of, serial_line
from controller.runtime.clock import RunClock
from controller.runtime.settings import with_ports
from drivers.allow_list import in_words
from drivers.catalogue import families
from drivers.port import Clock, Port
from drivers.roles import DeviceError


def probe_rig(
    rig: Rig, ports: Mapping[str, str], *, clock: Clock | None = None, open_line: OpenLine = serial_line
) -> list[dict[str, Any]]:
    """One row for each device: device, family, port, answer (identity or error in words), ok (None: not asked)."""
    rig = with_ports(rig, ports)
    used: Clock = RunClock() if clock is None else clock
    rows = []
    for name in rig.ports:
        devices = [device for device, config in rig.devices.items() if config.port == name]
        if not devices:
            continue
        try:
            port = port_of(name, rig.ports[name], used, open_line)
        except DeviceError as error:
            rows += [_row(rig, device, ok=False, answer=str(error)) for device in devices]
            continue
        with contextlib.closing(port):
            rows += [_ask(rig, device, port) for device in devices]
    return [*rows, _not_asked(rig)]


def _not_asked(rig: Rig) -> dict[str, Any]:
    answer = "not asked: nobody else speaks there; `hipec selftest` tests it"
    return {"device": "protective", "family": "", "port": rig.protective.port, "answer": answer, "ok": None}


def _ask(rig: Rig, device: str, port: Port) -> dict[str, Any]:
    config = rig.devices[device]
    try:
        identity = families()[config.family].device(port, config, device).open_session()
    except (DeviceError, OSError, ValueError) as error:
        return _row(rig, device, ok=False, answer=f"{type(error).__name__}: {error}")
    return _row(rig, device, ok=True, answer=in_words(identity))


def _row(rig: Rig, device: str, *, ok: bool, answer: str) -> dict[str, Any]:
    config = rig.devices[device]
    return {"device": device, "family": config.family, "port": config.port, "answer": answer, "ok": ok}
