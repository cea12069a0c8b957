"""What every condition of an interlock shares: its shape, a limit on one signal, a guard that is lost.

A condition returns "" or, in words, what is wrong with which value against which limit. Every comparison is written so
that NaN counts as a violation; a missing value where missing is not safe. The conditions stand in
`conditions_temperature`, `conditions_flow`, `conditions_volume` and `conditions_host`.
Not responsible for delays, latches or responses (`interlocks`).
"""

from __future__ import annotations

from collections.abc import Callable

from controller.core.situation import Situation

Condition = Callable[[Situation], str]


def above(name: str, limit_of: str) -> Condition:
    """A condition: the signal exceeds a field of the rig's limits. A missing value is another interlock's matter."""

    def condition(s: Situation) -> str:
        value = s.good.get(name)
        if value is None:
            return ""
        limit: float = getattr(s.limits, limit_of)
        return "" if value <= limit else f"{name} {value:.2f} > {limit:g}"

    return condition


def disagree(a: str, b: str, limit_of: str) -> Condition:
    """A condition: two probes at one place differ by more than a field of the limits."""

    def condition(s: Situation) -> str:
        x, y = s.good.get(a), s.good.get(b)
        if x is None or y is None or not s.last.heat_on or s.pump_steady_s < 20.0:
            return ""
        limit: float = getattr(s.limits, limit_of)
        return "" if abs(x - y) <= limit else f"{a} {x:.2f} °C and {b} {y:.2f} °C differ by more than {limit:g} °C"

    return condition


def guard_lost(name: str) -> Condition:
    """A condition: a signal that guards the patient's side is lost while the line is open to the patient, or would be.

    What has tripped must still be seen with the clamp shut, or a reset would open the line unguarded.
    """

    def condition(s: Situation) -> str:
        return f"{name}: {s.bad[name]}" if (s.last.inflow_open or s.step.inflow_open) and name in s.bad else ""

    return condition
