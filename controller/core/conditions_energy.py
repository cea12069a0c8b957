"""Conditions of heat that does not add up: power against command, against flow times temperature, against the bath.

Not responsible for delays, latches or responses (`interlocks`).
"""

from __future__ import annotations

from controller.core.conditions import TWIN_OF, lost, over, under, value_of
from controller.core.gates import too_warm
from controller.core.regulation import CARRIER_W_PER_K_LPM
from controller.core.situation import Situation
from controller.core.steps import Heat

OFF_POWER_W = 100.0
COLD_C = 38.0
READ_BACKS = ("source_c", "heater_setpoint_c", "heater_power_w")
HEAT_OFF_GRACE_S = 3.0
SETPOINT_TOLERANCE_C = 0.6
SOURCE_OVER_C = 1.0
SLUG_C = 43.0
NO_RISE_S = 90.0
STEADY_S = 60.0
BALANCED_S = 300.0  # until the reservoir has been mixed through, what comes back is not what enters the heater
SCALE = 1.2  # of rated power: more than this is not power in watts
ABOVE_SETPOINT_C = 1.0
ABOVE_SOURCE_C = 1.2
TOLD_SHARE = 0.15  # of rated power, between what is told and what is read back
TOLD_W = 50.0
OVER_SHARE, OVER_W = 1.6, 300.0  # of the power behind it: flow, two probes and the rating are each a little wrong
SHORT_SHARE, SHORT_W = 0.5, 100.0
FOLLOWS_S = 3.0  # after heat on: what is read back has followed what was told
DRAWS_S = 10.0  # a bath above its set-point still draws after so long,
DRAWS_SHARE = 0.5  # more than this of its rated power


def heat_off(s: Situation) -> str:
    """The step is one that heats, and no heat is commanded, for whatever reason: the fluid goes on cooling."""
    if s.last.heat_on or s.idle or s.step.heat is Heat.OFF:
        return ""
    if not s.walk.hold and too_warm(s.step, s.identity, s.good, s.treatment.preheat_c, heating=False):
        return ""  # it is too warm, and the gate says so
    return f"in {s.step.phase.value} ({s.walk.hold})" if s.walk.hold else f"in {s.step.phase.value}"


def unheated(s: Situation) -> str:
    """The same while the fluid goes into the patient."""
    return heat_off(s) if s.last.inflow_open and s.last.pump_lpm > 0.0 else ""


def cold_inflow(s: Situation, back: float = 0.0) -> str:
    """What goes into the patient in a step that heats is cold, whatever the reason."""
    inflow, low = s.good.get("inflow_c"), COLD_C + back
    if s.step.heat is Heat.OFF or not s.last.inflow_open or s.last.pump_lpm <= 0.0 or inflow is None or inflow >= low:
        return ""
    return under("inflow_c", inflow, low)


def heater_unseen(s: Situation) -> str:
    """A read-back of the heater is missing while it heats: what compares it with the command sees nothing."""
    if not s.bad or not s.last.heat_on:
        return ""
    return "; ".join(lost(s, name) for name in READ_BACKS if name in s.bad)


def source_over(s: Situation, back: float = 0.0) -> str:
    """The bath is hotter than any set-point can make it."""
    source = s.good.get("source_c")
    if s.rig.heater.kind != "bath" or source is None:
        return ""
    limit = s.rig.heater.bath_setpoint_max_c + SOURCE_OVER_C - back
    return "" if source <= limit else over("source_c", source, limit)


def heater_stuck_on(s: Situation, back: float = 0.0) -> str:
    """Power flows though none is commanded: a welded relay, a shorted SSR, a circulator that did not obey."""
    power = s.good.get("heater_power_w")
    limit = OFF_POWER_W - back
    if power is None or s.heat_off_s < HEAT_OFF_GRACE_S or power <= limit:
        return ""
    return f"{over('heater_power_w', power, limit)}, {s.heat_off_s:.0f} s after heat off"


def setpoint_differs(s: Situation) -> str:
    """The bath reports another set-point than it was given."""
    read_back = s.good.get("heater_setpoint_c")
    if s.rig.heater.kind != "bath" or read_back is None or not s.last.heat_on or s.heat_on_s < FOLLOWS_S:
        return ""
    told = s.last.bath_setpoint_c
    if abs(read_back - told) <= SETPOINT_TOLERANCE_C:
        return ""
    said = value_of("heater_setpoint_c", read_back)
    return f"{said}, {told:.2f} °C told: more than {SETPOINT_TOLERANCE_C:g} °C apart"


def power_scale(s: Situation, back: float = 0.0) -> str:
    """The heater reports more than it can give: another scale, another device."""
    power = s.good.get("heater_power_w")
    limit = SCALE * s.rig.heater.max_power_w - back
    return "" if power is None or power <= limit else over("heater_power_w", power, limit)


