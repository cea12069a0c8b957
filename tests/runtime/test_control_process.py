"""The real control process: what it refuses before it touches anything, and how it ends."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from runtime_fakes import bench_rig

from controller.core.broken_off import BrokenOff
from controller.core.restart import Restored
from controller.records.last_run import last_run
from controller.records.opening import open_recorder
from controller.records.reader import Record
from controller.runtime import control as control_module
from controller.runtime.api import ApiServer
from controller.runtime.client import Client
from controller.runtime.rundir import CONTROL_SOCKET, LOCK, ControlLock
from controller.runtime.settings import Settings

SOON_S = 30.0


def control(run_dir: Path, *arguments: str, data_dir: Path | None = None) -> subprocess.CompletedProcess[str]:
    places = ["--run-dir", str(run_dir), "--data-dir", str(data_dir or run_dir / "data")]
    command = [sys.executable, "-m", "controller.runtime", *places, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=SOON_S, check=False)


@pytest.fixture
def ports() -> Iterator[dict[str, str]]:
    """A pseudo-terminal for each port of the bench; nothing answers there."""
    with contextlib.ExitStack() as stack:
        paths = {}
        for name in bench_rig().ports:
            master, slave = os.openpty()
            stack.callback(os.close, master)
            stack.callback(os.close, slave)
            paths[name] = os.ttyname(slave)
        yield paths


def port_arguments(paths: dict[str, str]) -> list[str]:
    return [word for name, path in paths.items() for word in ("--port", f"{name}={path}")]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--rig", "nowhere"], "allowed is a path or one of bench"),
        (["--treatment", "nowhere"], "allowed is a path or one of cisplatin_60"),
        (["--patient", "BENCH:nan:70"], "height_cm"),
        (["--port", "heater=/dev/somewhere", "--port", "bus=/dev/nowhere"], "port bus: /dev/nowhere: there is no such"),
        (["--speed", "4"], "allowed on a rig that is not simulated: 1"),
    ],
)
def test_what_cannot_run_is_refused_in_one_line_with_exit_code_2(
    tmp_path: Path, arguments: list[str], says: str
) -> None:
    ended = control(tmp_path / "run", *arguments)
    assert ended.returncode == 2
    assert says in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
    assert ended.stdout == ""


def test_a_port_in_use_is_refused_and_named(tmp_path: Path, ports: dict[str, str]) -> None:
    held = os.open(ports["pump"], os.O_RDWR | os.O_NOCTTY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        ended = control(tmp_path / "run", *port_arguments(ports))
    finally:
        os.close(held)
    assert ended.returncode == 2
    assert f"port pump: {ports['pump']}: in use by another program" in ended.stderr


def test_a_second_controller_is_refused(tmp_path: Path, ports: dict[str, str]) -> None:
    with ControlLock(run_dir=tmp_path):
        ended = control(tmp_path, *port_arguments(ports))
    assert ended.returncode == 2
    assert f"already runs here (process {os.getpid()})" in ended.stderr


def test_a_data_directory_that_cannot_be_used_is_refused(tmp_path: Path, ports: dict[str, str]) -> None:
    (tmp_path / "file").write_text("")
    ended = control(tmp_path / "run", *port_arguments(ports), data_dir=tmp_path / "file" / "data")
    assert ended.returncode == 2
    assert "data directory" in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_rig_on_which_nothing_answers_is_shown_and_ends_cleanly(
    tmp_path: Path, ports: dict[str, str], number: signal.Signals
) -> None:
    run_dir = tmp_path / "run"
    places = ["--run-dir", str(run_dir), "--data-dir", str(tmp_path / "data")]
    command = [sys.executable, "-m", "controller.runtime", *places, *port_arguments(ports)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            with Client.wait(run_dir / CONTROL_SOCKET, for_s=SOON_S) as client:
                state = client.state()
            process.send_signal(number)
            _, said = process.communicate(timeout=SOON_S)
        finally:
            process.kill()
    assert state["phase"] == "STANDBY"
    assert state["values"]["inflow_c"] is None
    faults = {link["device"]: link["fault"] for link in state["runtime"]["links"]}
    assert set(faults) == set(bench_rig().devices)
    assert all(faults.values())
    assert process.returncode == 0
    assert said.strip().splitlines()[-1] == f"control: ended by {number.name}"
    assert not (run_dir / CONTROL_SOCKET).exists()
    assert not (run_dir / "status.sock").exists()
    assert len(list((tmp_path / "data").glob("*.sqlite"))) == 1


def test_h33_a_control_whose_socket_has_died_ends_and_its_record_says_that_nobody_asked_it_to(
    tmp_path: Path, ports: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ApiServer, "_run", ApiServer._close)  # its thread ends at once
    monkeypatch.setattr(control_module, "ask_for_realtime", tuple)  # not for the test's own process
    places = ["--run-dir", str(tmp_path / "run"), "--data-dir", str(tmp_path / "data")]
    code = control_module.main([*places, *port_arguments(ports)], open_recorder=open_recorder, last_run=last_run)
    assert code == 1
    (path,) = (tmp_path / "data").glob("*.sqlite")
    with Record(path) as record:
        verdict = record.verify()
        assert (verdict.bad, verdict.ended) == (None, False)
        assert "ended by the end of its socket" in [row["text"] for row in record.rows("events")][-1]


@pytest.mark.parametrize("defect", [ValueError("math domain error"), OSError(errno.ENOSPC, "No space left on device")])
def test_h33_what_nobody_foresaw_in_a_run_is_no_refusal_after_which_control_is_not_started_again(
    tmp_path: Path, ports: dict[str, str], monkeypatch: pytest.MonkeyPatch, defect: Exception
) -> None:
    def broken(*_: object) -> None:
        raise defect

    monkeypatch.setattr(control_module.Control, "_wait_first_round", broken)
    monkeypatch.setattr(control_module, "ask_for_realtime", tuple)  # not for the test's own process
    places = ["--run-dir", str(tmp_path / "run"), "--data-dir", str(tmp_path / "data")]
    with pytest.raises(type(defect), match=str(defect.args[-1])):
        control_module.main([*places, *port_arguments(ports)], open_recorder=open_recorder, last_run=last_run)


@pytest.mark.parametrize("accounted", [False, True])
def test_h38_a_start_that_came_to_nothing_leaves_what_it_was_told_though_another_set_up_was_being_made(
    tmp_path: Path, ports: dict[str, str], monkeypatch: pytest.MonkeyPatch, accounted: bool
) -> None:
    def broken(made: control_module.Control, *_: object) -> None:
        open_recorder(made._settings).close()
        raise ValueError("torn away")

    monkeypatch.setattr(control_module.Control, "_wait_first_round", broken)
    monkeypatch.setattr(control_module, "ask_for_realtime", tuple)  # not for the test's own process
    before = BrokenOff(phase="PERFUSE", patient="P-17", volume_ml=900.0, accounted=accounted)
    read: list[Settings] = []

    def told(settings: Settings) -> Restored:
        read.append(settings)
        return Restored(broken_off=before)

    places = ["--run-dir", str(tmp_path / "run"), "--data-dir", str(tmp_path / "data")]
    with pytest.raises(ValueError, match="torn away"):
        control_module.main([*places, *port_arguments(ports)], open_recorder=open_recorder, last_run=told)
    assert last_run(read[0]).broken_off == BrokenOff(said=before.text, accounted=accounted)


@pytest.mark.parametrize("name", [CONTROL_SOCKET, "status.sock", LOCK])
def test_a_run_directory_in_which_a_file_cannot_be_made_is_refused_and_named(
    tmp_path: Path, ports: dict[str, str], name: str
) -> None:
    (tmp_path / "run").mkdir(mode=0o700)
    (tmp_path / "run" / name).mkdir()
    ended = control(tmp_path / "run", *port_arguments(ports), data_dir=tmp_path / "data")
    assert ended.returncode == 2
    assert f"{tmp_path / 'run' / name}: Is a directory; choose another --run-dir" in ended.stderr


def test_h33_a_control_that_fails_by_what_nobody_foresaw_leaves_no_thread_behind_that_looks_like_one() -> None:
    program = """
