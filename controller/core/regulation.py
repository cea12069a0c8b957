"""From a cavity target to a demand on the heat source: two nested loops around an energy balance.

Outer loop: cavity target -> inflow set-point, never above the cap. Inner loop: inflow set-point -> set-point of the
exchanger's outlet -> bath set-point or power of an inline element. The feed-forward carries nearly all of the load
(P = rho c Q (T_set - T_return)); the PI terms only trim what the model does not know. Not responsible for permission:
what is wished here may still be refused by `interlocks`.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from typing import NamedTuple

from config.schema import Limits, Rig
from controller.core.pid import Loop, Term

CARRIER_W_PER_K_LPM = 68.6  # rho c of the carrier, 4.12 kJ/L/K, at 1 L/min
PATIENT_UA_W_PER_K = 45.0  # heat conductance cavity to patient; clinical series fit 35 to 70 W/K
LINE_LOSS_C_LPM = 0.35  # inflow line: about 0.4 °C at 1 L/min over 3 m of 3/8 inch PVC, inversely with flow
FLOW_FLOOR_LPM = 0.2  # below this the model is not used to divide
CORE_GUARD_SPAN_C = 0.7  # the target is set back over this much core temperature, ending at the alarm level
CORE_GUARD_SETBACK_C = 2.0
CORE_GUARD_C_PER_S = 0.005  # the core moves in minutes: its noise must not reach the heater
HOT_SPOT_MARGIN_C = 0.2
OUTLET_BELOW_TRIP_C = 0.5
INFLOW_RATE_C_PER_S = 0.05
INFLOW_NEAR_RATE_C_PER_S = 0.012  # within NEAR_C of where it is going: what is under way must not overshoot
NEAR_C = 1.0
PROBE_LAG_S = 4.0
SOURCE_LAG_S = {"bath": 25.0, "inline": 8.0}
BATH_RATE_C_PER_S = 0.2
FRACTION_RATE_PER_S = 0.2
INLET_S = 20.0  # how fast the estimate of what enters the element follows
DT_MAX_S = 0.5  # a stalled loop must not wind anything up
SATURATED_C = 0.3

# The trims beside the feed-forward: output in °C, gains per °C and per °C s, the integral only so near to the aim.
# Chosen by hand and judged on the simulated plant alone; a bench may want others. Their bounds are narrow on purpose.
TRIMS: Mapping[str, Mapping[str, float]] = {
    "cavity": {"kp": 1.6, "ki": 0.010, "low": -3.0, "high": 3.0, "integrate_within_c": 0.6},
    "line": {"kp": 0.25, "ki": 0.010, "low": -1.0, "high": 1.5, "integrate_within_c": 0.8},
    "bath": {"kp": 0.4, "ki": 0.02, "low": -3.0, "high": 4.0, "integrate_within_c": 1.0},
    "inline": {"kp": 0.4, "ki": 0.01, "low": -3.0, "high": 3.0, "integrate_within_c": 1.5},
}


class Mode(enum.Enum):
    """Which rung of the ladder the regulation stands on."""

    OFF = "heat off"
    INFLOW = "inflow control"
    CAVITY = "cavity control"


OFF, CAVITY = Mode.OFF, Mode.CAVITY  # for every cycle: a member costs a call in Python 3.11


class Regulation(NamedTuple):
    """The state of both loops and what they last asked for."""

    mode: Mode = Mode.OFF
    cavity: Term = Term()
    line: Term = Term()
    outlet: Term = Term()
    inflow_target_c: float | None = None
    bath_setpoint_c: float = 20.0
    fraction: float = 0.0
    power_w: float = 0.0  # what the energy balance says is needed
    at_cap: bool = False  # the inflow set-point stands at its cap and more is wanted
    source_limited: bool = False  # bath or element at its limit and more is wanted
    setback_c: float = 0.0  # what the core guard takes off the target
    inlet_c: float | None = None  # what enters the element, from its own heat balance
    inflow_due_c: float | None = None  # where the inflow should be by now, after the line's dead time
    outlet_due_c: float | None = None  # where the outlet should be by now, after the source's lag


class Demand(NamedTuple):
    """What is asked of the heat source; a bath keeps the element's part as it was, and an element the bath's."""

    bath_setpoint_c: float
    fraction: float
    power_w: float
    limited: bool
    inlet_c: float | None


class Measured(NamedTuple):
    """What regulation may know: believed values in °C and L/min, all present."""

    flow_lpm: float
    outlet_c: float
    inflow_c: float
    return_c: float
    cavity_mean_c: float | None
    cavity_max_c: float | None
    core_c: float | None


class Regulator:
    """The two loops of one rig. Stateless; `Regulation` goes in and comes out."""

    def __init__(self, *, rig: Rig) -> None:
        self._limits: Limits = rig.limits
        self._outlet_most_c = min(rig.limits.outlet_trip_c, rig.protective.outlet_trip_c) - OUTLET_BELOW_TRIP_C
        self._heater = rig.heater
        self._source_lag_s = SOURCE_LAG_S[rig.heater.kind]
        self._line_ml = rig.circuit.inflow_line_ml
        self._cavity = Loop(**TRIMS["cavity"])
        self._line = Loop(**TRIMS["line"])
        self._outlet = Loop(**TRIMS[rig.heater.kind])

    def step(
        self,
        state: Regulation,
        measured: Measured,
        *,
        mode: Mode,
        target_c: float,
        cavity_warn_c: float,
        dt_s: float,
    ) -> Regulation:
        """Return the new demand for `target_c`: of the cavity, or of the inflow in `Mode.INFLOW`."""
        dt_s = min(dt_s, DT_MAX_S)
        if mode is OFF:
            return Regulation(setback_c=state.setback_c)
        if state.mode is not mode:
            state = self._enter(state, measured, mode)
        limits = self._limits
        if mode is CAVITY and measured.cavity_mean_c is not None and measured.cavity_max_c is not None:
            wanted_c, cavity, setback_c = self._outer(state, measured, target_c, cavity_warn_c, dt_s)
        else:
            cavity, setback_c = state.cavity, self._setback(state.setback_c, measured.core_c, dt_s)
            wanted_c = target_c - setback_c
        capped_c = min(wanted_c, limits.inflow_cap_c)
        previous_c = state.inflow_target_c if state.inflow_target_c is not None else measured.inflow_c
        near = capped_c - previous_c < NEAR_C
        step_c = (INFLOW_NEAR_RATE_C_PER_S if near else INFLOW_RATE_C_PER_S) * dt_s
        # Upwards is ramped (the exchanger must not overshoot); downwards is free: cooler is the safe direction.
        inflow_target_c = min(capped_c, previous_c + step_c)
        return self._inner(
            state,
            measured,
            mode=mode,
            cavity=cavity,
            inflow_target_c=inflow_target_c,
            at_cap=wanted_c > limits.inflow_cap_c + SATURATED_C,
            setback_c=setback_c,
            dt_s=dt_s,
        )

    def _enter(self, state: Regulation, measured: Measured, mode: Mode) -> Regulation:
        """Bumpless: a change between inflow and cavity control goes on from the present set-point and trims."""
        if state.mode is OFF:
            # The exchanger cools in a hold long before the end of the line: what leaves it now is the beginning.
            there_c = min(measured.inflow_c, measured.outlet_c)
            start_c = min(max(there_c, 30.0), self._limits.inflow_cap_c)
            return state._replace(mode=mode, inflow_target_c=start_c, bath_setpoint_c=max(measured.outlet_c, 20.0))
        return state._replace(mode=mode, cavity=Term())

    def _setback(self, before_c: float, core_c: float | None, dt_s: float) -> float:
        """What the core guard takes off the target now; an unknown core leaves it where it is."""
        if core_c is None:
            return before_c
        start_c = self._limits.core_alarm_c - CORE_GUARD_SPAN_C
        share = min(1.0, max(0.0, (core_c - start_c) / CORE_GUARD_SPAN_C))
        step_c = CORE_GUARD_C_PER_S * dt_s
        return min(max(share * CORE_GUARD_SETBACK_C, before_c - step_c), before_c + step_c)

    def _outer(
        self, state: Regulation, measured: Measured, target_c: float, cavity_warn_c: float, dt_s: float
    ) -> tuple[float, Term, float]:
        mean_c, max_c = measured.cavity_mean_c, measured.cavity_max_c
        if mean_c is None or max_c is None:
            raise ValueError("cavity control without a cavity temperature")
        setback_c = self._setback(state.setback_c, measured.core_c, dt_s)
        aim_c = target_c - setback_c
        # A hot spot counts more than the mean: the hottest probe stays below the warning level.
        aim_c = min(aim_c, mean_c + (cavity_warn_c - HOT_SPOT_MARGIN_C - max_c)) if max_c > aim_c else aim_c
        core_c = measured.core_c if measured.core_c is not None else 37.0
        flow = max(measured.flow_lpm, FLOW_FLOOR_LPM)
        forward_c = aim_c + PATIENT_UA_W_PER_K * max(0.0, aim_c - core_c) / (CARRIER_W_PER_K_LPM * flow)
        blocked = 1 if state.at_cap or state.source_limited else 0
        trim_c, term = self._cavity.step(state.cavity, setpoint_c=aim_c, measured_c=mean_c, dt_s=dt_s, blocked=blocked)
        return forward_c + trim_c, term, setback_c

    def _inner(
        self,
        state: Regulation,
        measured: Measured,
        *,
        mode: Mode,
        cavity: Term,
        inflow_target_c: float,
        at_cap: bool,
        setback_c: float,
        dt_s: float,
    ) -> Regulation:
        flow = max(measured.flow_lpm, FLOW_FLOOR_LPM)
        # Dead time: the trim compares the inflow with what was asked for when this fluid left the exchanger.
        delay_s = self._line_ml / (flow * 1000.0 / 60.0) + PROBE_LAG_S
        inflow_due_c = _follow(state.inflow_due_c, inflow_target_c, measured.inflow_c, dt_s / delay_s)
        trim_c, line = self._line.step(
            state.line,
            setpoint_c=inflow_due_c,
            measured_c=measured.inflow_c,
            dt_s=dt_s,
            blocked=1 if state.source_limited else 0,
        )
        outlet_c = inflow_target_c + LINE_LOSS_C_LPM / flow + trim_c
        outlet_c = min(outlet_c, self._outlet_most_c)
        outlet_due_c = _follow(state.outlet_due_c, outlet_c, measured.outlet_c, dt_s / self._source_lag_s)
        push_c, outlet = self._outlet.step(
            state.outlet,
            setpoint_c=outlet_due_c,
            measured_c=measured.outlet_c,
            dt_s=dt_s,
            blocked=1 if state.source_limited else 0,
        )
        source = self._bath if self._heater.kind == "bath" else self._element
        demand = source(state, measured, outlet_c, push_c, CARRIER_W_PER_K_LPM * flow, dt_s)
        return Regulation(
            mode,
            cavity,
            line,
            outlet,
            inflow_target_c,
            demand.bath_setpoint_c,
            demand.fraction,
            demand.power_w,
            at_cap,
            demand.limited,
            setback_c,
            demand.inlet_c,
            inflow_due_c,
            outlet_due_c,
        )

    def _bath(
        self, state: Regulation, measured: Measured, outlet_c: float, push_c: float, conductance: float, dt_s: float
    ) -> Demand:
        """A flow-dependent exchanger: what the fluid gains is `effectiveness` of the difference to the bath."""
        power_w = max(0.0, conductance * (outlet_c - measured.return_c))
        effectiveness = 1.0 - math.exp(-self._heater.exchanger_ua_w_per_k / conductance)
        wanted_c = measured.return_c + (outlet_c - measured.return_c) / effectiveness + push_c
        allowed_c = max(5.0, min(wanted_c, self._heater.bath_setpoint_max_c))
        bath_c = min(allowed_c, state.bath_setpoint_c + BATH_RATE_C_PER_S * dt_s)
        limited = wanted_c > self._heater.bath_setpoint_max_c + SATURATED_C
        return Demand(bath_c, state.fraction, power_w, limited, state.inlet_c)

    def _element(
        self, state: Regulation, measured: Measured, outlet_c: float, push_c: float, conductance: float, dt_s: float
    ) -> Demand:
        """Power of an inline element. Everything is reckoned in °C, so that a lower flow means less power at once."""
        rated_w = self._heater.max_power_w
        # No probe sits before the element: the power that was given and the outlet say what came in.
        came_in_c = measured.outlet_c - state.fraction * rated_w / conductance
        inlet_c = _follow(state.inlet_c, came_in_c, came_in_c, dt_s / INLET_S)
        power_w = conductance * max(0.0, outlet_c + push_c - inlet_c)
        wanted = power_w / rated_w
        fraction = min(wanted, 1.0, state.fraction + FRACTION_RATE_PER_S * dt_s)
        return Demand(state.bath_setpoint_c, fraction, power_w, wanted > 1.05, inlet_c)


def _follow(before_c: float | None, towards_c: float, start_c: float, share: float) -> float:
    """A first-order lag, started at what is measured."""
    at_c = start_c if before_c is None else before_c
    return at_c + (towards_c - at_c) * min(1.0, share)
