"""Power goes in and the fluid stands, or does so though the meter claims flow and the drive says that it turns.

The one is a single fault and has a second. The other is two: a meter that is stuck alone harms nobody.

Within a second an element warms what stands in it by 0.4 °C, and a probe that shows tenths lags behind that: no row
can know it from temperatures so soon. The line's pressure falls first; without it the protective channel sees the
outlet rise. A bath cannot make its fluid hotter than itself, so there it is slow, and harmless for so long.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

import pytest
from runs import Run

from sim.cosim import START_S
from sim.faults import parse

HEATED = ("preheat", "fill", "warm_up", "perfuse")
STANDS = ("stall", "occlusion_in", "reversed", "disconnected", "emptied")  # faults that end the flow, each alone
SECOND = {"alone": (), "flow stuck": ("flow_lpm",), "pressure stuck": ("line_pressure_mmhg",)}
BUDGET_S = {"alone": 1.0, "flow stuck": 2.5, "pressure stuck": 1.0}
WATCH_S = 60.0
SETTLE_S = 30.0  # the line's pressure drop has been learned, and heat is on
HOTTEST_OUTLET_C = {"bath": 46.0, "inline": 50.0}
WITHIN_S = {("bath", False): 2.5, ("inline", False): 2.5, ("bath", True): 120.0, ("inline", True): 6.5}
TRIPS = {
    ("bath", False): {"disconnected"},
    ("inline", False): {"disconnected", "protective_trip"},
    ("bath", True): {"order", "unbalanced"},
    ("inline", True): {"protective_trip"},
}


def fault_now(run: Run, text: str) -> None:
    name, _, value = text.partition("=")
    run.cosim.schedule.add(parse(f"{name}@{run.state.now_s - START_S:.1f}" + (f"={value}" if value else "")))


def dry_s(run: Run, fault: str) -> tuple[float, float]:
    """From the fault, and from when the fluid really stands, to no more power. Negative: it never stood heated."""
    began_s, stands_s = run.state.now_s, float("inf")
    if fault == "emptied":
        run.cosim.plant.empty_reservoir()
    else:
        fault_now(run, fault)
    run.powered_at_s = began_s
    while run.state.now_s < began_s + WATCH_S and not (run.trips and run.state.now_s > run.powered_at_s + 3.0):
        run.advance(0.1)
        if run.cosim.plant.flow_lpm < run.cosim.rig.limits.heat_flow_min_lpm:
            stands_s = min(stands_s, run.state.now_s)
    return run.powered_at_s - began_s, run.powered_at_s - stands_s


@pytest.mark.parametrize("step", HEATED)
def test_h06_a_single_fault_that_ends_the_flow_takes_the_heat_within_a_second_and_a_stuck_meter_alone_harms_nobody(
    stages: Mapping[str, Run], step: str
) -> None:
    sys.stdout.write(
        "\nSIMULATED  rig, step, fault, second: s to no power from the fault, and from when the fluid stood\n"
    )
    for second, stuck in SECOND.items():
        latent = stages[step].copy()
        latent.advance(SETTLE_S)
        for name in stuck:
            fault_now(latent, f"stuck:{name}")
        latent.advance(1.0)
        assert latent.cosim.plant.heater_power_w > 0.0
        assert not latent.trips, "a stuck meter alone: the fluid goes on, and so does the heat"
        for fault in STANDS:
            run = latent.copy()
            whole_s, standing_s = dry_s(run, fault)
            row = f"{run.cosim.rig.heater.kind:7}{step:9}{fault:13}{second:15}{whole_s:6.1f}{standing_s:6.1f}"
            sys.stdout.write(f"{row}\n")
            if (fault, second) == ("disconnected", "pressure stuck"):
                assert run.hottest_inflow_c <= run.cosim.rig.limits.inflow_trip_c, "the fluid goes on: no dry heating"
                continue
            assert run.trips
            assert standing_s <= BUDGET_S[second], f"{fault}, {second}"


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
