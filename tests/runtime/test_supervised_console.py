"""The console beside the other processes: started first, started again, and never the end of a treatment."""

import dataclasses
import os
import signal

import pytest
from test_supervised_processes import Stage, soon, stage  # noqa: F401

from controller.runtime import processes


@pytest.fixture
def attended(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:  # noqa: F811
    folder = stage.notes_path.parent
    text = (folder / "stand_in_control.py").read_text().replace('"control"', '"console"')
    (folder / "stand_in_console.py").write_text(text)
    monkeypatch.setitem(processes.MODULES, "console", "stand_in_console")
    stage.plan = dataclasses.replace(stage.plan, console=("--at", "127.0.0.1:1"))
    return stage


def test_it_is_told_the_socket_and_the_address(attended: Stage) -> None:
    with attended.running():
        assert soon(lambda: bool(attended.began("control")))
        assert soon(lambda: bool(attended.began("console")))
    said = attended.began("console")[0]
    run_dir = attended.plan.run_dir
    assert f"--socket {run_dir / 'control.sock'} --simulator {run_dir / 'sim.sock'} --at 127.0.0.1:1" in said


def test_a_killed_console_is_started_again_and_the_others_go_on(attended: Stage) -> None:
    with attended.running():
        assert soon(lambda: bool(attended.began("control")) and bool(attended.began("console")))
        for again in (2, 3):
            os.kill(attended.pid("console"), signal.SIGKILL)
            assert soon(lambda again=again: len(attended.began("console")) == again)
        assert len(attended.began("control")) == 1
        assert len(attended.began("protective")) == 1
    assert attended.codes == [0]


def test_a_console_that_keeps_ending_is_started_more_and_more_rarely(attended: Stage) -> None:
    assert processes.CONSOLE_AGAIN_S[0] == 0.0
    assert list(processes.CONSOLE_AGAIN_S) == sorted(processes.CONSOLE_AGAIN_S)
    attended_env = {"CONSOLE": "1"}
    os.environ.update(attended_env)
    try:
        with attended.running():
            assert soon(lambda: len(attended.began("console")) >= 3)
            assert soon(lambda: bool(attended.began("control")))
            assert not attended.codes
    finally:
        os.environ.pop("CONSOLE")
    assert len(attended.began("console")) <= 4


def test_a_console_that_cannot_begin_at_all_ends_the_run_before_it_has_begun(
    attended: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONSOLE", "2")
    code, failure = attended.run_to_end()
    assert code == 2
    assert failure == "console refused to start: console has a reason"
