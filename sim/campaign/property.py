"""What a property of a run is: something that sees every moment and says what is violated.

The properties stand in `monitors_plant` and `monitors_reported`, their list in `monitors`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from config.schema import Rig, Treatment
from sim.campaign.engine import PERIOD_S, Moment

EDGE_S = 0.5 * PERIOD_S  # a limit in time is judged to half a period


class Monitor(Protocol):
    """One property of one run."""

    name: str

    def see(self, m: Moment) -> str:
        """Return "" or what is violated at this moment."""


class Setting(NamedTuple):
    """What a monitor may know of the run beforehand."""

    rig: Rig
    treatment: Treatment
    fill_ml: float
    pressure_gain: float = 1.0  # of the cavity pressure's transmitter, as drawn
    pressure_offset_mmhg: float = 0.0

    def cavity_mmhg_at(self, shown_mmhg: float) -> float:
        """The true cavity pressure that the sound transmitter of this bench shows as that."""
        return (shown_mmhg - self.pressure_offset_mmhg) / self.pressure_gain


class Lasting:
    """Violated when a condition holds for longer than `most_s`, which may depend on what still works."""

    def __init__(
        self, name: str, most_s: float | Callable[[Moment], float], condition: Callable[[Moment], str]
    ) -> None:
        self.name = name
        self._most_s = most_s
        self._condition = condition
        self._since_s: float | None = None

    def see(self, m: Moment) -> str:
        """Judge one moment."""
        said = self._condition(m)
        if not said:
            self._since_s = None
            return ""
        if self._since_s is None:
            self._since_s = m.at_s - PERIOD_S  # it may have begun at any time in this period
        lasted_s = m.at_s - self._since_s
        most_s = self._most_s(m) if callable(self._most_s) else self._most_s
        return f"{said} for {lasted_s:.1f} s" if lasted_s > most_s + PERIOD_S + EDGE_S else ""
