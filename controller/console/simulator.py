"""The desk of a simulator, as far as a page may use it: which faults there are, to begin one, and to end them all.

There is one only where a simulator serves the ports of the rig. Nothing of the controller is asked or told here.
"""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

TIMEOUT_S = 2.0
ANSWER_MAX = 256 * 1024


class NoSimulator(Exception):
    """None answers; the text says where it was looked for."""


class RefusedFault(Exception):
    """The simulator's own words: what was wrong and what is allowed."""


class Simulator:
    """One JSON object per line in and out, over its Unix socket; a connection for each question."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def faults(self) -> dict[str, Any]:
        """What can be begun (`vocabulary`) and what is going on (`active`). Blocks. Raises NoSimulator."""
        return self._ask({"do": "faults"})

    def begin(self, fault: str) -> None:
        """NAME[:TARGET][+DURATION][=VALUE], from now on. Blocks. Raises RefusedFault or NoSimulator."""
        self._ask({"do": "fault", "fault": fault})

    def end_all(self) -> None:
        """End every fault. Blocks. Raises NoSimulator."""
        self._ask({"do": "clear"})

    def _ask(self, asked: dict[str, str]) -> dict[str, Any]:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(TIMEOUT_S)
                connection.connect(str(self._path))
                connection.sendall(json.dumps(asked).encode() + b"\n")
                with connection.makefile("rb") as answers:
                    answer = json.loads(answers.readline(ANSWER_MAX))
        except (OSError, ValueError) as error:
            raise NoSimulator(f"{self._path}: no simulator answers there ({error})") from error
        if not answer.get("ok", True):
            raise RefusedFault(str(answer.get("error", "refused")))
        return dict(answer)
