"""What a step waits for, and how fast it pumps: one small function each, of what the cycle sees.

A gate returns "" when it is open, else what is missing. Missing values never open one.
"""

from __future__ import annotations

from collections.abc import Mapping

from controller.core import balance as volumes
from controller.core import broken_off
from controller.core.balance import Balance
from controller.core.probe_identity import ORDER, ROSE_C, Identity
from controller.core.steps import Scene, Step, Walk, contact_min

# --- flows ---------------------------------------------------------------------------------------------------------

PRIME_LPM = 1.0
RUN_ON_LPM = 0.6
RUN_ON_S = 60.0  # carries the heat left in the exchanger away before the pump stands


def still(scene: Scene) -> float:
    """The pump stands."""
    return 0.0


def prime(scene: Scene) -> float:
    """Gentle, to drive the air out."""
    return min(PRIME_LPM, scene.limits.flow_max_lpm)


def treat(scene: Scene) -> float:
    """What the person has set."""
    return scene.walk.flow_lpm


def fill(scene: Scene) -> float:
    """As the treatment fills."""
    return scene.treatment.fill_flow_lpm


def run_on(scene: Scene) -> float:
    """Long enough to carry the heat out of the exchanger, then nothing."""
    return RUN_ON_LPM if scene.now_s - scene.walk.entered_s < RUN_ON_S else 0.0


# --- gates ---------------------------------------------------------------------------------------------------------

PRIMED_SHARE = 0.8  # of the flow of priming proves it
BUBBLE_MM = 1.0  # a bubble of this size is still one
FULL_SHARE = 0.8  # of the pressure that warns: the cavity is full
PREHEAT_WITHIN_C = 0.5
IN_THE_STREAM = ("heater_outlet_c", "outlet_b_c", "inflow_c", "inflow_b_c")
PROBE_STEP_C = 0.1  # the last digit of the coarsest board
READY_SPREAD_C = 0.5
DRAINED_ML_PER_WINDOW = 8.0
DRAIN_LEAST_S = 90.0
SHORT_ML = 300.0  # what a drain may leave behind,
SHORT_ML_PER_MIN = 3.0  # beside what was taken up while the fluid was in
RINSE_RESERVE_ML = 100.0
EMPTIED_ML = 500.0  # in a reservoir that was emptied, at most
UNACCOUNTED = "the confirmation that what was in the patient is accounted for"


def never(scene: Scene) -> str:
    """Only a person begins."""
    return "start"


def begin(scene: Scene) -> str:
    """The same; and what a run that was broken off has left in the patient is accounted for first."""
    return UNACCOUNTED if broken_off.waiting(scene.walk.broken_off) else never(scene)


def self_test(scene: Scene) -> str:
    """Every check passes."""
    return "; ".join(scene.self_test_failed)


def primed(scene: Scene) -> str:
    """Flow proven, no bubbles, the probes of one stream alike."""
    good = scene.sensed.good
    flow = good.get("flow_lpm")
    if flow is None or not flow >= PRIMED_SHARE * prime(scene):
        return "flow proven"
    bubble = good.get("bubble_mm")
    if bubble is None or not bubble < BUBBLE_MM:
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


def too_warm(step: Step, identity: Identity, good: Mapping[str, float], preheat_c: float, *, heating: bool) -> str:
    """Why PREHEAT does not heat yet: from here the fluid cannot warm by enough to show which probe is which."""
    if step.name != "preheat" or heating or identity.proved:
        return ""  # what has begun from cool enough goes on
    most_c = preheat_c - PREHEAT_WITHIN_C - ROSE_C
    if _all_below(identity.lowest_c, most_c) or _all_below(good, most_c):
        return ""
    warmest = max((good[name] for name in ORDER if name in good), default=None)
    now = "unknown" if warmest is None else f"{warmest:.1f}"
    return (
        f"heat waits until outlet and inflow are below {most_c:.1f} °C (now {now}): "
        "the probes have to be seen to warm; cooler carrier in the reservoir is quicker"
    )


def _all_below(values: Mapping[str, float], most_c: float) -> bool:
    return all(name in values and values[name] <= most_c for name in ORDER)


