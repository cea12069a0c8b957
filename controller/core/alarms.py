"""Alarm conditions and their states, beside the controller and never in a page.

Designed with reference to IEC 60601-1-8: three priorities; acknowledged, audio paused (at most 120 s, broken by a new
HIGH) and reset are three different things. Acknowledging or pausing never changes an interlock. A condition of a
latched trip stays until the reset even when its cause has gone; a cause that comes back is a new occurrence. What
another alarm has brought along is logged and listed, and does not sound. Times are monotonic seconds.
Not responsible for making the sound, for priorities (`alarm_table`) or for what people ask for (`alarm_acts`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from controller.core.alarm_escalation import ESCALATION, Stage
from controller.core.alarm_table import row_of
from controller.core.exchange import Event
from controller.core.interlocks import Interlock, Priority

AUDIO_PAUSE_MAX_S = 120.0
OFF_DELAY_S = 1.0
FIRST_OUT = Priority.MEDIUM
"""From here on an alarm can be the first of a burst. What only informs (LOW) often stands for long before something
happens and would take the mark from what began it.
"""


class Alarm(NamedTuple):
    """One alarm condition: its words, since when, whether its cause is present.

    `first` of its burst (see FIRST_OUT); `over`: latched, and the cause is gone for good; `because` is the id of the
    alarm that brought it along, "" when it stands for itself; `loud_since_s`: since when it asks to be heard without a
    break.
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
    over: bool = False
    loud_since_s: float = 0.0
    acknowledged_s: float = 0.0
    off_delay_s: float = OFF_DELAY_S  # the cause has to be gone for so long

    @property
    def loud(self) -> bool:
        """It asks to be heard."""
        return not self.acknowledged and not self.because


class Alarms(NamedTuple):
    """All alarm conditions by id, and the audio pause."""

    active: Mapping[str, Alarm] = {}
    paused_until_s: float = -math.inf  # when the last pause ends, or has ended
    paused: bool = False

    def ranked(self) -> list[Alarm]:
        """Highest priority first; of one priority causes before consequences, the first-out first, then by age."""
        return sorted(self.active.values(), key=lambda a: (-a.priority, bool(a.because), not a.first, a.since_s))

    def sounding(self, now_s: float) -> Priority | None:
        """The priority whose burst is due now, or None."""
        if now_s < self.paused_until_s:
            return None
        return max((a.priority for a in self.active.values() if a.loud), default=None)

    def stage(self, now_s: float) -> Stage:
        """How far the longest unanswered HIGH has escalated. A pause starts the waiting anew."""
        waits_s = (
            now_s - max(a.loud_since_s, self.paused_until_s)
            for a in self.active.values()
            if a.loud and a.priority is Priority.HIGH
        )
        longest_s = max(waits_s, default=0.0)
        return next(stage for stage in reversed(ESCALATION) if stage.after_s <= longest_s or stage is ESCALATION[0])


def step(
    alarms: Alarms, present: Iterable[tuple[Interlock, str]], latched: Iterable[str], now_s: float
) -> tuple[Alarms, tuple[Event, ...]]:
    """Follow what is present and what is latched; return the new states and an event for every change of one."""
    rows = {row.id: (row, text) for row, text in present}
    if not rows and not alarms.active and not alarms.paused:
        return alarms, ()
    held = set(latched)
    events: list[Event] = []
    active: dict[str, Alarm] = {}
    for id_, alarm in alarms.active.items():
        kept, said = _follow(alarm, rows[id_][1] if id_ in rows else "", id_ in held, now_s)
        if kept is not None:
            active[id_] = kept
        events.extend(said)
    quiet = all(alarm.priority < FIRST_OUT for alarm in active.values())
    for id_, (row, text) in rows.items():
        if id_ not in active:
            begun = _begun(row, text, id_ in held, now_s, quiet=quiet)
            active[id_] = begun
            events.append(_onset(begun, now_s))
            quiet = quiet and not begun.first
    active, said = _causes(active, now_s)
    events.extend(said)
    alarms, said = _audio(alarms, active, now_s)
    return alarms, (*events, *said)


