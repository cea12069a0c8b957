"""The shape of one row of the interlock table: responses, priorities, and what a row says.

R0 informs. R1 takes the heat and leaves the flow. R2 takes the heat, stops the inflow and leaves the drain open.
R3 takes the heat, stops the pump and clamps. R4 is R1 with the contactor dropped: control no longer asks for heat, so
the protective channel opens it. Not responsible for carrying anything out (`interlocks`).
"""

from __future__ import annotations

import enum
from typing import NamedTuple

from controller.core.conditions import Condition, Level


class Response(enum.IntEnum):
    """What a row takes away; a higher number takes more of the flow."""

    R0 = 0
    R1 = 1
    R4 = 2
    R2 = 3
    R3 = 4


class Priority(enum.IntEnum):
    """IEC 60601-1-8 priorities."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3


class Interlock(NamedTuple):
    """One row. A response above R0 latches. `delay_s` is how long the condition must last.

    A condition that is a `Level` brings its reset level: an alarm does not come and go with a value near the limit, and
    no trip can be reset there.
    """

    id: str
    hazards: tuple[str, ...]  # rows of the hazard table that it serves
    condition: Condition
    delay_s: float
    response: Response
    priority: Priority
    title: str
    advice: str
    off_delay_s: float = 1.0  # the cause has to be gone for so long before the alarm is over
    bypass: bool = False  # after the reset the pump may turn in the bypass, to cool or de-air, before anybody resumes

    @property
    def reset_level(self) -> str:
        """How far inside its limit the value must be before the alarm ends; "" where that is the limit itself."""
        return f"{self.condition.back:g} {self.condition.unit} inside" if isinstance(self.condition, Level) else ""
