"""The supervisor with stand-ins for control, protective and sim: real processes that only write down what happens."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.loading import load_rig
from controller.runtime import processes
from controller.runtime.children import Child
from controller.runtime.processes import RESTARTS_MAX, Plan, Supervisor

SOON_S = 20.0
STAND_IN = """
    import json, os, signal, sys, time
    name = "{name}"
    def note(text):
        with open(os.environ["NOTES"], "a") as notes:
            notes.write(f"{{name}} {{text}}\\n")
    def end(number, frame):
        note("ended")
        sys.exit(0)
    signal.signal(signal.SIGTERM, end)
    note("began " + str(os.getpid()) + " " + " ".join(sys.argv[1:]))
    if name == "sim":
        ports = {{"pump": "/dev/pts/99", "protect": "/dev/pts/98"}}
        print(json.dumps({{"simulated": True, "ports": ports}}), flush=True)
    what = os.environ.get(name.upper(), "")
    if what:
        print(name + " has a reason", file=sys.stderr)
        sys.exit(int(what))
    while True:
        time.sleep(60)
"""


class Stage:
    """A supervisor over stand-ins, run in a thread."""

    def __init__(self, folder: Path) -> None:
        self.notes_path = folder / "notes"
        self.plan = Plan(
            rig="bench",
            treatment="saline_rehearsal",
            simulated=True,
            run_dir=folder / "run",
            data_dir=folder / "data",
            log_dir=folder / "log",
        )
        self.codes: list[int] = []

    @property
    def notes(self) -> list[str]:
        return self.notes_path.read_text().splitlines() if self.notes_path.exists() else []

    def began(self, name: str) -> list[str]:
        return [note for note in self.notes if note.startswith(f"{name} began")]

    def pid(self, name: str) -> int:
        return int(self.began(name)[-1].split()[2])

    @contextlib.contextmanager
    def running(self) -> Iterator[Supervisor]:
        supervisor = Supervisor(self.plan)
        with contextlib.closing(supervisor):
            thread = threading.Thread(target=lambda: self.codes.append(supervisor.run()))
            thread.start()
            try:
                yield supervisor
            finally:
                supervisor.ask_to_end()
                thread.join()

    def run_to_end(self) -> tuple[int, str]:
        supervisor = Supervisor(self.plan)
        with contextlib.closing(supervisor):
            return supervisor.run(), supervisor.failure


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    for name in ("control", "protective", "sim"):
        (tmp_path / f"stand_in_{name}.py").write_text(textwrap.dedent(STAND_IN.format(name=name)))
        monkeypatch.setitem(processes.MODULES, name, f"stand_in_{name}")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    made = Stage(tmp_path)
    monkeypatch.setenv("NOTES", str(made.notes_path))
    return made


def soon(condition: Callable[[], bool]) -> bool:
    until_s = time.monotonic() + SOON_S
    while time.monotonic() < until_s:
        if condition():
            return True
        time.sleep(0.02)
    return False


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_each_process_is_told_the_ports_of_the_simulator_and_its_own_wiring(stage: Stage) -> None:
    with stage.running():
        assert soon(lambda: bool(stage.began("control")))
    control, protective = stage.began("control")[0], stage.began("protective")[0]
    assert "--port pump=/dev/pts/99" in control
    assert "--simulated" in control
    assert "--restarts 0" in control
    assert "--port /dev/pts/98 --baud 9600 --frame 8N1 --probe-unit 1 --relay-unit 2" in protective
    assert "--outlet-trip-c 46.0" in protective
    assert stage.codes == [0]


def test_the_end_comes_to_control_first_and_to_the_simulator_last(stage: Stage) -> None:
    with stage.running():
        assert soon(lambda: len(stage.notes) == 3)
    assert [note.split()[0] for note in stage.notes if note.endswith("ended")] == ["control", "protective", "sim"]


def test_nothing_simulated_is_started_on_a_real_rig(stage: Stage) -> None:
    there = {name: stage.notes_path.with_name(f"port_{name}") for name in load_rig("bench").ports}
    for path in there.values():
        path.touch()  # or nothing would be started at all
    stage.plan = Plan(
        rig="bench",
        treatment="saline_rehearsal",
        run_dir=stage.plan.run_dir,
        data_dir=stage.plan.data_dir,
        log_dir=stage.plan.log_dir,
        ports={name: str(path) for name, path in there.items()},
    )
    with stage.running():
        assert soon(lambda: bool(stage.began("control")))
    assert stage.began("sim") == []
    assert "--simulated" not in stage.began("control")[0]


def test_a_control_that_refuses_its_configuration_is_not_started_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTROL", "2")
    assert stage.run_to_end() == (2, "control ended with code 2: control has a reason")
    assert len(stage.began("control")) == 1


def test_a_control_that_ends_with_a_trip_hands_its_code_on(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTROL", "3")
    assert stage.run_to_end() == (3, "")


@pytest.mark.parametrize("name", ["control", "protective"])
def test_a_process_that_keeps_failing_is_started_three_times_more_and_then_given_up(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name.upper(), "1")
    code, failure = stage.run_to_end()
    assert code == 1
    assert failure == f"{name} ended {RESTARTS_MAX + 1} times within 60 s, given up"
    assert len(stage.began(name)) == RESTARTS_MAX + 1


def test_a_killed_control_is_started_again_and_knows_it(stage: Stage) -> None:
    with stage.running():
        assert soon(lambda: bool(stage.began("control")))
        os.kill(stage.pid("control"), signal.SIGKILL)
        assert soon(lambda: len(stage.began("control")) == 2)
        assert "--restarts 1" in stage.began("control")[1]
        assert len(stage.began("protective")) == 1


def test_a_supervisor_that_cannot_write_its_log_goes_on(stage: Stage) -> None:
    with stage.running():
        assert soon(lambda: bool(stage.began("control")))
        (stage.plan.log_dir / "supervisor.log").mkdir()
        (stage.plan.run_dir / "stage.new").mkdir()
        os.kill(stage.pid("control"), signal.SIGKILL)
        assert soon(lambda: len(stage.began("control")) == 2)
    assert stage.codes == [0]


def test_without_its_simulator_everything_ends(stage: Stage) -> None:
    with stage.running():
        assert soon(lambda: bool(stage.began("control")))
        os.kill(stage.pid("sim"), signal.SIGKILL)
        assert soon(lambda: bool(stage.codes))
    assert stage.codes == [1]
    assert "control ended" in stage.notes


def test_a_simulator_that_cannot_start_is_named_with_its_reason(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(processes.MODULES, "sim", "no_such_module")
    code, failure = stage.run_to_end()
    assert code == 2
    assert "sim did not start" in failure
    assert "no_such_module" in failure


SUPERVISE = """
import sys
from controller.runtime import processes, supervisor
for name in processes.MODULES:
    processes.MODULES[name] = "stand_in_" + name
