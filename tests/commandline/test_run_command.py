"""`hipec run` and `hipec selftest`: refused before anything is started, and the exit code of the run handed on."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_commands import hipec

from config.loading import load_rig
from controller.runtime import session, supervisor
from controller.runtime.session import NotRunning
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
    assert hipec(monkeypatch, "run", "--data", str(tmp_path)) == code


def test_a_supervisor_that_refuses_hands_its_code_and_its_words_on(tmp_path: Path) -> None:
    arguments = ["--rig", "nowhere", "--data-dir", str(tmp_path / "data")]
    with (
        pytest.raises(NotRunning, match="allowed is a path or one of bench") as ended,
        session.running(arguments, tmp_path / "run"),
    ):
        pass
    assert ended.value.code == 2
