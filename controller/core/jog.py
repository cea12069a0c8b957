"""Manual jog of pump and heater for the bench: a dead-man's button, in STANDBY only, through every interlock.

Each refresh lives LIFE_S; a hold that has ended, for whatever reason, is not taken up again by its own refreshes: the
button has to be released and pressed anew. The fluid stays in the bypass. Ceilings are constants; a rig only tightens.
Not responsible for whether energy is allowed at all (`interlocks`) or for who may ask (roles are checked outside).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from config.schema import Heater, Limits, Rig
from controller.core.exchange import Event, Outputs

LIFE_S = 0.8  # with the cycle that notices it, and one that comes late, within the 1.0 s that is promised
FLOW_UP_LPM_PER_S = 0.3  # of a treatment too
FLOW_STANDS_S = 1.0  # for so long flow has to be proven before heat is asked for
PRESS_DIGITS = 16


class Bounds(NamedTuple):
    """What may be asked for."""

    low: float
    high: float
    unit: str


PUMP_CEILING = Bounds(0.1, 0.6, "L/min")
HEAT_CEILINGS: Mapping[str, Bounds] = {"bath": Bounds(20.0, 40.0, "°C"), "inline": Bounds(0.01, 0.15, "of rated power")}


class Hold(NamedTuple):
    """One button. `press` numbers its presses, rising; 0 while it is not held. `ended` is the last that is over."""

    press: int = 0
    value: float = 0.0
    at_s: float = 0.0
    ended: int = 0


class Jog(NamedTuple):
    """Both buttons. Heat needs the pump's hold, and ends with it."""

    pump: Hold = Hold()
    heat: Hold = Hold()

    @property
    def active(self) -> bool:
        """Somebody holds one."""
        return bool(self.pump.press or self.heat.press)


class RefusedJog(Exception):
    """Not now, or not so; the text says why and what is allowed."""


def allowed(limits: Limits, heater: Heater) -> dict[str, Bounds]:
    """What the two acts take on a rig, by their names."""
    heat = HEAT_CEILINGS[heater.kind]
    most = min(heat.high, heater.bath_setpoint_max_c) if heater.kind == "bath" else heat.high
    return {
        "jog_pump": PUMP_CEILING._replace(high=min(PUMP_CEILING.high, limits.flow_max_lpm)),
        "jog_heat": heat._replace(high=most),
    }


def refusal(step: str, *, tripped: bool, permitted: bool) -> str:
    """Why nothing may be jogged now, "" when it may."""
    if step != "standby":
        return "jogging is allowed in STANDBY"
    if tripped:
        return "a trip is latched; reset first"
    return "" if permitted else "the protective channel gives no permit"


def ask(hold: Hold, value: float | None, text: str, bounds: Bounds, now_s: float) -> tuple[Hold, str]:
    """Press, refresh or (0) release. Returns what to say of it, "" for a refresh. Raises RefusedJog."""
    press = int(text) if text.isascii() and text.isdigit() and len(text) <= PRESS_DIGITS else 0
    if press <= 0:
        raise RefusedJog(f"text has to number the press, 1 to {PRESS_DIGITS} digits; a later press has a higher number")
    if press <= hold.ended:
        raise RefusedJog("that press is over; release and press again")
    if hold.press and press != hold.press:
        raise RefusedJog("somebody holds it already")
    if value is None or not math.isfinite(value) or not (value == 0.0 or bounds.low <= value <= bounds.high):
        raise RefusedJog(f"{value} is not allowed: {bounds.low:g} to {bounds.high:g} {bounds.unit}, or 0 to release")
    if value == 0.0:
        return Hold(ended=press), "released" if hold.press else ""
    said = "" if (hold.press, hold.value) == (press, value) else f"held at {value:g} {bounds.unit}"
    return Hold(press, value, now_s, hold.ended), said


def step(jog: Jog, now_s: float, why_not: str) -> tuple[Jog, tuple[Event, ...]]:
    """End what was not refreshed in time, and everything when it may not be jogged now."""
    if not jog.active:
        return jog, ()
    pump, said = _kept("jog_pump", jog.pump, now_s, why_not)
    heat, also = _kept("jog_heat", jog.heat, now_s, why_not or ("" if pump.press else "the pump is not held"))
    return Jog(pump, heat), said + also


def _kept(name: str, hold: Hold, now_s: float, why: str) -> tuple[Hold, tuple[Event, ...]]:
    age_s = now_s - hold.at_s
    if not why and not (0.0 <= age_s < LIFE_S):
        why = f"not refreshed for {age_s:.1f} s"
    if not hold.press or not why:
        return hold, ()
    return Hold(ended=hold.press), (Event(now_s, "note", name, f"{name} ended: {why}"),)


def wanted(jog: Jog, rig: Rig, last: Outputs, flowing_s: float, dt_s: float) -> Outputs:
    """What the held buttons would like, were everything allowed: bypass, drain as at rest, heat only with flow."""
    rest = Outputs(protective_reset=last.protective_reset, quiet=True)
    if not jog.pump.press:
        return rest
    pump_lpm = min(jog.pump.value, last.pump_lpm + FLOW_UP_LPM_PER_S * dt_s)
    rest = rest._replace(pump_lpm=pump_lpm, pump_enable=True)
    if not jog.heat.press or not (last.heat_on or flowing_s >= FLOW_STANDS_S):
        return (
            rest  # with heat on, a flow that is lost is for the interlocks: it trips, and does not come back by itself
        )
    if rig.heater.kind == "bath":
        return rest._replace(heat_on=True, bath_setpoint_c=jog.heat.value)
    return rest._replace(heat_on=True, heater_fraction=jog.heat.value)


def view(jog: Jog, why_not: str) -> dict[str, object]:
    """For people: what is held, and why nothing may be."""
    held = {name: hold.value if hold.press else None for name, hold in zip(("pump", "heat"), jog, strict=True)}
    return {**held, "why_not": why_not}