import threading, controller.runtime.__main__ as control
def failing(*_, **__):
    threading.Thread(target=threading.Event().wait).start()
    raise MemoryError
control.main = failing
control.run()
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=SOON_S, check=False)
    assert ended.returncode == 1
    assert "MemoryError" in ended.stderr


def _of_run(run_dir: Path) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if str(run_dir).encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
    return found


@pytest.mark.hil
def test_nothing_is_left_when_the_supervisor_of_a_real_run_is_killed(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    places = ["--run-dir", str(run_dir), "--data-dir", str(tmp_path / "data"), "--log-dir", str(tmp_path / "log")]
    command = [sys.executable, "-m", "controller.runtime.supervisor", "--simulate", *places]
    with subprocess.Popen(command) as supervisor:
        try:
            Client.wait(run_dir / CONTROL_SOCKET, for_s=SOON_S).close()
            assert len(_of_run(run_dir)) == 4
        finally:
            supervisor.kill()
    until_s = time.monotonic() + SOON_S
    while _of_run(run_dir) and time.monotonic() < until_s:
        time.sleep(0.05)
    assert _of_run(run_dir) == []
    assert "ended by SIGTERM" in (tmp_path / "log" / "control.log").read_text()
    assert not (run_dir / CONTROL_SOCKET).exists()
    assert not (run_dir / "protective.sock").exists()