def power_differs(s: Situation) -> str:
    """The element gives more than it was told to."""
    power = s.good.get("heater_power_w")
    if s.rig.heater.kind != "inline" or power is None or not s.last.heat_on or s.heat_on_s < FOLLOWS_S:
        return ""
    rated = s.rig.heater.max_power_w
    limit = s.last.heater_fraction * rated + TOLD_SHARE * rated + TOLD_W
    return "" if power <= limit else f"{over('heater_power_w', power, round(limit))} of what was told"


def heats_over(s: Situation) -> str:
    """The bath goes on heating above its set-point."""
    power, source = s.good.get("heater_power_w"), s.good.get("source_c")
    if s.rig.heater.kind != "bath" or power is None or source is None or not s.last.heat_on or s.heat_on_s < DRAWS_S:
        return ""
    limit = s.last.bath_setpoint_c + ABOVE_SETPOINT_C
    if source <= limit or power <= DRAWS_SHARE * s.rig.heater.max_power_w:
        return ""
    return f"{over('source_c', source, round(limit, 2))} and still draws {power:.0f} W"


def hotter_than_source(s: Situation) -> str:
    """The fluid leaves the exchanger hotter than all that could heat it: a probe is wrong, or wrongly scaled."""
    outlet, source = s.good.get("heater_outlet_c"), s.good.get("source_c")
    if outlet is None or source is None or outlet <= source + ABOVE_SOURCE_C:
        return ""
    if not s.last.heat_on or s.pump_steady_s < STEADY_S:
        return ""
    back = s.good.get("outflow_c" if s.last.inflow_open else "inflow_c", source)
    limit = max(source, back) + ABOVE_SOURCE_C
    return "" if outlet <= limit else over("heater_outlet_c", outlet, round(limit, 2))


def over_power(s: Situation) -> str:
    """The fluid gains far more heat than was commanded: wrong scale, wrong device."""
    gained, asked = _balance(s, STEADY_S)
    limit = OVER_SHARE * asked + OVER_W
    return "" if gained is None or gained <= limit else f"Heater power: fluid gains {gained:.0f} W > {limit:.0f} W"


def heat_short(s: Situation, back: float = 0.0) -> str:
    """The fluid gains far less heat than is commanded: no power, no exchange, a probe out of place."""
    gained, asked = _balance(s, BALANCED_S)
    limit = SHORT_SHARE * asked - SHORT_W + back
    return "" if gained is None or gained >= limit else f"Heater power: fluid gains {gained:.0f} W < {limit:.0f} W"


def _balance(s: Situation, steady_s: float) -> tuple[float | None, float]:
    """Rho c Q dT of the fluid and the power that is behind it, in W; None where they cannot be compared."""
    if not s.last.heat_on or s.heat_on_s < steady_s or s.pump_steady_s < steady_s:
        return None, 0.0
    heater = s.rig.heater
    if heater.kind == "bath" and steady_s > STEADY_S:
        return None, 0.0
    outlet, back, flow = s.good.get("heater_outlet_c"), s.good.get("outflow_c"), s.good.get("flow_lpm")
    if outlet is None or back is None or flow is None or s.step.name not in ("warm_up", "perfuse"):
        return None, 0.0  # only then does the outflow probe say what comes back
    # A bath stores heat: it cannot give more than its rated power for long.
    asked = heater.max_power_w if heater.kind == "bath" else s.last.heater_fraction * heater.max_power_w
    return CARRIER_W_PER_K_LPM * flow * (outlet - back), asked


def weak_heat(s: Situation) -> str:
    """The heat source is at its limit and the inflow still is not where it should be."""
    if not s.regulation.source_limited:
        return ""
    return "Heat source at its limit: lower the flow, insulate the lines or check the heater"


def at_cap(s: Situation) -> str:
    """The inflow stands at its cap and the cavity wants more."""
    if not s.regulation.at_cap or s.step.name not in ("warm_up", "perfuse"):
        return ""
    return f"Inflow at its cap of {s.limits.inflow_cap_c:g} °C: raise the flow, or cover the abdomen"


def not_heating(s: Situation) -> str:
    """The inflow is far below its set-point and does not rise with heat on: no power, no exchange, mains lost."""
    target, inflow = s.regulation.inflow_target_c, s.good.get("inflow_c")
    if target is None or inflow is None or not s.last.heat_on or s.no_rise_s < NO_RISE_S:
        return ""
    return f"{value_of('inflow_c', inflow)}, set-point {target:.2f} °C, no rise for {s.no_rise_s:.0f} s"


def slug(s: Situation) -> str:
    """What stands in the exchanger or line is too hot, or unknown, to be let into the patient after a stop."""
    if not s.wanted.inflow_open or s.last.inflow_open:
        return ""
    for name in ("heater_outlet_c", "inflow_c"):
        value = s.good.get(name)
        if value is None and s.step.heat is Heat.OFF:  # a rinse is not kept in by a heater that is gone
            value = s.good.get(TWIN_OF[name])
        if value is None:
            return f"{lost(s, name)}: held in the bypass"
        if not value <= SLUG_C:
            return f"{over(name, value, SLUG_C)}: held in the bypass"
    return ""
