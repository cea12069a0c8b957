"""One fault in the middle of perfusion: which row trips first, how soon no power flows, and that it stays so."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import NamedTuple, cast

import pytest
from runs import RIGS, Nominal, Run

from config.loading import load_rig
from controller.core.conditions_probes import order_broken
from controller.core.exchange import Act, Order
from controller.core.regulation import Regulation
from controller.core.situation import Situation
from sim.plant.parameters import parameters_for

POWER_OFF_S = 1.0


class Fault(NamedTuple):
    """`within_s`: from the fault in the plant to the trip; the power is off within POWER_OFF_S of the trip at most."""

    text: str
    trips: str
    within_s: float
    flows: bool  # the pump is still asked to run into the patient
    about: str


FAULTS = (
    Fault("stall", "no_flow", 1.0, True, "h06 heat without flow"),
    Fault("occlusion_in", "no_flow", 1.0, False, "h10 inflow line kinked shut"),
    Fault("off:heater_outlet_c", "probe_lost", 0.5, True, "h18 outlet probe off"),
    Fault("off:inflow_c", "probe_lost", 0.5, True, "h18 inflow probe off"),
    Fault("short:inflow_c", "probe_lost", 0.5, True, "h19 inflow probe shorted"),
    Fault("nan:outflow_c", "probe_lost", 0.5, True, "h18 outflow says NaN"),
    Fault("wrong_unit:inflow_c", "probe_lost", 0.7, True, "h40 inflow in Fahrenheit"),
    Fault("off:flow_lpm", "no_flow", 0.6, True, "h06 flow meter lost"),
    Fault("off:bubble_mm", "bubble_lost", 0.8, False, "h18 bubble detector lost"),
    Fault("off:reservoir_ml", "level_lost", 0.8, False, "h18 level lost"),
    Fault("off:line_pressure_mmhg", "line_pressure_lost", 0.8, False, "h18 line pressure lost"),
    Fault("silent:protective", "protective_trip", 1.0, True, "h33 protective probes silent"),
    Fault("air", "air", 0.2, False, "h09 air"),
    Fault("runaway", "runaway", 2.0, False, "h16 pump runs away"),
    Fault("reversed", "no_flow", 1.0, False, "h15 tubing reversed"),
    Fault("occlusion_out", "accumulating", 60.0, False, "h11 outflow blocked"),
    Fault("leak=1000", "accumulating", 120.0, False, "h14 large leak"),
    Fault("dislodged:inflow_c", "twins_apart", 6.0, True, "h20 inflow probe out of the fluid"),
    Fault("bias:inflow_c=-2", "inflow_disagrees", 12.0, True, "h22 inflow probe reads 2 °C low"),
    Fault("drift:inflow_c=-0.5", "inflow_disagrees", 200.0, True, "h22 inflow probe drifts"),
)
LINKS = ("pump", "heater", "relay")  # actuators, by the role that the rig file gives them


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.about.replace(" ", "_") for fault in FAULTS])
def test_each_fault_trips_its_row_takes_the_power_and_it_stays_away(nominal: Nominal, fault: Fault) -> None:
    run = nominal.midway.copy()
    run.strike(fault.text, within_s=fault.within_s)
    assert run.trips[0] == fault.trips
    assert_stays_safe(run)
    assert (run.cosim.terminals.inflow_open and run.cosim.outputs.pump_lpm > 0.0) == fault.flows


def assert_stays_safe(run: Run) -> None:
    """No power later than a second after the trip, whatever a resume without a reset asks for."""
    tripped_s = run.state.latch.trips[0].at_s
    run.advance(20.0)
    run.ask(Act.RESUME)
    run.advance(60.0)
    assert run.powered_at_s <= tripped_s + POWER_OFF_S
    assert run.cosim.plant.heater_power_w == 0.0
    assert not run.cosim.terminals.contactor_closed
    assert run.hottest_inflow_c <= 45.5
    assert run.hottest_cavity_c <= 43.0
    assert run.state.walk.hold.startswith("tripped: ")


@pytest.mark.parametrize("role", ["pump", "heater", "pump_enable"])
def test_h28_a_silent_actuator_trips_and_its_power_is_gone_within_its_lease(nominal: Nominal, role: str) -> None:
    run = nominal.midway.copy()
    wired = getattr(run.cosim.rig.actuators, role)
    device = wired if isinstance(wired, str) else wired.device
    began_s = run.state.now_s
    run.strike(f"silent:{device}", within_s=2.0)
    assert run.trips[0] in ("device_lost", "no_flow", "probe_lost")
    run.advance(10.0)
    assert run.powered_at_s <= began_s + 2.0
    assert run.cosim.plant.heater_power_w == 0.0


def test_h25_a_heater_stuck_on_is_stopped_by_the_outlet_trip_and_the_contactor(nominal: Nominal) -> None:
    run = nominal.midway.copy()
    run.strike("stuck_on", within_s=30.0)
    # An element says at once what it gives; a bath's fluid is on its way over the trip before the bath is 1 °C too hot.
    assert run.trips[0] == {"bath": "protective_trip", "inline": "power_differs"}[nominal.kind]
    assert_stays_safe(run)


def test_h04_a_weak_heater_is_said_and_never_makes_anything_hot(nominal: Nominal) -> None:
    run = nominal.midway.copy()
    with pytest.raises(AssertionError, match="no trip"):
        run.strike("weak=0.1", within_s=900.0)
    assert {"not_heating", "cavity_cool"} <= set(run.alarms("MEDIUM"))
    assert run.hottest_inflow_c <= run.cosim.rig.limits.inflow_cap_c + 0.3
    assert run.coldest_perfused_c < 41.0


def test_h33_a_silent_control_loses_the_contactor_within_a_second(nominal: Nominal) -> None:
    run = nominal.midway.copy()
    cosim = run.cosim
    cosim.cycle.step = lambda state, inputs, now_s: (state, state.outputs, ())  # type: ignore[method-assign]
    began_s = cosim.now_s
    while cosim.plant.heater_power_w > 0.0:
        cosim.advance()
        assert cosim.now_s - began_s <= POWER_OFF_S
    assert not cosim.terminals.contactor_closed
    run.advance(30.0)
    assert cosim.plant.heater_power_w == 0.0


def test_h03_a_hot_uncooled_patient_is_set_back_first_and_trips_at_the_core_limit() -> None:
    plain = parameters_for(load_rig(RIGS["bath"]), None)
    feverish = replace(plain.patient, ua_w_per_k=70.0, core_start_c=37.5, cooling_w=0.0, metabolism_w=110.0)
    run = Run("bath", parameters=replace(plain, patient=feverish))
    while not run.trips:
        run.cosim.advance()
        assert run.step_name != "complete"
        setback_c = run.state.regulation.setback_c
        if not run.trips and run.state.sensed.good.get("core_c", 0.0) > 39.2:
            assert setback_c == 2.0
    assert run.trips == ["core_trip"]
    assert {"core_warn", "core_alarm"} <= set(run.alarms("HIGH", "MEDIUM"))
    assert_stays_safe(run)
    assert run.hottest_core_c < 39.7


@pytest.mark.parametrize(
    ("outlet_c", "inflow_c", "due_c", "target_c", "broken"),
    [
        (40.3, 43.9, 42.0, 40.0, False),
        (40.3, 43.9, 40.0, 40.0, True),
        (40.3, 43.9, None, None, True),
        (36.3, 43.9, 42.0, 40.0, True),
        (43.9, 40.3, 42.0, 40.0, True),
        (43.9, 40.3, 40.0, 42.0, True),
        (40.3, 43.9, 40.0, 42.0, True),
        (43.4, 40.0, 42.0, 42.0, False),
    ],
)
def test_h20_outlet_and_inflow_may_be_apart_only_by_what_a_lower_target_has_sent_on_its_way(
    outlet_c: float, inflow_c: float, due_c: float | None, target_c: float | None, broken: bool
) -> None:
    seen = SimpleNamespace(
        good={"heater_outlet_c": outlet_c, "inflow_c": inflow_c}, heat_on_s=100.0, pump_steady_s=100.0,
        regulation=Regulation(inflow_due_c=due_c, inflow_target_c=target_c),
    )  # fmt: skip
    assert bool(order_broken(cast("Situation", seen))) is broken


@pytest.mark.parametrize("fallen", ["", "heater_outlet_c", "inflow_c"])
def test_h20_a_lower_target_at_little_flow_is_no_broken_order_and_a_probe_that_falls_out_meanwhile_is_found(
    fallen: str,
) -> None:
    run = Run("inline", treatment="saline_rehearsal")
    run.reach("warm_up")
    run.ask(Order(Act.FLOW, value=0.7))
    run.advance(200.0)
    run.ask(Order(Act.TARGET, value=39.0))
    run.advance(10.0)
    if fallen:
        run.strike(f"dislodged:{fallen}", within_s=6.0)
        return
    run.advance(110.0)
    assert run.trips == []
