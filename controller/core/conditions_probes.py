"""Conditions of temperature probes: lost, noisy, frozen, out of their place, or at odds with their neighbours.

Not responsible for judging single readings (`sensing`), nor for delays, latches or responses (`interlocks`).
"""

from __future__ import annotations

from controller.core.conditions import SIGNALS, TWIN_OF, Limit, lost, value_of
from controller.core.conditions_volume import empty
from controller.core.regulation import FLOW_FLOOR_LPM, LINE_LOSS_C_LPM
from controller.core.signals import CAVITY
from controller.core.situation import Situation
from controller.core.steps import Heat

ORDER_C = 3.5
FALLING_SHARE = 2.0  # of what the inflow has still to fall after a lower target: the line holds it a little longer
APART_C = 2.0
TWINS = tuple(TWIN_OF.items())
LET_IN = ("heater_outlet_c", "inflow_c", "flow_lpm", "pump_rpm")
HEATING = ("heater_outlet_c", "inflow_c", "outflow_c")
SPREAD_C = 2.0
CAVITY_LEAST = 2  # probes that have to agree
# How long the pump, or the heat, has to stand before probes at two places may be compared:
APART_STEADY_S = 5.0  # one stream, and APART_C is far
ALIKE_STEADY_S = 20.0  # one stream, and the limits are near
ORDER_HEATED_S, ORDER_STEADY_S = 60.0, 30.0  # what left the outlet has come to the inflow probe
OUTFLOW_STEADY_S = 60.0  # through the cavity and back
SPREAD_STEADY_S = 300.0  # a cavity has been mixed


def heating_probe_lost(s: Situation) -> str:
    """A probe that the heat depends on is not believed while heat is commanded, or would be."""
    if not s.bad or (not s.last.heat_on and s.step.heat is Heat.OFF):
        return ""
    for name in HEATING:
        if name in s.bad:
            return lost(s, name)
    return ""


def twin_lost(s: Situation) -> str:
    """A probe of the protective channel is not believed here while heat is on, though that channel may believe it."""
    if not s.bad or not s.last.heat_on:
        return ""
    return "; ".join(lost(s, twin) for _, twin in TWINS if twin in s.bad)


def inflow_unseen(s: Situation) -> str:
    """Unheated fluid goes into the patient, or waits to, and its temperature or its flow is not known."""
    if not s.bad or s.step.heat is not Heat.OFF or not (s.last.inflow_open or s.wanted.inflow_open):
        return ""
    return "; ".join(lost(s, name) for name in LET_IN if name in s.bad)


def cavity_lost(s: Situation) -> str:
    """No cavity temperature is believed while the fluid that heats the patient is on, or would be."""
    if s.sensed.cavity_valid > 0:
        return ""
    heats = s.last.heat_on and s.last.inflow_open
    wants = s.step.heat is not Heat.OFF and s.step.inflow_open
    if not (heats or wants):
        return ""
    return "no cavity probe is valid: " + "; ".join(lost(s, name) for name in s.bad if name.startswith("cavity_"))


def cavity_few(s: Situation) -> str:
    """Fewer than two cavity probes agree: the cavity loop falls back to inflow control."""
    if not s.last.inflow_open or s.sensed.cavity_valid >= CAVITY_LEAST or s.sensed.cavity_valid == 0:
        return ""
    return f"one cavity probe is valid, {CAVITY_LEAST} are needed"


def cavity_outlier(s: Situation) -> str:
    """A cavity probe is lost, or reads far colder than the others, and is left out."""
    name = s.sensed.cavity_outlier
    if name:
        return f"{value_of(name, s.good[name])} is far colder than the others"
    if not s.bad or not s.last.inflow_open or s.sensed.cavity_valid == 0:
        return ""
    return "; ".join(lost(s, name) for name in CAVITY if name in s.bad)


def cavity_spread(s: Situation, back: float = 0.0) -> str:
    """In steady perfusion the cavity probes differ by more than mixing explains: one has drifted, or fluid stands."""
    sensed, limit = s.sensed, SPREAD_C - back
    if s.step.name != "perfuse" or not s.last.heat_on or s.pump_steady_s < SPREAD_STEADY_S:
        return ""
    if sensed.cavity_max_c is None or sensed.cavity_min_c is None or sensed.cavity_max_c - sensed.cavity_min_c <= limit:
        return ""
    return f"cavity probes {sensed.cavity_min_c:.2f} to {sensed.cavity_max_c:.2f} °C differ by more than {limit:g} °C"


def core_lost(s: Situation) -> str:
    """The core temperature is not known, or cannot be what its probe says, while fluid goes into the patient."""
    if not s.last.inflow_open:
        return ""
    if "core_c" in s.bad:
        return lost(s, "core_c")
    return f"{SIGNALS['core_c'].label} {s.core.doubt}" if s.core.doubt else ""


