"""`hipec pin`: typed twice at a terminal, never shown, never on the command line."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from controller.console.pins import Pins
from controller.console.sessions import Role
from controller.runtime.supervisor import PINS


def typed(folder: Path, *lines: str) -> tuple[int, str]:
    """Run the command at a pseudo-terminal, typing a line at each question; its exit code and all that was shown."""
    process, terminal = pty.fork()
    if process == 0:
        words = [sys.executable, "-m", "controller.commandline", "pin", "operator", "--data", str(folder)]
        os.execv(sys.executable, words)
    shown = b""
    waiting = list(lines)
    until_s = time.monotonic() + 60.0
    while time.monotonic() < until_s:
        try:
            shown += os.read(terminal, 1024)
        except OSError:
            break  # the other end is closed
        if waiting and shown.count(b": ") > len(lines) - len(waiting):
            os.write(terminal, waiting.pop(0).encode() + b"\n")
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), shown.decode()


def test_h45_a_pin_typed_twice_opens_the_role_and_is_shown_nowhere(tmp_path: Path) -> None:
    code, shown = typed(tmp_path, "4711", "4711")
    assert code == 0, shown
    assert "4711" not in shown
    path = tmp_path / PINS
    assert "4711" not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert Pins(path).check(Role.OPERATOR, "4711", 0.0, local=True)
    assert not Pins(path).check(Role.OPERATOR, "4712", 0.0, local=True)
    assert not Pins(path).check(Role.ENGINEER, "4711", 0.0, local=True)


@pytest.mark.parametrize("lines", [("4711", "4712"), ("12", "12"), ("pin!", "pin!")])
def test_h45_two_that_differ_and_what_is_no_pin_change_nothing(tmp_path: Path, lines: tuple[str, str]) -> None:
    code, _ = typed(tmp_path, *lines)
    assert code == 2
    assert not (tmp_path / PINS).exists()


def test_h45_a_pin_is_not_taken_from_a_pipe(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "controller.commandline", "pin", "operator", "--data", str(tmp_path)]
    ended = subprocess.run(words, input="4711\n4711\n", capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "typed at a terminal" in ended.stderr
    assert not (tmp_path / PINS).exists()
