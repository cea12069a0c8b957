"""The PI term around simple-pid: nothing but finite values gets in, the integral is bounded and waits when it must."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.pid import Loop, Term

STEPS = st.lists(
    st.tuples(st.floats(-50.0, 50.0), st.floats(0.01, 0.5), st.sampled_from((-1, 0, 1))), min_size=1, max_size=60
)


def make_loop(*, kp: float = 0.5, ki: float = 0.05, within_c: float = 1.0) -> Loop:
    return Loop(kp=kp, ki=ki, low=-2.0, high=3.0, integrate_within_c=within_c)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("as_setpoint", [True, False])
def test_h18_a_value_that_is_not_finite_is_refused_and_leaves_no_trace(value: float, as_setpoint: bool) -> None:
    loop, healthy = make_loop(), make_loop()
    term = Term(0.4)
    setpoint_c, measured_c = (value, 42.0) if as_setpoint else (42.0, value)
    with pytest.raises(ValueError, match="control loop"):
        loop.step(term, setpoint_c=setpoint_c, measured_c=measured_c, dt_s=0.1)
    after = loop.step(term, setpoint_c=42.0, measured_c=41.8, dt_s=0.1)
    assert after == healthy.step(term, setpoint_c=42.0, measured_c=41.8, dt_s=0.1)


@given(steps=STEPS, start=st.floats(-1e6, 1e6))
def test_output_and_integral_stay_within_the_limits(steps: list[tuple[float, float, int]], start: float) -> None:
    loop, term = make_loop(), Term(min(max(start, -2.0), 3.0))
    for error, dt_s, blocked in steps:
        output, term = loop.step(term, setpoint_c=42.0, measured_c=42.0 - error, dt_s=dt_s, blocked=blocked)
        assert -2.0 <= output <= 3.0
        assert -2.0 <= term.integral <= 3.0


@given(steps=STEPS)
def test_the_integral_stands_while_it_would_be_driven_further_into_a_limit(
    steps: list[tuple[float, float, int]],
) -> None:
    loop, term = make_loop(within_c=100.0), Term()
    for error, dt_s, blocked in steps:
        output, after = loop.step(term, setpoint_c=42.0, measured_c=42.0 - error, dt_s=dt_s, blocked=blocked)
        if (error > 0 and (blocked > 0 or output >= 3.0)) or (error < 0 and (blocked < 0 or output <= -2.0)):
            assert after == term
        elif error > 1e-6:
            assert after.integral > term.integral
        elif error < -1e-6:
            assert after.integral < term.integral
        term = after


@given(error=st.one_of(st.floats(1.001, 40.0), st.floats(-40.0, -1.001)), start=st.floats(-1.0, 1.0))
def test_the_integral_stands_while_the_error_is_large(error: float, start: float) -> None:
    loop, term = make_loop(), Term(start)
    for _ in range(20):
        _, term = loop.step(term, setpoint_c=42.0, measured_c=42.0 - error, dt_s=0.1)
    assert term == Term(start)


@given(steps=STEPS, other=st.floats(-1.0, 1.0))
def test_the_state_is_outside_one_loop_serves_two_histories(
    steps: list[tuple[float, float, int]], other: float
) -> None:
    shared, alone = make_loop(), make_loop()
    term_a, term_b, expected = Term(), Term(other), Term()
    for error, dt_s, blocked in steps:
        kept = term_a
        output, term_a = shared.step(kept, setpoint_c=42.0, measured_c=42.0 - error, dt_s=dt_s, blocked=blocked)
        again = shared.step(kept, setpoint_c=42.0, measured_c=42.0 - error, dt_s=dt_s, blocked=blocked)
        _, term_b = shared.step(term_b, setpoint_c=42.0, measured_c=41.9, dt_s=dt_s)
        wanted, expected = alone.step(expected, setpoint_c=42.0, measured_c=42.0 - error, dt_s=dt_s, blocked=blocked)
        assert output == pytest.approx(wanted, abs=1e-9)
        assert again == (pytest.approx(output), pytest.approx(term_a))
        assert term_a.integral == pytest.approx(expected.integral, abs=1e-9)


@given(start=st.floats(-1.5, 1.5))
def test_entry_is_bumpless_the_first_output_is_the_integral_when_there_is_no_error(start: float) -> None:
    output, term = make_loop().step(Term(start), setpoint_c=42.0, measured_c=42.0, dt_s=0.1)
    assert output == pytest.approx(start)
    assert term.integral == pytest.approx(start)
