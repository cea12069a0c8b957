"""Whatever comes in, a cycle does not raise, and energy is on only with everything that it needs."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make import ORDER_OF_STEPS, SIGNALS, World, world_in

from controller.core.exchange import Act, Inputs, LinkFault, Order, Outputs, ProtectiveStatus
from controller.core.signals import Quality, Reading

FLOATS = st.floats(allow_nan=True, allow_infinity=True)
TEXTS = st.text(max_size=8)
MAYBE = st.one_of(st.none(), FLOATS)


def near(now_s: float) -> st.SearchStrategy[float]:
    return st.one_of(st.floats(now_s - 2.0, now_s + 0.5), FLOATS)


def garbage(world: World, now_s: float) -> st.SearchStrategy[Inputs]:
    """Inputs around `now_s`: healthy readings of which some are replaced by anything."""
    sane = st.builds(Reading, st.floats(-100.0, 120.0), st.just(now_s))
    wild = st.builds(Reading, MAYBE, near(now_s), st.sampled_from(Quality), TEXTS)
    replaced = st.dictionaries(st.sampled_from([*SIGNALS, "nothing"]), st.one_of(sane, wild), max_size=6)
    healthy = world.readings()
    return st.builds(
        Inputs,
        st.one_of(replaced, replaced.map(lambda bad: {**healthy, **bad})),
        st.lists(st.builds(Order, st.sampled_from(Act), TEXTS, MAYBE, TEXTS), max_size=3).map(tuple),
        st.one_of(
            st.none(),
            st.builds(ProtectiveStatus, near(now_s), st.booleans(), st.booleans(), TEXTS, MAYBE, MAYBE),
            st.builds(ProtectiveStatus, st.just(now_s), st.just(True), st.booleans()),
        ),
        st.lists(st.builds(LinkFault, TEXTS, near(now_s), TEXTS), max_size=2).map(tuple),
        st.lists(TEXTS, max_size=2).map(tuple),
        st.one_of(st.just(0.0), FLOATS),
    )


@pytest.mark.parametrize("kind", ["bath", "inline"])
@settings(max_examples=100)
@given(data=st.data())
def test_no_garbage_makes_a_cycle_raise_or_heat_without_arming_flow_and_permit(kind: str, data: Any) -> None:
    world = world_in(data.draw(st.sampled_from(ORDER_OF_STEPS)), kind=kind)
    for _ in range(data.draw(st.integers(1, 8))):
        now_s = world.now_s + data.draw(st.sampled_from((0.1, 0.1, 0.1, 0.0, -0.3, 1.5, 700.0)))
        world.now_s = now_s
        inputs = data.draw(garbage(world, now_s))
        before = world.state
        world.state, world.outputs, _ = world.cycle.step(before, inputs, now_s)
        check(world, before.outputs, inputs)


def check(world: World, before: Outputs, inputs: Inputs) -> None:
    state, out, limits = world.state, world.outputs, world.cycle.rig.limits
    assert state.outputs == out
    if state.latch.trips or not state.latch.armed:
        assert (out.heat_on, out.heater_fraction) == (False, 0.0)
    if state.walk.hold or state.walk.step in ("standby", "self_test", "prime", "drain", "complete"):
        assert not out.heat_on
    if out.heat_on and not before.heat_on:
        assert inputs.protective is not None
        assert inputs.protective.permit
        flow = inputs.readings["flow_lpm"].value
        assert flow is not None
        assert flow >= limits.heat_flow_min_lpm
    if not out.heat_on:
        assert out.heater_fraction == 0.0
    assert math.isfinite(out.bath_setpoint_c)
    assert out.bath_setpoint_c <= world.cycle.rig.heater.bath_setpoint_max_c
    assert 0.0 <= out.heater_fraction <= 1.0
    assert 0.0 <= out.pump_lpm <= limits.flow_max_lpm
    assert all(math.isfinite(value) for value in state.sensed.good.values())
    json.dumps(world.cycle.view(state), allow_nan=False)


@pytest.mark.parametrize("step", ORDER_OF_STEPS)
def test_the_same_instant_twice_changes_no_energy(step: str) -> None:
    world = world_in(step)
    before = world.outputs
    world.step(dt_s=0.0)
    assert (world.outputs.heat_on, world.outputs.pump_lpm) == (before.heat_on, before.pump_lpm)


@settings(max_examples=30)
@given(data=st.data())
def test_a_cycle_is_pure_the_same_state_and_inputs_give_the_same(data: Any) -> None:
    world = world_in(data.draw(st.sampled_from(ORDER_OF_STEPS)))
    inputs = data.draw(garbage(world, world.now_s + 0.1))
    once = world.cycle.step(world.state, inputs, world.now_s + 0.1)
    world.copy().run(2.0)
    again = world.cycle.step(world.state, inputs, world.now_s + 0.1)
    assert repr(once) == repr(again)


@pytest.mark.parametrize(
    "status",
    [{"permit": False}, {"at_s": 0.0}, {"at_s": 1e9}, {"at_s": math.nan}, {"permit": False, "trip": "probe"}, None],
)
def test_h33_heat_never_comes_on_without_a_fresh_permit_of_the_protective_channel(
    status: dict[str, object] | None,
) -> None:
    world = world_in("preheat")
    world.step(Act.HOLD)
    world.run(1.0)
    assert not world.outputs.heat_on
    world.status = status
    world.step(Act.RESUME)
    for _ in range(100):
        world.step()
        assert not world.outputs.heat_on


def test_h06_heat_waits_until_flow_has_stood_for_a_second() -> None:
    world = world_in("preheat")
    world.step(Act.HOLD)
    world.bent["flow_lpm"] = 0.1
    world.run(1.0)
    world.step(Act.RESUME)
    for _ in range(9):
        world.step()
        assert not world.outputs.heat_on
    del world.bent["flow_lpm"]
    assert world.until(lambda w: w.outputs.heat_on, within_s=2.0) >= 1.0


def test_h06_flow_comes_down_slowly_so_that_the_heat_can_come_down_first() -> None:
    world = world_in("perfuse", settle_s=20.0)
    flows = [world.outputs.pump_lpm]
    flows.append(world.step(Order(Act.FLOW, value=0.6)).pump_lpm)
    for _ in range(200):
        flows.append(world.step().pump_lpm)
    assert flows[-1] == pytest.approx(0.6)
    assert max(a - b for a, b in pairwise(flows)) <= 0.05 * 0.1 + 1e-9


def test_h01_flow_is_not_lowered_while_the_outlet_is_near_its_trip_and_goes_on_when_it_is_not() -> None:
    world = world_in("perfuse", settle_s=20.0)
    before_lpm = world.outputs.pump_lpm
    world.bent["heater_outlet_c"] = 45.7
    world.step(Order(Act.FLOW, value=0.6))
    world.run(5.0)
    assert world.outputs.heat_on
    assert world.outputs.pump_lpm == before_lpm
    world.bent["heater_outlet_c"] = 45.5
    world.run(1.0)
    assert 0.04 < before_lpm - world.outputs.pump_lpm < 0.06
    world.step(Act.STOP)
    assert world.outputs.pump_lpm == 0.0, "STOP never waits"


def test_h01_flow_is_not_lowered_while_the_second_channels_outlet_is_near_its_trip() -> None:
    world = world_in("perfuse", settle_s=20.0)
    before_lpm = world.outputs.pump_lpm
    world.bent["heater_outlet_c"] = 45.4
    world.status = world.status | {"outlet_b_c": 45.7}
    world.step(Order(Act.FLOW, value=0.6))
    world.run(1.0)
    assert world.outputs.heat_on
    assert world.outputs.pump_lpm == before_lpm
    shown = world.cycle.view(world.state)["flow_waits"]
    assert shown == "Flow comes down to 0.60 L/min below 45.6 °C: the outlet is at 45.7 °C."
    world.status = world.status | {"outlet_b_c": 45.4}
    world.run(1.0)
    assert world.outputs.pump_lpm < before_lpm
    assert world.cycle.view(world.state)["flow_waits"] == ""


def test_h12_flow_is_lowered_at_once_where_less_flow_is_what_helps() -> None:
    world = world_in("perfuse", settle_s=20.0)
    before_lpm = world.outputs.pump_lpm
    world.bent |= {"heater_outlet_c": 45.7, "cavity_pressure_mmhg": 19.0}
    world.step(Order(Act.FLOW, value=0.6))
    world.run(1.0)
    assert world.trips == ()
    assert world.outputs.heat_on
    assert 0.04 < before_lpm - world.outputs.pump_lpm < 0.06


def test_h01_flow_is_not_lowered_while_the_outlet_is_not_known() -> None:
    world = world_in("perfuse", settle_s=20.0)
    before_lpm = world.outputs.pump_lpm
    world.bent["heater_outlet_c"] = math.nan
    assert world.step(Order(Act.FLOW, value=0.6)).pump_lpm == before_lpm
    assert world.outputs.heat_on


def test_h07_hot_fluid_is_held_in_the_bypass_until_it_has_cooled() -> None:
    world = world_in("fill", settle_s=20.0)
    world.step(Act.STOP)
    world.bent |= {"inflow_c": 43.6, "heater_outlet_c": 43.6}
    world.run(3.0)
    world.step(Act.RESET)
    world.step(Act.RESUME)
    world.run(3.0)
    assert not world.outputs.inflow_open
    assert not world.outputs.heat_on
    assert "slug" in world.state.alarms.active
    world.bent |= {"inflow_c": 42.9, "heater_outlet_c": 42.9}
    world.step()
    assert world.outputs.inflow_open


def test_h07_while_the_fluid_is_held_in_the_bypass_the_demand_does_not_wind_up() -> None:
    world = world_in("perfuse", settle_s=20.0)
    world.step(Act.STOP)
    world.bent |= {"inflow_c": 43.6, "heater_outlet_c": 43.6}
    world.run(3.0)
    world.step(Act.RESET)
    world.step(Act.RESUME)
    world.run(120.0)
    assert "slug" in world.state.alarms.active
    assert world.state.regulation.inflow_target_c is None
    world.bent |= {"inflow_c": 42.9, "heater_outlet_c": 42.9}
    world.until(lambda w: w.outputs.heat_on, within_s=3.0)
    assert world.outputs.bath_setpoint_c <= 43.1


def test_h03_a_trip_does_not_forget_how_far_the_core_guard_has_set_the_target_back() -> None:
    world = world_in("perfuse", settle_s=20.0)
    world.bent["core_c"] = 38.7
    world.run(120.0)
    setback_c = world.state.regulation.setback_c
    assert setback_c > 0.3
    world.step(Act.STOP)
    world.run(5.0)
    world.step(Act.RESET)
    world.step(Act.RESUME)
    assert world.state.regulation.setback_c == pytest.approx(setback_c, abs=0.01)


def test_h09_after_air_the_line_circulates_in_the_bypass_until_somebody_resumes() -> None:
    world = world_in("perfuse", settle_s=20.0)
    world.bent["bubble_mm"] = 8.0
    world.run(0.5)
    assert world.trips == ("air",)
    assert not world.outputs.pump_enable
    world.step(Act.RESET)
    world.run(5.0)
    assert world.trips == ()
    assert world.outputs.pump_enable
    assert not world.outputs.inflow_open
    world.bent["bubble_mm"] = 0.0
    world.step(Act.RESUME)
    assert world.outputs.inflow_open
