"""What the inflow line should feel like: pressure drop = linear * Q + square * Q^2, learned while it is healthy.

One pair for the bypass and one for the way to the patient, which starts from the bypass'. The transmitter's zero is
taken while the pump stands. What is far from the model is not learned: an open line must not become the normal one,
nor a kink. Not responsible for deciding what a difference means (`conditions_flow`).
"""

from __future__ import annotations

from typing import NamedTuple

FLOW_LEAST_LPM = 0.4  # below it the drop is too small against the transmitter's noise
STEADY_S = 5.0  # the pump command has stood for so long before anything is learned
YOUNG_S = 20.0  # of flow, for which a way is learned quickly and may turn out narrower than the one before
LEARN_S = 30.0
LEARN_YOUNG_S = 5.0
SMOOTH_S = 0.5
NEAR = (0.75, 1.25)
NEAR_YOUNG = (0.75, 4.0)
ZERO_WITHIN_MMHG = 30.0


class Way(NamedTuple):
    """One way of the fluid: mmHg per L/min and per (L/min)^2, and for how long it was learned."""

    linear: float = 0.0
    square: float = 0.0
    learned_s: float = 0.0


class LineModel(NamedTuple):
    """Both ways, the transmitter's zero, and how the drop compares now: `ratio` 1 is as expected, None unknown."""

    zero_mmhg: float = 0.0
    bypass: Way = Way()
    patient: Way = Way()
    ratio: float | None = None
    expected_mmhg: float = 0.0


def step(
    model: LineModel,
    *,
    dt_s: float,
    flow_lpm: float | None,
    line_mmhg: float | None,
    cavity_mmhg: float | None,
    to_patient: bool,
    pump_on: bool,
    steady_s: float,
) -> LineModel:
    """Compare this cycle's pressure with the model and, when it is near, learn from it. Missing values change nothing.

    `steady_s` counts from the last change of the pump command or the clamp.
    """
    if line_mmhg is None or flow_lpm is None or (to_patient and cavity_mmhg is None):
        return model if model.ratio is None else model._replace(ratio=None)
    if not pump_on and not to_patient and abs(flow_lpm) < 0.05 and abs(line_mmhg) < ZERO_WITHIN_MMHG:
        zero = model.zero_mmhg
        return model._replace(zero_mmhg=zero + (line_mmhg - zero) * min(1.0, dt_s / LEARN_YOUNG_S), ratio=None)
    if flow_lpm < FLOW_LEAST_LPM:
        return model if model.ratio is None else model._replace(ratio=None)
    far_mmhg = cavity_mmhg if to_patient and cavity_mmhg is not None else 0.0
    drop_mmhg = line_mmhg - model.zero_mmhg - far_mmhg
    way = model.patient if to_patient and model.patient.learned_s else model.bypass
    expected_mmhg = flow_lpm * (way.linear + way.square * flow_lpm)
    ratio = 1.0 if expected_mmhg <= 0.0 else drop_mmhg / expected_mmhg
    smooth = ratio if model.ratio is None else model.ratio + (ratio - model.ratio) * min(1.0, dt_s / SMOOTH_S)
    zero_mmhg, bypass, patient = model.zero_mmhg, model.bypass, model.patient
    judged = LineModel(zero_mmhg, bypass, patient, smooth, expected_mmhg)
    if steady_s < STEADY_S or drop_mmhg <= 0.0:
        return judged
    learned_s = (patient if to_patient else bypass).learned_s
    young = learned_s < YOUNG_S
    low, high = NEAR_YOUNG if young else NEAR
    if way.learned_s and not (low <= smooth <= high):
        return judged
    gain = min(1.0, dt_s / (LEARN_YOUNG_S if young else LEARN_S)) if way.learned_s else 1.0
    error = gain * (drop_mmhg - expected_mmhg) / (flow_lpm * flow_lpm * (1.0 + flow_lpm * flow_lpm))
    better = Way(way.linear + error * flow_lpm, way.square + error * flow_lpm * flow_lpm, learned_s + dt_s)
    if to_patient:
        return LineModel(zero_mmhg, bypass, better, smooth, expected_mmhg)
    return LineModel(zero_mmhg, better, patient, smooth, expected_mmhg)
