"""Alarm conditions and their states, beside the controller and never in a page.

Designed with reference to IEC 60601-1-8: three priorities; acknowledged, audio paused (at most 120 s, broken by a new
HIGH) and reset are three different things. Acknowledging or pausing never changes an interlock. A condition of a
latched trip stays until the reset even when its cause has gone. What another alarm has brought along is logged and
listed, and does not sound. Not responsible for making the sound, or for priorities (`alarm_table`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from controller.core.alarm_table import row_of
from controller.core.exchange import Event
from controller.core.interlocks import Interlock, Priority

AUDIO_PAUSE_MAX_S = 120.0
OFF_DELAY_S = 1.0


class Alarm(NamedTuple):
    """One alarm condition: its words, since when, whether its cause is present.

    `first` of its burst; `because` is the id of the alarm that brought it along, "" when it stands for itself.
    """

    id: str
    priority: Priority
    title: str
    text: str
    advice: str
    since_s: float
    present: bool
    seen_s: float  # last time the cause was present
    latched: bool
    acknowledged: bool = False
    first: bool = False
    because: str = ""


class Alarms(NamedTuple):
    """All alarm conditions by id, and the audio pause."""

    active: Mapping[str, Alarm] = {}
    paused_until_s: float = 0.0

    def ranked(self) -> list[Alarm]:
        """Highest priority first; of one priority causes before consequences, the first-out first, then by age."""
        return sorted(self.active.values(), key=lambda a: (-a.priority, bool(a.because), not a.first, a.since_s))

    def sounding(self, now_s: float) -> Priority | None:
        """The priority whose burst is due now, or None."""
        if now_s < self.paused_until_s:
            return None
        loud = (a.priority for a in self.active.values() if not a.acknowledged and not a.because)
        return max(loud, default=None)


def step(
    alarms: Alarms, present: Iterable[tuple[Interlock, str]], latched: Iterable[str], now_s: float
) -> tuple[Alarms, tuple[Event, ...]]:
    """Follow what is present and what is latched; return the new states and one event for each onset and end."""
    rows = {row.id: (row, text) for row, text in present}
    if not rows and not alarms.active:
        return alarms, ()
    held = set(latched)
    events: list[Event] = []
    active: dict[str, Alarm] = {}
    for id_, alarm in alarms.active.items():
        if id_ in rows:
            active[id_] = alarm._replace(present=True, seen_s=now_s, text=rows[id_][1], latched=id_ in held)
        elif id_ in held:
            active[id_] = alarm._replace(present=False, latched=True)
        elif now_s - alarm.seen_s < OFF_DELAY_S:
            active[id_] = alarm._replace(present=False, latched=False)
        else:
            lasted_s = now_s - alarm.since_s
            events.append(Event(now_s, "alarm_end", id_, f"{alarm.title}: over after {lasted_s:.1f} s"))
    quiet = not active
    for id_, (row, text) in rows.items():
        if id_ in active:
            continue
        priority = row_of(id_).priority
        active[id_] = Alarm(id_, priority, row.title, text, row.advice, now_s, True, now_s, id_ in held, first=quiet)
        quiet = False
        events.append(Event(now_s, "alarm", id_, f"{row.title}: {text}. {row.advice}", priority.name))
    active, said = _causes(active, now_s)
    loud_before = {a.id for a in alarms.active.values() if not a.because}
    new_high = any(a.priority is Priority.HIGH and not a.because and a.id not in loud_before for a in active.values())
    return Alarms(active, 0.0 if new_high else alarms.paused_until_s), (*events, *said)


def _causes(active: dict[str, Alarm], now_s: float) -> tuple[dict[str, Alarm], list[Event]]:
    """Say of each alarm which other one brought it along; an event where that has changed."""
    found: dict[str, Alarm] = {}
    events: list[Event] = []
    for id_, alarm in active.items():
        because = _because(alarm, active)
        if because != alarm.because:
            text = f"comes with: {active[because].title}" if because else "stands for itself now"
            events.append(Event(now_s, "alarm_because", id_, f"{alarm.title}: {text}", alarm.priority.name))
        found[id_] = alarm if because == alarm.because else alarm._replace(because=because)
    return found, events


def _because(alarm: Alarm, active: Mapping[str, Alarm]) -> str:
    """The cause that is active, of no lower priority, and began near enough; a lesser cause would lower the sound."""
    row = row_of(alarm.id)
    for id_ in row.because:
        cause = active.get(id_)
        if cause is None or cause.priority < alarm.priority:
            continue
        if abs(cause.since_s - alarm.since_s) <= row.within_s:
            return id_
    return ""


def acknowledge(alarms: Alarms) -> Alarms:
    """Stop the sound of every present occurrence; a new occurrence sounds again."""
    return alarms._replace(active={id_: a._replace(acknowledged=True) for id_, a in alarms.active.items()})


def pause_audio(alarms: Alarms, now_s: float, seconds: float = AUDIO_PAUSE_MAX_S) -> Alarms:
    """Silence for at most 120 s."""
    return alarms._replace(paused_until_s=now_s + min(seconds, AUDIO_PAUSE_MAX_S))
