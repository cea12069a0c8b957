"""The volume in the patient, from the fall of the reservoir's level since the fill began, and from the flow.

Two measures of one thing: level is exact when nothing leaks, flow is exact while the drain is clamped. Their
difference is what an interlock looks at. Not responsible for deciding what a difference means.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

SMOOTHING_S = 2.0  # waves in the reservoir
RETURN_SMOOTHING_S = 2.0
SETTLE_WINDOW_S = 15.0
MARK_S = 60.0  # a mark of the level each minute of steady circulation,
MARKS = 20  # for so many minutes
DRIFT_MARKS = 10
SLOWS_LEAST_ML = 15.0  # in a first minute: less is near what is taken up, and the level's noise
SLOWS_SHARE = 0.7  # of it in the next: a stretched wall halves its rest in a minute or less, a leak goes on
FREE_SHARE = 0.4  # of the inflow comes back: the drain is free
FREE_LPM = 0.3  # comes back from a cavity that holds less than its fill: only the head drains it, whatever goes in
RAISED_LPM = 0.05  # more than this above the flow before is another flow
REFILLED_ML = 20.0  # below what it held before, a cavity is full again
STEADY_ML = 12.0  # of rise or fall in a settle window: the level stands, or it is a leak
ABSORBED_ML_PER_S = 0.1  # 6 mL/min: more than a peritoneum takes up
SUNK_ML_PER_S = 1.0  # how fast a cavity that holds less is taken for the normal one
ACCEPTED_MORE_ML = 500.0  # than the fill, at most, is taken for the cavity finding its own level
FALLS_ML = 1.0  # more than this below the lowest level is fluid taken out, not a wave


class Account(NamedTuple):
    """One fill, reckoned up after its drain, mL; None for what was not counted to its end."""

    filled_ml: float | None
    drained_ml: float | None
    left_ml: float


class Balance(NamedTuple):
    """Volumes in mL. `reference_ml` is the level that meant an empty cavity; None until the fill begins."""

    level_ml: float | None = None
    reference_ml: float | None = None
    carried_ml: float = 0.0  # left in the patient from the previous fill (absorbed or residual)
    infused_by_flow_ml: float = 0.0
    peak_ml: float = 0.0
    filled_ml: float | None = None  # in the patient when the drain was opened after the fill
    accepted_ml: float | None = None  # what belongs in the patient: the fill, and what a free drain let it find
    return_lpm: float | None = None  # what comes back: flow minus the fall of the level
    mark_at_s: float = 0.0
    marks: tuple[float, ...] = ()  # levels of steady circulation, oldest first
    drift_ml: float = 0.0  # fall of the level over the last ten minutes of steady circulation, from where it stands
    lost_ml: float = 0.0  # the same over the last twenty, whatever it was
    settle_at_s: float = 0.0
    settle_level_ml: float | None = None
    settled_ml: float | None = None  # rise of the level over the last whole settle window
    lowest_ml: float | None = None  # level since the reservoir was given to a person to change; None otherwise
    through_since_s: float | None = None  # fluid has gone through the patient without a break; None: it does not
    refill_ml: float | None = None  # what a cavity that has run out held before, until it is full again
    slow_lpm: float | None = None  # the flow asked for, as long as no more is: at it the cavity found its level
    accounts: tuple[Account, ...] = ()  # of the fills that are over, oldest first
    unseen: bool = False  # since nobody looked no level has been believed

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
    settling: bool = False,
    asked_lpm: float | None = None,
    paused: bool = False,
) -> Balance:
    """Follow the level and, while filling with the drain clamped, integrate the flow.

    `circulating`: through the patient, long enough to be steady. `settling`: not yet, the cavity finds its level.
    Neither: what belongs in the patient stays what it was, however much of it runs out. `paused`: nobody looked for so
    long that clamp and pump let go; what ran meanwhile was not metered, and is reckoned with the next level believed.
    """
    paused = paused or balance.unseen
    before = level = balance.level_ml
    if reservoir_ml is not None:
        level = (
            reservoir_ml if level is None or paused else level + (reservoir_ml - level) * min(1.0, dt_s / SMOOTHING_S)
        )
    infused = balance.infused_by_flow_ml
    if paused:
        infused -= 0.0 if level is None or before is None else level - before  # as far apart as they were before it
    elif filling and flow_lpm is not None:
        infused += flow_lpm * 1000.0 / 60.0 * dt_s
    elif drain_open and balance.reference_ml is not None and level is not None:
        infused = balance.reference_ml - level  # what ran back was not metered: the two start again together
    back = balance.return_lpm
    if paused or flow_lpm is None or level is None or before is None or dt_s <= 0.0:
        back = None
    else:
        now_lpm = flow_lpm + (level - before) * 0.06 / dt_s
        back = now_lpm if back is None else back + (now_lpm - back) * min(1.0, dt_s / RETURN_SMOOTHING_S)
    mark_at_s, marks, drift_ml, lost_ml = balance.mark_at_s, balance.marks, balance.drift_ml, balance.lost_ml
    # One that was to fill again is not full yet: a leak that falls so fast is more than belongs in the patient.
    fills = balance.refill_ml is not None and (balance.settled_ml or 0.0) <= -STEADY_ML
    if not circulating or fills:
        marks, drift_ml, lost_ml = (), 0.0, 0.0
    elif level is not None:
        if not marks or now_s - mark_at_s >= MARK_S:
            marks, mark_at_s = (*marks[-MARKS + 1 :], level), now_s
        drift_ml, lost_ml = marks[max(len(marks) - DRIFT_MARKS, _slowing(marks))] - level, marks[0] - level
    settle_at_s, settle_level, settled = balance.settle_at_s, balance.settle_level_ml, balance.settled_ml
    if level is not None and (settle_level is None or now_s - settle_at_s >= SETTLE_WINDOW_S):
        settled = None if settle_level is None else level - settle_level
        settle_at_s, settle_level = now_s, level
    lowest = balance.lowest_ml
    if lowest is not None and level is not None and level < lowest - FALLS_ML:
        lowest, settled, settle_at_s, settle_level = level, None, now_s, level
    through_since_s, refill, slow_lpm = None, balance.refill_ml, balance.slow_lpm
    if circulating or settling:
        through_since_s = now_s if balance.through_since_s is None else balance.through_since_s
        refill = None if circulating and not fills else refill
        if slow_lpm is None or (asked_lpm is not None and asked_lpm < slow_lpm):
            slow_lpm = asked_lpm
        elif settling and asked_lpm is not None and asked_lpm > slow_lpm + RAISED_LPM:
            slow_lpm, refill = asked_lpm, max(balance.filled_ml or 0.0, refill or 0.0)
    elif drain_open and refill is None:
        refill = balance.accepted_ml
    reference, carried = balance.reference_ml, balance.carried_ml
    peak, filled, accepted = balance.peak_ml, balance.filled_ml, balance.accepted_ml
    if reference is not None and level is not None:
        held = carried + reference - level
        peak = max(peak, held)
        if filled is not None and accepted is not None:
            if settling and back is not None and flow_lpm is not None and back >= _free_lpm(flow_lpm, held, refill):
                accepted = min(held, filled + ACCEPTED_MORE_ML)
            elif circulating:
                accepted = min(max(held, accepted - SUNK_ML_PER_S * dt_s), accepted + ABSORBED_ML_PER_S * dt_s)
    return Balance(
        level,
        reference,
        carried,
        infused,
        peak,
        filled,
        accepted,
        back,
        mark_at_s,
        marks,
        drift_ml,
        lost_ml,
        settle_at_s,
        settle_level,
        settled,
        lowest,
        through_since_s,
        refill,
        slow_lpm,
        balance.accounts,
        paused and reservoir_ml is None,
    )


def refilling(balance: Balance) -> bool:
    """A cavity that had run out is on its way back to what it held. One whose level stands has arrived: ask late."""
    held_ml, before_ml, rise_ml = balance.in_patient_ml, balance.refill_ml, balance.settled_ml
    if held_ml is None or before_ml is None or held_ml >= before_ml - REFILLED_ML:
        return False
    return rise_ml is None or not (abs(rise_ml) < STEADY_ML)


def _free_lpm(flow_lpm: float, held_ml: float, refill_ml: float | None) -> float:
    """What a free drain gives back at least, in L/min."""
    share_lpm = FREE_SHARE * flow_lpm
    return share_lpm if refill_ml is None or held_ml >= refill_ml else min(share_lpm, FREE_LPM)


def _slowing(marks: tuple[float, ...]) -> int:
    """How many minutes at the beginning of `marks` show a cavity that is still finding its level."""
    falls_ml = (before - after for before, after in itertools.pairwise(marks))
    slowing = itertools.takewhile(
        lambda pair: pair[0] >= SLOWS_LEAST_ML and pair[1] < SLOWS_SHARE * pair[0], itertools.pairwise(falls_ml)
    )
    return sum(1 for _ in slowing)


def begin_fill(balance: Balance) -> Balance:
    """Take the present level as the new reference; what is still in the patient is carried over."""
    return balance._replace(
        carried_ml=held_ml(balance),
        reference_ml=balance.level_ml,
        infused_by_flow_ml=0.0,
        filled_ml=None,
        accepted_ml=None,
        lowest_ml=None,
        refill_ml=None,
        slow_lpm=None,
    )


def end_fill(balance: Balance) -> Balance:
    """What is in now is what was filled."""
    return balance._replace(filled_ml=balance.in_patient_ml, accepted_ml=balance.in_patient_ml)


def carry(balance: Balance) -> Balance:
    """The fill is over and the reservoir about to be changed by hand: freeze what is in the patient."""
    left_ml, held_before_ml = held_ml(balance), balance.accepted_ml
    drained_ml = None if held_before_ml is None else held_before_ml - left_ml
    account = Account(balance.filled_ml, drained_ml, left_ml)
    return balance._replace(
        carried_ml=left_ml,
        reference_ml=None,
        lowest_ml=balance.level_ml,
        accounts=(*balance.accounts, account),
    )


def held_ml(balance: Balance) -> float:
    """What is in the patient, the last that was known of it."""
    known_ml = balance.in_patient_ml
    return balance.carried_ml if known_ml is None else known_ml
