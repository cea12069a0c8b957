"""`python -m controller.protective`: the protective process. It outlives control and ends only on a signal.

Exit codes: 0 ended by SIGTERM or SIGINT with the contactor opened, 1 failed, 2 bad arguments or already running.
"""

import argparse
import ctypes
import os
import signal
import sys
from dataclasses import fields
from functools import partial
from itertools import combinations
from pathlib import Path

from controller.protective.limits import Limits
from controller.protective.link import Link
from controller.protective.loop import Loop, Wiring
from controller.protective.rtu import Master, ScaledClock

ALLOWANCE_WALL_S = 0.05  # on simulated ports: where time runs faster than the wall's, the host's scheduling does not
ALWAYS = (("probe_unit", 1), ("outlet_channel", 0), ("inflow_channel", 1), ("relay_unit", 2), ("contactor_channel", 0))
WIRES: tuple[tuple[str, int | None], ...] = (*ALWAYS, ("clamp_channel", None), ("tone_channel", None))


def main(arguments: list[str] | None = None) -> int:
    """Run until a signal comes."""
    given, wiring = _understand(arguments)
    clock, reply_s = ScaledClock(given.speed), ALLOWANCE_WALL_S * given.speed if given.speed > 1.0 else 0.0
    open_master = partial(Master, path=given.port, baud=given.baud, frame=given.frame, clock=clock, reply_s=reply_s)
    ending: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: ending.append(received))
    try:
        link = Link(given.run_dir)
    except OSError as error:
        busy = "another protective channel runs there" if isinstance(error, BlockingIOError) else error
        sys.stderr.write(f"protective: --run-dir {given.run_dir}: {busy}\n")
        return 2
    loop = Loop(wiring=wiring, clock=clock, link=link, open_master=open_master)
    libc = ctypes.CDLL(None, use_errno=True)  # mlockall, all pages now and later: no round waits for the disk
    link.say("memory: " + (os.strerror(ctypes.get_errno()) if libc.mlockall(1 | 2) else "locked"))
    try:
        while not ending:
            loop.round()
    finally:
        loop.make_safe()
        link.close()
    return 0


def _understand(arguments: list[str] | None) -> tuple[argparse.Namespace, Wiring]:
    """Parse and check; ends the process with code 2 and one message that names the argument."""
    parser = argparse.ArgumentParser(prog="controller.protective", description=__doc__)
    parser.add_argument("--port", required=True)
    parser.add_argument("--baud", type=int, default=9600, choices=(9600, 19200, 38400, 57600, 115200))
    parser.add_argument("--frame", default="8N1", choices=("8N1", "8N2", "8E1", "8O1"))
    parser.add_argument("--run-dir", type=Path, required=True)
    parser.add_argument("--speed", type=float, default=1.0)
    for name, default in WIRES:
        choices, option = range(1, 248) if name.endswith("unit") else range(8), "--" + name.replace("_", "-")
        parser.add_argument(option, type=int, default=default, choices=choices, metavar="N")
    for limit in fields(Limits):
        option = "--" + limit.name.replace("_", "-")
        parser.add_argument(option, type=float, default=limit.default, help=f"at most {limit.default}")
    given = parser.parse_args(arguments)
    relays = ("contactor_channel", "clamp_channel", "tone_channel")
    for names in (("probe_unit", "relay_unit"), ("outlet_channel", "inflow_channel"), *combinations(relays, 2)):
        if getattr(given, names[0]) == getattr(given, names[1]) is not None:
            parser.error(f"{' and '.join(names)} are both {getattr(given, names[0])}: they have to be two")
    simulated = os.path.realpath(given.port).startswith("/dev/pts/") or given.port.startswith("tcp:127.0.0.1:")
    if not (1.0 <= given.speed <= 100.0) or (given.speed != 1.0 and not simulated):
        parser.error(f"--speed {given.speed}: 1 to 100, and other than 1 only on a simulated port")
    try:
        limits = Limits(**{limit.name: getattr(given, limit.name) for limit in fields(Limits)})
    except ValueError as error:
        parser.error(str(error))
    wires, allowance_s = {name: getattr(given, name) for name, _ in WIRES}, ALLOWANCE_WALL_S * (given.speed - 1.0)
    return given, Wiring(**wires, limits=limits, allowance_s=allowance_s)


if __name__ == "__main__":
    sys.exit(main())
