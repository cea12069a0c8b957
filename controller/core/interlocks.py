"""What is allowed: the table of interlocks and advisories, the trip latch, and what a response takes away.

A trip latches; trip, reset and re-arm are three acts. The rows stand in `interlocks_trips` and `interlocks_advisories`.
Not responsible for telling anybody (`alarms`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from controller.core.conditions import Level
from controller.core.exchange import Outputs
from controller.core.interlocks_advisories import ADVISORIES
from controller.core.interlocks_row import Interlock, Priority, Response
from controller.core.interlocks_trips import TRIPS
from controller.core.situation import Situation

__all__ = ["TABLE", "Interlock", "Latch", "Priority", "Response", "Trip", "evaluate", "permit", "reset"]

TABLE: tuple[Interlock, ...] = (*TRIPS, *ADVISORIES)
"""Trips first: of what comes in one cycle, the first that is said is the one that took the energy."""


HALF_CYCLE_S = 0.05  # a delay is a number of cycles, and no cycle is on time to the last digit


class Trip(NamedTuple):
    """A latched row: when, and the words of that moment."""

    id: str
    at_s: float
    response: Response
    text: str
    advice: str = ""


class Latch(NamedTuple):
    """The trip latch. `armed` is False from a trip until a person re-arms."""

    trips: tuple[Trip, ...] = ()
    armed: bool = False
    still: bool = False  # a trip has stopped the pump: a reset alone does not start it
    since: Mapping[str, float] = {}  # condition true since, by row

    @property
    def tripped(self) -> bool:
        """A trip waits for its reset."""
        return bool(self.trips)


_CONDITIONS = tuple((row.condition.limit if isinstance(row.condition, Level) else row.condition, row) for row in TABLE)
_LEVELS = tuple((row.condition, row) for row in TABLE if isinstance(row.condition, Level))
_PLACE = {row.id: place for place, row in enumerate(TABLE)}


def evaluate(latch: Latch, situation: Situation) -> tuple[Latch, tuple[tuple[Interlock, str], ...]]:
    """Return the new latch and every row that is active now, with its words, in the table's order."""
    since = latch.since
    present = [(row, text) for condition, row in _CONDITIONS if (text := condition(situation))]
    if not present and not since:
        return latch, ()
    now_s = situation.now_s
    if since:
        present = _with_those_that_stay(present, since, situation)
    starting = {row.id: since.get(row.id, now_s) for row, _ in present}
    ripe_s = now_s + HALF_CYCLE_S
    active = [(row, text) for row, text in present if ripe_s - starting[row.id] >= row.delay_s]
    held = {trip.id for trip in latch.trips}
    new = tuple(
        Trip(row.id, now_s, row.response, f"{row.title}: {text}{_lasted(now_s - starting[row.id])}", row.advice)
        for row, text in active
        if row.response is not Response.R0 and row.id not in held
    )
    still = any(
        row.response in (Response.R2, Response.R3) and not row.bypass for row, _ in active if row.id not in held
    )
    return Latch(latch.trips + new, latch.armed and not new, latch.still or still, starting), tuple(active)


def _with_those_that_stay(
    present: list[tuple[Interlock, str]], since: Mapping[str, float], situation: Situation
) -> list[tuple[Interlock, str]]:
    """Add the rows that have become active and whose value is inside the limit but not yet at the reset level."""
    now_s = situation.now_s
    here = {row.id for row, _ in present}
    stay = [
        (row, text)
        for level, row in _LEVELS
        if row.id in since
        and row.id not in here
        and now_s + HALF_CYCLE_S - since[row.id] >= row.delay_s
        and (text := level.stays(situation))
    ]
    return sorted(present + stay, key=lambda line: _PLACE[line[0].id]) if stay else present


def _lasted(seconds: float) -> str:
    return f", for {seconds:.1f} s" if seconds >= 0.05 else ", at once"


def permit(outputs: Outputs, latch: Latch) -> Outputs:
    """Take away from `outputs` what the latched trips, or the missing re-arming, do not allow."""
    if latch.armed and not latch.trips:
        return outputs
    responses = {trip.response for trip in latch.trips}
    outputs = outputs._replace(heat_on=False, heater_fraction=0.0, prove_contactor=False)
    if latch.still:
        outputs = outputs._replace(pump_lpm=0.0, pump_enable=False, inflow_open=False)
    if Response.R2 in responses:
        outputs = outputs._replace(pump_lpm=0.0, inflow_open=False, outflow_closed=False)
    if Response.R3 in responses:
        # After an R2 the drain stays open: a STOP must not shut in an over-full cavity.
        outputs = outputs._replace(pump_lpm=0.0, pump_enable=False, inflow_open=False)
    return outputs


def reset(latch: Latch, active: tuple[tuple[Interlock, str], ...]) -> tuple[Latch, tuple[Trip, ...]]:
    """Clear the latch when every cause is gone, else nothing; return it and the trips whose cause stays. Never arms."""
    live = {row.id for row, _ in active}
    stay = tuple(trip for trip in latch.trips if trip.id in live)
    return (latch if stay else latch._replace(trips=(), armed=False)), stay
