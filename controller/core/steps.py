"""The shapes of a treatment: its phases, what a step says, where the treatment stands, and its clocks.

The steps themselves are in `treatment`, what they wait for in `gates`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import NamedTuple

from config.schema import Limits, Treatment
from controller.core.balance import Balance
from controller.core.broken_off import BrokenOff
from controller.core.sensing import Sensed

BESIDE_THE_PATIENT = ("standby", "self_test", "prime", "preheat", "complete")  # steps: nothing flows into one
DRAINING = ("drain", "rinse_ready", "rinse_drain")  # steps: nothing flows into one any more


class Phase(enum.Enum):
    """The ten phases as a person names them."""

    STANDBY = "STANDBY"
    SELF_TEST = "SELF_TEST"
    PRIME = "PRIME"
    PREHEAT = "PREHEAT"
    FILL = "FILL"
    WARM_UP = "WARM_UP"
    PERFUSE = "PERFUSE"
    DRAIN = "DRAIN"
    RINSE = "RINSE"
    COMPLETE = "COMPLETE"


class Heat(enum.Enum):
    """What the heat is for in a step."""

    OFF = "off"
    PREHEAT = "inflow at the preheat temperature"
    CAVITY = "cavity at target"


class Walk(NamedTuple):
    """Where the treatment stands. Times in monotonic seconds; None where it has not happened."""

    step: str = "standby"
    testing: bool = False  # the self-test alone: after it comes STANDBY again
    entered_s: float = 0.0
    hold: str = ""  # why it is held, "" when it is not
    gate_since_s: float | None = None
    confirmed: bool = False
    started_s: float | None = None
    warm_up_s: float | None = None
    ready_s: float | None = None  # first time at temperature
    first_dose_s: float | None = None
    doses: int = 0
    drained_s: float | None = None  # when the drug had left the cavity
    agitated_s: float | None = None  # last time, or when the cavity began to be warmed
    short_accepted: bool = False  # a person goes on although the drain left more in the patient than it should
    target_c: float = 42.0
    flow_lpm: float = 1.5
    broken_off: BrokenOff | None = None  # what an earlier run has left in the patient


class Scene(NamedTuple):
    """What a gate may look at."""

    walk: Walk
    sensed: Sensed
    volumes: Balance
    limits: Limits
    treatment: Treatment
    fill_ml: float
    self_test_failed: tuple[str, ...]
    now_s: float
    short_ml: float = 0.0
    probes_proved: bool = False
    clamp_shut: bool = False  # by the protective channel, which is not there or has tripped
    too_warm: str = ""  # why PREHEAT does not heat yet


class Step(NamedTuple):
    """One line of the table. `gate` returns "" when it is open, else what is missing; it must stay open `steady_s`."""

    name: str
    phase: Phase
    doing: str
    person: str
    flow: Callable[[Scene], float]  # L/min
    inflow_open: bool
    outflow_closed: bool
    heat: Heat
    gate: Callable[[Scene], str]
    steady_s: float
    asks: str  # what a person must do when the gate is open: "", "confirm", "dose"
    then: str
    pump_in_hold: bool


def contact_min(walk: Walk, now_s: float) -> float:
    """Minutes from the first dose until the drug is drained; contact goes on in HOLD, while it is in the cavity."""
    if walk.first_dose_s is None:
        return 0.0
    return ((now_s if walk.drained_s is None else walk.drained_s) - walk.first_dose_s) / 60.0


def next_dose_min(walk: Walk, treatment: Treatment) -> float | None:
    """When the next fraction is due, minutes of contact; None when all were given."""
    times = treatment.drug.at_min if treatment.drug is not None else ()
    return times[walk.doses] if walk.doses < len(times) else None


def agitate_in_s(step: Step, walk: Walk, treatment: Treatment, now_s: float) -> float | None:
    """How long until the abdomen is to be agitated again, below 0 when that is over; None when it need not be."""
    asked = treatment.agitate_every_min > 0 and step.inflow_open and step.heat is Heat.CAVITY
    if not asked or walk.agitated_s is None:
        return None
    return walk.agitated_s + treatment.agitate_every_min * 60.0 - now_s
