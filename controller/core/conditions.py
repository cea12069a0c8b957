"""The conditions of the interlocks: each returns "" or, in words, what is wrong with which value against which limit.

Every comparison is written so that NaN counts as a violation; a missing value where missing is not safe.
Not responsible for delays, latches or responses (`interlocks`).
"""

from __future__ import annotations

from collections.abc import Callable

from controller.core.exchange import ProtectiveStatus
from controller.core.sensing import FUTURE_S
from controller.core.situation import Situation
from controller.core.treatment import Heat

Condition = Callable[[Situation], str]

STATUS_MAX_AGE_S = 0.5
STALL_RUN_UP_S = 3.0
FLOW_LEAST_LPM = 0.2
RPM_LEAST = 2.0
ORDER_C = 3.5
OFF_POWER_W = 100.0
HEAT_OFF_GRACE_S = 3.0
SETPOINT_TOLERANCE_C = 0.6
SOURCE_OVER_C = 1.0
ACCUMULATED_ML = 300.0
DRIFT_ML = 100.0
SLUG_C = 43.0
NO_RISE_S = 90.0


def above(name: str, limit_of: str) -> Condition:
    """A condition: the signal exceeds a field of the rig's limits. A missing value is another interlock's matter."""

    def condition(s: Situation) -> str:
        value = s.good.get(name)
        if value is None:
            return ""
        limit: float = getattr(s.limits, limit_of)
        return "" if value <= limit else f"{name} {value:.2f} > {limit:g}"

    return condition


def cavity_over(s: Situation) -> str:
    """The hottest cavity probe is over the trip level."""
    hottest = s.sensed.cavity_max_c
    if hottest is None or hottest <= s.limits.cavity_trip_c:
        return ""
    return f"hottest cavity probe {hottest:.2f} °C > {s.limits.cavity_trip_c:g} °C"


def cavity_warm(s: Situation) -> str:
    """The hottest cavity probe is over the treatment's warning level."""
    hottest = s.sensed.cavity_max_c
    if hottest is None or hottest <= s.treatment.cavity_warn_c:
        return ""
    return f"hottest cavity probe {hottest:.2f} °C > {s.treatment.cavity_warn_c:g} °C"


def cavity_cool(s: Situation) -> str:
    """During PERFUSE the cavity mean is below what counts as treatment."""
    mean = s.sensed.cavity_mean_c
    low = min(41.0, s.treatment.ready_c) - 0.3
    if s.step.name != "perfuse" or s.walk.hold or mean is None or mean >= low:
        return ""
    return f"cavity mean {mean:.2f} °C < {low:g} °C"


def heat_without_flow(s: Situation) -> str:
    """Heat is commanded without both proofs of flow: the meter's value and the pump's own read-back."""
    if not s.last.heat_on:
        return ""
    flow, rpm = s.good.get("flow_lpm"), s.good.get("pump_rpm")
    if flow is None:
        return f"flow unknown ({s.bad.get('flow_lpm', 'missing')}) while heating"
    if not flow >= s.limits.heat_flow_min_lpm:
        return f"flow {flow:.2f} L/min < {s.limits.heat_flow_min_lpm:g} L/min while heating"
    if rpm is None:
        return f"pump speed unknown ({s.bad.get('pump_rpm', 'missing')}) while heating"
    if not abs(rpm) >= RPM_LEAST:
        return f"pump reads {rpm:.1f} rpm while heating"
    return ""


def reservoir_low(s: Situation) -> str:
    """The level does not cover the outlet while something pumps or heats, or is about to."""
    if not (s.last.heat_on or s.last.pump_lpm > 0.0 or s.wanted.pump_lpm > 0.0):
        return ""
    level = s.good.get("reservoir_ml")
    if level is None or level >= s.limits.reservoir_low_ml:
        return ""
    return f"reservoir {level:.0f} mL < {s.limits.reservoir_low_ml:g} mL"


def air(s: Situation) -> str:
    """A bubble at the detector while the line is open to the patient."""
    size = s.good.get("bubble_mm")
    if not s.last.inflow_open or size is None or size < s.limits.bubble_trip_mm:
        return ""
    return f"bubble {size:.1f} mm >= {s.limits.bubble_trip_mm:g} mm"


