"""`hipec run` and `hipec selftest`: refused before anything is started, and the exit code of the run handed on."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_commands import hipec

from config.loading import load_rig
from controller.commandline import operating, options
from controller.core.orders import START_FREE_MB
from controller.runtime import session, supervisor
from controller.runtime.session import NotRunning, SelfTest
from controller.terminal import view


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was started instead of processes."""
    names: list[str] = []
    monkeypatch.setattr(supervisor, "main", lambda arguments: names.append("supervisor"))
    monkeypatch.setattr(session, "running", lambda *_, **__: names.append("running"))
    return names


@pytest.mark.parametrize("command", ["run", "selftest"])
def test_every_port_that_is_missing_is_named_before_anything_is_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, begun: list[str], command: str
) -> None:
    assert hipec(monkeypatch, command, "--rig", "bench", "--data", str(tmp_path), "--port", "pump=/dev/null") == 2
    said = capsys.readouterr().err
    assert "5 of 6 ports are not there" in said
    ports = load_rig("bench").ports
    assert [name for name, port in ports.items() if port.path not in said] == ["pump"]
    assert begun == []


@pytest.mark.parametrize("command", ["run", "selftest"])
def test_a_data_directory_that_cannot_be_made_is_named_before_anything_is_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, begun: list[str], command: str
) -> None:
    (tmp_path / "file").write_text("")
    assert hipec(monkeypatch, command, "--data", str(tmp_path / "file" / "data")) == 2
    streams = capsys.readouterr()
    assert "Not a directory; allowed: a directory that can be made and written" in streams.err
    assert (streams.out, begun) == ("", [])


class Terminal:
    """Standard input and output of somebody at a terminal."""

    def __init__(self, stream: object) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def isatty(self) -> bool:
        return True


class Ended:
    """A supervisor that ends with this code."""

    def __init__(self, code: int) -> None:
        self.code = code

    def end(self) -> int:
        return self.code


@pytest.mark.parametrize("code", [0, 1, 3])
def test_at_a_terminal_the_exit_code_is_that_of_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: int
) -> None:
    @contextlib.contextmanager
    def running(*_: object) -> Iterator[Ended]:
        yield Ended(code)

    monkeypatch.setattr(session, "running", running)
    monkeypatch.setattr(view, "show", lambda *_, **__: None)
    for name in ("stdin", "stdout"):
        monkeypatch.setattr(sys, name, Terminal(getattr(sys, name)))
    assert hipec(monkeypatch, "run", "--no-console", "--data", str(tmp_path)) == code


def test_at_a_terminal_a_controller_that_cannot_be_reached_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(operating, "WATCH_PATIENCE_S", 0.0)
    for name in ("stdin", "stdout"):
        monkeypatch.setattr(sys, name, Terminal(getattr(sys, name)))
    assert hipec(monkeypatch, "watch", "--run-dir", "/nowhere") == 1
    assert "no controller answers there" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "selftest"])
def test_a_data_directory_with_less_room_than_a_start_needs_is_refused_before_anything_is_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, begun: list[str], command: str
) -> None:
    room = shutil.disk_usage(tmp_path)._replace(free=int(START_FREE_MB * 1e6) - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: room)
    assert hipec(monkeypatch, command, "--data", str(tmp_path)) == 2
    assert f"at least {START_FREE_MB:.0f} MB are needed" in capsys.readouterr().err
    assert begun == []


def test_a_page_whose_port_is_in_use_is_refused_before_anything_is_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, begun: list[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        place = f"127.0.0.1:{other.getsockname()[1]}"
        assert hipec(monkeypatch, "run", "--data", str(tmp_path), "--console", place) == 2
    said = capsys.readouterr().err
    assert f"--console {place}: Address already in use; allowed: another HOST:PORT, or --no-console" in said
    assert begun == []


# --- the self-test's verdict -----------------------------------------------------------------------------------------

FOUND = "Huber Pilot ONE 121227 answers; the rig file allows: Huber Pilot ONE 999*"


def link(device: str, **said: str) -> dict[str, str]:
    return {"device": device, "state": "open", "identity": "", "fault": "", **said}


def judged(*links: dict[str, str], passed: bool = True) -> SelfTest:
    lines = [session._line("proof", "1", "1", passed), *(session._who(each) for each in links)]
    return SelfTest(lines, {each["device"]: each["identity"] for each in links})


@pytest.mark.parametrize(
    ("found", "code", "strangers"),
    [
        (judged(link("bath", identity="Huber")), 0, {}),
        (judged(link("bath", identity="Huber", fault="bath: one reply was late")), 0, {}),
        (judged(link("bath", identity="Huber"), passed=False), 1, {}),
        (judged(link("bath", state="closed", fault=f"bath: {FOUND}"), passed=False), 2, {"bath": FOUND}),
        (judged(link("bath", state="wrong device", identity="Huber", fault=f"bath: {FOUND}")), 2, {"bath": FOUND}),
        (
            judged(link("pump", state="closed", fault="pump: no reply within 0.3 s")),
            2,
            {"pump": "no reply within 0.3 s"},
        ),
        (judged(link("pump", state="closed")), 2, {"pump": "no answer"}),
    ],
)
def test_another_device_than_the_rig_file_names_is_no_test_that_failed(
    found: SelfTest, code: int, strangers: dict[str, str]
) -> None:
    assert (found.code, found.strangers) == (code, strangers)


def test_the_verdict_says_which_device_answered_in_the_place_of_which(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    stranger = judged(link("bath", state="wrong device", fault=f"bath: {FOUND}"), passed=False)
    monkeypatch.setattr(session, "run_selftest", lambda *_: stranger)
    assert hipec(monkeypatch, "selftest", "--data", str(tmp_path)) == 2
    assert f"SIMULATED self-test FAILED (proof, who is bath: {FOUND})" in capsys.readouterr().out


@pytest.mark.parametrize(("words", "simulated", "word"), [([], True, "SIMULATED"), (["--rig", "bench"], False, "")])
def test_the_self_test_as_json_says_whether_it_was_simulated(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: list[str],
    simulated: bool,
    word: str,
) -> None:
    monkeypatch.setattr(options, "missing_ports", lambda _: "")
    monkeypatch.setattr(session, "run_selftest", lambda *_: judged(link("bath", identity="Huber")))
    assert hipec(monkeypatch, "selftest", *words, "--json", "--data", str(tmp_path)) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["simulated"], said["word"]) == (simulated, word)
    assert len(said["rows"]) == 2


def test_a_supervisor_that_refuses_hands_its_code_and_its_words_on(tmp_path: Path) -> None:
    arguments = ["--rig", "nowhere", "--data-dir", str(tmp_path / "data")]
    with (
        pytest.raises(NotRunning, match="allowed is a path or one of bench") as ended,
        session.running(arguments, tmp_path / "run"),
    ):
        pass
    assert ended.value.code == 2
