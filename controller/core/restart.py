"""What a controller begins with after the one before it ended without a goodbye: its trips, what is in the patient.

Beside them the alarm limits that were tightened for the same patient, and who and what was set up.
Never heat, never a phase: it begins in STANDBY with everything off, and people are told what was going on.
Not responsible for finding that out (`controller.records.last_run`).
"""

from __future__ import annotations

from typing import NamedTuple

from config.schema import Patient, Treatment
from controller.core.alarm_table import row_of
from controller.core.alarms import Alarm, Alarms
from controller.core.broken_off import SMALL_ML, BrokenOff, Given
from controller.core.interlocks import TABLE, Latch, Response, Trip
from controller.core.steps import BESIDE_THE_PATIENT, DRAINING


class Restored(NamedTuple):
    """The trips (id, response, words) that were latched, and in words what was going on. `text` "" for nothing."""

    text: str = ""
    trips: tuple[tuple[str, str, str], ...] = ()
    treatment: Treatment | None = None  # that was set up, with its patient
    patient: Patient | None = None
    limits: tuple[tuple[str, float], ...] = ()  # alarm limits that were tightened
    broken_off: BrokenOff | None = None  # what is in the patient, with what is known of it


def broken_off_in(
    step: str, phase: str, patient: str, volume_ml: float | None, doses: tuple[Given, ...], before: BrokenOff | None
) -> BrokenOff | None:
    """What a run that ended in `step` leaves in the patient. `before`: what it had itself begun with."""
    if before is not None and not before.accounted:
        return before  # nothing was begun since
    # Before a drain a sample is soon too old, and carrier that was poured in counts as less than nothing.
    small = step in DRAINING and volume_ml is not None and abs(volume_ml) <= SMALL_ML
    if not doses and (small or step in BESIDE_THE_PATIENT):
        return before
    said = ""
    if before is not None and before.may_be_of(patient):
        doses, said = before.doses + doses, before.unknown
    return BrokenOff(phase=phase, patient=patient, volume_ml=volume_ml, doses=doses, said=said)


def passed_on(step: str, patient: str, left: BrokenOff | None) -> BrokenOff | None:
    """What an end in order, or another set-up, in `step` leaves known: all, unless its own treatment is complete."""
    over = step == "complete" and left is not None and left.may_be_of(patient)
    return None if over else left


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