def accumulating(s: Situation) -> str:
    """More has gone in and not come back than the fill and a margin."""
    volume = s.in_patient_ml
    if volume is None or s.step.name not in ("fill", "warm_up", "perfuse", "rinse_fill"):
        return ""
    most = s.fill_ml + s.volumes.carried_ml + ACCUMULATED_ML
    return "" if volume <= most else f"{volume:.0f} mL in the patient > {most:.0f} mL"


def disconnected(s: Situation) -> str:
    """The inflow line's pressure has fallen far below what it was at this flow: the line is open somewhere."""
    flow, pressure = s.good.get("flow_lpm"), s.good.get("line_pressure_mmhg")
    if s.line_baseline is None or flow is None or pressure is None or not s.last.inflow_open or flow < 0.4:
        return ""
    expected = s.line_baseline * flow
    if expected < 20.0 or pressure >= 0.35 * expected:
        return ""
    return f"line pressure {pressure:.0f} mmHg at {flow:.2f} L/min, {expected:.0f} mmHg expected"


def drifting(s: Situation) -> str:
    """The level has fallen during steady circulation faster than a peritoneum absorbs."""
    drift = s.volumes.drift_ml
    return "" if drift <= DRIFT_ML else f"level fell {drift:.0f} mL in 10 min of circulation"


def unbalanced(s: Situation) -> str:
    """While filling, level and flow meter disagree about what went in."""
    if s.step.name not in ("fill", "rinse_fill") or s.volumes.reference_ml is None or s.volumes.level_ml is None:
        return ""
    by_level = s.volumes.reference_ml - s.volumes.level_ml
    by_flow = s.volumes.infused_by_flow_ml
    limit = s.limits.volume_error_alarm_ml
    if abs(by_level - by_flow) <= limit:
        return ""
    return f"level says {by_level:.0f} mL went in, the flow meter {by_flow:.0f} mL"


def reversed_flow(s: Situation) -> str:
    """The fluid runs backwards."""
    flow = s.good.get("flow_lpm")
    return "" if flow is None or flow > -0.05 else f"flow {flow:.2f} L/min, backwards"


def runaway(s: Situation) -> str:
    """The pump delivers clearly more than it was told to."""
    flow = s.good.get("flow_lpm")
    if flow is None or s.pump_steady_s < STALL_RUN_UP_S:
        return ""
    most = s.last.pump_lpm * 1.3 + 0.15
    return "" if flow <= most else f"flow {flow:.2f} L/min > {most:.2f} L/min at set {s.last.pump_lpm:.2f}"


def stalled(s: Situation) -> str:
    """The pump is told to run and the fluid does not move."""
    flow = s.good.get("flow_lpm")
    asked = s.last.pump_lpm
    if flow is None or asked < FLOW_LEAST_LPM or s.pump_steady_s < STALL_RUN_UP_S:
        return ""
    return "" if flow >= 0.5 * asked else f"flow {flow:.2f} L/min at set {asked:.2f} L/min"


def heating_probe_lost(s: Situation) -> str:
    """A probe that the heat depends on is not believed while heat is commanded, or would be."""
    if not s.last.heat_on and s.step.heat is Heat.OFF:
        return ""
    for name in ("heater_outlet_c", "inflow_c", "outflow_c"):
        if name in s.bad:
            return f"{name}: {s.bad[name]}"
    return ""


def cavity_lost(s: Situation) -> str:
    """No cavity temperature is believed while the fluid that heats the patient is on, or would be."""
    heats = s.last.heat_on and s.last.inflow_open
    wants = s.step.heat is not Heat.OFF and s.step.inflow_open
    if not (heats or wants) or s.sensed.cavity_valid > 0:
        return ""
    return "no cavity probe is valid: " + "; ".join(f"{n} {t}" for n, t in s.bad.items() if n.startswith("cavity_"))


