"""The protective channel's decision for every abstract state and input: no way to close that the rules do not give.

Each check holds for any state, reachable or not, so that it holds after any history. Times are abstracted to
"at once" and "lasting longer than any delay", values to good, hot and missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from controller.protective.channel import ChannelInputs, ChannelOutputs, ChannelState, step
from controller.protective.limits import HARD

NOW_S = 1000.0
GOOD_C, HOT_C = 42.0, 46.5
NAMES = "outlet,inflow,ahead,apart,lapsing,welded,fell open,not closed,probes,unknown,control"
LASTS = dict.fromkeys(NAMES.split(","), NOW_S - 500.0)
PROBES = ((GOOD_C, GOOD_C), (HOT_C, GOOD_C), (GOOD_C, HOT_C), (None, GOOD_C), (float("nan"), GOOD_C))
STAMPS = (NOW_S - 0.1, NOW_S - 5.0, NOW_S + 5.0)
SEQ = 100


class Beat(NamedTuple):
    """A heartbeat of the abstraction: its number against the last one, its age, what it asks for."""

    seq: int
    at_s: float
    heat: bool
    reset: int


BEATS = (
    Beat(SEQ, NOW_S - 0.1, True, 5),
    *(Beat(SEQ + 1, NOW_S - 0.05, heat, reset) for heat, reset in product((False, True), (5, 6))),
    Beat(SEQ + 1, NOW_S - 5.0, True, 5),
    Beat(SEQ + 1, NOW_S + 5.0, True, 6),
    Beat(3, NOW_S - 0.05, True, 6),
)


def states() -> Iterator[ChannelState]:
    both = (False, True)
    for permit, tripped, wanted, closed in product(both, repeat=4):
        mine = both if closed else (False,)
        for alive_at_s, since, confirmed, lapsing in product((NOW_S - 0.1, NOW_S - 5.0), ({}, LASTS), mine, mine):
            yield ChannelState(
                permit=permit, trip="held" if tripped else "", seq=SEQ, alive_at_s=alive_at_s, heat_wanted=wanted,
                reset_count=5, since=since, closed=closed, confirmed=confirmed, lapsing=lapsing,
                closed_s=0.0, now_s=NOW_S - 0.1,
            )  # fmt: skip


def inputs() -> Iterator[ChannelInputs]:
    for (outlet_c, inflow_c), at_s, beat, contactor in product(PROBES, STAMPS, BEATS, (False, True, None)):
        yield ChannelInputs(outlet_c, inflow_c, at_s, beat.at_s, beat.seq, beat.heat, beat.reset, contactor)


def wrong(seen: ChannelInputs) -> bool:
    """Something in the inputs alone forbids a permit, at once or when it has lasted."""
    good = seen.outlet_b_c == GOOD_C and seen.inflow_b_c == GOOD_C
    return not good or seen.probe_at_s != STAMPS[0] or seen.contactor_closed is None


def judge(before: ChannelState, seen: ChannelInputs, after: ChannelState, out: ChannelOutputs) -> None:
    fresh = 0.0 <= NOW_S - after.alive_at_s <= HARD.heartbeat_timeout_s
    lasting = bool(before.since)
    if out.close_contactor:
        assert out.permit
        assert after.heat_wanted
        assert fresh
        assert not out.trip
        assert not (wrong(seen) and lasting)
        assert seen.probe_at_s == STAMPS[0]
    assert not (out.permit and out.trip)
    assert not (out.lease_tenths and not out.close_contactor)
    assert not (out.quiet and out.trip)
    if out.permit and not before.permit:
        assert not after.heat_wanted, "only a new request of control closes"
        assert not wrong(seen)
        assert seen.contactor_closed is False
    if out.close_contactor and not before.closed:
        assert before.permit
    if before.trip and not out.trip:
        assert seen.reset_count > 5
        assert seen.heartbeat_seq > SEQ
        assert fresh
        assert not after.heat_wanted
        assert not (wrong(seen) and lasting)
        assert not out.close_contactor
    if lasting and HOT_C in (seen.outlet_b_c, seen.inflow_b_c):
        assert out.trip
    if before.permit and before.heat_wanted and not out.permit:
        assert out.trip, "what takes the heat away latches"
    if before.trip:
        assert not out.close_contactor


def test_no_state_and_input_closes_or_forgets_beyond_the_rules() -> None:
    closed = cleared = tripped = 0
    for before, seen in product(states(), inputs()):
        after, out = step(before, seen, NOW_S)
        judge(before, seen, after, out)
        closed += out.close_contactor
        cleared += bool(before.trip and not out.trip)
        tripped += bool(out.trip and not before.trip)
    assert min(closed, cleared, tripped) > 100, "the abstraction reaches every outcome"


def test_p19_nothing_that_gets_worse_closes_the_contactor() -> None:
    for before in states():
        for seen in inputs():
            if seen.contactor_closed is not before.closed or wrong(seen):
                continue
            allowed = step(before, seen, NOW_S)[1].close_contactor
            for worse in (
                seen._replace(outlet_b_c=HOT_C),
                seen._replace(inflow_b_c=None),
                seen._replace(probe_at_s=STAMPS[1]),
                seen._replace(contactor_closed=None),
                seen._replace(heat_wanted=False),
            ):
                assert step(before, worse, NOW_S)[1].close_contactor <= allowed
