"""What the interlocks and advisories look at: one picture of a cycle."""

from __future__ import annotations

from dataclasses import dataclass

from config.schema import Limits, Rig, Treatment
from controller.core.balance import Balance
from controller.core.core_watch import CoreWatch
from controller.core.exchange import LinkFault, Outputs, ProtectiveStatus
from controller.core.frozen import Frozen
from controller.core.line_model import LineModel
from controller.core.probe_identity import Identity
from controller.core.regulation import Regulation
from controller.core.sensing import Sensed
from controller.core.steps import Step, Walk


@dataclass(slots=True)
class Situation:
    """Everything believed at `now_s`, and `last`: what the cycle before had commanded. Nobody writes to it.

    Not frozen: it is made in every cycle and read some hundreds of times, and slots alone are quick at both.
    """

    now_s: float
    idle: bool  # STANDBY or COMPLETE: nothing is asked of the bench
    good: dict[str, float]
    bad: dict[str, str]
    sensed: Sensed
    last: Outputs
    wanted: Outputs
    step: Step
    walk: Walk
    volumes: Balance
    regulation: Regulation
    rig: Rig
    limits: Limits
    treatment: Treatment
    fill_ml: float
    protective: ProtectiveStatus | None
    link_faults: tuple[LinkFault, ...]
    host_faults: tuple[str, ...]
    overrun_s: float
    pump_steady_s: float  # seconds since the pump command last changed by more than a little
    heat_off_s: float  # seconds since heat was last commanded; 0 while it is
    heat_on_s: float  # seconds since heat was first commanded without a break; 0 while it is not
    line: LineModel
    stop_asked: str  # who pressed STOP in this cycle, "" for nobody
    in_patient_ml: float | None
    dose_due: str
    no_rise_s: float  # seconds for which the heat has been on and the inflow has not risen towards its set-point
    restarted: str  # what was going on when the controller before this one ended unasked, "" for nothing
    short_ml: float  # what a drain that has come to rest left in the patient, 0 when that is not too much
    identity: Identity
    frozen: Frozen
    core: CoreWatch
    late_cycles: int  # in a row
    attended_s: float  # since a person's console last took a state
    wall_jump_s: float  # by which the wall clock has jumped in this cycle
    disk_free_mb: float | None  # for the record; None is not known
