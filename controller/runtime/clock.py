"""The time of every process: the machine's monotonic clock, faster on a simulated rig.

Stamps of processes on one machine compare, because all of them multiply the same clock by the same speed.
Not responsible for calendar time (the record stamps that) or for virtual time (`sim.memory`, `sim.cosim`).
"""

from __future__ import annotations

import time


class RunClock:
    """Implements drivers.port.Clock. `speed` is how many of its seconds pass in one second on the wall."""

    def __init__(self, *, speed: float = 1.0) -> None:
        if not (0.01 <= speed <= 1000.0):
            raise ValueError(f"speed is {speed!r}; allowed: 0.01 to 1000")
        self.speed = speed

    def now(self) -> float:
        """Seconds since some beginning, monotonic."""
        return time.monotonic() * self.speed

    def sleep(self, seconds: float) -> None:
        """Wait that many of this clock's seconds; nothing for zero or less."""
        if seconds > 0:
            time.sleep(seconds / self.speed)

    def wall_s(self, seconds: float) -> float:
        """How many seconds of wall time that many of this clock's seconds take."""
        return seconds / self.speed