def preheated(scene: Scene) -> str:
    """The inflow at its temperature, and the probes seen in their places."""
    if scene.too_warm:
        return scene.too_warm
    inflow = scene.sensed.good.get("inflow_c")
    if inflow is None or not abs(inflow - scene.treatment.preheat_c) <= PREHEAT_WITHIN_C:
        return f"inflow within {PREHEAT_WITHIN_C:g} °C of {scene.treatment.preheat_c:.1f} °C"
    return "" if scene.probes_proved else f"outlet, then inflow seen to warm by {ROSE_C:g} °C: begin with cooler fluid"


def filled(scene: Scene) -> str:
    """The planned volume, or as much as the cavity takes."""
    in_patient = scene.volumes.in_patient_ml
    pressure = scene.sensed.good.get("cavity_pressure_mmhg")
    if pressure is not None and pressure >= FULL_SHARE * scene.limits.cavity_pressure_warn_mmhg:
        return ""  # full is full: the cavity decides, not the plan
    if in_patient is None or not in_patient >= scene.fill_ml:
        return f"{scene.fill_ml:.0f} mL in the patient"
    return ""


def warm(scene: Scene) -> str:
    """The cavity at temperature, and no probe of it far behind."""
    mean = scene.sensed.cavity_mean_c
    ready = scene.treatment.ready_c
    if mean is None or not mean >= ready:
        return f"cavity mean at {ready:.1f} °C"
    coldest = scene.sensed.cavity_min_c
    if coldest is None or not coldest >= ready - READY_SPREAD_C:
        return f"every cavity probe at {ready - READY_SPREAD_C:.1f} °C"
    return ""


def perfused(scene: Scene) -> str:
    """The contact time is over."""
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


def draining(balance: Balance) -> str:
    """Why an open drain is not at its end; "" when it may be, and where no level tells."""
    if balance.level_ml is None or _settled(balance):
        return ""
    rise_ml = balance.settled_ml
    moves = "falls" if rise_ml is not None and rise_ml < 0.0 else "rises"
    return f"the reservoir still {moves}: wait until the drain has ended"


def drained(scene: Scene) -> str:
    """The reservoir no longer rises, and what stayed behind is little or accepted."""
    if scene.now_s - scene.walk.entered_s < DRAIN_LEAST_S:
        return f"drain for at least {DRAIN_LEAST_S:g} s"
    if not _settled(scene.volumes):
        return "reservoir level steady"
    if scene.short_ml and not scene.walk.short_accepted:
        return f"{scene.short_ml:.0f} mL still in the patient: free the drain, or confirm"
    return ""


def rinse_ready(scene: Scene) -> str:
    """The perfusate was taken out, and rinse fluid stands in the reservoir."""
    level, lowest = scene.volumes.level_ml, scene.volumes.lowest_ml
    if lowest is None or not lowest <= EMPTIED_ML:
        return "the perfusate out of the reservoir"
    need = scene.treatment.rinse_ml + scene.limits.reservoir_low_ml + RINSE_RESERVE_ML
    if level is None or not level >= need:
        return f"{need:.0f} mL of rinse in the reservoir"
    if scene.clamp_shut:
        return "the protective channel, which holds its clamp shut; or drain, to end without a rinse"
    return "" if _settled(scene.volumes) else "reservoir level steady"


def rinsed(scene: Scene) -> str:
    """The rinse volume is in, or as much as the cavity takes."""
    in_patient = scene.volumes.in_patient_ml
    wanted = scene.volumes.carried_ml + min(scene.treatment.rinse_ml, scene.fill_ml)
    pressure = scene.sensed.good.get("cavity_pressure_mmhg")
    if pressure is not None and pressure >= FULL_SHARE * scene.limits.cavity_pressure_warn_mmhg:
        return ""
    return "" if in_patient is not None and in_patient >= wanted else "rinse volume in"


def dwelt(scene: Scene) -> str:
    """The rinse has dwelt."""
    left_s = scene.treatment.rinse_dwell_min * 60.0 - (scene.now_s - scene.walk.entered_s)
    return "" if left_s <= 0 else f"{left_s:.0f} s of dwell"
