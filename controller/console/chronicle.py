"""What has happened, in words, read off two successive states: phases, orders, doses, trips, alarms.

For the page's list of events and the marks in its trends; the record of the controller is complete, this is not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

ENTRIES_MAX = 2000


class Entry(NamedTuple):
    """One line. `kind`: phase, order, dose, trip, alarm, link; `priority` of alarms."""

    number: int
    at_s: float
    utc_ms: float
    kind: str
    text: str
    priority: str = ""


class Chronicle:
    """The newest ENTRIES_MAX lines, numbered from 1."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=ENTRIES_MAX)
        self._before: Mapping[str, Any] = {}
        self.count = 0

    def look(self, state: Mapping[str, Any], *, utc_ms: float) -> None:
        """Compare with the state before and note what changed."""
        at_s = float(state.get("now_s", 0.0))
        for kind, text, priority in _changes(self._before, state):
            self.note(kind, text, at_s=at_s, utc_ms=utc_ms, priority=priority)
        self._before = state

    def note(self, kind: str, text: str, *, at_s: float, utc_ms: float, priority: str = "") -> None:
        """Add a line."""
        self.count += 1
        self._entries.append(Entry(self.count, at_s, utc_ms, kind, text, priority))

    def since(self, number: int) -> list[dict[str, Any]]:
        """All lines after line `number`."""
        first = self.count - len(self._entries) + 1
        return [entry._asdict() for entry in islice(self._entries, max(0, number + 1 - first), None)]


Change = tuple[str, str, str]


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    if now.get("failed") and not before.get("failed"):
        yield "trip", f"The controller has failed: {now.get('runtime', {}).get('failure', '')}", "HIGH"
    if now.get("failed"):
        return
    if now.get("step") != before.get("step"):
        yield "phase", f"{now['phase'].replace('_', ' ')}: {now['doing']}", ""
    if not before or before.get("failed"):
        return
    yield from _settings(before, now)
    yield from _alarms(before, now)


def _settings(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    if now["target_c"] != before["target_c"]:
        yield "order", f"Target {before['target_c']:.1f} -> {now['target_c']:.1f} °C", ""
    if now["flow_lpm"] != before["flow_lpm"]:
        yield "order", f"Flow set-point {before['flow_lpm']:.2f} -> {now['flow_lpm']:.2f} L/min", ""
    if now["doses"] > before["doses"]:
        plan = now["dose_plan"]
        given = plan[now["doses"] - 1] if now["doses"] <= len(plan) else None
        amount = f": {given['mg']:.1f} mg {given['drug']}" if given else ""
        yield "dose", f"Dose {now['doses']} of {len(plan)}{amount}", ""
    if now["hold"] and not before["hold"]:
        yield "order", f"Hold: {now['hold']}", ""
    if before["hold"] and not now["hold"]:
        yield "order", "Resumed", ""
    if now["heat_on"] != before["heat_on"]:
        yield "heat", "Heat on" if now["heat_on"] else "Heat off", ""


def _alarms(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    old_trips, new_trips = ({t["id"]: t for t in s["trips"]} for s in (before, now))
    for id_ in new_trips.keys() - old_trips.keys():
        yield "trip", f"Trip {new_trips[id_]['response']}: {new_trips[id_]['text']}", "HIGH"
    if old_trips and not new_trips:
        yield "order", "Trips reset", ""
    old, new = ({a["id"]: a for a in s["alarms"]} for s in (before, now))
    for id_, alarm in new.items():
        if id_ not in old or alarm["since_s"] != old[id_]["since_s"]:
            yield "alarm", f"{alarm['title']}: {alarm['text']}. {alarm['advice']}", alarm["priority"]
        elif alarm["priority"] != old[id_]["priority"]:
            yield "alarm", f"{alarm['title']}: {alarm['priority']} now, {alarm['text']}", alarm["priority"]
        elif alarm["acknowledged"] and not old[id_]["acknowledged"]:
            yield "alarm", f"{alarm['title']}: acknowledged", alarm["priority"]
    for id_ in old.keys() - new.keys():
        yield "alarm", f"{old[id_]['title']}: over", ""
