"""The volume in the patient, from the fall of the reservoir's level since the fill began, and from the flow.

Two measures of one thing: level is exact when nothing leaks, flow is exact while the drain is clamped. Their
difference is what an interlock looks at. Not responsible for deciding what a difference means.
"""

from __future__ import annotations

from typing import NamedTuple

SMOOTHING_S = 2.0  # waves in the reservoir
DRIFT_WINDOW_S = 600.0
SETTLE_WINDOW_S = 15.0


class Balance(NamedTuple):
    """Volumes in mL. `reference_ml` is the level that meant an empty cavity; None until the fill begins."""

    level_ml: float | None = None
    reference_ml: float | None = None
    carried_ml: float = 0.0  # left in the patient from the previous fill (absorbed or residual)
    infused_by_flow_ml: float = 0.0
    peak_ml: float = 0.0
    drift_at_s: float = 0.0
    drift_level_ml: float | None = None
    drift_ml: float = 0.0  # fall of the level over the last whole window of steady circulation
    settle_at_s: float = 0.0
    settle_level_ml: float | None = None
    settled_ml: float | None = None  # rise of the level over the last whole settle window

    @property
    def in_patient_ml(self) -> float | None:
        """What the level says is in the patient (or lost); None before the fill or without a level."""
        if self.reference_ml is None or self.level_ml is None:
            return None
        return self.carried_ml + self.reference_ml - self.level_ml


def step(
    balance: Balance,
    *,
    dt_s: float,
    now_s: float,
    reservoir_ml: float | None,
    flow_lpm: float | None,
    filling: bool,
    drain_open: bool,
    circulating: bool,
) -> Balance:
    """Follow the level and, while filling with the drain clamped, integrate the flow."""
    level = balance.level_ml
    if reservoir_ml is not None:
        level = reservoir_ml if level is None else level + (reservoir_ml - level) * min(1.0, dt_s / SMOOTHING_S)
    infused = balance.infused_by_flow_ml
    if filling and flow_lpm is not None:
        infused += flow_lpm * 1000.0 / 60.0 * dt_s
    elif drain_open and balance.reference_ml is not None and level is not None:
        infused = balance.reference_ml - level  # what ran back was not metered: the two start again together
    drift_at_s, drift_level, drift_ml = balance.drift_at_s, balance.drift_level_ml, balance.drift_ml
    if not circulating:
        drift_level, drift_ml = None, 0.0
    elif level is not None and (drift_level is None or now_s - drift_at_s >= DRIFT_WINDOW_S):
        drift_ml = 0.0 if drift_level is None else drift_level - level
        drift_at_s, drift_level = now_s, level
    settle_at_s, settle_level, settled = balance.settle_at_s, balance.settle_level_ml, balance.settled_ml
    if level is not None and (settle_level is None or now_s - settle_at_s >= SETTLE_WINDOW_S):
        settled = None if settle_level is None else level - settle_level
        settle_at_s, settle_level = now_s, level
    reference = balance.reference_ml
    peak = balance.peak_ml
    if reference is not None and level is not None:
        peak = max(peak, balance.carried_ml + reference - level)
    return Balance(
        level,
        reference,
        balance.carried_ml,
        infused,
        peak,
        drift_at_s,
        drift_level,
        drift_ml,
        settle_at_s,
        settle_level,
        settled,
    )


def begin_fill(balance: Balance) -> Balance:
    """Take the present level as the new reference; what is still in the patient is carried over."""
    return balance._replace(carried_ml=_held_ml(balance), reference_ml=balance.level_ml, infused_by_flow_ml=0.0)


def carry(balance: Balance) -> Balance:
    """The reservoir is about to be changed by hand: freeze what is in the patient until the next fill."""
    return balance._replace(carried_ml=_held_ml(balance), reference_ml=None)


def _held_ml(balance: Balance) -> float:
    held_ml = balance.in_patient_ml
    return balance.carried_ml if held_ml is None else held_ml
