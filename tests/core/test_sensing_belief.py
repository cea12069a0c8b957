"""What sensing may believe: nothing missing, old, out of range, jumping or frozen ever gets into `good`."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from make import SIGNALS, make_rig

from controller.core.sensing import JUMP_C, JUMPS_ALLOWED, STUCK_S, Sensed, Sensing, Track
from controller.core.signals import CAVITY, Quality, Reading, by_name

NOW_S = 5000.0
TABLE = by_name()
ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True)
VALUES = st.one_of(st.none(), ANY_FLOAT, st.floats(-50.0, 120.0))
STAMPS = st.one_of(ANY_FLOAT, st.floats(NOW_S - 5.0, NOW_S + 5.0))
READINGS = st.builds(Reading, VALUES, STAMPS, st.sampled_from(Quality), st.sampled_from(("", "burn-out")))
WORLDS = st.dictionaries(st.sampled_from([*SIGNALS, "outlet_b_c", "inflow_b_c", "no_such_signal"]), READINGS)


class Probe:
    """One signal through `Sensing`, reading after reading."""

    def __init__(self, name: str = "inflow_c") -> None:
        self.name = name
        self.sensing = Sensing(rig=make_rig())
        self.tracks: dict[str, Track] = {}
        self.now_s = NOW_S

    def read(self, value: float, *, every_s: float = 0.1) -> Sensed:
        self.now_s += every_s
        return self.again(value)

    def again(self, value: float) -> Sensed:
        self.tracks, sensed = self.sensing.step(self.tracks, {self.name: Reading(value, self.now_s)}, self.now_s)
        return sensed

    def good(self, value: float, *, every_s: float = 0.1) -> float | None:
        return self.read(value, every_s=every_s).good.get(self.name)


@given(worlds=st.lists(WORLDS, min_size=1, max_size=6))
def test_h18_only_fresh_finite_values_inside_the_probe_range_are_believed(worlds: list[dict[str, Reading]]) -> None:
    sensing = Sensing(rig=make_rig())
    tracks: dict[str, Track] = {}
    now_s = NOW_S
    for readings in worlds:
        now_s += 0.1
        tracks, sensed = sensing.step(tracks, readings, now_s)
        assert set(sensed.good) | set(sensed.bad) == {*SIGNALS, "outlet_b_c", "inflow_b_c"}
        assert not set(sensed.good) & set(sensed.bad)
        assert all(sensed.bad.values())
        for name, value in sensed.good.items():
            reading = readings[name]
            assert reading.value is not None
            assert reading.quality is Quality.GOOD
            assert -0.05 <= now_s - reading.at_s <= 1.0
            assert TABLE[name].low <= reading.value <= TABLE[name].high
            assert TABLE[name].low <= value <= TABLE[name].high
            assert math.isfinite(value)


@given(worlds=st.lists(WORLDS, min_size=1, max_size=4))
def test_h20_the_cavity_vote_stands_only_on_believed_probes_and_keeps_the_hottest(
    worlds: list[dict[str, Reading]],
) -> None:
    sensing = Sensing(rig=make_rig())
    tracks: dict[str, Track] = {}
    for at, readings in enumerate(worlds):
        tracks, sensed = sensing.step(tracks, readings, NOW_S + 0.1 * at)
        believed = [sensed.good[name] for name in CAVITY if name in sensed.good]
        if not believed:
            assert (sensed.cavity_mean_c, sensed.cavity_max_c, sensed.cavity_min_c) == (None, None, None)
            assert sensed.cavity_valid == 0
            continue
        assert sensed.cavity_mean_c is not None
        assert sensed.cavity_max_c == max(believed)
        assert min(believed) <= sensed.cavity_mean_c <= max(believed) + 1e-9
        assert 1 <= sensed.cavity_valid <= len(believed)


@pytest.mark.parametrize(
    ("reading", "said"),
    [
        (None, "no reading"),
        (Reading(None, NOW_S, Quality.FAULT, "open circuit"), "open circuit"),
        (Reading(42.0, NOW_S, Quality.MISSING), "missing"),
        (Reading(None, NOW_S), "good"),
        (Reading(math.nan, NOW_S), "reads nan, outside 2..60"),
        (Reading(math.inf, NOW_S), "reads inf, outside 2..60"),
        (Reading(1.9, NOW_S), "reads 1.90, outside 2..60"),
        (Reading(42.0, NOW_S - 1.2), "stale: 1.2 s old"),
        (Reading(42.0, NOW_S + 0.2), "stale: -0.2 s old"),
        (Reading(42.0, math.nan), "stale: nan s old"),
    ],
)
def test_h18_each_kind_of_bad_reading_is_named(reading: Reading | None, said: str) -> None:
    readings = {} if reading is None else {"inflow_c": reading}
    _, sensed = Sensing(rig=make_rig()).step({}, readings, NOW_S)
    assert "inflow_c" not in sensed.good
    assert sensed.bad["inflow_c"] == said


def test_h21_one_spike_is_swallowed_and_the_last_believed_value_stands() -> None:
    probe = Probe()
    probe.read(42.00)
    assert probe.good(42.01) == 42.01
    assert probe.good(52.00) == 42.01
    assert probe.good(42.02) == 42.02


@given(height=st.floats(2.5, 15.0), sign=st.sampled_from((-1.0, 1.0)), repeats=st.integers(4, 12))
def test_h21_a_probe_that_jumps_and_stays_is_never_believed_at_its_new_level(
    height: float, sign: float, repeats: int
) -> None:
    probe = Probe()
    probe.read(42.00)
    probe.read(42.01)
    for count in range(1, repeats + 1):
        sensed = probe.read(42.0 + sign * height)  # bit-identical each time, as a coarse transmitter shows it
        if count < JUMPS_ALLOWED:
            assert sensed.good["inflow_c"] == 42.01
        else:
            assert sensed.bad["inflow_c"].startswith("jumps: 42.01 to ")


def test_h21_a_jumping_probe_is_believed_again_only_when_it_returns() -> None:
    probe = Probe()
    for value in (42.00, 42.01, 50.0, 50.1, 50.2, 50.1):
        probe.read(value)
    assert probe.good(50.0) is None
    assert probe.good(43.0) == 43.0


@given(
    apart=st.floats(4.0, 25.0),
    sign=st.sampled_from((-1.0, 1.0)),
    lag_s=st.floats(1.5, 6.0),
    intervals=st.lists(st.floats(0.2, 0.55), min_size=4, max_size=12),
    arrives=st.floats(0.0, 1.0),
)
def test_h21_a_front_of_hot_or_cold_fluid_is_no_jump_however_late_its_readings_come(
    apart: float, sign: float, lag_s: float, intervals: list[float], arrives: float
) -> None:
    probe = Probe("outflow_c")
    since_s = -arrives * intervals[0]
    probe.read(30.0)
    for every_s in intervals:
        since_s += every_s
        value = 30.0 + sign * apart * (1.0 - math.exp(-since_s / lag_s))
        assert "outflow_c" not in probe.read(value, every_s=every_s).bad
    for _ in range(JUMPS_ALLOWED):
        since_s += 0.3
        value = 30.0 + sign * apart * (1.0 - math.exp(-since_s / lag_s))
        probe.read(value, every_s=0.3)
    seen = probe.good(value)
    assert seen is not None
    assert abs(seen - value) <= JUMP_C


@given(
    height=st.floats(2.5, 15.0),
    sign=st.sampled_from((-1.0, 1.0)),
    noise=st.lists(st.floats(-0.2, 0.2), min_size=4, max_size=12),
)
def test_h21_noise_on_a_probe_that_has_jumped_is_not_taken_for_a_front(
    height: float, sign: float, noise: list[float]
) -> None:
    probe = Probe()
    probe.read(42.00)
    probe.read(42.01)
    for error in noise:
        sensed = probe.read(42.0 + sign * height + error)
    assert sensed.bad["inflow_c"].startswith("jumps: 42.01 to ")


@pytest.mark.parametrize("values", [(51.0, 53.0, 55.0), (45.0, 54.0, 56.0), (45.0, 44.4, 47.0), (45.0, 47.0, 47.3)])
def test_h21_what_goes_too_fast_or_back_or_stands_still_is_no_front(values: tuple[float, ...]) -> None:
    probe = Probe()
    probe.read(42.00)
    for value in values:
        sensed = probe.read(value)
    assert sensed.bad["inflow_c"].startswith("jumps: 42.00 to ")


@given(still_s=st.floats(0.0, 300.0), height=st.floats(2.5, 15.0), sign=st.sampled_from((-1.0, 1.0)))
def test_h21_a_jump_is_seen_however_long_the_probe_stood_still_before(
    still_s: float, height: float, sign: float
) -> None:
    probe = Probe()
    probe.read(42.0)
    for _ in range(int(still_s)):  # a coarse transmitter: the same digits each time
        probe.read(42.0, every_s=0.28)
    for _ in range(JUMPS_ALLOWED):
        sensed = probe.read(42.0 + sign * height)
    assert sensed.bad["inflow_c"].startswith("jumps: 42.00 to ")


def test_h21_what_a_probe_did_while_no_cycle_looked_is_no_jump() -> None:
    probe = Probe()
    probe.read(38.3)
    assert probe.good(33.8, every_s=0.7) == 33.8  # longer than a reading may be old: as after a stale one
    for _ in range(JUMPS_ALLOWED):
        assert probe.good(33.8) == 33.8


def test_h21_a_reading_seen_twice_counts_once() -> None:
    probe = Probe()
    probe.read(42.00)
    probe.read(42.01)
    probe.read(50.0)
    for _ in range(JUMPS_ALLOWED + 2):
        assert probe.again(50.0).good["inflow_c"] == 42.01


def test_h19_a_probe_that_showed_fine_steps_and_freezes_is_lost_after_twenty_seconds() -> None:
    probe = Probe()
    for at in range(10):
        probe.read(42.0 + 0.01 * (at % 3))
    frozen_s = 0.0
    while (probe.good(42.00)) is not None:
        frozen_s += 0.1
        assert frozen_s <= STUCK_S + 0.5
    assert frozen_s >= STUCK_S - 0.5
    assert probe.read(42.00).bad["inflow_c"].startswith("frozen at 42.00 °C")
    assert probe.good(42.01) == 42.01


def test_h19_a_coarse_probe_may_stand_still() -> None:
    probe = Probe()
    probe.read(42.0)
    probe.read(42.1)
    for _ in range(400):
        assert probe.good(42.1) == 42.1


def test_h20_a_cold_cavity_probe_is_left_out_and_a_hot_one_is_not() -> None:
    def vote(*cavity_c: float) -> Sensed:
        readings = {name: Reading(value, NOW_S) for name, value in zip(CAVITY, cavity_c, strict=True)}
        return Sensing(rig=make_rig()).step({}, readings, NOW_S)[1]

    cold = vote(42.0, 41.8, 30.0)
    assert (cold.cavity_outlier, cold.cavity_valid, cold.cavity_mean_c) == ("cavity_3_c", 2, pytest.approx(41.9))
    hot = vote(42.0, 41.8, 47.0)
    assert (hot.cavity_outlier, hot.cavity_max_c) == ("", 47.0)


@pytest.mark.parametrize(
    ("value", "age_s"),
    [(math.nan, 0.0), (math.inf, 0.0), (-math.inf, 0.0), (200.0, 0.0), (-50.0, 0.0), (42.0, 1.5), (42.0, -0.1)],
)
def test_h18_h36_no_number_out_of_range_old_or_of_the_future_is_not_believed(value: float, age_s: float) -> None:
    sensing = Sensing(rig=make_rig())
    _, fresh = sensing.step({}, {"inflow_c": Reading(42.0, NOW_S)}, NOW_S)
    _, sensed = sensing.step({}, {"inflow_c": Reading(value, NOW_S - age_s)}, NOW_S)
    assert "inflow_c" in fresh.good
    assert "inflow_c" not in sensed.good
    assert sensed.bad["inflow_c"]
