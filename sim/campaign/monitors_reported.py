"""Properties over what is commanded and reported, and over who allowed it."""

from __future__ import annotations

from config.schema import BATH_SETPOINT_CEILING_C, INFLOW_CAP_CEILING_C
from controller.core.exchange import Outputs
from controller.core.steps import Heat
from controller.core.treatment import phases
from sim.campaign.engine import Moment
from sim.campaign.property import EDGE_S, Setting

APART = (  # °C, for how long with heat on, seconds since the pump or a valve was last changed
    (1.0, 10.0, 20.0),
    (2.0, 2.0, 5.0),  # no transport explains so much for longer
    (1.0, 60.0, 0.0),  # however often the flow is changed
)
PERMIT_LAG_S = 0.6
BOOT_S = 0.5
PAUSE_MAX_S = 120.0
PUMP_UP_LPM_PER_S = 0.3
BATH_UP_C_PER_S = 0.2
FRACTION_UP_PER_S = 0.2
LIMIT_TOLERANCE = 1e-6


class ByItself:
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


class Permits:
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


class Rates:
    """P7: pump, bath set-point and an element's power are raised no faster than their ramps; down is always allowed."""

    name = "P7 rate of a command"

    def __init__(self) -> None:
        self._last: tuple[float, Outputs] | None = None

    def see(self, m: Moment) -> str:
        """Judge one moment."""
        if not m.cycled:
            return ""
        last, self._last = self._last, (m.at_s, m.outputs)
        if last is None:
            return ""
        before, now, dt_s = last[1], m.outputs, min(m.at_s - last[0], 1.0)
        ramps = (
            ("pump", before.pump_lpm, now.pump_lpm, PUMP_UP_LPM_PER_S),
            ("fraction", before.heater_fraction, now.heater_fraction, FRACTION_UP_PER_S),
            # The first set-point of a heater that was off says where the bath stands already.
            ("bath", before.bath_setpoint_c if before.heat_on else 99.0, now.bath_setpoint_c, BATH_UP_C_PER_S),
        )
        for name, was, is_now, per_s in ramps:
            if not is_now <= was + per_s * dt_s + LIMIT_TOLERANCE:
                return f"{name} {was:.2f} to {is_now:.2f} at once"
        return ""


class Limits:
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


def pause(m: Moment) -> str:
    """P14."""
    left_s = m.state.alarms.paused_until_s - m.state.now_s
    return "" if left_s <= PAUSE_MAX_S + EDGE_S else f"audio paused for another {left_s:.0f} s"


class Disagreement:
    """P17: two probes at one place that disagree by more than 1 °C take the heat within 10 s of steady flow.

    The flow has to be steady for 20 s because fluid of two temperatures passes both probes after a change; more than
    2 °C is allowed 5 s of that, and nothing is allowed for ever.
    """

    name = "P17 probes disagree and heat stays on"
    PAIRS = (("inflow_c", "inflow_b_c"), ("heater_outlet_c", "outlet_b_c"))

    def __init__(self) -> None:
        self._since_s: list[float | None] = [None] * len(APART)

    def see(self, m: Moment) -> str:
        """Judge one moment."""
        good = m.state.sensed.good
        apart = max((abs(good[a] - good[b]) for a, b in self.PAIRS if a in good and b in good), default=0.0)
        steady_s = m.at_s - m.state.pump_changed_s
        for index, (most_c, most_s, after_s) in enumerate(APART):
            if not (m.outputs.heat_on and steady_s >= after_s and apart > most_c):
                self._since_s[index] = None
                continue
            since_s = self._since_s[index]
            self._since_s[index] = since_s = m.at_s if since_s is None else since_s
            if m.at_s - since_s > most_s + EDGE_S:
                return f"{apart:.2f} °C apart for {m.at_s - since_s:.1f} s with heat on"
        return ""
