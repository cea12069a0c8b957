"""Guides the bending by what it reaches: a frame that takes code a new way is kept, and bent again.

A way is an arc: two lines of the target's own code that run one after the other. Seeing them (sys.settrace) costs a
multiple of running them, so all inputs are watched only at first and after each find, and later one in SHARE.
Deterministic: it depends on the frames alone. Not responsible for bending (`fuzz_mutator`) or judging (`fuzz_target`).
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).parents[2]
AT_FIRST, AFTER_A_FIND, SHARE = 500, 1000, 8


class Guide:
    """The arcs that the inputs of one target have reached, and the inputs that were the first on one.

    `places` are folders or files, from the root of the tree, whose code counts; none: nothing is watched.
    """

    def __init__(self, *places: str) -> None:
        self.arcs: set[tuple[str, int, int]] = set()
        self.kept: dict[int, list[bytes]] = {}
        self._places = tuple(str(ROOT / place) for place in places)
        self._own: dict[str, bool] = {}
        self._watched = AT_FIRST if places else 0
        self._runs = 0

    @property
    def size(self) -> int:
        """How many inputs are kept."""
        return sum(map(len, self.kept.values()))

    def pick(self, right: bytes, rng: random.Random, place: int = 0) -> bytes:
        """What to bend next: the right answer, or half of the time one kept for the same `place`, often the newest."""
        kept = self.kept.get(place)
        dice = rng.random()
        if not kept or dice < 0.5:
            return right
        return kept[-1] if dice < 0.75 else kept[int(rng.random() * len(kept))]

    def run(self, call: Callable[[], object], given: Callable[[], bytes | None], place: int = 0) -> None:
        """Run the target; keep the frame that was `given` to it if it was watched and reached what none had."""
        if not self._is_due():
            call()
            return
        before = len(self.arcs)
        self._watch(call)
        frame = given()
        if len(self.arcs) > before and frame is not None:
            self._watched = max(self._watched, AFTER_A_FIND)
            self.kept.setdefault(place, []).append(frame)

    def _is_due(self) -> bool:
        if self._watched > 0:
            self._watched -= 1
            return True
        self._runs += 1
        return bool(self._places) and self._runs % SHARE == 0

    def _watch(self, call: Callable[[], object]) -> None:
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            call()
        finally:
            sys.settrace(before)

    def _enter(self, frame: FrameType, event: str, arg: object) -> Any:
        name = frame.f_code.co_filename
        own = self._own.get(name)
        if own is None:
            own = self._own[name] = name.startswith(self._places)
        if not own:
            return None
        arcs, last = self.arcs, 0

        def follow(frame: FrameType, event: str, arg: object) -> Any:
            nonlocal last
            if event == "line":
                arcs.add((name, last, frame.f_lineno))
                last = frame.f_lineno
            return follow

        return follow
