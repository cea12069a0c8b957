"""How one fault of a run went: whether heat was on when it struck, and how long the power went on.

Not responsible for what is demanded of that time (`prompt`) or for many of them (`summary`).
"""

from __future__ import annotations

from typing import NamedTuple

from sim.campaign.engine import Moment
from sim.campaign.monitors_plant import ON_W
from sim.faults import Fault


class Struck(NamedTuple):
    """How one fault went: whether heat was on when it struck, and when it was off (seconds after the onset)."""

    fault: str
    name: str
    target: str
    heating: bool
    off_s: float | None
    first_off_s: float | None


class Onset:
    """Watches one fault: was heat on when it struck, and when was it off for good."""

    def __init__(self, fault: Fault, at_s: float) -> None:
        self._fault = fault
        self._at_s = at_s
        self._heating = False
        self._off_s: float | None = None
        self._first_off_s: float | None = None
        self._asked = False
        self.begun = False

    def see(self, moment: Moment) -> None:
        """Follow the power."""
        if moment.at_s < self._at_s - 1e-6:
            self._asked = moment.outputs.heat_on and moment.power_w > ON_W
            return
        if not self.begun:
            self.begun = True
            self._heating = self._asked
        if not self._heating:
            return
        if moment.power_w > ON_W:
            self._off_s = None
        elif self._off_s is None and (moment.state.latch.tripped or not moment.cycled):
            self._off_s = max(0.0, moment.at_s - self._at_s)
            self._first_off_s = self._off_s if self._first_off_s is None else self._first_off_s

    def struck(self) -> Struck:
        """How it went."""
        return Struck(
            str(self._fault), self._fault.name, self._fault.target, self._heating, self._off_s, self._first_off_s
        )
