"""Thermal dose against published vectors, and the two measures of the volume in the patient."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core import balance as volumes
from controller.core import dose
from controller.core.balance import Balance
from controller.core.dose import Dose
from controller.core.exchange import ProtectiveStatus
from controller.core.observing import clamped

CAVITY_C = st.one_of(st.none(), st.floats(20.0, 50.0))


def give(minutes: float, cavity_c: float | None, before: Dose | None = None, *, dt_s: float = 1.0) -> Dose:
    taken = Dose() if before is None else before
    for _ in range(round(minutes * 60.0 / dt_s)):
        taken = dose.step(
            taken, dt_s=dt_s, cavity_mean_c=cavity_c, cavity_max_c=cavity_c, inflow_c=44.0, core_c=37.0, perfusing=True
        )
    return taken


@pytest.mark.parametrize(
    ("cavity_c", "minutes", "cem43_min"),
    [(42.0, 90.0, 22.5), (43.0, 90.0, 90.0), (41.0, 90.0, 5.625), (44.0, 30.0, 60.0), (36.9, 90.0, 0.0)],
)
def test_cem43_matches_the_sapareto_dewey_vectors(cavity_c: float, minutes: float, cem43_min: float) -> None:
    assert give(minutes, cavity_c).cem43_min == pytest.approx(cem43_min, rel=1e-9)


@given(warmer=st.floats(30.0, 48.0), by=st.floats(0.001, 5.0))
def test_cem43_never_falls_with_temperature(warmer: float, by: float) -> None:
    assert dose.cem43_rate(warmer + by) >= dose.cem43_rate(warmer)


@given(parts=st.lists(st.tuples(st.floats(0.1, 5.0), CAVITY_C), max_size=12), cut=st.integers(0, 12))
def test_dose_is_additive_and_every_minute_is_known_or_unknown(
    parts: list[tuple[float, float | None]], cut: int
) -> None:
    def run(some: list[tuple[float, float | None]], taken: Dose) -> Dose:
        for minutes, cavity_c in some:
            taken = dose.step(
                taken,
                dt_s=minutes * 60.0,
                cavity_mean_c=cavity_c,
                cavity_max_c=cavity_c,
                inflow_c=None,
                core_c=None,
                perfusing=False,
            )
        return taken

    whole, first, rest = run(parts, Dose()), run(parts[:cut], Dose()), run(parts[cut:], Dose())
    assert whole.cem43_min == pytest.approx(first.cem43_min + rest.cem43_min)
    assert whole.min_41 == pytest.approx(first.min_41 + rest.min_41)
    assert whole.unknown_min == pytest.approx(sum(minutes for minutes, cavity_c in parts if cavity_c is None))
    assert whole.min_above_43 <= whole.min_42 <= whole.min_41
    assert (whole.n, whole.inflow_max_c, whole.core_max_c) == (0, None, None)


def test_h18_minutes_without_a_cavity_temperature_are_unknown_and_give_no_dose() -> None:
    blind = give(10.0, None, give(10.0, 42.0))
    assert blind.cem43_min == pytest.approx(2.5)
    assert blind.unknown_min == pytest.approx(10.0)
    assert (blind.n, blind.mean_c) == (600, pytest.approx(42.0))


def test_moments_and_peaks_are_those_of_the_samples() -> None:
    samples = [41.0, 42.0, 43.0, 43.5, 40.5]
    taken = Dose()
    for sample in samples:
        taken = dose.step(
            taken, dt_s=60.0, cavity_mean_c=sample, cavity_max_c=sample + 0.2, inflow_c=sample + 2, core_c=37.0,
            perfusing=True,
        )  # fmt: skip
    assert taken.mean_c == pytest.approx(42.0)
    assert taken.sd_c == pytest.approx(1.2747548783981961)
    assert (taken.in_band, taken.n) == (3, 5)
    assert (taken.cavity_max_c, taken.inflow_max_c, taken.core_max_c) == (43.7, 45.5, 37.0)


def follow(
    balance: Balance, levels: list[float | None], *, flow_lpm: float | None = 0.0, filling: bool = False,
    drain_open: bool = False, circulating: bool = False, settling: bool = False, dt_s: float = 1.0, from_s: float = 0.0,
) -> Balance:  # fmt: skip
    for at, level in enumerate(levels):
        balance = volumes.step(
            balance, dt_s=dt_s, now_s=from_s + at * dt_s, reservoir_ml=level, flow_lpm=flow_lpm, filling=filling,
            drain_open=drain_open, circulating=circulating, settling=settling,
        )  # fmt: skip
    return balance


@given(level=st.floats(0.0, 8000.0), gone=st.floats(-500.0, 4000.0))
def test_what_leaves_the_reservoir_after_the_fill_began_is_in_the_patient(level: float, gone: float) -> None:
    balance = follow(Balance(), [level] * 30)
    assert balance.in_patient_ml is None
    balance = follow(volumes.begin_fill(balance), [level - gone] * 60)
    assert balance.in_patient_ml == pytest.approx(gone, abs=1e-3)
    assert balance.peak_ml >= max(0.0, gone) - 1e-3


@given(levels=st.lists(st.one_of(st.none(), st.floats(-200.0, 20000.0)), max_size=40))
def test_h18_a_missing_level_is_not_counted_as_an_empty_reservoir(levels: list[float | None]) -> None:
    known = [level for level in levels if level is not None]
    balance = follow(Balance(), levels)
    if not known:
        assert balance.level_ml is None
        assert volumes.begin_fill(balance).in_patient_ml is None
    else:
        assert balance.level_ml is not None
        assert min(known) - 1e-6 <= balance.level_ml <= max(known) + 1e-6


def test_flow_is_integrated_only_while_filling_with_the_drain_clamped() -> None:
    balance = follow(Balance(), [5000.0] * 60, flow_lpm=1.0)
    assert balance.infused_by_flow_ml == 0.0
    balance = follow(balance, [5000.0] * 60, flow_lpm=1.0, filling=True)
    assert balance.infused_by_flow_ml == pytest.approx(1000.0)
    balance = follow(balance, [5000.0] * 60, flow_lpm=None, filling=True)
    assert balance.infused_by_flow_ml == pytest.approx(1000.0)


def test_h14_what_runs_back_while_nobody_looks_sets_level_and_flow_no_further_apart() -> None:
    def seen(before: Balance, now_s: float, level: float | None, *, paused: bool = False) -> Balance:
        return volumes.step(
            before, dt_s=1.0, now_s=now_s, reservoir_ml=level, flow_lpm=0.6, filling=True, drain_open=False,
            circulating=False, paused=paused,
        )  # fmt: skip

    def apart(balance: Balance) -> float:
        held_ml = balance.in_patient_ml
        assert held_ml is not None
        return balance.infused_by_flow_ml - held_ml

    balance = volumes.begin_fill(seen(Balance(), 0.0, 4000.0))
    for second in range(60):
        balance = seen(balance, second, 3990.0 - 9.0 * second)  # a leak of 1 mL/s into the reservoir
    before_ml = apart(balance)
    for first in (3700.0, None):  # the ports stood still too: what they have read is too old to be believed
        after = seen(balance, 83.0, first, paused=True)
        if first is None:
            after = seen(seen(after, 84.0, None), 85.0, 3700.0)
        assert after.level_ml == 3700.0, "the drain was open meanwhile"
        assert after.return_lpm is None
        assert apart(after) == pytest.approx(before_ml), "what was found before is not forgotten"
        assert apart(seen(after, 86.0, 3690.0)) > before_ml, "and it is counted again"


@pytest.mark.parametrize(
    ("trip", "outlet_b_c", "age_s", "shut"),
    [
        ("", 44.0, 0.1, False),
        ("hot", 42.0, 0.1, False),
        ("hot", 44.0, 0.1, True),
        ("hot", None, 0.1, True),
        ("hot", 42.0, 5.0, True),
        ("", 44.0, 5.0, True),
    ],
)
def test_h11_the_second_clamp_is_open_while_its_channel_says_that_it_is_and_is_heard(
    trip: str, outlet_b_c: float | None, age_s: float, shut: bool
) -> None:
    assert clamped(ProtectiveStatus(100.0 - age_s, False, False, trip, outlet_b_c), 100.0) is shut


def test_what_stayed_in_the_patient_is_carried_over_a_change_of_reservoir() -> None:
    balance = volumes.begin_fill(follow(Balance(), [5000.0] * 30))
    balance = volumes.carry(follow(balance, [4900.0] * 60))
    assert balance.in_patient_ml is None
    assert balance.carried_ml == pytest.approx(100.0, abs=0.1)
    balance = volumes.begin_fill(follow(balance, [3000.0] * 60))
    assert balance.in_patient_ml == pytest.approx(100.0, abs=0.1)
    assert volumes.carry(volumes.carry(balance)).carried_ml == pytest.approx(100.0, abs=0.1)


def test_h14_a_level_that_falls_during_steady_circulation_is_counted_over_ten_and_twenty_minutes() -> None:
    levels: list[float | None] = [4000.0 - 0.3 * at for at in range(1500)]
    assert follow(Balance(), levels[:100], circulating=True).drift_ml == pytest.approx(30.0, abs=2.0)
    long = follow(Balance(), levels, circulating=True)
    assert 0.3 * 540.0 <= long.drift_ml <= 0.3 * 600.0
    assert 0.3 * 1140.0 <= long.lost_ml <= 0.3 * 1200.0
    still = follow(Balance(), levels, circulating=False)
    assert (still.drift_ml, still.lost_ml) == (0.0, 0.0)


@pytest.mark.parametrize("rest_ml", [60.0, 95.0, 150.0, 400.0])
@pytest.mark.parametrize("tau_s", [40.0, 75.0, 90.0])
def test_a_cavity_that_is_full_again_and_still_finds_its_level_is_no_slow_leak(rest_ml: float, tau_s: float) -> None:
    """What a stretched wall still takes, and what a peritoneum takes up in the same ten minutes, at its most."""
    first_ml = 4000.0 + rest_ml
    balance = Balance(level_ml=first_ml, settle_level_ml=first_ml, settled_ml=-50.0, refill_ml=2500.0)
    for at in range(900):
        level_ml = 4000.0 + rest_ml * math.exp(-at / tau_s) - 4.0 / 60.0 * at
        balance = follow(balance, [level_ml], circulating=True, from_s=float(at))
        assert balance.drift_ml <= 100.0, at
    assert balance.drift_ml <= 70.0
    assert balance.refill_ml is None
    assert len(balance.marks) >= 10


@pytest.mark.parametrize(
    ("leak_ml_min", "within_s"), [(12.0, 600.0), (20.0, 300.0), (40.0, 150.0), (60.0, 100.0), (120.0, 50.0)]
)
@pytest.mark.parametrize("rest_ml", [0.0, 60.0])
def test_h14_a_leak_that_goes_on_is_said_in_time_whatever_the_cavity_still_takes(
    leak_ml_min: float, within_s: float, rest_ml: float
) -> None:
    balance, at_s = Balance(), 0.0
    while balance.drift_ml <= 100.0:
        level_ml = 4000.0 + rest_ml * math.exp(-at_s / 75.0) - leak_ml_min / 60.0 * at_s
        balance = follow(balance, [level_ml], circulating=True, from_s=at_s)
        assert at_s <= within_s + 5.0
        at_s += 1.0


def filled(level: float) -> Balance:
    return volumes.end_fill(follow(volumes.begin_fill(follow(Balance(), [6000.0] * 30)), [level] * 60))


@pytest.mark.parametrize("leak_ml_min", [50.0, 100.0, 300.0])
def test_h14_a_leak_too_fast_for_marks_in_a_cavity_that_was_to_fill_again_is_more_than_belongs_in_the_patient(
    leak_ml_min: float,
) -> None:
    full = filled(3300.0)._replace(refill_ml=2700.0, settled_ml=-leak_ml_min / 4.0)
    lost_ml, at_s = 0.0, 0.0
    while volumes.held_ml(full) <= (full.accepted_ml or 0.0) + 180.0 and full.lost_ml <= 200.0:
        full = follow(full, [3300.0 - lost_ml], flow_lpm=1.5, drain_open=True, circulating=True, from_s=100.0 + at_s)
        lost_ml, at_s = lost_ml + leak_ml_min / 60.0, at_s + 1.0
        assert lost_ml <= 230.0


def test_h11_a_large_cavity_with_a_free_drain_may_find_its_own_level() -> None:
    rising: list[float | None] = [3300.0 - 6.0 * at for at in range(100)]  # 6 mL/s of 25 mL/s stays in
    balance = follow(filled(3300.0), rising, flow_lpm=1.5, drain_open=True, settling=True)
    assert balance.return_lpm == pytest.approx(1.14, abs=0.05)
    assert balance.accepted_ml == pytest.approx(balance.in_patient_ml, abs=100.0)


def test_h11_what_does_not_come_back_is_never_taken_for_the_fill() -> None:
    rising: list[float | None] = [3300.0 - 25.0 * at for at in range(60)]
    for state in ({"settling": True}, {"circulating": True}, {}):
        balance = follow(filled(3300.0), rising, flow_lpm=1.5, drain_open=True, **state)  # type: ignore[arg-type]
        assert balance.accepted_ml is not None
        assert balance.accepted_ml <= 2700.0 + 120.0  # while the drain's silence is not yet certain


def test_h11_what_belongs_in_the_patient_is_remembered_while_it_runs_out_and_followed_while_it_fills_again() -> None:
    emptied = follow(filled(3300.0), [3300.0 + 10.0 * at for at in range(240)], drain_open=True)
    assert emptied.accepted_ml == pytest.approx(2700.0, abs=1.0)
    assert emptied.refill_ml == emptied.accepted_ml
    assert volumes.refilling(emptied)
    head_only: list[float | None] = [5690.0 - 15.0 * at for at in range(60)]  # 10 of 25 mL/s come back
    again = follow(emptied, head_only, flow_lpm=1.5, drain_open=True, settling=True)
    assert again.in_patient_ml is not None
    assert again.accepted_ml == pytest.approx(again.in_patient_ml, abs=120.0)
    nothing_back: list[float | None] = [5690.0 - 25.0 * at for at in range(60)]
    spilt = follow(emptied, nothing_back, flow_lpm=1.5, drain_open=True, settling=True)
    assert spilt.in_patient_ml is not None
    assert spilt.accepted_ml is not None
    assert spilt.accepted_ml <= spilt.in_patient_ml - 800.0


@given(changes=st.lists(st.booleans(), min_size=2, max_size=60))
def test_in_patient_volume_never_jumps_by_itself(changes: list[bool]) -> None:
    balance = volumes.begin_fill(follow(Balance(), [5000.0] * 30))
    seen = []
    for at, carry in enumerate(changes):
        balance = follow(balance, [4800.0], from_s=100.0 + at)
        balance = volumes.begin_fill(volumes.carry(balance)) if carry else balance
        seen.append(balance.in_patient_ml or 0.0)
    assert all(abs(b - a) <= 150.0 for a, b in pairwise(seen))
