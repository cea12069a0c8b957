"""WAV files of the bursts: 16 bit, one channel. A file is one burst and its silence, so that a loop of it is right.

Not responsible for playing them.
"""

from __future__ import annotations

import array
import json
import math
import sys
import wave
from pathlib import Path

from controller.sounds.bursts import BURSTS, Burst, plain

SAMPLE_HZ = 22050
FULL = 32767 * 0.9
RAMP_SHARE = 0.8  # of a straight ramp, what lies between 10 % and 90 %


def samples(burst: Burst, sample_hz: int = SAMPLE_HZ) -> list[float]:
    """The wave, -1 to 1. No sum of its harmonics can clip."""
    ramp_s = burst.rise_s / RAMP_SHARE
    lead_s = 0.9 * ramp_s  # the wave begins where the first ramp does, before 90 %
    starts_s = [lead_s]
    for gap_s in burst.gaps_s:
        starts_s.append(starts_s[-1] + burst.pulse_s + gap_s)
    whole_s = burst.length_s + max(burst.repeat_s, 2.0 * lead_s)
    wave_ = [0.0] * round(whole_s * sample_hz)
    levels = [10.0 ** (db / 20.0) for db in burst.harmonics_db]
    scale = 10.0 ** (burst.level_db / 20.0) / sum(levels)
    for start_s in starts_s:
        first, last = round((start_s - lead_s) * sample_hz), round((start_s + burst.pulse_s + lead_s) * sample_hz)
        for at in range(first, min(last, len(wave_))):
            t_s = at / sample_hz - start_s
            shape = _envelope(t_s, burst.pulse_s, ramp_s)
            angle = 2.0 * math.pi * burst.fundamental_hz * t_s
            wave_[at] = scale * shape * sum(level * math.sin(n * angle) for n, level in enumerate(levels, start=1))
    return wave_


def write_wav(burst: Burst, path: Path, sample_hz: int = SAMPLE_HZ) -> None:
    """One file. Raises OSError."""
    words = array.array("h", (round(value * FULL) for value in samples(burst, sample_hz)))
    if sys.byteorder == "big":
        words.byteswap()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_hz)
        file.writeframes(words.tobytes())


def write_all(folder: Path) -> list[Path]:
    """Every sound and the table itself into a folder, which is made. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for burst in BURSTS:
        path = folder / f"{burst.name}.wav"
        write_wav(burst, path)
        written.append(path)
    table = folder / "sounds.json"
    table.write_text(json.dumps(plain(), indent=1) + "\n", "utf-8")
    return [*written, table]


def _envelope(t_s: float, pulse_s: float, ramp_s: float) -> float:
    """0 to 1: straight up, flat, straight down; 0.9 at `t_s` = 0 and at `pulse_s`."""
    up = 0.9 + t_s / ramp_s
    down = 0.9 + (pulse_s - t_s) / ramp_s
    return min(1.0, max(0.0, min(up, down)))
