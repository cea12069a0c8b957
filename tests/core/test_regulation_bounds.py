"""What regulation can ask for at all: whatever is measured, in whatever order, it stays under every cap."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make import make_rig

from controller.core.regulation import INFLOW_RATE_C_PER_S, Measured, Mode, Regulation, Regulator

TEMPERATURES = st.one_of(st.floats(30.0, 46.0), st.floats(2.0, 70.0), st.sampled_from((2.0, 70.0)))
MAYBE = st.one_of(st.none(), TEMPERATURES)
MEASURED = st.builds(
    Measured, st.one_of(st.floats(0.3, 2.5), st.floats(-12.0, 12.0)), TEMPERATURES, TEMPERATURES, TEMPERATURES, MAYBE,
    MAYBE, MAYBE,
)  # fmt: skip
ASKED = st.tuples(
    MEASURED,
    st.sampled_from((Mode.OFF, Mode.INFLOW, Mode.CAVITY, Mode.CAVITY)),
    st.floats(37.0, 44.0),
    st.floats(0.001, 5.0),
)


@pytest.mark.parametrize("kind", ["bath", "inline"])
@settings(max_examples=150)
@given(data=st.data(), cap_c=st.floats(38.0, 45.0), bath_max_c=st.floats(38.0, 46.0))
def test_h01_no_sequence_of_measurements_asks_for_more_than_the_caps(
    kind: str, data: Any, cap_c: float, bath_max_c: float
) -> None:
    rig = make_rig(kind, inflow_cap_c=cap_c, heater={"bath_setpoint_max_c": bath_max_c})
    regulator = Regulator(rig=rig)
    state = Regulation()
    for measured, mode, target_c, dt_s in data.draw(st.lists(ASKED, min_size=1, max_size=25)):
        state = regulator.step(state, measured, mode=mode, target_c=target_c, cavity_warn_c=43.0, dt_s=dt_s)
        numbers = [state.bath_setpoint_c, state.fraction, state.power_w, state.setback_c]
        numbers += [value for value in (state.inflow_target_c, state.inlet_c) if value is not None]
        assert all(math.isfinite(number) for number in numbers)
        assert state.inflow_target_c is None or state.inflow_target_c <= cap_c
        assert 0.0 <= state.fraction <= 1.0
        assert state.power_w >= 0.0
        assert 0.0 <= state.setback_c <= 2.0
        if mode is Mode.OFF:
            assert (state.mode, state.fraction, state.inflow_target_c) == (Mode.OFF, 0.0, None)
        elif kind == "bath":
            assert 5.0 <= state.bath_setpoint_c <= bath_max_c


@pytest.mark.parametrize("kind", ["bath", "inline"])
@settings(max_examples=60)
@given(data=st.data())
def test_h01_demand_rises_no_faster_than_its_rate_and_falls_at_once(kind: str, data: Any) -> None:
    regulator = Regulator(rig=make_rig(kind))
    state = Regulation()
    for measured, _, target_c, dt_s in data.draw(st.lists(ASKED, min_size=2, max_size=25)):
        before = state
        state = regulator.step(state, measured, mode=Mode.INFLOW, target_c=target_c, cavity_warn_c=43.0, dt_s=dt_s)
        dt_s = min(dt_s, 0.5)
        if before.mode is Mode.OFF:
            continue
        assert before.inflow_target_c is not None
        assert state.inflow_target_c is not None
        assert state.inflow_target_c <= before.inflow_target_c + INFLOW_RATE_C_PER_S * dt_s + 1e-9
        assert state.inflow_target_c <= target_c
        assert state.bath_setpoint_c <= before.bath_setpoint_c + 0.2 * dt_s + 1e-9
        assert state.fraction <= before.fraction + 0.2 * dt_s + 1e-9


def drive(regulator: Regulator, state: Regulation, seconds: float, **changes: Any) -> Regulation:
    plain: dict[str, Any] = {
        "flow_lpm": 1.5, "outlet_c": 44.2, "inflow_c": 44.0, "return_c": 41.0, "cavity_mean_c": 42.0,
        "cavity_max_c": 42.2, "core_c": 37.0,
    }  # fmt: skip
    mode = changes.pop("mode", Mode.CAVITY)
    target_c = changes.pop("target_c", 42.0)
    for _ in range(round(seconds * 10)):
        measured = Measured(**{**plain, **changes})
        state = regulator.step(state, measured, mode=mode, target_c=target_c, cavity_warn_c=43.0, dt_s=0.1)
    return state


def test_entry_is_bumpless_the_demand_starts_at_what_is_measured() -> None:
    for kind in ("bath", "inline"):
        state = drive(Regulator(rig=make_rig(kind)), Regulation(), 0.1, inflow_c=33.0, outlet_c=33.2)
        assert state.inflow_target_c == pytest.approx(33.0, abs=0.02)
        assert state.bath_setpoint_c <= 33.3
        assert state.fraction <= 0.02


@pytest.mark.parametrize("kind", ["bath", "inline"])
def test_h01_after_a_hold_the_heat_begins_at_what_leaves_the_exchanger_not_at_what_the_line_still_holds(
    kind: str,
) -> None:
    state = drive(Regulator(rig=make_rig(kind)), Regulation(), 0.1, flow_lpm=0.7, inflow_c=44.4, outlet_c=39.4)
    assert state.inflow_target_c == pytest.approx(39.4, abs=0.02)
    assert state.bath_setpoint_c <= 39.5
    assert state.fraction <= 0.02


@pytest.mark.parametrize("there", [Mode.INFLOW, Mode.CAVITY])
def test_a_change_between_inflow_and_cavity_control_does_not_step_the_demand_up(there: Mode) -> None:
    back = Mode.CAVITY if there is Mode.INFLOW else Mode.INFLOW
    regulator = Regulator(rig=make_rig())
    before = drive(regulator, Regulation(), 300.0, mode=back)
    after = drive(regulator, before, 0.1, mode=there)
    assert before.inflow_target_c is not None
    assert after.inflow_target_c is not None
    assert after.inflow_target_c <= before.inflow_target_c + 0.01
    assert after.bath_setpoint_c <= before.bath_setpoint_c + 0.03


def test_h03_the_core_guard_sets_the_target_back_slowly_and_fully_at_the_alarm_level() -> None:
    regulator = Regulator(rig=make_rig())
    calm = drive(regulator, Regulation(), 60.0, core_c=38.0)
    assert calm.setback_c == 0.0
    soon = drive(regulator, calm, 10.0, core_c=39.2)
    assert soon.setback_c == pytest.approx(0.05, abs=0.01)
    late = drive(regulator, soon, 600.0, core_c=39.2)
    assert late.setback_c == pytest.approx(2.0)
    assert late.inflow_target_c is not None
    assert calm.inflow_target_c is not None
    assert late.inflow_target_c < calm.inflow_target_c - 1.0
    assert drive(regulator, late, 60.0, core_c=None).setback_c == late.setback_c


def test_h02_a_hot_spot_lowers_the_inflow_though_the_mean_is_at_target() -> None:
    regulator = Regulator(rig=make_rig())
    even = drive(regulator, Regulation(), 200.0)
    spot = drive(regulator, even, 20.0, cavity_max_c=43.4)
    assert even.inflow_target_c is not None
    assert spot.inflow_target_c is not None
    assert spot.inflow_target_c < even.inflow_target_c - 0.3


def test_h04_at_its_cap_regulation_says_so_and_does_not_wind_up() -> None:
    regulator = Regulator(rig=make_rig())
    capped = drive(regulator, Regulation(), 600.0, cavity_mean_c=41.6, cavity_max_c=41.7, flow_lpm=0.6)
    assert capped.at_cap
    assert capped.inflow_target_c == 44.5
    longer = drive(regulator, capped, 600.0, cavity_mean_c=41.6, cavity_max_c=41.7, flow_lpm=0.6)
    assert longer.cavity == capped.cavity


def test_h04_a_source_at_its_limit_is_said_and_does_not_wind_up() -> None:
    for kind in ("bath", "inline"):
        regulator = Regulator(rig=make_rig(kind))
        cold = {"return_c": 25.0, "outlet_c": 30.0, "inflow_c": 30.0, "flow_lpm": 2.4}
        pushed = drive(regulator, Regulation(), 600.0, **cold)
        assert pushed.source_limited
        longer = drive(regulator, pushed, 600.0, **cold)
        assert (longer.line, longer.outlet) == (pushed.line, pushed.outlet)


def test_h06_less_flow_means_less_power_at_once() -> None:
    regulator = Regulator(rig=make_rig("inline"))
    steady = drive(regulator, Regulation(), 300.0, outlet_c=44.6, return_c=41.0, inflow_c=44.2)
    slower = drive(regulator, steady, 0.1, outlet_c=44.6, return_c=41.0, inflow_c=44.2, flow_lpm=0.75)
    assert slower.fraction <= steady.fraction
