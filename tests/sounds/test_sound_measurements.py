"""The rendered files are measured as a test house would: envelope at 90 %, rise, gaps, repetition, spectrum, level.

The limits are written here a second time, from the restated tables 3 and 4 of IEC 60601-1-8.
"""

from __future__ import annotations

import array
import functools
import json
import math
import wave
from pathlib import Path
from typing import NamedTuple

import pytest

from controller.sounds.bursts import BURSTS, plain
from controller.sounds.render import write_all, write_wav

SPACING_TOLERANCE = 0.05
RISE_SHARE = (0.10, 0.40)
FUNDAMENTAL_HZ = (150.0, 1000.0)
COMPONENTS_HZ = (300.0, 4000.0)
COMPONENTS_LEAST = 4
WITHIN_DB = 15.0
PULSES_WITHIN_DB = 10.0
MEASURED_WITHIN_S = 0.003  # the envelope's window is one period of the wave


class Limits(NamedTuple):
    """What the tables allow: pulses, pulse and gap lengths, silence between bursts."""

    pulses: tuple[int, ...]
    pulse_s: tuple[float, float]
    gap_s: tuple[float, float]
    between_s: tuple[float, float]


LIMITS = {
    "high": Limits((10,), (0.075, 0.200), (0.050, 0.125), (2.5, 15.0)),
    "high_unanswered": Limits((10,), (0.075, 0.200), (0.050, 0.125), (2.5, 15.0)),
    "medium": Limits((3,), (0.125, 0.250), (0.125, 0.250), (2.5, 30.0)),
    "low": Limits((1, 2), (0.125, 0.250), (0.125, 0.250), (15.0, math.inf)),
}


class Pulse(NamedTuple):
    """One pulse as it was found, in seconds of the file."""

    start_s: float  # at 90 % of the rise
    end_s: float  # at 90 % of the fall
    rise_s: float  # 10 % to 90 %
    peak: float


class Measured(NamedTuple):
    """One file: samples at `hz`, its pulses, its whole length."""

    hz: int
    samples: tuple[float, ...]
    pulses: tuple[Pulse, ...]
    length_s: float


@functools.cache
def measured(name: str, folder: Path) -> Measured:
    burst = next(burst for burst in BURSTS if burst.name == name)
    path = folder / f"{name}.wav"
    write_wav(burst, path)
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        hz, words = file.getframerate(), array.array("h", file.readframes(file.getnframes()))
    samples = tuple(word / 32768.0 for word in words)
    return Measured(hz, samples, tuple(_pulses(samples, hz)), len(samples) / hz)


