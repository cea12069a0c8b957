"""The treatment as a table of steps and gates, and the small machine that walks it.

The table is what the manual prints. A step says what pump, clamps and heat do, what ends it and what the person should
do. HOLD is not a step but a state beside it: heat off, and only a person resumes. Whether energy is allowed at all is
not decided here (`interlocks`): phase and safety are two machines.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import NamedTuple

from config.schema import Limits, Treatment
from controller.core import balance as volumes
from controller.core.balance import Balance
from controller.core.probe_identity import ROSE_C
from controller.core.sensing import Sensed


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
    drain_asked: bool = False
    agitated_s: float | None = None  # last time, or when the cavity began to be warmed
    short_accepted: bool = False  # a person goes on although the drain left more in the patient than it should
    target_c: float = 42.0
    flow_lpm: float = 1.5


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


def phases(treatment: Treatment) -> tuple[Step, ...]:
    """The table for one treatment, in order. Without a rinse volume the rinse steps fall away."""
    return tuple(step for step in _TABLE if treatment.rinse_ml > 0 or step.phase is not Phase.RINSE)


def contact_min(walk: Walk, now_s: float) -> float:
    """Minutes since the first dose: contact goes on while the drug is in the cavity, also in HOLD."""
    return 0.0 if walk.first_dose_s is None else (now_s - walk.first_dose_s) / 60.0


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


# --- flows ---------------------------------------------------------------------------------------------------------

PRIME_LPM = 1.0
RUN_ON_LPM = 0.6
RUN_ON_S = 60.0  # carries the heat left in the exchanger away before the pump stands


def _still(scene: Scene) -> float:
    return 0.0


def _prime(scene: Scene) -> float:
    return min(PRIME_LPM, scene.limits.flow_max_lpm)


def _treat(scene: Scene) -> float:
    return scene.walk.flow_lpm


def _fill(scene: Scene) -> float:
    return scene.treatment.fill_flow_lpm


def _run_on(scene: Scene) -> float:
    return RUN_ON_LPM if scene.now_s - scene.walk.entered_s < RUN_ON_S else 0.0


# --- gates ---------------------------------------------------------------------------------------------------------

PREHEAT_WITHIN_C = 0.5
IN_THE_STREAM = ("heater_outlet_c", "outlet_b_c", "inflow_c", "inflow_b_c")
PROBE_STEP_C = 0.1  # the last digit of the coarsest board
READY_SPREAD_C = 0.5
DRAINED_ML_PER_WINDOW = 8.0
DRAIN_WINDOW_S = 15.0
DRAIN_LEAST_S = 90.0
SHORT_ML = 300.0  # what a drain may leave behind,
SHORT_ML_PER_MIN = 3.0  # beside what was taken up while the fluid was in
RINSE_RESERVE_ML = 100.0
EMPTIED_ML = 500.0  # in a reservoir that was emptied, at most


def _never(scene: Scene) -> str:
    return "start"


def _self_test(scene: Scene) -> str:
    return "; ".join(scene.self_test_failed)


def _primed(scene: Scene) -> str:
    good = scene.sensed.good
    flow = good.get("flow_lpm")
    if flow is None or not flow >= 0.8 * _prime(scene):
        return "flow proven"
    bubble = good.get("bubble_mm")
    if bubble is None or not bubble < 1.0:
        return "no bubbles"
    return _alike(good, scene.limits.probe_disagreement_warn_c + PROBE_STEP_C)


def _alike(good: Mapping[str, float], apart_c: float) -> str:
    """In the bypass without heat the same fluid passes all four."""
    read = {name: good[name] for name in IN_THE_STREAM if name in good}
    if len(read) < len(IN_THE_STREAM):
        return "a reading of " + ", ".join(name for name in IN_THE_STREAM if name not in good)
    low, high = min(read, key=read.__getitem__), max(read, key=read.__getitem__)
    if read[high] - read[low] <= apart_c:
        return ""
    return f"probes within {apart_c:g} °C: {low} {read[low]:.2f}, {high} {read[high]:.2f}"


def _preheated(scene: Scene) -> str:
    inflow = scene.sensed.good.get("inflow_c")
    if inflow is None or not abs(inflow - scene.treatment.preheat_c) <= PREHEAT_WITHIN_C:
        return f"inflow within {PREHEAT_WITHIN_C:g} °C of {scene.treatment.preheat_c:.1f} °C"
    return "" if scene.probes_proved else f"outlet, then inflow seen to warm by {ROSE_C:g} °C: begin with cooler fluid"


def _filled(scene: Scene) -> str:
    in_patient = scene.volumes.in_patient_ml
    pressure = scene.sensed.good.get("cavity_pressure_mmhg")
    if pressure is not None and pressure >= 0.8 * scene.limits.cavity_pressure_warn_mmhg:
        return ""  # full is full: the cavity decides, not the plan
    if in_patient is None or not in_patient >= scene.fill_ml:
        return f"{scene.fill_ml:.0f} mL in the patient"
    return ""


def _warm(scene: Scene) -> str:
    mean = scene.sensed.cavity_mean_c
    ready = scene.treatment.ready_c
    if mean is None or not mean >= ready:
        return f"cavity mean at {ready:.1f} °C"
    coldest = scene.sensed.cavity_min_c
    if coldest is None or not coldest >= ready - READY_SPREAD_C:
        return f"every cavity probe at {ready - READY_SPREAD_C:.1f} °C"
    return ""


def _perfused(scene: Scene) -> str:
    if scene.walk.drain_asked:
        return ""
    left = scene.treatment.duration_min - contact_min(scene.walk, scene.now_s)
    return "" if left <= 0 else f"{left:.0f} min of contact"


def drain_short_ml(step: Step, walk: Walk, balance: Balance, now_s: float) -> float:
    """What a drain that has come to rest left in the patient, in mL; 0 when that is not too much, or not yet known."""
    if step.name not in ("drain", "rinse_drain") or now_s - walk.entered_s < DRAIN_LEAST_S or not _settled(balance):
        return 0.0
    left_ml = volumes.held_ml(balance) - balance.carried_ml
    perfused_min = 0.0 if walk.warm_up_s is None else (now_s - walk.warm_up_s) / 60.0
    return left_ml if left_ml > SHORT_ML + SHORT_ML_PER_MIN * perfused_min else 0.0


def _settled(balance: Balance) -> bool:
    return balance.settled_ml is not None and abs(balance.settled_ml) < DRAINED_ML_PER_WINDOW


def _drained(scene: Scene) -> str:
    if scene.now_s - scene.walk.entered_s < DRAIN_LEAST_S:
        return "drain for at least 90 s"
    if not _settled(scene.volumes):
        return "reservoir level steady"
    if scene.short_ml and not scene.walk.short_accepted:
        return f"{scene.short_ml:.0f} mL still in the patient: free the drain, or confirm"
    return ""


def _rinse_ready(scene: Scene) -> str:
    level, lowest = scene.volumes.level_ml, scene.volumes.lowest_ml
    if lowest is None or not lowest <= EMPTIED_ML:
        return "the perfusate out of the reservoir"
    need = scene.treatment.rinse_ml + scene.limits.reservoir_low_ml + RINSE_RESERVE_ML
    if level is None or not level >= need:
        return f"{need:.0f} mL of rinse in the reservoir"
    return "" if _settled(scene.volumes) else "reservoir level steady"


def _rinsed(scene: Scene) -> str:
    in_patient = scene.volumes.in_patient_ml
    wanted = scene.volumes.carried_ml + min(scene.treatment.rinse_ml, scene.fill_ml)
    pressure = scene.sensed.good.get("cavity_pressure_mmhg")
    if pressure is not None and pressure >= 0.8 * scene.limits.cavity_pressure_warn_mmhg:
        return ""
    return "" if in_patient is not None and in_patient >= wanted else "rinse volume in"


def _dwelt(scene: Scene) -> str:
    left_s = scene.treatment.rinse_dwell_min * 60.0 - (scene.now_s - scene.walk.entered_s)
    return "" if left_s <= 0 else f"{left_s:.0f} s of dwell"


_TABLE: tuple[Step, ...] = (
    Step(
        "standby", Phase.STANDBY, "Everything off.", "Set up treatment and patient, then start.",
        _still, False, False, Heat.OFF, _never, 0.0, "", "self_test", False,
    ),
    Step(
        "self_test", Phase.SELF_TEST, "Checking probes, flow zero, heater off, protective channel.", "Wait.",
        _still, False, False, Heat.OFF, _self_test, 3.0, "", "prime", False,
    ),
    Step(
        "prime", Phase.PRIME, "Circulating in the bypass to fill and de-air the circuit.",
        "Look for air; confirm when the circuit is primed.",
        _prime, False, False, Heat.OFF, _primed, 20.0, "confirm", "preheat", True,
    ),
    Step(
        "preheat", Phase.PREHEAT, "Heating the perfusate in the bypass.",
        "Connect and count; confirm when the catheters are connected.",
        _treat, False, False, Heat.PREHEAT, _preheated, 30.0, "confirm", "fill", True,
    ),
    Step(
        "fill", Phase.FILL, "Filling the cavity with the drain clamped, volume counted.", "Watch the cavity pressure.",
        _fill, True, True, Heat.PREHEAT, _filled, 1.0, "", "warm_up", False,
    ),
    Step(
        "warm_up", Phase.WARM_UP, "Circulating and warming the cavity to target, no drug yet.",
        "At temperature: give the drug and enter the dose.",
        _treat, True, False, Heat.CAVITY, _warm, 60.0, "dose", "perfuse", True,
    ),
    Step(
        "perfuse", Phase.PERFUSE, "Holding the cavity at target; the treatment clock runs.",
        "Agitate; give further fractions when they are due.",
        _treat, True, False, Heat.CAVITY, _perfused, 0.0, "", "drain", True,
    ),
    Step(
        "drain", Phase.DRAIN, "Heat off; draining the cavity into the reservoir.", "Tilt; watch the level rise.",
        _run_on, False, False, Heat.OFF, _drained, 5.0, "", "rinse_ready", True,
    ),
    Step(
        "rinse_ready", Phase.RINSE, "Waiting for rinse fluid.", "Change the reservoir for rinse fluid, then confirm.",
        _still, False, False, Heat.OFF, _rinse_ready, 3.0, "confirm", "rinse_fill", False,
    ),
    Step(
        "rinse_fill", Phase.RINSE, "Filling the cavity with rinse fluid.", "Watch the cavity pressure.",
        _fill, True, True, Heat.OFF, _rinsed, 1.0, "", "rinse_dwell", False,
    ),
    Step(
        "rinse_dwell", Phase.RINSE, "Rinse fluid dwells.", "Agitate.",
        _still, False, True, Heat.OFF, _dwelt, 0.0, "", "rinse_drain", False,
    ),
    Step(
        "rinse_drain", Phase.RINSE, "Draining the rinse.", "Tilt; watch the level rise.",
        _still, False, False, Heat.OFF, _drained, 5.0, "", "complete", False,
    ),
    Step(
        "complete", Phase.COMPLETE, "Everything off. The treatment is over.", "Disconnect; keep the report.",
        _still, False, False, Heat.OFF, _never, 0.0, "", "complete", False,
    ),
)  # fmt: skip


def enter(walk: Walk, step: Step, now_s: float) -> Walk:
    """Begin a step: gate, confirmation and clocks start anew."""
    walk = walk._replace(step=step.name, entered_s=now_s, gate_since_s=None, confirmed=False, short_accepted=False)
    if step.name == "warm_up":
        walk = walk._replace(warm_up_s=now_s, agitated_s=now_s)
    return walk


def on_entry(step: Step, balance: Balance) -> Balance:
    """What entering a step means for the volume count."""
    if step.name in ("fill", "rinse_fill"):
        return volumes.begin_fill(balance)
    if step.name in ("warm_up", "rinse_dwell"):
        return volumes.end_fill(balance)
    if step.name in ("rinse_ready", "complete"):
        return volumes.carry(balance)
    return balance
