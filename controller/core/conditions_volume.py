"""Conditions of volume: the reservoir's level, and what is in the patient against what should be.

Not responsible for delays, latches or responses (`interlocks`).
"""

from __future__ import annotations

from controller.core.balance import STEADY_ML
from controller.core.broken_off import waiting
from controller.core.conditions import lost, over, under, value_of
from controller.core.gates import SHORT_ML
from controller.core.situation import Situation
from controller.core.steps import Heat

ACCUMULATED_ML = 180.0  # with the delay and the level's lag, 300 mL are in at full flow
OVERFILLED_ML = 280.0  # above what was filled
EMPTIES_SHARE = 0.5  # of what was filled
EMPTY_SHARE = 0.2  # of it: probes lie beside the fluid
SEEN_S = 30.0  # of flow, until the settle window says whether the cavity fills or empties
DRIFT_ML = 100.0  # in ten minutes
LEAK_ML = 200.0  # in twenty


def reservoir_low(s: Situation, back: float = 0.0) -> str:
    """The level does not cover the outlet while something pumps or heats, or is about to."""
    if not (s.last.heat_on or s.last.pump_lpm > 0.0 or s.wanted.pump_lpm > 0.0):
        return ""
    level, least = s.good.get("reservoir_ml"), s.limits.reservoir_low_ml + back
    if level is None or level >= least:
        return ""
    return under("reservoir_ml", level, least)


def level_lost(s: Situation) -> str:
    """The level is not known while the line is open or heat is on, or would be: the heater may run dry."""
    if "reservoir_ml" not in s.bad:
        return ""
    needed = s.last.inflow_open or s.step.inflow_open or s.last.heat_on or s.step.heat is not Heat.OFF
    return lost(s, "reservoir_ml") if needed else ""


def accumulating(s: Situation, back: float = 0.0) -> str:
    """More has gone in and not come back than what was filled and a margin."""
    volume = s.in_patient_ml
    if volume is None:
        return ""
    if s.step.name == "fill":
        planned = s.fill_ml + s.volumes.carried_ml
    elif s.step.name == "rinse_fill":
        planned = min(s.treatment.rinse_ml, s.fill_ml) + s.volumes.carried_ml
    elif s.step.name in ("warm_up", "perfuse", "rinse_dwell"):
        planned = s.fill_ml if s.volumes.accepted_ml is None else s.volumes.accepted_ml
    else:
        return ""
    most = planned + ACCUMULATED_ML - back
    return "" if volume <= most else over("in_patient_ml", volume, round(most))


def overfilled(s: Situation, back: float = 0.0) -> str:
    """The cavity has taken clearly more than was filled: the drain does not keep up with the pump."""
    volume, filled = s.in_patient_ml, s.volumes.filled_ml
    if s.step.name not in ("warm_up", "perfuse") or volume is None or filled is None:
        return ""
    most = filled + OVERFILLED_ML - back
    return "" if volume <= most else over("in_patient_ml", volume, round(most))


def empties(s: Situation, back: float = 0.0) -> str:
    """At this flow the drain has emptied half of the cavity, and it is not filling again."""
    volume, filled, rise_ml = s.in_patient_ml, s.volumes.filled_ml, s.volumes.settled_ml
    since_s = s.volumes.through_since_s
    if s.step.name not in ("warm_up", "perfuse") or volume is None or filled is None or since_s is None:
        return ""
    if s.now_s - since_s < SEEN_S or (rise_ml is not None and rise_ml <= -STEADY_ML):
        return ""
    least = EMPTIES_SHARE * filled + back
    return "" if volume >= least else under("in_patient_ml", volume, round(least))


def empty(s: Situation) -> str:
    """Little of what was filled is left, and cavity probes lie beside the fluid."""
    volume, filled = s.in_patient_ml, s.volumes.filled_ml
    if volume is None or filled is None or volume >= EMPTY_SHARE * filled:
        return ""
    return f"{value_of('in_patient_ml', volume)} of {filled:.0f} mL: raise the flow first, the cavity probes lie dry"


def drifting(s: Situation, back: float = 0.0) -> str:
    """The level has fallen during steady circulation faster than a peritoneum absorbs."""
    drift, most = s.volumes.drift_ml, DRIFT_ML - back
    return "" if drift <= most else f"Reservoir fell {drift:.0f} mL > {most:g} mL in 10 min of circulation"


def leaking(s: Situation) -> str:
    """The level has gone on falling after it was said."""
    lost = s.volumes.lost_ml
    return "" if lost <= LEAK_ML else f"Reservoir fell {lost:.0f} mL > {LEAK_ML:g} mL in 20 min of circulation"


def drain_short(s: Situation) -> str:
    """The drain has come to rest and left more behind than it should."""
    if not s.short_ml or s.walk.short_accepted:
        return ""
    return f"{over('in_patient_ml', s.short_ml, SHORT_ML)} and what was taken up"


def unaccounted(s: Situation) -> str:
    """An earlier run has left something in the patient, and nobody has said where it is now."""
    return waiting(s.walk.broken_off)


def unbalanced(s: Situation, back: float = 0.0) -> str:
    """While filling, level and flow meter disagree about what went in."""
    if s.step.name not in ("fill", "rinse_fill") or s.volumes.reference_ml is None or s.volumes.level_ml is None:
        return ""
    by_level = s.volumes.reference_ml - s.volumes.level_ml
    by_flow = s.volumes.infused_by_flow_ml
    limit = s.limits.volume_error_alarm_ml - back
    if abs(by_level - by_flow) <= limit:
        return ""
    return f"Reservoir says {by_level:.0f} mL went in, Flow {by_flow:.0f} mL: more than {limit:g} mL apart"