def _pulses(samples: tuple[float, ...], hz: int) -> list[Pulse]:
    hop, window = hz // 2000, math.ceil(hz / 250.0)  # half a millisecond; one period of the lowest tone
    loud = [abs(value) for value in samples]
    padded = [0.0] * window + loud + [0.0] * window
    envelope = [max(padded[at : at + window]) for at in range(window // 2, len(loud) + window // 2, hop)]
    top = max(envelope)
    found, at = [], 0
    while at < len(envelope):
        if envelope[at] < 0.9 * top:
            at += 1
            continue
        end = next((k for k in range(at, len(envelope)) if envelope[k] < 0.9 * top), len(envelope))
        low = next((k for k in range(at, -1, -1) if envelope[k] < 0.1 * top), -1)
        step_s = hop / hz
        found.append(Pulse(at * step_s, end * step_s, (at - low) * step_s, max(envelope[at:end])))
        at = end
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sounds")


def gaps(found: Measured) -> list[float]:
    return [after.start_s - before.end_s for before, after in zip(found.pulses, found.pulses[1:], strict=False)]


@pytest.mark.parametrize("name", LIMITS)
def test_h42_pulses_gaps_and_silence_are_within_the_tables(name: str, folder: Path) -> None:
    found, limits = measured(name, folder), LIMITS[name]
    slack = MEASURED_WITHIN_S
    assert len(found.pulses) in limits.pulses
    for pulse in found.pulses:
        length_s = pulse.end_s - pulse.start_s
        assert limits.pulse_s[0] - slack <= length_s <= limits.pulse_s[1] + slack
        assert RISE_SHARE[0] * length_s <= pulse.rise_s <= RISE_SHARE[1] * length_s
    between_s = found.length_s - found.pulses[-1].end_s + found.pulses[0].start_s
    assert limits.between_s[0] - slack <= between_s <= limits.between_s[1]
    peaks = [pulse.peak for pulse in found.pulses]
    assert 20.0 * math.log10(max(peaks) / min(peaks)) <= PULSES_WITHIN_DB


@pytest.mark.parametrize("name", ["high", "high_unanswered"])
def test_h42_a_high_burst_is_three_and_two_twice(name: str, folder: Path) -> None:
    found = measured(name, folder)
    spaces = gaps(found)
    x_s = spaces[0]
    td_s = found.pulses[0].end_s - found.pulses[0].start_s
    expected = [x_s, x_s, 2 * x_s + td_s, x_s]
    assert 0.35 <= spaces[4] <= 1.30
    for space, wanted in zip(spaces[:4] + spaces[5:], expected * 2, strict=True):
        assert abs(space - wanted) <= SPACING_TOLERANCE * wanted + MEASURED_WITHIN_S
    assert LIMITS[name].gap_s[0] - MEASURED_WITHIN_S <= x_s <= LIMITS[name].gap_s[1]


@pytest.mark.parametrize("name", ["medium", "low"])
def test_h42_the_gaps_of_a_lower_burst_are_alike(name: str, folder: Path) -> None:
    spaces = gaps(measured(name, folder))
    for space in spaces:
        assert LIMITS[name].gap_s[0] - MEASURED_WITHIN_S <= space <= LIMITS[name].gap_s[1] + MEASURED_WITHIN_S
        assert abs(space - spaces[0]) <= SPACING_TOLERANCE * spaces[0] + MEASURED_WITHIN_S


def test_an_unanswered_high_comes_as_often_as_is_allowed_and_sooner_than_the_first(folder: Path) -> None:
    assert measured("high_unanswered", folder).length_s < measured("high", folder).length_s
    assert measured("high", folder).length_s <= 15.0 + 3.3


def level_db(found: Measured, at_hz: float, pulse: Pulse) -> float:
    """Level of one frequency in the flat part of a pulse, by a windowed Fourier sum."""
    first, last = round((pulse.start_s + 0.02) * found.hz), round((pulse.end_s - 0.02) * found.hz)
    part = found.samples[first:last]
    re = im = 0.0
    for n, value in enumerate(part):
        weight = value * (0.5 - 0.5 * math.cos(2.0 * math.pi * n / (len(part) - 1)))
        angle = 2.0 * math.pi * at_hz * n / found.hz
        re, im = re + weight * math.cos(angle), im + weight * math.sin(angle)
    return 20.0 * math.log10(max(math.hypot(re, im) / len(part), 1e-12))


def peaks_of(found: Measured, pulse: Pulse) -> list[tuple[float, float]]:
    """Every local maximum of the spectrum between 50 and 5000 Hz that is not 40 dB below the highest."""
    step_hz = 10.0
    bins = [(hz, level_db(found, hz, pulse)) for hz in (50.0 + step_hz * k for k in range(496))]
    top = max(level for _, level in bins)
    inner = zip(bins, bins[1:], bins[2:], strict=False)
    return [mid for low, mid, high in inner if mid[1] > low[1] and mid[1] >= high[1] and mid[1] > top - 30.0]


@pytest.mark.parametrize("name", ["high", "medium", "low"])
def test_h42_each_sound_has_its_fundamental_and_enough_harmonics_of_its_level(name: str, folder: Path) -> None:
    found = measured(name, folder)
    peaks = peaks_of(found, found.pulses[0])
    fundamental_hz, fundamental_db = peaks[0]
    assert FUNDAMENTAL_HZ[0] <= fundamental_hz <= FUNDAMENTAL_HZ[1]
    above = [(hz, db) for hz, db in peaks if COMPONENTS_HZ[0] <= hz <= COMPONENTS_HZ[1]]
    fit = [(hz, db) for hz, db in above if abs(db - fundamental_db) <= WITHIN_DB]
    assert len(fit) >= COMPONENTS_LEAST
    assert len([hz for hz, _ in fit if hz != fundamental_hz]) >= COMPONENTS_LEAST
    largest = sorted((db for _, db in peaks), reverse=True)[:COMPONENTS_LEAST]
    assert largest[0] - largest[-1] <= WITHIN_DB
    for number, (hz, _) in enumerate(peaks, start=1):
        assert abs(hz - number * fundamental_hz) <= 6.0 * number


def test_h42_no_lower_priority_is_louder_and_nothing_clips(folder: Path) -> None:
    loudest = [max(map(abs, measured(name, folder).samples)) for name in ("high", "medium", "low", "alarm_off")]
    assert loudest == sorted(loudest, reverse=True)
    assert loudest[0] < 0.99


def test_the_tone_that_ends_an_alarm_is_no_alarm_signal(folder: Path) -> None:
    found = measured("alarm_off", folder)
    assert len(found.pulses) == 1
    assert found.length_s < 1.0
    peaks = peaks_of(found, found.pulses[0])
    assert len(peaks) < COMPONENTS_LEAST


def test_what_is_measured_is_what_the_table_says(folder: Path) -> None:
    for burst in BURSTS:
        found = measured(burst.name, folder)
        assert len(found.pulses) == burst.pulses
        for pulse in found.pulses:
            assert abs(pulse.end_s - pulse.start_s - burst.pulse_s) <= 2 * MEASURED_WITHIN_S
        for space, wanted in zip(gaps(found), burst.gaps_s, strict=True):
            assert abs(space - wanted) <= 2 * MEASURED_WITHIN_S


def test_all_files_and_the_table_are_written(tmp_path: Path) -> None:
    written = write_all(tmp_path / "new" / "folder")
    assert [path.name for path in written] == [*(f"{burst.name}.wav" for burst in BURSTS), "sounds.json"]
    table = json.loads(written[-1].read_text("utf-8"))
    assert table == json.loads(json.dumps(plain()))
    assert {line["name"]: line["pulses"] for line in table} == {
        "high": 10, "high_unanswered": 10, "medium": 3, "low": 2, "alarm_off": 1,
    }  # fmt: skip
