"""Conditions of heat: temperatures over their limits, probes that are lost or wrong, and heat that does not add up.

Not responsible for delays, latches or responses (`interlocks`).
"""

from __future__ import annotations

from controller.core.situation import Situation
from controller.core.treatment import Heat

ORDER_C = 3.5
OFF_POWER_W = 100.0
HEAT_OFF_GRACE_S = 3.0
SETPOINT_TOLERANCE_C = 0.6
SOURCE_OVER_C = 1.0
SLUG_C = 43.0
NO_RISE_S = 90.0


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


def heat_off(s: Situation) -> str:
    """The step is one that heats, and no heat is commanded, for whatever reason: the fluid goes on cooling."""
    if s.step.heat is Heat.OFF or s.last.heat_on or s.idle:
        return ""
    return f"in {s.step.phase.value} ({s.walk.hold})" if s.walk.hold else f"in {s.step.phase.value}"


def source_over(s: Situation) -> str:
    """The bath is hotter than any set-point can make it."""
    source = s.good.get("source_c")
    if s.rig.heater.kind != "bath" or source is None:
        return ""
    limit = s.rig.heater.bath_setpoint_max_c + SOURCE_OVER_C
    return "" if source <= limit else f"bath {source:.2f} °C > {limit:g} °C"


def core_low(s: Situation) -> str:
    """The core is cooler than an operation should leave it."""
    core = s.good.get("core_c")
    if core is None or not s.last.inflow_open or core >= s.limits.core_low_c:
        return ""
    return f"core {core:.2f} °C < {s.limits.core_low_c:g} °C: less cooling"


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


def core_lost(s: Situation) -> str:
    """The core temperature is not monitored during warm-up or perfusion."""
    return f"core_c: {s.bad['core_c']}" if s.last.inflow_open and "core_c" in s.bad else ""


def swapped(s: Situation) -> str:
    """The first heat of PREHEAT has come to the probes in another order than the fluid flows."""
    return s.identity.wrong


def order_broken(s: Situation) -> str:
    """Outlet and inflow differ by more than a line can lose: a probe is out of the fluid, or exchanged."""
    outlet, inflow = s.good.get("heater_outlet_c"), s.good.get("inflow_c")
    if outlet is None or inflow is None or s.heat_on_s < 120.0 or s.pump_steady_s < 60.0:
        return ""
    if abs(outlet - inflow) <= ORDER_C:
        return ""
    return f"heater outlet {outlet:.2f} °C and inflow {inflow:.2f} °C differ by more than {ORDER_C:g} °C"


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
