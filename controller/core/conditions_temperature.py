"""Conditions of temperatures over or under their limits.

Not responsible for probes (`conditions_probes`), nor for delays, latches or responses (`interlocks`).
"""

from __future__ import annotations

from controller.core.conditions import over, under
from controller.core.situation import Situation


def cavity_over(s: Situation) -> str:
    """The hottest cavity probe is over the trip level."""
    hottest = s.sensed.cavity_max_c
    if hottest is None or hottest <= s.limits.cavity_trip_c:
        return ""
    return over("cavity_max_c", hottest, s.limits.cavity_trip_c)


def cavity_warm(s: Situation) -> str:
    """The hottest cavity probe is over the treatment's warning level."""
    hottest = s.sensed.cavity_max_c
    if hottest is None or hottest <= s.treatment.cavity_warn_c:
        return ""
    return over("cavity_max_c", hottest, s.treatment.cavity_warn_c)


def cavity_cool(s: Situation) -> str:
    """During PERFUSE the cavity mean is below what counts as treatment."""
    mean = s.sensed.cavity_mean_c
    low = min(41.0, s.treatment.ready_c) - 0.3
    if s.step.name != "perfuse" or s.walk.hold or mean is None or mean >= low:
        return ""
    return under("cavity_mean_c", mean, low)


def core_low(s: Situation) -> str:
    """The core is cooler than an operation should leave it."""
    core = s.good.get("core_c")
    if core is None or not s.last.inflow_open or core >= s.limits.core_low_c:
        return ""
    return under("core_c", core, s.limits.core_low_c)
