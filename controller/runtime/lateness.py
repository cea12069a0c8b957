"""How late the cycles of the loop began: a histogram of fixed size, so that measuring costs no memory.

Times are wall seconds. Not responsible for acting on lateness (the cycle is told its `overrun_s`).
"""

from __future__ import annotations

import bisect

EDGES_S = tuple(0.0001 * 10 ** (step / 10) for step in range(51))  # 0.1 ms to 10 s, ten to a decade


class Lateness:
    """Counts, missed cycles and the largest value since the start."""

    def __init__(self) -> None:
        self.cycles = 0
        self.missed = 0
        self.max_s = 0.0
        self._counts = [0] * (len(EDGES_S) + 1)

    def add(self, late_s: float, missed: int) -> None:
        """Count one cycle that began `late_s` after its deadline, after `missed` others that were skipped."""
        self.cycles += 1
        self.missed += missed
        self.max_s = max(self.max_s, late_s)
        self._counts[bisect.bisect_left(EDGES_S, late_s)] += 1

    def quantile_s(self, share: float) -> float:
        """The upper edge of the bucket in which that share of the cycles lies; 0 before the first cycle."""
        if self.cycles == 0:
            return 0.0
        wanted = share * self.cycles
        seen = 0
        for edge_s, count in zip(EDGES_S, self._counts, strict=False):
            seen += count
            if seen >= wanted:
                return min(edge_s, self.max_s)
        return self.max_s

    def histogram(self) -> list[tuple[float, int]]:
        """Upper edge in milliseconds and cycles of every bucket that has any; what lies above them all is at 1e9 ms."""
        edges_ms = (*(round(edge_s * 1000, 3) for edge_s in EDGES_S), 1e9)
        return [(edge_ms, count) for edge_ms, count in zip(edges_ms, self._counts, strict=True) if count]

    def summary(self) -> dict[str, float | int]:
        """For the state and the log, in milliseconds of wall time."""
        return {
            "cycles": self.cycles,
            "missed": self.missed,
            "p50_ms": round(self.quantile_s(0.5) * 1000, 3),
            "p99_ms": round(self.quantile_s(0.99) * 1000, 3),
            "max_ms": round(self.max_s * 1000, 3),
        }
