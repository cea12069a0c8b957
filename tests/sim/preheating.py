"""A bench in virtual time, just before a fault in the middle of preheating, and what happens from there."""

from __future__ import annotations

from config.loading import load_pair
from config.schema import Patient, Rig
from controller.core.exchange import Event
from sim.cosim import CYCLE_S, START_S, Cosim
from sim.faults import parse
from sim.operator import Operator
from sim.plant.parameters import parameters_for


def preheating(rig: Rig, *, fault: str, for_s: float, operator: Operator | None = None) -> tuple[Cosim, list[Event]]:
    """Run for `for_s`, less one cycle, with the heat on; return the bench and the list that its events go to."""
    _, treatment = load_pair("bench", "saline_rehearsal")
    events: list[Event] = []
    cosim = Cosim(
        rig=rig,
        treatment=treatment,
        patient=Patient(),
        parameters=parameters_for(rig, None),
        seed=0,
        faults=[parse(fault)],
        operator=operator,
        sink=lambda state, outputs, said: events.extend(said),
    )
    while cosim.now_s < START_S + for_s - 1.5 * CYCLE_S:
        cosim.advance()
    assert cosim.terminals.heater_power_w > 0.0
    events.clear()
    return cosim, events
