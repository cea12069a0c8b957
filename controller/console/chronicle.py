"""What has happened, in the words of the controller's own events: who did what, phases, doses, trips, alarms, limits.

For the page's list of events and the marks in its trends; the record of the controller is complete, this is not. While
it waits for what the record says of the time before (`missed`) it shows nothing, so that its numbers stay as they are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

ENTRIES_MAX = 2000
KINDS: Mapping[str, str] = {
    "phase": "phase",
    "trip": "trip",
    "alarm": "alarm",
    "alarm_raised": "alarm",
    "alarm_again": "alarm",
    "alarm_because": "alarm",
    "alarm_off": "alarm",
    "alarm_end": "alarm",
    "fault": "link",
    "note": "link",
}
ONSETS = ("trip", "alarm", "alarm_raised")  # with a priority; what ends or comes again is no onset


class Entry(NamedTuple):
    """One line. `kind`: phase, order, dose, trip, alarm, heat, link; `priority` of alarms and trips.

    `at_s` is the controller's clock; None when that was not told.
    """

    number: int
    at_s: float | None
    utc_ms: float
    kind: str
    text: str
    priority: str = ""


class Line(NamedTuple):
    """An event as the controller or its record tells it (`controller.runtime.told`)."""

    number: int
    at_s: float
    utc_ms: float
    kind: str
    name: str
    text: str
    priority: str


def told_s(state: Mapping[str, Any]) -> float | None:
    """The controller's clock in a state; one that has failed tells it beside the failure. None: it is not told."""
    at_s: float | None = state.get("now_s", state.get("runtime", {}).get("at_s"))
    return at_s


class Chronicle:
    """The newest ENTRIES_MAX lines, numbered from 1. With `waits` it is empty until `precede` was called."""

    def __init__(self, *, waits: bool = False) -> None:
        self._entries: deque[Entry] = deque(maxlen=ENTRIES_MAX)
        self._waits = waits
        self._count = 0
        self._run = 0.0  # which run of the controller the numbers belong to
        self._seen = 0
        self._first: Sequence[Line] = ()
        self._before: Mapping[str, Any] = {}

    @property
    def count(self) -> int:
        """How many lines there have been."""
        return 0 if self._waits else self._count

    def look(self, state: Mapping[str, Any], *, utc_ms: float) -> None:
        """Note the events that this state is the first to carry."""
        at_s = told_s(state)
        told = state.get("runtime", {}).get("events", {"began_s": 0.0, "lines": ()})
        lines = [Line(*line) for line in told["lines"]]
        if told["began_s"] != self._run:
            self._run, self._seen = told["began_s"], 0
        fresh = [line for line in lines if line.number > self._seen]
        if self._seen and fresh and fresh[0].number > self._seen + 1:
            lost = fresh[0].number - self._seen - 1
            self.note("link", f"{lost} lines are missing here; the record has them", at_s=at_s, utc_ms=utc_ms)
        if not self._before:
            self._begin(state, lines, at_s, utc_ms)
        for line in fresh:
            self._seen = line.number
            self._keep(_entry(line))
        self._changes(state, at_s, utc_ms)
        self._before = state

    def note(self, kind: str, text: str, *, at_s: float | None, utc_ms: float, priority: str = "") -> None:
        """Add a line."""
        self._keep(Entry(0, at_s, utc_ms, kind, text, priority))

    def precede(self, lines: Iterable[Line]) -> None:
        """Put what happened before the first state in front, and begin to show."""
        own = {(line.at_s, line.kind, line.text) for line in self._first}
        until_s = self._first[0].at_s if self._first else float("inf")
        before = [line for line in lines if line.at_s <= until_s and (line.at_s, line.kind, line.text) not in own]
        entries = [*(_entry(line) for line in before), *self._entries]
        self._entries.clear()
        self._count, self._waits = 0, False
        for entry in entries:
            self._keep(entry)

    def since(self, number: int) -> list[dict[str, Any]]:
        """All lines after line `number`."""
        if self._waits:
            return []
        first = self._count - len(self._entries) + 1
        return [entry._asdict() for entry in islice(self._entries, max(0, number + 1 - first), None)]

    def _begin(self, state: Mapping[str, Any], lines: Sequence[Line], at_s: float | None, utc_ms: float) -> None:
        self._first = lines
        if not lines and not state.get("failed"):
            self.note("phase", f"{state['phase'].replace('_', ' ')}: {state['doing']}", at_s=at_s, utc_ms=utc_ms)

    def _changes(self, now: Mapping[str, Any], at_s: float | None, utc_ms: float) -> None:
        """What is to be seen of a state and is no event."""
        before = self._before
        if now.get("failed"):
            if not before.get("failed"):
                why = f"The controller has failed: {now.get('runtime', {}).get('failure', '')}"
                self.note("trip", why, at_s=at_s, utc_ms=utc_ms, priority="HIGH")
        elif before and not before.get("failed") and now["heat_on"] != before["heat_on"]:
            self.note("heat", "Heat on" if now["heat_on"] else "Heat off", at_s=at_s, utc_ms=utc_ms)

    def _keep(self, entry: Entry) -> None:
        self._count += 1
        self._entries.append(entry._replace(number=self._count))


def _entry(line: Line) -> Entry:
    kind = KINDS.get(line.kind, "dose" if line.name == "dose" and line.kind == "order" else "order")
    text = line.text.replace("_", " ") if line.kind == "phase" else line.text
    if kind == "link" and line.name and text.startswith(line.name):  # a device's name is read as words
        text = line.name.replace("_", " ") + text.removeprefix(line.name)
    text = text[:1].upper() + text[1:]
    return Entry(0, line.at_s, line.utc_ms, kind, text, line.priority if line.kind in ONSETS else "")
