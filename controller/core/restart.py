"""What a controller begins with after the one before it ended without a goodbye: its latched trips, and nothing else.

Beside them the alarm limits that were tightened for the same patient, and who and what was set up.
Never heat, never a phase: it begins in STANDBY with everything off, and people are told what was going on.
Not responsible for finding that out (`controller.records.last_run`).
"""

from __future__ import annotations

from typing import NamedTuple

from config.schema import Patient, Treatment
from controller.core.alarm_table import row_of
from controller.core.alarms import Alarm, Alarms
from controller.core.interlocks import TABLE, Latch, Response, Trip


class Restored(NamedTuple):
    """The trips (id, response, words) that were latched, and in words what was going on. `text` "" for nothing."""

    text: str = ""
    trips: tuple[tuple[str, str, str], ...] = ()
    treatment: Treatment | None = None  # that was set up, with its patient
    patient: Patient | None = None
    limits: tuple[tuple[str, float], ...] = ()  # alarm limits that were tightened


def latch_of(restored: Restored, now_s: float) -> Latch:
    """The trips, latched again. What this version does not know is latched with the strongest response."""
    trips = tuple(Trip(id_, now_s, _response(name), text) for id_, name, text in restored.trips)
    still = any(trip.response in (Response.R2, Response.R3) for trip in trips)
    return Latch(trips=trips, armed=False, still=still)


def alarms_of(restored: Restored, now_s: float) -> Alarms:
    """One alarm for each restored trip: latched, not acknowledged, its cause not seen (yet)."""
    rows = {row.id: row for row in TABLE}
    active = {}
    for id_, _, text in restored.trips:
        row = rows.get(id_)
        title, advice = (row.title, row.advice) if row is not None else (id_, "Find out what this was.")
        words = text.removeprefix(f"{title}: ")
        active[id_] = Alarm(
            id_, row_of(id_).priority, title, words, advice, now_s, False, now_s, True, over=True, loud_since_s=now_s
        )
    return Alarms(active)


def _response(name: str) -> Response:
    return Response[name] if name in Response.__members__ else Response.R3
