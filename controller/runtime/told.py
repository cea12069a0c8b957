"""The newest events, numbered, as every state carries them: who looks on can list what happened, in the record's words.

A reader that sees a number skipped has missed some; the record has them all. Not responsible for the record.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from controller.core.exchange import Event

KEPT = 24  # a trip brings about ten at once; states are taken ten times a second, or twice when nobody looks


class Told:
    """`began_s` tells one run of a controller from the next, whose numbers begin at 1 again."""

    def __init__(self, *, began_s: float, wall_s: Callable[[], float] = time.time) -> None:
        self._began_s = began_s
        self._wall_s = wall_s
        self._newest: deque[tuple[int, float, float, str, str, str, str]] = deque(maxlen=KEPT)
        self._number = 0

    def add(self, event: Event) -> None:
        """Keep it. Never waits."""
        self._number += 1
        utc_ms = round(self._wall_s() * 1000.0)
        self._newest.append((self._number, event.at_s, utc_ms, event.kind, event.name, event.text, event.priority))

    def view(self) -> dict[str, object]:
        """JSON-able: each line is number, at_s, utc_ms, kind, name, text, priority."""
        return {"began_s": self._began_s, "lines": list(self._newest)}
