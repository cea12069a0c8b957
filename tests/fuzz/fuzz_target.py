"""What a target of the fuzzer is, and how it says that something got through."""

from __future__ import annotations

import random
from typing import Protocol

from fuzz_guide import Guide


class Escape(AssertionError):
    """An exception that nobody declared, or a value out of a frame that is no answer. `frame` repeats it."""

    def __init__(self, target: str, at: int, frame: bytes, why: str) -> None:
        super().__init__(f"{target}: frame {at} {frame.hex()}: {why}")
        self.target, self.at, self.frame, self.why = target, at, frame, why


class Target(Protocol):
    """One parser with what stands around it."""

    name: str
    guide: Guide

    def once(self, rng: random.Random) -> int:
        """Hand it one bent frame; how many frames it saw. Raises Escape."""

    def give(self, at: int, frame: bytes) -> None:
        """Hand it this frame as its question number `at`. Raises Escape."""

    def close(self) -> None:
        """Give back what it holds."""