def _begun(row: Interlock, text: str, latched: bool, now_s: float, *, quiet: bool) -> Alarm:
    priority = row_of(row.id).priority
    return Alarm(
        row.id,
        priority,
        row.title,
        text,
        row.advice,
        now_s,
        True,
        now_s,
        latched,
        first=quiet and priority >= FIRST_OUT,
        loud_since_s=now_s,
        off_delay_s=row.off_delay_s,
    )


def _onset(alarm: Alarm, now_s: float) -> Event:
    return Event(now_s, "alarm", alarm.id, f"{alarm.title}: {alarm.text}. {alarm.advice}", alarm.priority.name)


def _follow(alarm: Alarm, text: str, latched: bool, now_s: float) -> tuple[Alarm | None, list[Event]]:
    """The alarm a cycle later (None: it has ended). `text` are the words of its cause, "" when that is not there."""
    if text and (alarm.over or row_of(alarm.id).sudden):
        again = alarm._replace(
            text=text, since_s=now_s, loud_since_s=now_s, present=True, seen_s=now_s, latched=latched,
            over=False, acknowledged=False,
        )  # fmt: skip
        return again, [_onset(again, now_s)]
    if text:
        return _insist(alarm._replace(present=True, seen_s=now_s, text=text, latched=latched), now_s)
    gone = now_s - alarm.seen_s >= alarm.off_delay_s
    lasted = f"over after {alarm.seen_s - alarm.since_s:.1f} s"
    if latched and gone and not alarm.over:
        event = Event(now_s, "alarm_off", alarm.id, f"{alarm.title}: {lasted}, latched until the reset")
        return alarm._replace(present=False, latched=True, over=True), [event]
    if latched or not gone:
        return alarm._replace(present=False, latched=latched), []
    return None, [Event(now_s, "alarm_end", alarm.id, f"{alarm.title}: {lasted}")]


def _insist(alarm: Alarm, now_s: float) -> tuple[Alarm, list[Event]]:
    """What lasts rises to HIGH, and what was acknowledged is heard again, where its row says so."""
    row = row_of(alarm.id)
    if row.rises_s and alarm.priority is not Priority.HIGH and now_s - alarm.since_s >= row.rises_s:
        text = f"{alarm.title}: {alarm.text}, for {now_s - alarm.since_s:.0f} s now"
        raised = alarm._replace(priority=Priority.HIGH, acknowledged=False, loud_since_s=now_s)
        return raised, [Event(now_s, "alarm_raised", alarm.id, text, Priority.HIGH.name)]
    if row.renew_s and alarm.acknowledged and now_s - alarm.acknowledged_s >= row.renew_s:
        text = f"{alarm.title}: {alarm.text}, {row.renew_s:.0f} s after it was acknowledged"
        return alarm._replace(acknowledged=False, loud_since_s=now_s), [
            Event(now_s, "alarm_again", alarm.id, text, alarm.priority.name)
        ]
    return alarm, []


def _causes(active: dict[str, Alarm], now_s: float) -> tuple[dict[str, Alarm], list[Event]]:
    """Say of each alarm which other one brought it along; an event where that has changed."""
    found: dict[str, Alarm] = {}
    events: list[Event] = []
    for id_, alarm in active.items():
        because = _because(alarm, active)
        if because != alarm.because:
            text = f"comes with: {active[because].title}" if because else "stands for itself now"
            events.append(Event(now_s, "alarm_because", id_, f"{alarm.title}: {text}", alarm.priority.name))
            alarm = alarm._replace(because=because, loud_since_s=now_s)
        found[id_] = alarm
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


def _audio(alarms: Alarms, active: Mapping[str, Alarm], now_s: float) -> tuple[Alarms, list[Event]]:
    """A pause ends by its time, or by a HIGH that begins to be heard in this cycle."""
    until_s, paused = alarms.paused_until_s, alarms.paused
    events: list[Event] = []
    breaking = [a for a in active.values() if a.loud and a.priority is Priority.HIGH and a.loud_since_s == now_s]
    if paused and not now_s < until_s:
        paused = False
        events.append(Event(now_s, "audio", "pause", "audio pause is over"))
    elif paused and breaking:
        until_s, paused = now_s, False
        events.append(Event(now_s, "audio", "pause", f"audio pause broken by: {breaking[0].title}"))
    return Alarms(active, until_s, paused), events