sys.exit(supervisor.main(sys.argv[1:]))
"""


def _own_process(stage: Stage) -> subprocess.Popen[bytes]:
    arguments = ["--simulate", "--run-dir", str(stage.plan.run_dir), "--data-dir", str(stage.plan.data_dir)]
    arguments += ["--log-dir", str(stage.plan.log_dir)]
    return subprocess.Popen([sys.executable, "-c", SUPERVISE, *arguments])


def test_when_the_supervisor_is_killed_the_kernel_ends_its_children(stage: Stage) -> None:
    with _own_process(stage) as supervisor:
        try:
            assert soon(lambda: len(stage.notes) == 3)
        finally:
            supervisor.kill()
    pids = [stage.pid(name) for name in ("control", "protective", "sim")]
    assert soon(lambda: not any(alive(pid) for pid in pids))
    assert sorted(note for note in stage.notes if note.endswith("ended")) == [
        "control ended",
        "protective ended",
        "sim ended",
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_everything_in_order(stage: Stage, number: signal.Signals) -> None:
    with _own_process(stage) as supervisor:
        assert soon(lambda: len(stage.notes) == 3)
        supervisor.send_signal(number)
        assert supervisor.wait(SOON_S) == 0
    assert [note.split()[0] for note in stage.notes if note.endswith("ended")] == ["control", "protective", "sim"]


def test_a_stopped_process_is_woken_to_end(stage: Stage, tmp_path: Path) -> None:
    child = Child(name="control", module="stand_in_control", arguments=[], log=tmp_path / "log", piped=False)
    try:
        assert soon(lambda: bool(stage.began("control")))
        os.kill(child.pid, signal.SIGSTOP)
    finally:
        assert child.end() == 0
    assert child.end() == 0


def test_a_process_that_will_not_end_is_killed(stage: Stage, tmp_path: Path) -> None:
    stubborn = tmp_path / "stubborn.py"
    stubborn.write_text(
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(60)\n"
    )
    wake = os.eventfd(0)
    child = Child(name="stubborn", module="stubborn", arguments=[], log=None, piped=True)
    try:
        assert child.first_line(SOON_S, wake=wake) == "up"
    finally:
        assert child.end(timeout_s=0.1) == -signal.SIGKILL
        os.close(wake)


def test_waiting_for_a_first_line_ends_when_the_supervisor_is_asked_to_end(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "silent.py").write_text("import time\ntime.sleep(60)\n")
    wake = os.eventfd(1)
    child = Child(name="silent", module="silent", arguments=[], log=None, piped=True)
    try:
        assert child.first_line(SOON_S, wake=wake) == ""
    finally:
        child.end()
        os.close(wake)


def test_a_child_is_scheduled_as_asked_or_says_that_it_was_not_granted(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    child = Child(name="any", module="http.server", arguments=["0"], log=log, piped=False, priority=55)
    try:
        until_s = time.monotonic() + 10.0
        while os.sched_getscheduler(child.pid) != os.SCHED_FIFO and "not granted" not in log.read_text():
            assert time.monotonic() < until_s
            time.sleep(0.02)
        granted = os.sched_getscheduler(child.pid) == os.SCHED_FIFO
        assert granted is ("not granted" not in log.read_text())
        assert not granted or os.sched_getparam(child.pid).sched_priority == 55
    finally:
        child.end()
