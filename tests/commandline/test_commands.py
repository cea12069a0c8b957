"""What a person gets from the command line: one clear message, the exit code, and nothing left behind."""

from __future__ import annotations

import errno
import json
import sys
from pathlib import Path

import pytest

from config.loading import load_rig
from controller.app import main
from controller.commandline import looking, operating
from controller.runtime.preflight import missing_ports
from sim import treatment_run
from sim.fault_catalogue import CATALOGUE

SHORT = ("campaign", "--runs", "1", "--workers", "1")


def hipec(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["hipec", *words])
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["act", "bogus"], "unknown act 'bogus'; allowed: setup, start"),
        (["act", "setup", "--treatment", "saline_rehearsal"], "setup needs --treatment NAME and --patient PSEUDONYM"),
        (["run", "--console-remote"], "--console-remote: 127.0.0.1 is reached from this machine only; allowed"),
        (["hazards", "--json", "--markdown"], "--markdown and --json: allowed is one of them"),
        (["alarms", "--json", "--markdown"], "--markdown and --json: allowed is one of them"),
        (["hazards", "h99"], "no hazard H99; allowed: H00"),
        (["act", "flow", "4,2"], "flow '4,2': no number"),
        (["act", "flow", "4_2"], "flow '4_2': no number; allowed: digits with a point"),
        (["act", "target", "nan"], "target 'nan': no number"),
        (["act", "target", "inf"], "target 'inf': no number"),
        (["act", "start", "--who", "a\nb"], "who has the control character U+000A; allowed: one line"),
        (["watch"], "watch draws on a terminal and reads its keys, and this is none; allowed: --json"),
        (["act", "target"], "target needs a value"),
        (["act", "start", "3"], "start takes no value"),
        (["check", "--rig", "nosuch"], "allowed is a path or one of bench, modbus"),
        (["simulate", "--fault", "bogus@1"], "no fault 'bogus'; allowed: air"),
        (["simulate", "--fault", "bias:heater_power_w@1=5"], "no signal 'heater_power_w'; allowed: bubble_mm"),
        (["simulate", "--fault", "console_flood@1"], "needs real processes, the api's own thread"),
        (["sim", "--port", "nosuch=1"], "NAME one of bus, flow"),
        (["run", "--rig", "bench", "--speed", "10"], "--speed is for simulated rigs only"),
        (["run", "--rig", "bench", "--seed", "7"], "--seed is for simulated rigs only"),
        (["run", "--rig", "bench", "--fault", "off:core_c@1"], "--fault is for simulated rigs only"),
        (["sim", "--port", "bus"], "--port 'bus'; allowed: NAME=PATH"),
        (["sim", "--port", "bus=/tmp/a", "--port", "bus=/tmp/b"], "bus is given twice; allowed is one path per port"),
        (["sim", "--port", "bus=/tmp/a", "--port", "flow=/tmp/../tmp/a"], "is port bus already; allowed is one path"),
        (
            ["run", "--port", "bus=/tmp/a", "--port", "flow=/tmp/a"],
            "--port flow = /tmp/a: is port bus already;",
        ),
        (["run", "--port", "bus=/tmp/a", "--port", "bus=/tmp/b"], "bus is given twice"),
        (["run", "--patient", "X:1:70"], "height"),
        (["run", "--run-dir", "/proc/x"], "run directory /proc/x: No such file"),
        (["devices", "--rig", "modbus"], "--rig and --port: only with --probe"),
        (["devices", "--port", "bus=/tmp/a"], "--rig and --port: only with --probe"),
        (["hazards", "H06", "--ran", "/nowhere"], "--ran judges all hazards; allowed: without rows"),
        (["hazards", "--ran", "/nowhere"], "--ran /nowhere: No such file or directory; allowed: a file that pytest"),
        (["sounds", "--to", "/proc/x"], "--to /proc/x: No such file or directory; allowed: a folder"),
        (["sim", "--socket", "/nowhere/s"], "/nowhere: No such file or directory; allowed: a folder"),
        ([*SHORT, "--out", "/proc/x"], "--out /proc/x: No such file or directory; allowed: a folder"),
        ([*SHORT, "--note", "/nowhere/page.md"], "--note /nowhere/page.md: no such folder; allowed: a page"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert hipec(monkeypatch, *words) == 2
    streams = capsys.readouterr()
    assert said in streams.err
    assert streams.err.count("\n") == 1
    assert streams.out == ""


@pytest.mark.parametrize("words", [["watch", "--json"], ["act", "stop"], ["act", "stop", "--who", "a\nb"]])
def test_a_controller_that_cannot_be_reached_is_a_failure_and_no_typing_mistake(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    monkeypatch.setattr(operating, "WATCH_PATIENCE_S", 0.0)
    assert hipec(monkeypatch, *words, "--run-dir", "/nowhere") == 1
    assert "no controller answers there" in capsys.readouterr().err


@pytest.mark.parametrize("defect", [ValueError("math domain error"), OSError(errno.ENOSPC, "No space left on device")])
def test_a_defect_is_not_taken_for_bad_input(monkeypatch: pytest.MonkeyPatch, defect: Exception) -> None:
    def broken(*_: object) -> None:
        raise defect

    monkeypatch.setattr(looking, "load_pair", broken)
    monkeypatch.setattr(sys, "argv", ["hipec", "check"])
    with pytest.raises(type(defect), match=str(defect.args[-1])):
        main()


def test_check_begins_with_its_verdict(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert hipec(monkeypatch, "check") == 0
    assert capsys.readouterr().out.startswith("valid: rig bench with treatment mitomycin_90, SHA-256 ")


def test_check_as_json_is_one_object(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert hipec(monkeypatch, "check", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["valid"] is True
    assert shown["effective"]["rig"]["name"] == "bench"


def test_a_hazard_may_be_asked_for_in_small_letters(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hipec(monkeypatch, "hazards", "h06", "--json") == 0
    assert '"H06"' in capsys.readouterr().out


def test_a_record_that_is_there_is_refused_before_the_treatment_and_not_after_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(treatment_run, "run", lambda *_, **__: pytest.fail("the treatment was run"))
    (tmp_path / "record.sqlite").write_text("of another treatment")
    assert hipec(monkeypatch, "simulate", "--record", str(tmp_path / "record.sqlite")) == 2
    assert "record.sqlite: exists; a record is never written over" in capsys.readouterr().err
    assert hipec(monkeypatch, "simulate", "--record", str(tmp_path / "nowhere" / "record.sqlite")) == 2
    assert "is not a directory; make it" in capsys.readouterr().err


def test_every_fault_is_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert hipec(monkeypatch, "faults", "--json") == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["fault"] for row in rows] == list(CATALOGUE)


def test_every_missing_port_is_named_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rig = load_rig("bench")
    said = missing_ports(rig)
    assert said.startswith("rig bench: 6 of 6 ports are not there:")
    assert all(port.path in said for port in rig.ports.values())


def test_a_treatment_that_trips_says_so_in_its_title_and_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["simulate", "--treatment", "saline_rehearsal", "--fault", "stall@300"]
    assert hipec(monkeypatch, *words) == 3
    assert "ended by a trip" in capsys.readouterr().out
    assert hipec(monkeypatch, *words, "--json") == 3
    said = json.loads(capsys.readouterr().out)
    assert (said["simulated"], said["word"]) == (True, "SIMULATED")
    assert said["trips"]


def test_devices_that_are_asked_for_on_a_rig_name_the_second_channel_as_not_asked_and_never_as_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hipec(monkeypatch, "devices", "--probe", "--rig", "bench", "--json") == 1
    rows = {row["device"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert rows.keys() == {*load_rig("bench").devices, "protective"}
    assert rows["bath"]["ok"] is False
    assert rows["protective"]["ok"] is None
    assert "hipec selftest" in rows["protective"]["answer"]
