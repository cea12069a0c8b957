"""Power goes in and the fluid stands, though the meter claims flow and the drive says that it turns.

Within a second an element warms what stands in it by 0.4 °C, and a probe that shows tenths lags behind that: no row
can know it from temperatures so soon. The line's pressure falls first; without it the protective channel sees the
outlet rise. A bath cannot make its fluid hotter than itself, so there it is slow, and harmless for so long.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from runs import Run

from sim.cosim import START_S
from sim.faults import parse

HEATED = ("preheat", "fill", "warm_up", "perfuse")
SETTLE_S = 30.0  # the line's pressure drop has been learned, and heat is on
HOTTEST_OUTLET_C = {"bath": 46.0, "inline": 50.0}
WITHIN_S = {("bath", False): 2.5, ("inline", False): 2.5, ("bath", True): 120.0, ("inline", True): 6.5}
TRIPS = {
    ("bath", False): {"disconnected"},
    ("inline", False): {"disconnected", "protective_trip"},
    ("bath", True): {"order", "unbalanced"},
    ("inline", True): {"protective_trip"},
}


@pytest.mark.parametrize("blind", [False, True], ids=["pressure", "pressure stuck too"])
@pytest.mark.parametrize("step", HEATED)
def test_h06_fluid_that_stands_though_the_meter_claims_flow_is_not_heated_for_long_and_none_of_it_gets_into_the_patient(
    stages: Mapping[str, Run], step: str, blind: bool
) -> None:
    run = stages[step].copy()
    run.advance(SETTLE_S)
    kind = run.cosim.rig.heater.kind
    stuck_s = run.state.now_s - START_S
    for name in ("flow_lpm", *(["line_pressure_mmhg"] if blind else [])):
        run.cosim.schedule.add(parse(f"stuck:{name}@{stuck_s:.1f}"))
    run.advance(1.0)
    assert run.cosim.plant.heater_power_w > 0.0
    assert not run.trips
    run.strike("stall", within_s=WITHIN_S[kind, blind])
    assert run.trips[0] in TRIPS[kind, blind]
    hottest_c = 0.0
    for _ in range(100):
        run.advance(0.1)
        hottest_c = max(hottest_c, run.cosim.plant.outlet_c)
    assert run.cosim.plant.heater_power_w == 0.0
    assert hottest_c <= HOTTEST_OUTLET_C[kind]
    assert run.hottest_inflow_c <= run.cosim.rig.limits.inflow_trip_c
