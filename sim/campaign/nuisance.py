"""Treatments without any fault, run to their end: which trips and MEDIUM alarms nothing in the true plant called for.

The person changes flow and target, holds, and presses STOP (`busy`): what they asked for is called for.
Not responsible for faults (`runner`) or for many of them at once (`campaign`).
"""

from __future__ import annotations

from typing import NamedTuple

from controller.core.interlocks import Trip
from sim.campaign.busy import busy_conduct
from sim.campaign.engine import Watcher
from sim.campaign.justified import Judge
from sim.campaign.person import Person
from sim.campaign.runner import GIVE_UP_CYCLES, Prepared
from sim.campaign.scenario import base_of

AFTER_TRIP_S = 30.0


class Quiet(NamedTuple):
    """How one went."""

    number: int
    completed: bool
    trips: tuple[str, ...]
    unjustified: tuple[str, ...]
    false_medium: tuple[str, ...]
    simulated_s: float


def run_quiet(number: int) -> Quiet:
    """The base treatment of that number to its end, or to half a minute after a trip that nobody asked for."""
    prepared = Prepared(base_of(number))
    engine = prepared.fresh()
    judge, watcher = Judge(prepared.setting, ()), Watcher(engine)
    trips: list[str] = []
    seen: set[Trip] = set()
    busy = False
    unjustified: list[str] = []
    false_medium: list[str] = []
    begun_s = engine.now_s
    tripped_s: float | None = None
    for _ in range(GIVE_UP_CYCLES):
        engine.advance()
        moment = watcher.look()
        judge.see(moment)
        for event in moment.events:
            if event.kind == "alarm" and event.priority == "MEDIUM" and (said := judge.false_alarm(event)):
                false_medium.append(said)
        if not busy and engine.state.walk.step == "warm_up":
            conduct = busy_conduct(number, prepared.setting, prepared.base.reaction_s)
            engine.begin((), Person(conduct=conduct, begun_s=engine.now_s))
            busy = True
        for trip in engine.state.latch.trips:
            if trip in seen:
                continue
            seen.add(trip)
            if trip.id == "stop" and not judge.unjustified(trip):
                continue
            trips.append(f"{trip.id}: {trip.text}")
            if said := judge.unjustified(trip):
                unjustified.append(said)
            tripped_s = moment.at_s if tripped_s is None else tripped_s
        over = tripped_s is not None and moment.at_s - tripped_s > AFTER_TRIP_S
        if over or engine.state.walk.step == "complete":
            break
    completed = engine.state.walk.step == "complete"
    return Quiet(
        number, completed, tuple(trips), tuple(unjustified), tuple(false_medium), round(engine.now_s - begun_s, 1)
    )
