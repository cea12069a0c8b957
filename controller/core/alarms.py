"""Alarm conditions and their states, beside the controller and never in a page.

Designed with reference to IEC 60601-1-8: three priorities; acknowledged, audio paused (at most 120 s, broken by a new
HIGH) and reset are three different things. Acknowledging or pausing never changes an interlock. A condition of a
latched trip stays until the reset even when its cause has gone. Not responsible for making the sound.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from controller.core.exchange import Event
from controller.core.interlocks import Interlock, Priority

AUDIO_PAUSE_MAX_S = 120.0
OFF_DELAY_S = 1.0


class Alarm(NamedTuple):
    """One alarm condition: its words, since when, whether its cause is present; `first` of its burst."""

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


class Alarms(NamedTuple):
    """All alarm conditions by id, and the audio pause."""

    active: Mapping[str, Alarm] = {}
    paused_until_s: float = 0.0

    def ranked(self) -> list[Alarm]:
        """Highest priority first, the first-out before the rest, then by age."""
        return sorted(self.active.values(), key=lambda a: (-a.priority, not a.first, a.since_s))

    def sounding(self, now_s: float) -> Priority | None:
        """The priority whose burst is due now, or None."""
        if now_s < self.paused_until_s:
            return None
        return max((a.priority for a in self.active.values() if not a.acknowledged), default=None)


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
    paused_until_s = alarms.paused_until_s
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
        active[id_] = Alarm(
            id_, row.priority, row.title, text, row.advice, now_s, True, now_s, id_ in held, first=quiet
        )
        quiet = False
        events.append(Event(now_s, "alarm", id_, f"{row.title}: {text}. {row.advice}", row.priority.name))
        if row.priority is Priority.HIGH:
            paused_until_s = 0.0
    return Alarms(active, paused_until_s), tuple(events)


def acknowledge(alarms: Alarms) -> Alarms:
    """Stop the sound of every present occurrence; a new occurrence sounds again."""
    return alarms._replace(active={id_: a._replace(acknowledged=True) for id_, a in alarms.active.items()})


def pause_audio(alarms: Alarms, now_s: float, seconds: float = AUDIO_PAUSE_MAX_S) -> Alarms:
    """Silence for at most 120 s."""
    return alarms._replace(paused_until_s=now_s + min(seconds, AUDIO_PAUSE_MAX_S))
