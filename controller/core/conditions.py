"""What every condition of an interlock shares: its shape, its words, a limit on one signal, a guard that is lost.

A condition returns "" or, in words, what is wrong with which value against which limit. Every comparison is written so
that NaN counts as a violation; a missing value where missing is not safe. The conditions stand in
`conditions_temperature`, `conditions_probes`, `conditions_energy`, `conditions_flow`, `conditions_volume` and
`conditions_host`. Not responsible for delays, latches or responses (`interlocks`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from controller.core.signals import by_name
from controller.core.situation import Situation

Condition = Callable[[Situation], str]
SIGNALS = by_name()
TWIN_OF = {"heater_outlet_c": "outlet_b_c", "inflow_c": "inflow_b_c"}  # the protective channel's, at the same place


class Limit(Protocol):
    """A condition whose limit can be drawn in: `back` is how far, in the limit's own unit."""

    def __call__(self, s: Situation, back: float = 0.0, /) -> str: ...


@dataclass(frozen=True, slots=True)
class Level:
    """A limit and its reset level: what has become an alarm stays one until the value is `back` inside the limit."""

    limit: Limit
    back: float
    unit: str

    def __call__(self, s: Situation) -> str:
        """The condition at its limit."""
        return self.limit(s)

    def stays(self, s: Situation) -> str:
        """The same at the reset level."""
        text = self.limit(s, self.back)
        return f"{text} (reset level)" if text else ""


def value_of(name: str, value: float) -> str:
    """A value as people read it: label, number, unit."""
    signal = SIGNALS[name]
    return f"{signal.label} {value:z.{signal.decimals}f} {signal.unit}"  # z: no "-0"


def over(name: str, value: float, limit: float) -> str:
    """A value above its limit, in words."""
    return f"{value_of(name, value)} > {limit:g} {SIGNALS[name].unit}"


def under(name: str, value: float, limit: float) -> str:
    """A value below its limit, in words."""
    return f"{value_of(name, value)} < {limit:g} {SIGNALS[name].unit}"


def lost(s: Situation, name: str) -> str:
    """A signal that is not believed, and why."""
    return f"{SIGNALS[name].label}: {s.bad.get(name, 'no reading')}"


def above(name: str, limit_of: str, *, back: float) -> Level:
    """A condition: the signal exceeds a field of the rig's limits. A missing value is another interlock's matter."""

    def condition(s: Situation, back: float = 0.0) -> str:
        value = s.good.get(name)
        if value is None:
            return ""
        limit: float = getattr(s.limits, limit_of) - back
        return "" if value <= limit else over(name, value, limit)

    return Level(condition, back, SIGNALS[name].unit)


def guard_lost(name: str) -> Condition:
    """A condition: a signal that guards the patient's side is lost while the line is open to the patient, or would be.

    What has tripped must still be seen with the clamp shut, or a reset would open the line unguarded.
    """

    def condition(s: Situation) -> str:
        return lost(s, name) if name in s.bad and (s.last.inflow_open or s.step.inflow_open) else ""

    return condition
