"""Conditions of volume: the reservoir's level, and what is in the patient against what should be.

Not responsible for delays, latches or responses (`interlocks`).
"""

from __future__ import annotations

from controller.core.situation import Situation

ACCUMULATED_ML = 300.0
DRIFT_ML = 100.0


def reservoir_low(s: Situation) -> str:
    """The level does not cover the outlet while something pumps or heats, or is about to."""
    if not (s.last.heat_on or s.last.pump_lpm > 0.0 or s.wanted.pump_lpm > 0.0):
        return ""
    level = s.good.get("reservoir_ml")
    if level is None or level >= s.limits.reservoir_low_ml:
        return ""
    return f"reservoir {level:.0f} mL < {s.limits.reservoir_low_ml:g} mL"


def accumulating(s: Situation) -> str:
    """More has gone in and not come back than the fill and a margin."""
    volume = s.in_patient_ml
    if volume is None or s.step.name not in ("fill", "warm_up", "perfuse", "rinse_fill"):
        return ""
    most = s.fill_ml + s.volumes.carried_ml + ACCUMULATED_ML
    return "" if volume <= most else f"{volume:.0f} mL in the patient > {most:.0f} mL"


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