def cavity_few(s: Situation) -> str:
    """Fewer than two cavity probes agree: the cavity loop falls back to inflow control."""
    if not s.last.inflow_open or s.sensed.cavity_valid >= 2 or s.sensed.cavity_valid == 0:
        return ""
    return "only one cavity probe is valid"


def cavity_outlier(s: Situation) -> str:
    """One cavity probe reads far colder than the others and is left out."""
    return f"{s.sensed.cavity_outlier} is far colder than the others" if s.sensed.cavity_outlier else ""


def guard_lost(name: str) -> Condition:
    """A condition: a signal that guards the patient's side is lost while the line is open to the patient, or would be.

    What has tripped must still be seen with the clamp shut, or a reset would open the line unguarded.
    """

    def condition(s: Situation) -> str:
        return f"{name}: {s.bad[name]}" if (s.last.inflow_open or s.step.inflow_open) and name in s.bad else ""

    return condition


def core_lost(s: Situation) -> str:
    """The core temperature is not monitored during warm-up or perfusion."""
    return f"core_c: {s.bad['core_c']}" if s.last.inflow_open and "core_c" in s.bad else ""


def order_broken(s: Situation) -> str:
    """Outlet and inflow differ by more than a line can lose: a probe is out of the fluid, or exchanged."""
    outlet, inflow = s.good.get("heater_outlet_c"), s.good.get("inflow_c")
    if outlet is None or inflow is None or s.heat_on_s < 120.0 or s.pump_steady_s < 60.0:
        return ""
    if abs(outlet - inflow) <= ORDER_C:
        return ""
    return f"heater outlet {outlet:.2f} °C and inflow {inflow:.2f} °C differ by more than {ORDER_C:g} °C"


def disagree(a: str, b: str, limit_of: str) -> Condition:
    """A condition: two probes at one place differ by more than a field of the limits."""

    def condition(s: Situation) -> str:
        x, y = s.good.get(a), s.good.get(b)
        if x is None or y is None or not s.last.heat_on or s.pump_steady_s < 20.0:
            return ""
        limit: float = getattr(s.limits, limit_of)
        return "" if abs(x - y) <= limit else f"{a} {x:.2f} °C and {b} {y:.2f} °C differ by more than {limit:g} °C"

    return condition


def heater_stuck_on(s: Situation) -> str:
    """Power flows though none is commanded: a welded relay, a shorted SSR, a circulator that did not obey."""
    power = s.good.get("heater_power_w")
    if power is None or s.heat_off_s < HEAT_OFF_GRACE_S or power <= OFF_POWER_W:
        return ""
    return f"heater draws {power:.0f} W, {s.heat_off_s:.0f} s after heat off"


def setpoint_differs(s: Situation) -> str:
    """The bath reports another set-point than it was given."""
    read_back = s.good.get("heater_setpoint_c")
    if s.rig.heater.kind != "bath" or read_back is None or not s.last.heat_on or s.heat_on_s < 3.0:
        return ""
    if abs(read_back - s.last.bath_setpoint_c) <= SETPOINT_TOLERANCE_C:
        return ""
    return f"bath set-point reads back {read_back:.2f} °C, {s.last.bath_setpoint_c:.2f} °C commanded"


def source_over(s: Situation) -> str:
    """The bath is hotter than any set-point can make it."""
    source = s.good.get("source_c")
    if s.rig.heater.kind != "bath" or source is None:
        return ""
    limit = s.rig.heater.bath_setpoint_max_c + SOURCE_OVER_C
    return "" if source <= limit else f"bath {source:.2f} °C > {limit:g} °C"


def over_power(s: Situation) -> str:
    """The fluid gains far more heat than was commanded: wrong scale, wrong device."""
    if s.rig.heater.kind != "inline" or not s.last.heat_on or s.heat_on_s < 30.0 or s.pump_steady_s < 60.0:
        return ""
    outlet, back, flow = s.good.get("heater_outlet_c"), s.good.get("outflow_c"), s.good.get("flow_lpm")
    if outlet is None or back is None or flow is None or s.step.name not in ("warm_up", "perfuse"):
        return ""  # only then does the outflow probe say what comes back
    gained = 68.6 * flow * (outlet - back)
    asked = s.last.heater_fraction * s.rig.heater.max_power_w
    return "" if gained <= 1.6 * asked + 300.0 else f"fluid gains {gained:.0f} W, {asked:.0f} W commanded"


