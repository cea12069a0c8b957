"""The shipped supervisor, control, protective channel and simulator over pseudo-terminals, start to COMPLETE."""

import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from certified import certify

from controller.core.exchange import Act
from controller.runtime.client import Client, Refusal
from controller.runtime.rundir import CONTROL_SOCKET
from controller.runtime.session import running
from controller.terminal.view import Newest

pytestmark = [pytest.mark.hil, pytest.mark.timeout(420)]

SHORT = Path(__file__).parent / "short_treatment.toml"


@contextlib.contextmanager
def at(run_dir: Path) -> Iterator[Client]:
    """Somebody who looks on all the time, and what they ask with: asking alone counts as nobody."""
    path = run_dir / CONTROL_SOCKET
    with contextlib.closing(Newest(path)), Client(path) as client:
        yield client


def follow(client: Client, done: Callable[[dict[str, Any]], bool], for_s: float) -> list[dict[str, Any]]:
    """Do what the console asks for until `done`; every state seen."""
    seen: list[dict[str, Any]] = []
    until_s = time.monotonic() + for_s
    while time.monotonic() < until_s:
        state = client.state()
        seen.append(state)
        if done(state):
            return seen
        act = None
        if state["step"] == "standby" and not state["bad"]:
            act = Act.START
        elif state["asks"] and not state["gate"]:
            act = Act(state["asks"])
        if act is not None:
            with contextlib.suppress(Refusal):  # the gate may close again between looking and asking
                client.act(act)
        time.sleep(0.1)
    last = {key: seen[-1][key] for key in ("step", "gate", "hold", "trips", "bad")}
    raise AssertionError(f"not done within {for_s} s: {last}")


def test_a_treatment_completes_over_real_protocols_without_a_communication_fault(tmp_path: Path) -> None:
    # Others run beside it: at 4 times, a tenth of a second of a busy processor is less than half a second of the rig.
    arguments = ["--rig", "modbus", "--simulate", "--speed", "4", "--treatment", str(SHORT)]
    run_dir = tmp_path / "run"
    certify(tmp_path / "data", "modbus")
    with running([*arguments, "--data-dir", str(tmp_path / "data")], run_dir), at(run_dir) as client:
        seen = follow(client, lambda state: state["phase"] == "COMPLETE" or bool(state["trips"]), 400.0)
    last = seen[-1]
    assert last["trips"] == []
    phases = list(dict.fromkeys(state["phase"] for state in seen))
    assert phases == ["STANDBY", "SELF_TEST", "PRIME", "PREHEAT", "FILL", "WARM_UP", "PERFUSE", "DRAIN", "COMPLETE"]
    assert last["runtime"]["simulated"]
    assert last["dose"]["inflow_max_c"] < 44.8
    assert abs(last["values"]["in_patient_ml"] or 0.0) < 200.0
    assert {alarm["id"] for state in seen for alarm in state["alarms"] if alarm["priority"] != "LOW"} == set()


def test_stop_takes_heat_and_flow_and_nothing_comes_back_by_itself(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    certify(tmp_path / "data")
    arguments = ["--rig", "bench", "--simulate", "--speed", "4", "--treatment", str(SHORT)]
    with running([*arguments, "--data-dir", str(tmp_path / "data")], run_dir), at(run_dir) as client:
        follow(client, lambda state: state["step"] == "preheat" and state["heat_on"], 60.0)
        client.stop()
        after = [client.state() for _ in range(20) if time.sleep(0.1) is None]
    assert not any(state["heat_on"] or state["pump_lpm"] > 0 for state in after)
    assert [trip["id"] for trip in after[-1]["trips"]] == ["stop"]
    assert after[-1]["hold"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_heat_goes_off_when_control_is_gone_and_a_new_control_begins_in_standby(number: int, tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    certify(tmp_path / "data")
    arguments = ["--rig", "bench", "--simulate", "--speed", "4", "--treatment", str(SHORT)]
    with running([*arguments, "--data-dir", str(tmp_path / "data")], run_dir):
        with at(run_dir) as client:
            follow(client, lambda state: bool(state["heat_on"]), 60.0)
        pid = int((run_dir / "control.lock").read_text())
        os.kill(pid, number)
        time.sleep(1.5)
        truth = ask_simulator(run_dir / "sim.sock")
        assert truth["heater_power_w"] == 0.0
        assert not truth["terminals"]["contactor_closed"]
        if number == signal.SIGSTOP:
            os.kill(pid, signal.SIGKILL)
        wait_for_another(run_dir / "control.lock", pid)
        with Client.wait(run_dir / CONTROL_SOCKET, for_s=15.0) as client:
            state = follow(client, lambda state: "phase" in state, 10.0)[-1]
        assert state["phase"] == "STANDBY"
        assert not state["heat_on"]


def wait_for_another(lock: Path, pid: int) -> None:
    """Until then the dead control's socket may still take a connection, and drop it."""
    until_s = time.monotonic() + 15.0
    while lock.read_text().strip() in ("", str(pid)):
        assert time.monotonic() < until_s, "control was not started again"
        time.sleep(0.05)


def ask_simulator(path: Path) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        with connection.makefile("rw") as file:
            file.write('{"do": "truth"}\n')
            file.flush()
            answer: dict[str, Any] = json.loads(file.readline())
    return answer
