"""The one probe of the core fails, in the patient who warms fastest: heat is off before the core is dangerously hot."""

from __future__ import annotations

from dataclasses import replace

import pytest
from runs import RIGS, Run

from config.loading import load_rig
from sim.cosim import START_S
from sim.plant.parameters import Parameters, parameters_for

HOT_CORE_C = 40.0
AFTER_S = 3600.0


def warms_fast(kind: str) -> Parameters:
    """Large exchange, small heat store, warm at the start, no cooling: the corner of what is sampled."""
    nominal = parameters_for(load_rig(RIGS[kind]), None, "closed")
    patient = replace(nominal.patient, ua_w_per_k=70.0, body_j_per_kg_k=2440.0, core_start_c=36.8, cooling_w=0.0)
    return replace(nominal, patient=patient)


@pytest.mark.parametrize("kind", RIGS)
@pytest.mark.parametrize("fault", ["off", "stuck", "drift=-0.5", "bias=-1.5", "dislodged"])
def test_h03_h18_the_core_is_never_hot_with_heat_on_whatever_its_probe_says(kind: str, fault: str) -> None:
    name, _, size = fault.partition("=")
    struck_s = 1000.0
    run = Run(kind, parameters=warms_fast(kind), faults=(f"{name}:core_c@{struck_s:g}" + (f"={size}" if size else ""),))
    while run.state.now_s - START_S < struck_s + AFTER_S and not run.trips:
        run.advance(1.0)
        hot = run.cosim.plant.core_c > HOT_CORE_C
        assert not (hot and run.cosim.terminals.heater_power_w > 0.0), run.state.now_s - START_S
    assert run.trips[0] in {"core_unwatched", "core_trip", "frozen"}, run.trips
    assert "core_lost" in run.alarms("MEDIUM") or run.trips == ["core_trip"]
