"""A record in memory, for treatments in virtual time: the same calls as `recorder.Recorder`, no thread and no file.

Wall times are those of the simulated moments: the start's, plus the time that has passed since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from controller.core.exchange import Event, Inputs, Outputs
from controller.records.header import Started
from controller.records.reader import END
from controller.records.rows import Row, Sample, event_row, sample_rows
from controller.records.store import Store

SAVED_AT_ONCE = 1000
ROOM_MB = 100_000.0


class MemoryRecord:
    """Keeps references; rows are made only when they are asked for."""

    def __init__(self, *, started: Started) -> None:
        self.samples: list[Sample] = []
        self.events: list[Event] = []
        self._order: list[Sample | Event] = []
        self._started = started

    @property
    def fault(self) -> str:
        """Memory takes everything."""
        return ""

    @property
    def free_mb(self) -> float | None:
        """As much as a large disk has."""
        return ROOM_MB

    def sample(self, at_s: float, inputs: Inputs, outputs: Outputs, view: Mapping[str, object]) -> None:
        """Keep one sample."""
        sample = Sample(at_s, self._wall_s(at_s), inputs, outputs, view)
        self.samples.append(sample)
        self._order.append(sample)

    def event(self, event: Event) -> None:
        """Keep one event."""
        self.events.append(event)
        self._order.append(event)

    def claim(self) -> None:
        """No start reads it."""

    def close(self, *, complete: bool = True) -> None:
        """Nothing to give back."""

    def rows(self) -> Iterator[Row]:
        """Every row in the order in which it came."""
        for item in self._order:
            if isinstance(item, Sample):
                yield from sample_rows(item)
            else:
                yield event_row(item, self._wall_s(item.at_s))

    def save(self, path: Path, header: Row) -> str:
        """Write a complete, chained record to a new file and return its last hash. Raises RecordError."""
        store = Store(path, header)
        try:
            waiting: list[Row] = []
            for row in self.rows():
                waiting.append(row)
                if len(waiting) >= SAVED_AT_ONCE:
                    store.append(waiting)
                    waiting.clear()
            last = self._order[-1].at_s if self._order else self._started.at_s
            store.append([*waiting, event_row(Event(last, *END), self._wall_s(last))])
        finally:
            store.close()
        return store.head

    def _wall_s(self, at_s: float) -> float:
        return self._started.wall_s + (at_s - self._started.at_s)
