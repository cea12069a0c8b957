"""How a run begins: page first, then the session self-test, and devices only after it; and what is said meanwhile."""

import dataclasses
import os
from pathlib import Path

import pytest
from test_supervised_console import attended  # noqa: F401
from test_supervised_processes import Stage, soon, stage  # noqa: F401

from config.loading import load_rig
from controller.runtime import certificate, processes
from controller.runtime import stage as told
from controller.runtime.client import Client, Unreachable
from controller.runtime.rundir import ControlLock, InUse, make_run_dir

WORDS = {"name": "signals", "measured": "18 valid", "allowed": "all valid", "passed": True}


@pytest.fixture
def untested(attended: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:  # noqa: F811
    folder = attended.notes_path.parent
    text = (folder / "stand_in_control.py").read_text().replace('"control"', '"selftest"')
    (folder / "stand_in_selftest.py").write_text(text)
    monkeypatch.setitem(processes.MODULES, "selftest", "stand_in_selftest")
    attended.plan = dataclasses.replace(attended.plan, certify=True)
    return attended


def began(stage: Stage) -> list[str]:  # noqa: F811
    return [note.split()[0] for note in stage.notes if " began " in note]


def test_the_page_is_there_during_the_self_test_and_nothing_else_is(untested: Stage) -> None:
    with untested.running():
        assert soon(lambda: {"console", "selftest"} <= set(began(untested)))
        assert "self-test" in told.told(untested.plan.run_dir)
    assert set(began(untested)) == {"console", "selftest"}
    assert untested.codes == [0]
    said = untested.began("selftest")[0]
    run_dir, data_dir = untested.plan.run_dir, untested.plan.data_dir
    assert f" selftest --rig bench --run-dir {run_dir} --data {data_dir} --simulate" in said


def test_devices_are_started_after_a_self_test_that_passed(untested: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFTEST", "0")
    with untested.running():
        assert soon(lambda: "control" in began(untested))
        names = [name for name in began(untested) if name != "console"]
        assert names[:2] == ["selftest", "sim"]
        assert "control" in told.told(untested.plan.run_dir)
    assert told.told(untested.plan.run_dir) == ""


def test_a_self_test_that_did_not_pass_ends_the_run_with_its_words(
    untested: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SELFTEST", "1")
    code, failure = untested.run_to_end()
    assert code == 1
    assert failure == "the session self-test did not pass: selftest has a reason"
    assert not {"sim", "control", "protective"} & set(began(untested))


def test_a_valid_certificate_needs_no_self_test(untested: Stage) -> None:
    plan = untested.plan
    certificate.write(plan.data_dir, load_rig("bench"), simulated=True, devices={}, lines=[WORDS])
    with untested.running():
        assert soon(lambda: "control" in began(untested))
    assert "selftest" not in began(untested)


def test_nothing_is_started_beside_another_controller(untested: Stage) -> None:
    make_run_dir(untested.plan.run_dir)
    with ControlLock(run_dir=untested.plan.run_dir), pytest.raises(InUse, match="a controller already runs here"):
        untested.run_to_end()
    assert untested.notes == []


def test_whoever_finds_no_controller_is_told_what_the_supervisor_does(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="no controller answers there"):
        Client(tmp_path / "control.sock")
    told.tell(tmp_path, "control is starting")
    with pytest.raises(Unreachable, match=r"^control is starting \(said at \d\d:\d\d:\d\d\)\. .*no controller answers"):
        Client(tmp_path / "control.sock")
    told.clear(tmp_path)
    assert told.told(tmp_path) == ""


def test_a_restarted_control_is_told_of(untested: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFTEST", "0")
    with untested.running():
        assert soon(lambda: len(untested.began("control")) == 1)
        os.kill(untested.pid("control"), 9)
        assert soon(lambda: len(untested.began("control")) == 2)
        assert "control ended with code -9, started again with everything off" in told.told(untested.plan.run_dir)
    assert untested.codes == [0]
