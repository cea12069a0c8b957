"""Whether the reading of the core can be true: the core has one probe, and nothing beside it shows the same.

What can be known of it: a body cools slowly, so a reading that falls fast is a probe that fell out or has failed low;
and a body that takes up heat warms unless it is cooled as fast, so a reading that stands to its last digit while much
heat went in is a probe that has failed. Both are asked only while heat goes into the patient; when it is off, what a
person has done to the probe is taken as it is. Not responsible for a reading that is missing (`sensing`), nor for what
follows (`conditions_probes`).
"""

from __future__ import annotations

from typing import NamedTuple

from controller.core.regulation import CARRIER_W_PER_K_LPM

BODY_J_PER_KG_K = 2440.0  # the least that is published; a smaller store warms faster (Temperature 2022;9:1)
METABOLISM_W = 18.0  # of an anaesthetised body, beyond what it loses to the room
FALL_C_PER_S = 0.1 / 60.0  # twice what 150 W of cooling takes from a small body
FELL_C = 0.5
WARMED_C = 1.5  # what the heat could have done: sampled patients show a new digit before 0.8


class CoreWatch(NamedTuple):
    """What is remembered while heat goes into the patient."""

    shown_c: float | None = None
    floor_c: float | None = None  # so far the core can have fallen
    warmed_c: float = 0.0  # by how much the heat that was taken up could have raised it since the reading last moved
    doubt: str = ""  # why the reading cannot be true, "" when it can


def uptake_w(*, flow_lpm: float | None, inflow_c: float | None, outflow_c: float | None) -> float:
    """Heat that the patient takes from the fluid, W; 0 where it cannot be known."""
    if flow_lpm is None or inflow_c is None or outflow_c is None:
        return 0.0
    return max(0.0, CARRIER_W_PER_K_LPM * flow_lpm * (inflow_c - outflow_c))


def step(
    watch: CoreWatch, *, core_c: float | None, patient_w: float, weight_kg: float, heating: bool, dt_s: float
) -> CoreWatch:
    """Look at the core once; begin anew while not `heating`. A missing value changes nothing."""
    if not heating:
        return CoreWatch() if watch.shown_c is not None else watch
    if core_c is None:
        return watch
    floor_c = core_c if watch.floor_c is None else max(core_c, watch.floor_c - FALL_C_PER_S * dt_s)
    warmed_c = 0.0
    if core_c == watch.shown_c:
        warmed_c = watch.warmed_c + (patient_w + METABOLISM_W) * dt_s / (weight_kg * BODY_J_PER_KG_K)
    return CoreWatch(core_c, floor_c, warmed_c, _doubt(core_c, floor_c, warmed_c))


def _doubt(core_c: float, floor_c: float, warmed_c: float) -> str:
    if not floor_c - core_c <= FELL_C:
        return f"reads {core_c:.2f} °C and cannot have fallen below {floor_c - FELL_C:.2f} °C"
    if not warmed_c <= WARMED_C:
        return f"stands at {core_c:.2f} °C after heat for {WARMED_C:g} °C: a stuck probe, or strong cooling"
    return ""
