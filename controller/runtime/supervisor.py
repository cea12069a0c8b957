"""`python -m controller.runtime.supervisor`: run all processes of a rig until SIGTERM, SIGINT or SIGHUP.

Exit codes as those of control: 0 ended by a signal, 1 failed, 2 refused, 3 ended with a trip latched.
Not responsible for the processes themselves (`processes`).
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from config.problems import ConfigError
from controller.runtime import settings as command_line
from controller.runtime.exits import REFUSED
from controller.runtime.processes import Plan, Supervisor
from controller.runtime.rundir import InUse
from controller.runtime.settings import BadSetting

PINS = "console-pins.json"  # in the data directory
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and run. Only in the main thread: signals come there, and children die with it."""
    parser = argparse.ArgumentParser(prog="python -m controller.runtime.supervisor", allow_abbrev=False)
    command_line.add_arguments(parser)
    parser.add_argument("--simulate", action="store_true", help="replace every port of the rig by its simulated twin")
    parser.add_argument("--simulated", action="store_true", help="`hipec sim` serves the ports: label everything so")
    parser.add_argument("--seed", type=int, default=0, help="of the simulated patient and probes")
    parser.add_argument("--fault", action="append", default=[], help="a fault for the simulator")
    parser.add_argument("--certify", action="store_true", help="begin with the self-test unless one is still valid")
    parser.add_argument("--log-dir", type=Path, help="write what the processes say here instead of to stderr")
    parser.add_argument("--console", metavar="HOST:PORT", help="serve the bedside page there")
    parser.add_argument("--console-remote", action="store_true")
    for name in ("certificate", "key", "pins"):
        parser.add_argument(f"--console-{name}", type=Path)
    given = parser.parse_args(arguments)
    try:
        return supervise(_plan(given))
    except (BadSetting, ConfigError, InUse) as error:
        _tell(str(error))
        return REFUSED


def supervise(plan: Plan) -> int:
    """Run `plan`; return the exit code. Raises BadSetting, ConfigError or InUse for what cannot begin."""
    supervisor = Supervisor(plan)
    with contextlib.closing(supervisor), _ended_by_signals(supervisor):
        code = supervisor.run()
    if supervisor.failure:
        _tell(supervisor.failure)
    return code


@contextlib.contextmanager
def _ended_by_signals(supervisor: Supervisor) -> Iterator[None]:
    def end(number: int, frame: object) -> None:
        supervisor.ask_to_end(f"ended by {signal.Signals(number).name}")

    before = {number: signal.signal(number, end) for number in SIGNALS}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _tell(text: str) -> None:
    print(f"supervisor: {text}", file=sys.stderr)  # noqa: T201


def _plan(given: argparse.Namespace) -> Plan:
    return Plan(
        rig=given.rig,
        treatment=given.treatment,
        patient=command_line.patient_of(given.patient),
        simulated=given.simulate or given.simulated,
        sim_elsewhere=given.simulated,
        speed=given.speed,
        seed=given.seed,
        ports=command_line.port_paths(given.port),
        faults=tuple(given.fault),
        run_dir=given.run_dir,
        data_dir=given.data_dir,
        certify=given.certify,
        log_dir=given.log_dir,
        console=None if given.console is None else _console(given),
    )


def _console(given: argparse.Namespace) -> tuple[str, ...]:
    words = ["--at", given.console, *(["--remote"] if given.console_remote else [])]
    files = {"--tls-certificate": given.console_certificate, "--tls-key": given.console_key}
    pins = given.console_pins if given.console_pins is not None else given.data_dir / PINS
    files["--pins"] = pins if given.console_pins is not None or pins.exists() else None
    return (*words, *(word for option, path in files.items() if path is not None for word in (option, str(path))))


if __name__ == "__main__":
    sys.exit(main())