def core_unwatched(s: Situation) -> str:
    """The same in a step that heats the patient: nobody would see the core overheat."""
    return core_lost(s) if s.last.heat_on or s.step.heat is not Heat.OFF else ""


def swapped(s: Situation) -> str:
    """The first heat of PREHEAT has come to the probes in another order than the fluid flows."""
    return s.identity.wrong


def order_broken(s: Situation) -> str:
    """Outlet and inflow differ by more than a line can lose: a probe is out of the fluid, or nothing is transported."""
    outlet, inflow = s.good.get("heater_outlet_c"), s.good.get("inflow_c")
    if outlet is None or inflow is None or s.heat_on_s < ORDER_HEATED_S or s.pump_steady_s < ORDER_STEADY_S:
        return ""
    due, target = s.regulation.inflow_due_c, s.regulation.inflow_target_c
    falling = 0.0 if due is None or target is None else max(0.0, due - target)
    limit = ORDER_C if outlet > inflow else ORDER_C + FALLING_SHARE * falling
    return "" if abs(outlet - inflow) <= limit else _differ("heater_outlet_c", outlet, "inflow_c", inflow, limit)


def disagree(a: str, b: str, limit_of: str) -> Limit:
    """A condition: two probes at one place differ by more than a field of the limits."""

    def condition(s: Situation, back: float = 0.0) -> str:
        x, y = s.good.get(a), s.good.get(b)
        if x is None or y is None or not s.last.heat_on or s.pump_steady_s < ALIKE_STEADY_S:
            return ""
        limit: float = getattr(s.limits, limit_of) - back
        return "" if abs(x - y) <= limit else _differ(a, x, b, y, limit)

    return condition


def twins_apart(s: Situation) -> str:
    """Two probes at one place differ by so much that one of them is not there."""
    if not s.last.heat_on or s.pump_steady_s < APART_STEADY_S:
        return ""
    for a, b in TWINS:
        x, y = s.good.get(a), s.good.get(b)
        if x is not None and y is not None and not abs(x - y) <= APART_C:
            return _differ(a, x, b, y, APART_C)
    return ""


def outflow_off(limit_of: str) -> Limit:
    """A condition: what comes back is hotter or colder than anything in the cavity by more than a field of the limits.

    The outflow probe has no twin; its neighbours are the cavity probes and the loss of the line in between. In an
    empty cavity they are out of the fluid: that is said, and the heat still goes, as nothing shows what it does.
    """

    def condition(s: Situation, back: float = 0.0) -> str:
        outflow, flow = s.good.get("outflow_c"), s.good.get("flow_lpm")
        if outflow is None or flow is None or not s.last.heat_on or s.last.outflow_closed or not s.last.inflow_open:
            return ""
        low, high = s.sensed.cavity_min_c, s.sensed.cavity_max_c
        if s.pump_steady_s < OUTFLOW_STEADY_S or s.sensed.cavity_valid < CAVITY_LEAST or low is None or high is None:
            return ""
        limit: float = getattr(s.limits, limit_of) - back
        if low - limit - LINE_LOSS_C_LPM / max(flow, FLOW_FLOOR_LPM) <= outflow <= high + limit:
            return ""
        beside = f"; {empty(s)}" if empty(s) else ""
        said = f"{value_of('outflow_c', outflow)}, cavity {low:.2f} to {high:.2f} °C: more than {limit:g} °C outside"
        return said + beside

    return condition


def noisy(s: Situation) -> str:
    """The readings of a temperature probe scatter as no fluid does."""
    if not s.sensed.noisy or s.idle:
        return ""
    return "; ".join(f"{SIGNALS[name].label} scatters" for name in s.sensed.noisy)


def heating_noisy(s: Situation) -> str:
    """The same, for a probe that the heat depends on."""
    if not s.sensed.noisy or not s.last.heat_on:
        return ""
    return "; ".join(f"{SIGNALS[name].label} scatters" for name in s.sensed.noisy if name in HEATING)


def frozen(s: Situation) -> str:
    """A probe that the heat depends on has not moved while its neighbour did."""
    return s.frozen.heating if s.last.heat_on else ""


def cavity_frozen(s: Situation) -> str:
    """A cavity probe has not moved while the others did."""
    return s.frozen.cavity if s.last.inflow_open else ""


def sensor_frozen(s: Situation) -> str:
    """A sensor of flow, pressure or level has not moved by its last digit while the pump turned."""
    return s.frozen.sensor if s.last.pump_enable else ""


def _differ(a: str, x: float, b: str, y: float, limit: float) -> str:
    return f"{value_of(a, x)} and {value_of(b, y)} differ by more than {round(limit, 1):g} °C"
