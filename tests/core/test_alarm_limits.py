"""Alarm limits: two steps, only tighter, back at their defaults in a new session."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from make import World, world_in

from config.schema import Limits
from controller.core import alarm_limits
from controller.core.alarm_limits import ADJUSTABLE, CONFIRM_WITHIN_S, AlarmLimits, RefusedLimit
from controller.core.exchange import Act, Order

LOWER = {"core_low_c"}


def asks(world: World, *orders: Order) -> str:
    world.step(*orders)
    return "; ".join(event.text for event in world.events if event.kind in ("order", "refused", "limit"))


def propose(value: float | None, name: str = "core_warn_c", who: str = "ann") -> Order:
    return Order(Act.LIMIT, who=who, value=value, text=name)


def test_h39_a_limit_changes_only_when_it_is_confirmed_and_says_old_and_new() -> None:
    world = world_in("perfuse", settle_s=20.0)
    said = asks(world, propose(38.0))
    assert said == "Core warning 38.5 -> 38.0 °C proposed, allowed 36.5 to 38.5; confirm within 60 s (ann)"
    assert world.state.limits.now.core_warn_c == 38.5
    assert asks(world, Order(Act.LIMIT_CONFIRM, who="bob")) == (
        "Core warning 38.5 -> 38.0 °C, proposed by ann, confirmed (bob)"
    )
    assert world.state.limits.now.core_warn_c == 38.0
    world.bent["core_c"] = 38.2
    world.run(11.0)
    assert world.state.alarms.active["core_warn"].text.endswith("> 38 °C")


def test_h39_a_change_that_nobody_confirms_within_a_minute_is_forgotten_and_logged() -> None:
    world = world_in("perfuse", settle_s=20.0)
    asks(world, propose(38.0))
    world.run(CONFIRM_WITHIN_S - 0.2)
    assert world.state.limits.pending is not None
    said = ""
    for _ in range(5):
        said += asks(world)
    assert said == "not confirmed: Core warning 38.5 -> 38.0 °C"
    assert "no change of a limit waits" in asks(world, Order(Act.LIMIT_CONFIRM))
    assert world.state.limits.now == world.state.limits.configured


@pytest.mark.parametrize("value", [None, math.nan, math.inf, 38.6, 36.4, -1.0])
def test_h39_a_limit_is_never_wider_than_the_rig_file_nor_so_tight_that_it_always_sounds(value: float | None) -> None:
    world = world_in("perfuse")
    assert "is not allowed for core_warn_c: 36.5 to 38.5 °C" in asks(world, propose(value))
    assert world.state.limits.pending is None


@pytest.mark.parametrize("name", ["core_trip_c", "cavity_trip_c", "outlet_trip_c", "name", ""])
def test_h46_no_trip_level_can_be_changed_by_an_act(name: str) -> None:
    world = world_in("perfuse")
    assert f"no limit {name!r}" in asks(world, propose(39.0, name))
    assert not any("trip" in name for name in ADJUSTABLE)


def test_h41_a_set_up_begins_with_the_rig_files_limits_and_a_start_says_which_are_tighter() -> None:
    world = world_in("standby")
    asks(world, propose(37.5))
    asks(world, Order(Act.LIMIT_CONFIRM))
    asks(world, propose(38.0, "core_alarm_c"))
    assert "alarm limits tightened: core_warn_c 37.5" in asks(world, Order(Act.START))
    assert world.state.limits.now.core_warn_c == 37.5
    assert world.state.limits.pending is None
    set_up = world.cycle.initial(world.now_s)
    assert set_up.limits.now == world.cycle.rig.limits


@given(values=st.lists(st.tuples(st.sampled_from([*sorted(ADJUSTABLE), "core_trip_c"]), st.floats()), max_size=12))
def test_h41_limits_of_before_a_restart_are_never_wider_than_the_rig_files(values: list[tuple[str, float]]) -> None:
    configured = Limits()
    limits = alarm_limits.tightened(configured, values)
    assert limits.pending is None
    assert limits.now.core_low_c < limits.now.core_warn_c < limits.now.core_alarm_c
    assert limits.now.core_trip_c == configured.core_trip_c
    for name, line in ADJUSTABLE.items():
        tighter = getattr(limits.now, name) - getattr(configured, name)
        assert tighter >= 0.0 if line.lower else tighter <= 0.0


@given(changes=st.lists(st.tuples(st.sampled_from(sorted(ADJUSTABLE)), st.floats(0.0, 1.0)), max_size=12))
@example(changes=[("core_warn_c", 0.5213333475541636), ("core_alarm_c", 0.5), ("core_warn_c", 1.0)])
def test_h41_every_set_of_limits_that_was_in_force_comes_back_whole(changes: list[tuple[str, float]]) -> None:
    configured = Limits()
    limits = AlarmLimits(configured, configured)
    for name, share in changes:
        low, high = alarm_limits.allowed(limits, name)
        limits, _ = alarm_limits.confirm(alarm_limits.propose(limits, name, low + (high - low) * share, "x", 0.0), 0.0)
    assert alarm_limits.tightened(configured, alarm_limits.changed(limits).items()).now == limits.now


def test_the_view_shows_every_limit_with_its_range_and_what_waits() -> None:
    world = world_in("perfuse")
    asks(world, propose(150.0, "line_pressure_alarm_mmhg"))
    world.run(10.0)
    view = world.cycle.view(world.state)
    shown = view["limits"]
    assert isinstance(shown, list)
    line = next(each for each in shown if each["name"] == "line_pressure_alarm_mmhg")
    assert (line["value"], line["configured"], line["low"], line["high"]) == (200.0, 200.0, 80.0, 200.0)
    waits = view["limit_waits"]
    assert isinstance(waits, dict)
    assert waits["text"] == "Line pressure alarm 200 -> 150 mmHg"
    assert waits["left_s"] == pytest.approx(50.0, abs=0.2)


def test_h39_a_change_that_its_neighbour_has_overtaken_is_refused_when_it_is_confirmed() -> None:
    configured = Limits()
    waits = alarm_limits.propose(AlarmLimits(configured, configured), "core_alarm_c", 38.6, "x", 0.0)
    lower = msgspec.structs.replace(configured, core_warn_c=38.0)
    alarm_limits.confirm(waits._replace(now=lower), 1.0)
    higher = msgspec.structs.replace(configured, core_warn_c=38.6)
    with pytest.raises(RefusedLimit, match=r"38\.6 is not allowed for core_alarm_c any more"):
        alarm_limits.confirm(waits._replace(now=higher), 1.0)


@given(changes=st.lists(st.tuples(st.sampled_from(sorted(ADJUSTABLE)), st.floats(0.0, 300.0)), max_size=30))
def test_h39_whatever_is_confirmed_the_levels_stay_in_order_and_within_the_configured_ones(
    changes: list[tuple[str, float]],
) -> None:
    configured = Limits()
    limits = AlarmLimits(configured, configured)
    for name, share in changes:
        low, high = alarm_limits.allowed(limits, name)
        value = low + (high - low) * min(share / 200.0, 1.1)
        try:
            limits, _ = alarm_limits.confirm(alarm_limits.propose(limits, name, value, "x", 0.0), 1.0)
        except RefusedLimit:
            assert not (low <= value <= high)
        now = limits.now
        assert now.core_low_c < now.core_warn_c < now.core_alarm_c <= configured.core_alarm_c
        for each in ADJUSTABLE:
            tighter = getattr(now, each) - getattr(configured, each)
            assert tighter >= 0.0 if each in LOWER else tighter <= 0.0
        changed = {field for field in now.__struct_fields__ if getattr(now, field) != getattr(configured, field)}
        assert changed <= set(ADJUSTABLE)
