"""Jogging by hand: a dead-man's button in STANDBY, inside both permits, through every interlock."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make import CYCLE_S, ORDER_OF_STEPS, World, make_cycle, world_in

from controller.core import jog
from controller.core.exchange import Act, Order, Outputs

STOPS_WITHIN_S = 1.0
HEAT = {"bath": 38.0, "inline": 0.1}
JOGS = (Act.JOG_PUMP, Act.JOG_HEAT)


def pump(value: float | None = 0.5, press: object = 1) -> Order:
    return Order(Act.JOG_PUMP, "engineer", value, str(press))


def heat(value: float | None = 38.0, press: object = 1) -> Order:
    return Order(Act.JOG_HEAT, "engineer", value, str(press))


def held(world: World, seconds: float, *orders: Order) -> None:
    """Refresh every 0.2 s, as the page does."""
    for at in range(round(seconds / CYCLE_S)):
        world.step(*(orders if at % 2 == 0 else ()))


def energised(outputs: Outputs) -> bool:
    return outputs.heat_on or outputs.pump_lpm > 0.0 or outputs.pump_enable or outputs.heater_fraction > 0.0


@pytest.mark.parametrize("kind", ["bath", "inline"])
def test_held_buttons_turn_the_pump_and_then_heat_in_the_bypass(kind: str) -> None:
    world = world_in("standby", kind=kind)
    held(world, 1.0, pump(), heat(HEAT[kind]))
    assert world.outputs.pump_lpm > 0.2
    assert not world.outputs.heat_on  # flow has not been proven for long enough
    held(world, 4.0, pump(), heat(HEAT[kind]))
    assert (world.outputs.heat_on, world.outputs.pump_lpm) == (True, 0.5)
    asked = world.outputs.bath_setpoint_c if kind == "bath" else world.outputs.heater_fraction
    assert asked == HEAT[kind]
    assert not world.outputs.inflow_open
    assert world.trips == ()
    assert world.step_name == "standby"


@pytest.mark.parametrize("orders", [(pump(),), (pump(), heat())])
def test_everything_stops_within_a_second_of_the_last_refresh(orders: tuple[Order, ...]) -> None:
    world = world_in("standby")
    held(world, 4.0, *orders)
    world.step(*orders)
    last_s = world.now_s
    world.until(lambda w: not energised(w.outputs), within_s=STOPS_WITHIN_S)
    assert world.now_s - last_s <= STOPS_WITHIN_S
    assert "jog_pump ended: not refreshed" in " ".join(event.text for event in world.events)
    assert not world.state.latch.armed


def test_heat_goes_with_the_pump_at_once() -> None:
    world = world_in("standby")
    held(world, 4.0, pump(), heat())
    assert world.outputs.heat_on
    world.step(pump(0.0), heat())
    assert not energised(world.outputs)


def test_a_release_stops_in_that_cycle_and_disarms() -> None:
    world = world_in("standby")
    held(world, 1.0, pump())
    world.step(pump(0.0))
    assert not energised(world.outputs)
    assert not world.state.latch.armed


def test_heat_alone_is_refused_and_a_pump_pressed_again_does_not_bring_it_back() -> None:
    world = world_in("standby")
    world.step(heat())
    assert "while the pump's button is held" in world.refused()
    held(world, 4.0, pump(), heat())
    world.step(pump(0.0))
    held(world, 4.0, pump(press=2), heat())
    assert world.outputs.pump_lpm == 0.5
    assert not world.outputs.heat_on


@pytest.mark.parametrize("over", ["released", "lapsed", "tripped and reset"])
def test_a_press_that_is_over_is_not_taken_up_again(over: str) -> None:
    world = world_in("standby")
    held(world, 1.0, pump())
    if over == "released":
        world.step(pump(0.0))
    elif over == "lapsed":
        world.run(1.0)
    else:
        world.step(Act.STOP)
        world.run(1.0)
        world.step(Act.RESET)
        world.run(0.5)
        assert world.trips == ()
    world.step(pump())
    assert "release and press again" in world.refused()
    assert not energised(world.outputs)
    world.step(pump(press=2))
    assert energised(world.outputs)


def test_a_second_button_does_not_take_over_what_another_holds() -> None:
    world = world_in("standby")
    world.step(pump(0.3, press=7))
    world.step(pump(0.6, press=8))
    assert "somebody holds it already" in world.refused()
    world.step(pump(0.3, press=7))
    assert world.state.jog.pump.value == 0.3


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None, -0.1, 0.05, 0.7, 1e9])
def test_a_flow_that_is_none_or_too_much_is_refused(value: float | None) -> None:
    world = world_in("standby")
    world.step(pump(value))
    assert "is not allowed: 0.1 to 0.6 L/min" in world.refused()
    assert not energised(world.outputs)


@pytest.mark.parametrize(("kind", "value"), [("bath", 40.1), ("bath", math.nan), ("inline", 0.2), ("inline", 38.0)])
def test_heat_beyond_its_ceiling_is_refused(kind: str, value: float) -> None:
    world = world_in("standby", kind=kind)
    held(world, 3.0, pump())
    world.step(pump(), heat(value))
    assert "is not allowed" in world.refused()
    assert not world.outputs.heat_on


@pytest.mark.parametrize("press", ["", "0", "-1", "1.5", "x", "9" * 17, "²"])
def test_a_press_without_its_number_is_refused(press: str) -> None:
    world = world_in("standby")
    world.step(pump(press=press))
    assert "number the press" in world.refused()


def test_a_rig_may_only_tighten() -> None:
    tight = make_cycle(heater={"bath_setpoint_max_c": 38.5}, flow_max_lpm=0.4)
    bounds = jog.allowed(tight.rig.limits, tight.rig.heater)
    assert (bounds["jog_pump"].high, bounds["jog_heat"].high) == (0.4, 38.5)
    wide = make_cycle()
    bounds = jog.allowed(wide.rig.limits, wide.rig.heater)
    assert (bounds["jog_pump"].high, bounds["jog_heat"].high) == (0.6, 40.0)


@pytest.mark.parametrize("step", [name for name in ORDER_OF_STEPS if name != "standby"])
def test_no_jog_outside_standby(step: str) -> None:
    world = world_in(step)
    undisturbed = world.copy()
    world.step(pump(), heat())
    undisturbed.step()
    assert "allowed in STANDBY" in world.refused()
    assert world.outputs == undisturbed.outputs


def test_a_start_ends_the_jog_and_the_treatment_begins_armed() -> None:
    world = world_in("standby")
    held(world, 2.0, pump(), heat())
    world.step(Act.START)
    assert world.step_name == "self_test"
    assert not energised(world.outputs)
    assert world.state.latch.armed
    assert not world.state.jog.active


def test_the_loss_of_the_protective_permit_ends_it() -> None:
    world = world_in("standby")
    held(world, 3.0, pump(), heat())
    world.status = {"permit": False}
    world.step(pump(), heat())
    assert not energised(world.outputs)
    world.step(pump(), heat())
    assert "gives no permit" in world.refused()


def test_the_interlocks_judge_a_jog_as_they_judge_a_treatment() -> None:
    world = world_in("standby")
    held(world, 4.0, pump(), heat())
    world.bent["flow_lpm"] = None
    held(world, 1.0, pump(), heat())
    assert "no_flow" in world.trips
    assert not energised(world.outputs)
    del world.bent["flow_lpm"]
    held(world, 5.0, pump(), heat())
    assert not energised(world.outputs)


def test_refreshes_do_not_fill_the_record() -> None:
    world = world_in("standby")
    said = []
    for _ in range(40):
        world.step(pump())
        said += [event.text for event in world.events if event.kind == "order"]
    assert said == ["pump held at 0.5 L/min (engineer)"]


def test_people_are_shown_what_is_held_and_why_nothing_may_be() -> None:
    world = world_in("standby")
    world.step(pump())
    assert world.cycle.view(world.state)["jog"] == {"pump": 0.5, "heat": None, "why_not": ""}
    shown = world_in("prime")
    assert shown.cycle.view(shown.state)["jog"] == {
        "pump": None,
        "heat": None,
        "why_not": "jogging is allowed in STANDBY",
    }


NUMBERS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([0.0, 0.1, 0.3, 0.6, 20.0, 38.0, 40.0, 0.15])
)
ORDERS = st.one_of(
    st.builds(Order, st.sampled_from(JOGS), st.just("x"), NUMBERS, st.integers(0, 4).map(str)),
    st.sampled_from([pump(0.5), heat(38.0), heat(0.1), Order(Act.STOP), Order(Act.RESET), Order(Act.START)]),
)
MOMENTS = st.tuples(
    st.lists(ORDERS, max_size=1), st.sampled_from([0.1, 0.1, 0.1, 0.3, 1.2]), st.booleans(), st.sampled_from(["", "x"])
)


@settings(max_examples=150, deadline=None)
@given(kind=st.sampled_from(["bath", "inline"]), moments=st.lists(MOMENTS, max_size=40))
def test_whatever_is_pressed_energy_needs_standby_both_permits_and_a_fresh_refresh(
    kind: str, moments: list[tuple[list[Order], float, bool, str]]
) -> None:
    world = world_in("standby", kind=kind)
    refreshed_s = -math.inf
    for orders, dt_s, permit, session in moments:
        world.status = {"permit": permit}
        world.session = session
        world.step(*orders, dt_s=dt_s)
        refused = {event.name for event in world.events if event.kind == "refused"}
        for order in orders:
            if order.act is Act.JOG_PUMP and order.value != 0.0 and order.act.value not in refused:
                refreshed_s = world.now_s
        if world.step_name != "standby":
            return
        if energised(world.outputs):
            assert permit
            assert world.trips == ()
            assert world.now_s - refreshed_s <= STOPS_WITHIN_S
            assert 0.0 < world.outputs.pump_lpm <= 0.6
            assert not world.outputs.inflow_open
            assert world.outputs.bath_setpoint_c <= 40.0
            assert world.outputs.heater_fraction <= 0.15
        if world.outputs.heat_on:
            assert world.outputs.pump_enable
            assert world.state.latch.armed


def test_p11_heat_is_not_jogged_before_the_session_self_test_and_the_pump_is() -> None:
    world = world_in("standby")
    world.session = "there is no session self-test of this rig"
    held(world, 4.0, pump(), heat())
    assert not world.outputs.heat_on
    assert world.outputs.pump_lpm > 0.2
    world.step(pump(), heat())
    assert "there is no session self-test" in world.refused()
