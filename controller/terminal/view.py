"""The live view of a running controller in a terminal, and its keys.

Speaks only to the api. A value that is not believed, or older than a second, is shown as dashes and never as a number.
Not responsible for alarms as such: they live in the controller, and this view only shows them.
"""

from __future__ import annotations

import contextlib
import select
import sys
import termios
import threading
import time
import tty
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from controller.core.exchange import Act
from controller.runtime.client import Client, Refusal, Unreachable
from controller.runtime.rundir import CONTROL_SOCKET
from controller.terminal.keys import KEYS
from controller.terminal.layout import render

LOOK_S = 0.2
WIDTH_LEAST, HEIGHT_LEAST = 100, 34
CONNECT_S = 20.0
TARGET_STEP_C = 0.1
FLOW_STEP_LPM = 0.05

STEPPERS: Mapping[str, tuple[Act, str, float]] = {
    "+": (Act.TARGET, "target_c", TARGET_STEP_C),
    "-": (Act.TARGET, "target_c", -TARGET_STEP_C),
    "]": (Act.FLOW, "flow_lpm", FLOW_STEP_LPM),
    "[": (Act.FLOW, "flow_lpm", -FLOW_STEP_LPM),
}


class Newest:
    """The newest state and when it came, filled by a thread of its own."""

    def __init__(self, path: Path) -> None:
        self.state: dict[str, Any] = {}
        self.came_s = 0.0
        self.lost = ""
        self._path = path
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="states", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop following."""
        self._over.set()
        self._thread.join(timeout=5.0)

    def _follow(self) -> None:
        while not self._over.is_set():
            try:
                with Client(self._path) as client:
                    for state in client.subscribe(timeout_s=2.0):
                        self.state, self.came_s, self.lost = state, time.monotonic(), ""
                        if self._over.is_set():
                            return
            except Unreachable as error:
                self.lost = str(error)
                self._over.wait(0.5)


def show(run_dir: Path, *, said: str = "", patience_s: float = CONNECT_S) -> None:
    """Show until `q`. Raises Unreachable when no controller answers within `patience_s`."""
    path = run_dir / CONTROL_SOCKET
    Client.wait(path, for_s=patience_s).close()
    newest, console, quitting = Newest(path), Console(), False
    try:
        with _keys() as read_key, Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                age_s = time.monotonic() - newest.came_s
                small = _too_small(console)
                live.update(render(newest.state, age_s=age_s, lost=newest.lost, said=small or said), refresh=True)
                key = read_key(LOOK_S)
                if key == "q":
                    idle = newest.state.get("phase") in ("STANDBY", "COMPLETE", None)
                    if idle or quitting:
                        return
                    said, quitting = "a treatment is running: q again ends it safe, any other key goes on", True
                elif key:
                    said, quitting = _press(path, key, newest.state), False
    finally:
        newest.close()


def _too_small(console: Console) -> str:
    width, height = console.size
    if width >= WIDTH_LEAST and height >= HEIGHT_LEAST:
        return ""
    return f"This terminal is {width}x{height}; parts are cut off below {WIDTH_LEAST}x{HEIGHT_LEAST}."


def _press(path: Path, key: str, state: Mapping[str, Any]) -> str:
    try:
        with Client(path) as client:
            if key == " ":
                client.stop()
                return "STOP"
            if key in STEPPERS:
                act, name, step = STEPPERS[key]
                now = float(state[name])
                client.act(act, value=round(now + step, 2))
                return f"{act.value} {now:.2f} -> {now + step:.2f}"
            if key in KEYS:
                act, label = KEYS[key]
                client.act(act)
                return label
            return ""
    except (Refusal, Unreachable, KeyError) as error:
        return str(error)


@contextlib.contextmanager
def _keys() -> Iterator[Any]:
    """Single keys without echo; the terminal is given back as it was."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)

    def read_key(for_s: float) -> str:
        ready, _, _ = select.select([sys.stdin], [], [], for_s)
        return sys.stdin.read(1) if ready else ""

    try:
        tty.setcbreak(descriptor)
        yield read_key
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