def weak_heat(s: Situation) -> str:
    """The heat source is at its limit and the inflow still is not where it should be."""
    if not s.regulation.source_limited:
        return ""
    return "heat source at its limit: lower the flow, insulate the lines or check the heater"


def at_cap(s: Situation) -> str:
    """The inflow stands at its cap and the cavity wants more."""
    if not s.regulation.at_cap or s.step.name not in ("warm_up", "perfuse"):
        return ""
    return f"inflow at its cap of {s.limits.inflow_cap_c:g} °C: raise the flow, or cover the abdomen"


def not_heating(s: Situation) -> str:
    """The inflow is far below its set-point and does not rise with heat on: no power, no exchange, mains lost."""
    target, inflow = s.regulation.inflow_target_c, s.good.get("inflow_c")
    if target is None or inflow is None or not s.last.heat_on or s.no_rise_s < NO_RISE_S:
        return ""
    return f"inflow {inflow:.2f} °C, set-point {target:.2f} °C, no rise for {s.no_rise_s:.0f} s"


def device_lost(s: Situation) -> str:
    """A device has not answered for longer than its outputs live."""
    for fault in () if s.idle else s.link_faults:
        if not (s.now_s - fault.since_s <= 1.0):
            return f"{fault.device}: {fault.text}"
    return ""


def device_late(s: Situation) -> str:
    """A device has missed an answer."""
    return f"{s.link_faults[0].device}: {s.link_faults[0].text}" if s.link_faults and not s.idle else ""


def is_fresh(status: ProtectiveStatus, now_s: float) -> bool:
    """The protective channel's word is recent. One from the future is a broken clock, not a fresh word."""
    return -FUTURE_S <= now_s - status.at_s <= STATUS_MAX_AGE_S


def protective_lost(s: Situation) -> str:
    """The protective channel has not been heard: permit needs both channels."""
    status = s.protective
    if s.idle:
        return ""
    if status is None:
        return "the protective channel has never answered"
    age = s.now_s - status.at_s
    return "" if is_fresh(status, s.now_s) else f"the protective channel is silent for {age:.1f} s"


def protective_trip(s: Situation) -> str:
    """The protective channel has tripped."""
    return s.protective.trip if s.protective is not None else ""


def protective_refuses(s: Situation) -> str:
    """Heat is asked for and the protective channel does not let it on, for a reason it has not latched."""
    if s.protective is None or not s.last.heat_on or s.protective.permit:
        return ""
    return "heat is asked for without the protective channel's permit"


def overrun(s: Situation) -> str:
    """The cycle came late."""
    return "" if s.overrun_s <= 0.2 else f"cycle {s.overrun_s * 1000:.0f} ms late"


def host(s: Situation) -> str:
    """The host says that something beside the control does not work."""
    return s.host_faults[0] if s.host_faults else ""


def stop(s: Situation) -> str:
    """Somebody pressed STOP."""
    return f"STOP by {s.stop_asked}" if s.stop_asked else ""


def core_low(s: Situation) -> str:
    """The core is cooler than an operation should leave it."""
    core = s.good.get("core_c")
    if core is None or not s.last.inflow_open or core >= s.limits.core_low_c:
        return ""
    return f"core {core:.2f} °C < {s.limits.core_low_c:g} °C: less cooling"


def dose_due(s: Situation) -> str:
    """A fraction of the drug is due."""
    return s.dose_due


def slug(s: Situation) -> str:
    """What stands in the exchanger or line is too hot, or unknown, to be let into the patient after a stop."""
    if not s.wanted.inflow_open or s.last.inflow_open:
        return ""
    for name in ("heater_outlet_c", "inflow_c"):
        value = s.good.get(name)
        if value is None or not value <= SLUG_C:
            said = s.bad.get(name, "missing") if value is None else f"{value:.2f} °C > {SLUG_C:g} °C"
            return f"{name} {said}: held in the bypass"
    return ""
