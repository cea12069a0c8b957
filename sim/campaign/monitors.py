"""The properties that have to hold in every run, over the true plant state as well as over what is reported.

Each monitor is made for one run, sees every moment, and says in words what is violated, or "". The names P1 to P20 are
those of the property catalogue in docs. Shown elsewhere, because virtual time has nothing to show it on: P13 (each
change is in the record before it shows; tests/records), P18 (a console without data; tests/runtime and the view's).
P12 (the contactor closes under no load) is not a property of this bench: the contactor closes because heat is asked
for, and the demand starts from what the energy balance needs.
Not responsible for whether a trip was called for (`justified`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from config.schema import (
    BATH_SETPOINT_CEILING_C,
    INFLOW_CAP_CEILING_C,
    Rig,
    Treatment,
)
from controller.core.interlocks import Response
from controller.core.treatment import Heat, phases
from sim.campaign.engine import PERIOD_S, Moment

EDGE_S = 0.5 * PERIOD_S  # a limit in time is judged to half a period
HOT_INFLOW_C, HOT_CAVITY_C, HOT_CORE_C = 46.0, 44.0, 40.0
STILL_LPM = 0.2
DRY_ML = 1.0  # what no pump gets out of the reservoir: below this the exchanger is not fed
ON_W = 1.0
PATIENT_ML = 50.0
AFTER_TRIP_S = 1.0
SHUT_S = 2.5  # inflow stopped after a trip that stops it: the relays' own lease, and the rotor's run-down
OVER_MMHG = 23.0  # true cavity pressure that a transmitter with its full error shows as over 22
DISAGREE_C, DISAGREE_S, STEADY_S = 1.0, 10.0, 20.0
PERMIT_LAG_S = 0.6
BOOT_S = 0.5
PAUSE_MAX_S = 120.0
PUMP_UP_LPM_PER_S = 0.3
LIMIT_TOLERANCE = 1e-6


class Monitor(Protocol):
    """One property of one run."""

    name: str

    def see(self, m: Moment) -> str:
        """Return "" or what is violated at this moment."""


class Setting(NamedTuple):
    """What a monitor may know of the run beforehand."""

    rig: Rig
    treatment: Treatment
    fill_ml: float


class _Lasting:
    """Violated when a condition holds for longer than `most_s`."""

    def __init__(self, name: str, most_s: float, condition: Callable[[Moment], str]) -> None:
        self.name = name
        self._most_s = most_s
        self._condition = condition
        self._since_s: float | None = None

    def see(self, m: Moment) -> str:
        """Judge one moment."""
        said = self._condition(m)
        if not said:
            self._since_s = None
            return ""
        if self._since_s is None:
            self._since_s = m.at_s - PERIOD_S  # it may have begun at any time in this period
        lasted_s = m.at_s - self._since_s
        return f"{said} for {lasted_s:.1f} s" if lasted_s > self._most_s + PERIOD_S + EDGE_S else ""


# --- true state ---


def _hot_inflow(m: Moment) -> str:
    if m.entered_ml <= 0.0 or m.entering_c <= HOT_INFLOW_C:
        return ""
    return f"{m.entering_c:.2f} °C enters the cavity"


def _hot_cavity(m: Moment) -> str:
    return f"cavity {m.cavity_c:.2f} °C" if m.cavity_ml > PATIENT_ML and m.cavity_c > HOT_CAVITY_C else ""


def _hot_core(m: Moment) -> str:
    return f"core {m.core_c:.2f} °C with {m.power_w:.0f} W" if m.core_c > HOT_CORE_C and m.power_w > ON_W else ""


def _still(m: Moment) -> str:
    """P1. What counts for a bath is its electric power too: the heat it has stored cannot be switched off, and is
    bounded by its set-point ceiling instead.
    """
    return f"{m.power_w:.0f} W at {m.flow_lpm:.2f} L/min" if m.power_w > ON_W and m.flow_lpm < STILL_LPM else ""


def _dry(m: Moment) -> str:
    dry = m.power_w > ON_W and m.reservoir_ml < DRY_ML
    return f"{m.power_w:.0f} W with {m.reservoir_ml:.1f} mL in the reservoir" if dry else ""


def _closed_while_hot(m: Moment) -> str:
    """P2, on what the protective channel itself measures."""
    said = m.status
    if said is None or not m.contactor:
        return ""
    hottest = max((v for v in (said.inflow_b_c, said.outlet_b_c) if v is not None), default=0.0)
    return f"contactor closed at {hottest:.1f} °C" if hottest > HOT_INFLOW_C else ""


def _over_pressure(m: Moment) -> str:
    """P10."""
    over = m.cavity_mmhg > OVER_MMHG and m.entered_ml > 0.0
    return f"{m.entered_ml * 600:.0f} mL/min enter at {m.cavity_mmhg:.1f} mmHg" if over else ""


class _Refresh:
    """P3: true power only while a completed cycle has asked for heat within the last second."""

    name = "P3 power without a fresh command"

    def __init__(self) -> None:
        self._asked_s = -1e9

    def see(self, m: Moment) -> str:
        """Judge one moment."""
        if m.cycled and m.outputs.heat_on:
            self._asked_s = m.at_s
        age_s = m.at_s - self._asked_s
        late = m.power_w > ON_W and age_s > 1.0 + PERIOD_S + EDGE_S
        return f"{m.power_w:.0f} W, {min(age_s, 999.0):.1f} s after the last cycle that asked for heat" if late else ""


class _Volume:
    """P9: what is in the patient stays between nothing and the fill, what absorbs, and the accumulation margin."""

    name = "P9 volume in the patient"

    def __init__(self, setting: Setting) -> None:
        self._most_ml = setting.fill_ml + 1000.0

    def see(self, m: Moment) -> str:
        """Judge one moment."""
        return "" if 0.0 <= m.cavity_ml <= self._most_ml else f"{m.cavity_ml:.0f} mL, most {self._most_ml:.0f} mL"


class _AfterTrip:
    """P4, P16: from a trip on no heat is commanded, the power is gone in a second, and R2 and R3 stop the inflow."""

    name = "P4 heat or inflow after a trip"

    def __init__(self) -> None:
        self._tripped_s: float | None = None
        self._shut_s: float | None = None

    def see(self, m: Moment) -> str:
        """Judge one moment."""
        trips = m.state.latch.trips
        if not trips:
            self._tripped_s = self._shut_s = None
            return ""
        self._tripped_s = m.at_s if self._tripped_s is None else self._tripped_s
        if self._shut_s is None and any(trip.response in (Response.R2, Response.R3) for trip in trips):
            self._shut_s = m.at_s
        if m.cycled and m.outputs.heat_on:
            return f"heat commanded while tripped: {trips[0].text}"
        since_s = m.at_s - self._tripped_s
        if m.power_w > ON_W and since_s > AFTER_TRIP_S + EDGE_S:
            return f"{m.power_w:.0f} W, {since_s:.1f} s after the trip: {trips[0].text}"
        if self._shut_s is not None and m.entered_ml > 0.0 and m.at_s - self._shut_s > SHUT_S + EDGE_S:
            return f"{m.entered_ml * 600:.0f} mL/min still enter {m.at_s - self._shut_s:.1f} s after: {trips[0].text}"
        return ""


# --- reported state ---


class _ByItself:
    """P5, P11: heat only once START or RESUME was taken, after each trip and each start of control.

    Never in control's first half second, and never before the self-test was left behind.
    """

    name = "P5 heat by itself"

    def __init__(self, at_s: float, *, running: bool) -> None:
        self._allowed = running
        self._new = not running
        self._booted_s = at_s

    def see(self, m: Moment) -> str:
        """Judge one moment."""
        if not m.cycled:
            return ""
        state = m.state
        new = state.walk.started_s is None
        if new and not self._new:
            self._allowed, self._booted_s = False, m.at_s
        self._new = new
        if any(event.kind == "order" and event.name in ("start", "resume") for event in m.events):
            self._allowed = True
        if state.latch.tripped:
            self._allowed = False
        if not m.outputs.heat_on:
            return ""
        if state.walk.step in ("standby", "self_test"):
            return f"heat in {state.walk.step}"
        if m.at_s - self._booted_s < BOOT_S and not self._allowed:
            return f"heat {m.at_s - self._booted_s:.1f} s after boot"
        return "" if self._allowed else "heat commanded, and nobody has resumed since the trip or the start"


class _Permits:
    """P6, P15: heat is commanded only with every permit, and on readings that are fresh."""

    name = "P6 heat without a permit"
    NEEDS = ("heater_outlet_c", "inflow_c", "outflow_c", "flow_lpm", "pump_rpm")

    def __init__(self, setting: Setting) -> None:
        self._steps = {step.name: step for step in phases(setting.treatment)}
        self._ages = {name: setting.rig.signals[name].max_age_s for name in self.NEEDS if name in setting.rig.signals}
        self._refused_since_s: float | None = None

    def see(self, m: Moment) -> str:
        """Judge one moment."""
        if not m.cycled or not m.outputs.heat_on:
            self._refused_since_s = None
            return ""
        state = m.state
        if state.latch.tripped or not state.latch.armed:
            return "heat commanded without an armed latch"
        if self._steps[state.walk.step].heat is Heat.OFF or state.walk.hold:
            return f"heat commanded in {state.walk.step} {state.walk.hold}"
        missing = self._missing(m)
        if not missing:
            self._refused_since_s = None
            return ""
        self._refused_since_s = m.at_s if self._refused_since_s is None else self._refused_since_s
        return missing if m.at_s - self._refused_since_s > PERMIT_LAG_S + EDGE_S else ""

    def _missing(self, m: Moment) -> str:
        status = m.status
        if status is None or not status.permit:
            return "heat commanded without the protective channel's permit"
        for name, most_s in self._ages.items():
            reading = m.inputs.readings.get(name)
            if reading is None or reading.value is None or not m.at_s - reading.at_s <= most_s + EDGE_S:
                return f"heat commanded on {name} that is missing or stale"
        return ""


class _Rates:
    """P7: the pump is sped up no faster than its ramp."""

    name = "P7 rate of the pump command"

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None

    def see(self, m: Moment) -> str:
        """Judge one moment."""
        if not m.cycled:
            return ""
        last, self._last = self._last, (m.at_s, m.outputs.pump_lpm)
        if last is None:
            return ""
        most_lpm = last[1] + PUMP_UP_LPM_PER_S * min(m.at_s - last[0], 1.0) + LIMIT_TOLERANCE
        return "" if m.outputs.pump_lpm <= most_lpm else f"pump {last[1]:.2f} to {m.outputs.pump_lpm:.2f} L/min at once"


class _Limits:
    """P8: what is commanded and asked for stays within the hard limits."""

    name = "P8 set-points within hard limits"

    def __init__(self, setting: Setting) -> None:
        self._rig, self._treatment = setting.rig, setting.treatment

    def see(self, m: Moment) -> str:
        """Judge one moment."""
        limits, out, walk = self._rig.limits, m.outputs, m.state.walk
        target_c = m.state.regulation.inflow_target_c
        bounds = (
            ("bath set-point", out.bath_setpoint_c if out.heat_on else 20.0, 0.0, BATH_SETPOINT_CEILING_C),
            ("bath", m.bath_setpoint_c if m.bath_on else 20.0, 0.0, BATH_SETPOINT_CEILING_C),
            ("fraction", out.heater_fraction, 0.0, 1.0),
            ("inflow target", 0.0 if target_c is None else target_c, 0.0, INFLOW_CAP_CEILING_C),
            ("pump", out.pump_lpm, 0.0, max(limits.flow_max_lpm, self._treatment.flow_lpm)),
            ("cavity target", walk.target_c, 38.9, self._treatment.cavity_warn_c),
        )
        for name, value, low, high in bounds:
            if not (low - LIMIT_TOLERANCE <= value <= high + LIMIT_TOLERANCE):
                return f"{name} {value:.3f}, allowed {low:g} to {high:g}"
        return ""


def _pause(m: Moment) -> str:
    """P14."""
    left_s = m.state.alarms.paused_until_s - m.state.now_s
    return "" if left_s <= PAUSE_MAX_S + EDGE_S else f"audio paused for another {left_s:.0f} s"


class _Disagreement:
    """P17: two probes at one place that disagree by more than 1 °C take the heat within 10 s."""

    name = "P17 probes disagree and heat stays on"
    PAIRS = (("inflow_c", "inflow_b_c"), ("heater_outlet_c", "outlet_b_c"))

    def __init__(self) -> None:
        self._since_s: float | None = None

    def see(self, m: Moment) -> str:
        """Judge one moment."""
        good = m.state.sensed.good
        apart = max((abs(good[a] - good[b]) for a, b in self.PAIRS if a in good and b in good), default=0.0)
        steady = m.at_s - m.state.pump_changed_s >= STEADY_S
        if not (m.outputs.heat_on and steady and apart > DISAGREE_C):
            self._since_s = None
            return ""
        self._since_s = m.at_s if self._since_s is None else self._since_s
        lasted_s = m.at_s - self._since_s
        return f"{apart:.2f} °C apart for {lasted_s:.1f} s with heat on" if lasted_s > DISAGREE_S + EDGE_S else ""


def monitors_for(setting: Setting, *, at_s: float, running: bool) -> tuple[Monitor, ...]:
    """Every monitor, for a run that begins at `at_s`; `running` when a treatment is already under way and armed."""
    return (
        _Lasting("inflow over 46.0 °C", 1.0, _hot_inflow),
        _Lasting("cavity over 44 °C", -1.0, _hot_cavity),
        _Lasting("core over 40 °C with heat", -1.0, _hot_core),
        _Lasting("P1 heat into still fluid", 1.0, _still),
        _Lasting("heat in a dry exchanger", 1.0, _dry),
        _Lasting("P2 contactor closed while hot", 1.0, _closed_while_hot),
        _Refresh(),
        _AfterTrip(),
        _ByItself(at_s, running=running),
        _Permits(setting),
        _Rates(),
        _Limits(setting),
        _Volume(setting),
        _Lasting("P10 inflow under over-pressure", 1.0, _over_pressure),
        _Lasting("P14 audio pause", -1.0, _pause),
        _Disagreement(),
    )
