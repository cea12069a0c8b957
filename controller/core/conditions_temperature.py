"""Conditions of temperatures over or under their limits.

Not responsible for probes (`conditions_probes`), nor for delays, latches or responses (`interlocks`).
"""

from __future__ import annotations

from controller.core.conditions import over, under
from controller.core.situation import Situation

TREATS_C = 41.0  # below it the cavity is not at temperature, whatever the treatment calls ready
COOL_C = 0.3  # so far below is no ripple


def cavity_over(s: Situation, back: float = 0.0) -> str:
    """The hottest cavity probe is over the trip level."""
    hottest, limit = s.sensed.cavity_max_c, s.limits.cavity_trip_c - back
    return "" if hottest is None or hottest <= limit else over("cavity_max_c", hottest, limit)


def cavity_warm(s: Situation, back: float = 0.0) -> str:
    """The hottest cavity probe is over the treatment's warning level."""
    hottest, limit = s.sensed.cavity_max_c, s.treatment.cavity_warn_c - back
    return "" if hottest is None or hottest <= limit else over("cavity_max_c", hottest, limit)


def cavity_cool(s: Situation, back: float = 0.0) -> str:
    """During PERFUSE the cavity mean is below what counts as treatment."""
    mean = s.sensed.cavity_mean_c
    if s.step.name != "perfuse" or s.walk.hold or mean is None:
        return ""
    low = min(TREATS_C, s.treatment.ready_c) - COOL_C + back
    return "" if mean >= low else under("cavity_mean_c", mean, low)


def core_low(s: Situation, back: float = 0.0) -> str:
    """The core is cooler than an operation should leave it."""
    core, low = s.good.get("core_c"), s.limits.core_low_c + back
    if core is None or not s.last.inflow_open or core >= low:
        return ""
    return under("core_c", core, low)
