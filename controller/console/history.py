"""The session's trend: one row a second of the treatment's time, thinned by extremes for a long look.

A value that was not believed stays a gap, also after thinning, and a time without rows has a row without values: rows
that are far apart are no gap by themselves, a fast rig and thinning put them there. Memory is bounded.
Not the record (`controller.records`).
"""

from __future__ import annotations

import bisect
import math
from array import array
from collections.abc import Mapping, Sequence
from typing import Any

from controller.core.signals import TABLE

ROWS_MAX = 6 * 3600
EVERY_S = 1.0
HOLE_S = 30.0  # between rows of a record, which are a second apart: then nothing was recorded
POINTS = 300  # buckets of a long look, PER_BUCKET points each: lowest, highest, and the last or a gap
PER_BUCKET = 3
NAMES = tuple(signal.name for signal in TABLE if signal.shown)


class History:
    """Columns of numbers; NaN stands for "not known" inside and becomes null on the way out."""

    def __init__(self, *, rows_max: int = ROWS_MAX) -> None:
        self._rows_max = rows_max
        self._at_s = array("d")
        self._columns = {name: array("d") for name in NAMES}

    def add(self, at_s: float, values: Mapping[str, float | None]) -> None:
        """Keep a row if a second has passed. Time that goes back (control was restarted) begins anew."""
        if self._at_s and at_s < self._at_s[-1]:
            self.clear()
        if self._at_s and at_s - self._at_s[-1] < EVERY_S - 0.05:
            return
        if len(self._at_s) >= self._rows_max:
            for column in (self._at_s, *self._columns.values()):
                del column[: self._rows_max // 8]
        self._at_s.append(at_s)
        for name, column in self._columns.items():
            value = values.get(name)
            column.append(math.nan if value is None else value)

    def gap(self, at_s: float) -> None:
        """A row without any value: nothing is known of the time between the last row and `at_s`."""
        if not self._at_s or at_s < self._at_s[-1] or all(math.isnan(column[-1]) for column in self._columns.values()):
            return  # nothing would be bridged
        self._at_s.append((self._at_s[-1] + at_s) / 2)
        for column in self._columns.values():
            column.append(math.nan)

    def precede(self, at_s: Sequence[float], columns: Mapping[str, Sequence[float | None]]) -> None:
        """Put rows of a record before the first one in front. A time that it knows nothing of becomes a gap."""
        first_s = self._at_s[0] if self._at_s else math.inf
        at_s, columns = _holes(at_s[: bisect.bisect_left(at_s, first_s)], columns, first_s)
        rows = len(at_s)
        begin = max(0, rows - (self._rows_max - len(self._at_s)))
        self._at_s = array("d", at_s[begin:rows]) + self._at_s
        for name, column in self._columns.items():
            before = columns.get(name) or [None] * len(at_s)
            known = (math.nan if value is None else value for value in before[begin:rows])
            self._columns[name] = array("d", known) + column

    def clear(self) -> None:
        """Forget everything."""
        for column in (self._at_s, *self._columns.values()):
            del column[:]

    def last(self, seconds: float) -> dict[str, Any]:
        """Every row of the last `seconds`."""
        first = len(self._at_s)
        while first > 0 and self._at_s[first - 1] >= self._at_s[-1] - seconds:
            first -= 1
        return _out(list(self._at_s[first:]), {name: list(column[first:]) for name, column in self._columns.items()})

    def whole(self) -> dict[str, Any]:
        """The whole session in at most PER_BUCKET x POINTS rows: lowest and highest of each bucket, gaps kept."""
        rows = len(self._at_s)
        size = max(1, math.ceil(rows / POINTS))
        if size <= PER_BUCKET:
            return self.last(math.inf)
        steps = [part * size // PER_BUCKET for part in range(PER_BUCKET)]
        at_s = [self._at_s[min(start + step, rows - 1)] for start in range(0, rows, size) for step in steps]
        return _out(at_s, {name: _thin(column, size) for name, column in self._columns.items()})


def _holes(
    at_s: Sequence[float], columns: Mapping[str, Sequence[float | None]], until_s: float
) -> tuple[list[float], dict[str, list[float | None]]]:
    """The rows with one without values in the middle of every hole, up to `until_s`."""
    ends_s = [*at_s[1:], until_s if math.isfinite(until_s) else at_s[-1] if at_s else 0.0]
    after = [row for row, (begin_s, end_s) in enumerate(zip(at_s, ends_s, strict=False)) if end_s - begin_s > HOLE_S]
    times, opened = list(at_s), {name: list(column[: len(at_s)]) for name, column in columns.items()}
    for row in reversed(after):
        times.insert(row + 1, (at_s[row] + ends_s[row]) / 2)
        for column in opened.values():
            column.insert(row + 1, None)
    return times, opened


def _thin(column: Sequence[float], size: int) -> list[float]:
    thin: list[float] = []
    for start in range(0, len(column), size):
        bucket = column[start : start + size]
        known = [value for value in bucket if value == value]
        if not known:
            thin += (math.nan,) * PER_BUCKET
            continue
        low, high = min(known), max(known)
        thin += (low, high) if known[0] <= known[-1] else (high, low)
        thin.append(bucket[-1] if len(known) == len(bucket) else math.nan)
    return thin


def _out(at_s: list[float], columns: Mapping[str, list[float]]) -> dict[str, Any]:
    clean = {
        name: [None if value != value else round(value, 3) for value in column] for name, column in columns.items()
    }
    return {"at_s": [round(at, 2) for at in at_s], "columns": clean}
