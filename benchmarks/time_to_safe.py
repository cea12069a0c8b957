"""From a fault in the simulated plant to heater power off, with the shipped processes over pseudo-terminals.

    .venv/bin/python benchmarks/time_to_safe.py

One rig at real speed: circulate and heat in the bypass, break something, read from the plant when the heater's power
went to zero; mend, reset, resume, and break the next. Killing and stopping control come last.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from config.loading import load_rig
from controller.core.exchange import Act
from controller.runtime import certificate
from controller.runtime.client import Client, Refusal
from controller.runtime.rundir import CONTROL_SOCKET
from controller.runtime.session import run_selftest, running
from controller.terminal.view import Newest

BUDGET_S = 1.0
HOT_W = 200.0
FAULTS = (
    ("no flow (pump stalls)", "stall"),
    ("no flow (inflow line closed)", "occlusion_in"),
    ("outlet over-temperature", "bias:heater_outlet_c=8"),
    ("inflow probe open", "off:inflow_c"),
    ("outlet probe open", "off:heater_outlet_c"),
    ("flow sensor silent", "silent:flow"),
    ("probe port lost", "unplugged:probes"),
    ("heater port lost", "unplugged:heater"),
    ("protective port lost", "unplugged:protect"),
)


class Bench:
    """The simulator's own socket."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._file = self._socket.makefile("rw")

    def ask(self, **asked: object) -> dict[str, object]:
        """One request, one answer."""
        self._file.write(json.dumps(asked) + "\n")
        self._file.flush()
        answer: dict[str, object] = json.loads(self._file.readline())
        return answer

    def power_w(self) -> float:
        """Electric power that really flows."""
        return float(str(self.ask(do="truth")["heater_power_w"]))

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self._socket.close()


def until(condition: Callable[[], bool], for_s: float, what: str) -> None:
    """Wait for a condition; SystemExit when it does not come."""
    give_up_s = time.monotonic() + for_s
    while not condition():
        if time.monotonic() > give_up_s:
            raise SystemExit(f"{what} did not come within {for_s:g} s")
        time.sleep(0.02)


def press(client: Client, act: Act) -> None:
    """An act whose refusal is only a matter of time."""
    with contextlib.suppress(Refusal):
        client.act(act)


def heat(client: Client, bench: Bench) -> None:
    """From wherever it stands to heating in the bypass."""

    def heating() -> bool:
        state = client.state()
        if "step" not in state:
            return False  # no cycle yet
        if state["trips"]:
            press(client, Act.RESET)
        elif state["hold"]:
            press(client, Act.RESUME)
        elif state["step"] == "standby":
            press(client, Act.START)
        elif state["step"] == "prime" and not state["gate"]:
            press(client, Act.CONFIRM)
        return bool(state["heat_on"]) and bench.power_w() > HOT_W

    until(heating, 120.0, "heat")
    time.sleep(3.0)


def off_after(bench: Bench, began_s: float) -> float:
    """Seconds from `began_s` (the simulator's clock) until power was zero."""
    until(lambda: bench.power_w() <= 0.0, 5.0, "heater off")
    return float(str(bench.ask(do="truth")["heater_off_at"])) - began_s


def certify(rig: str, data: Path, run_dir: Path) -> None:
    """No treatment starts without a self-test; SystemExit when it fails."""
    done = run_selftest(["--rig", rig, "--simulate"], run_dir, data)
    if not done.passed:
        raise SystemExit(f"the self-test failed: {done.lines}")
    certificate.write(data, load_rig(rig), simulated=True, devices=done.devices, lines=done.lines)


def main() -> int:
    """Print the table; 1 when a fault took longer than the budget."""
    rig = sys.argv[1] if len(sys.argv) > 1 else "bench"
    rows: list[tuple[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "run"
        data = Path(folder) / "data"
        certify(rig, data, Path(folder) / "selftest")
        arguments = ["--rig", rig, "--simulate", "--data-dir", str(data)]
        with running(arguments, run_dir), contextlib.closing(Newest(run_dir / CONTROL_SOCKET)):
            bench = Bench(run_dir / "sim.sock")
            with Client(run_dir / CONTROL_SOCKET) as client:
                for label, fault in FAULTS:
                    heat(client, bench)
                    began_s = float(str(bench.ask(do="fault", fault=fault)["at"]))
                    rows.append((label, off_after(bench, began_s)))
                    bench.ask(do="clear")
                    time.sleep(2.0)
            for label, number in (
                ("control stopped (SIGSTOP)", signal.SIGSTOP),
                ("control killed (kill -9)", signal.SIGKILL),
            ):
                with Client.wait(run_dir / CONTROL_SOCKET, for_s=20.0) as client:
                    time.sleep(2.0)
                    heat(client, bench)
                pid = int((run_dir / "control.lock").read_text())
                began_s = float(str(bench.ask(do="truth")["at"]))
                os.kill(pid, number)
                rows.append((label, off_after(bench, began_s)))
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
            bench.close()
    table = Table(title=f"SIMULATED rig {rig}: fault to heater power off")
    table.add_column("fault")
    table.add_column("s", justify="right")
    for label, seconds in rows:
        table.add_row(label, f"{seconds:.2f}", style="" if seconds <= BUDGET_S else "bold")
    Console().print(table)
    return 0 if all(seconds <= BUDGET_S for _, seconds in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
