"""Which readings may be used: fresh, inside the probe's range, not jumping, not frozen; and the vote of the cavity.

Missing is never a number: a signal is either in `good` or, with the reason, in `bad`. Not responsible for what a value
means for the patient (`interlocks`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from config.schema import Rig
from controller.core.signals import CAVITY, GOOD, Reading, by_name

DEFAULT_MAX_AGE_S = 1.0
JUMP_C = 2.0  # more than this between two readings of one probe is electrical: a probe in fluid needs seconds
JUMPS_ALLOWED = 3  # readings in a row that the median may swallow before the probe is called implausible
# A front of hot or cold fluid is no jump: seen through a probe's lag every reading goes on the way of the one before.
FRONT_SHARE = 0.2  # of the change before, at least; what has jumped stands still after it, or comes back
FRONT_MOST_C = 8.0  # in one reading: 25 °C between fluid and probe, a lag of 1.5 s, the oldest reading that is used
STUCK_S = 20.0  # bit-identical for so long, on a probe that has shown finer steps than FINE_STEP_C
FINE_STEP_C = 0.05
FUTURE_S = 0.05  # a stamp further ahead than this is a broken clock, not a fresh value
CAVITY_OUTLIER_C = 4.0
ROUGH_C = 0.3
ROUGH_SHARE = 1.0 / 40.0  # of a new reading in the mean
ROUGH_MOST_C = 3.0  # of one reading: a front of fluid changes its speed twice, noise again and again


class Track(NamedTuple):
    """What is remembered of one probe since its value last changed or jumped."""

    at_s: float  # last seen; of what only repeats, to half the age that it may have
    last: float
    before: float  # what was believed before a jump
    changed_s: float
    finest_step: float
    jumps: int  # readings in a row
    change: float = 0.0  # the last one, signed
    rough: float = 0.0  # mean of how much one change differs from the next: 0 on any ramp, twice the noise otherwise
    front: bool = False  # since the jump began every change went on the way of the one before


class Sensed(NamedTuple):
    """The world as far as it may be believed."""

    good: dict[str, float]
    bad: dict[str, str]
    cavity_mean_c: float | None
    cavity_max_c: float | None
    cavity_min_c: float | None
    cavity_valid: int
    cavity_outlier: str
    noisy: tuple[str, ...] = ()  # probes whose readings scatter as no fluid does


class Sensing:
    """Judge the readings of one rig. Stateless: the tracks go in and come out."""

    def __init__(self, *, rig: Rig) -> None:
        table = by_name()
        extra = ("outlet_b_c", "inflow_b_c")
        names = [*rig.signals, *extra]
        self._plan = tuple(
            (
                name,
                table[name].low,
                table[name].high,
                rig.signals[name].max_age_s if name in rig.signals else DEFAULT_MAX_AGE_S,
                table[name].unit == "°C" and name != "heater_setpoint_c",
            )
            for name in names
        )
        self._cavity = tuple(name for name in CAVITY if name in rig.signals)

    def step(
        self, tracks: Mapping[str, Track], readings: Mapping[str, Reading], now_s: float
    ) -> tuple[dict[str, Track], Sensed]:
        """Return the new tracks and what may be believed at `now_s` (monotonic seconds)."""
        good: dict[str, float] = {}
        bad: dict[str, str] = {}
        kept: dict[str, Track] = {}
        noisy: tuple[str, ...] = ()
        for name, low, high, max_age_s, is_temperature in self._plan:
            reading = readings.get(name)
            if reading is None:
                bad[name] = "no reading"
                continue
            value, at_s, quality, detail = reading
            if quality is not GOOD or value is None:
                bad[name] = detail or quality.value
                continue
            if not (-FUTURE_S <= now_s - at_s <= max_age_s):
                bad[name] = f"stale: {now_s - at_s:.1f} s old"
                continue
            if not (low <= value <= high):
                bad[name] = f"reads {value:.2f}, outside {low:g}..{high:g}"
                continue
            if not is_temperature:
                good[name] = value
                continue
            track = tracks.get(name)
            if track is None:
                track = Track(at_s, value, value, at_s, 1.0, 0)
            elif at_s - track.at_s > max_age_s:  # nobody looked in between: it begins anew, as after a stale reading
                track = Track(at_s, value, value, at_s, track.finest_step, 0)
            elif at_s != track.at_s:
                if value != track.last or track.jumps:
                    track = _follow(track, value, at_s)
                elif at_s - track.at_s > 0.5 * max_age_s:
                    track = track._replace(at_s=at_s)
            kept[name] = track
            _, last, before, changed_s, finest_step, jumps, _, rough, _ = track
            if rough > ROUGH_C:
                noisy = (*noisy, name)
            if jumps >= JUMPS_ALLOWED:
                bad[name] = f"jumps: {before:.2f} to {last:.2f} °C"
            elif finest_step < FINE_STEP_C and at_s - changed_s > STUCK_S:
                bad[name] = f"frozen at {last:.2f} °C for {at_s - changed_s:.0f} s"
            else:
                good[name] = before if jumps else last
        return kept, self._vote(good, bad, noisy)

    def _vote(self, good: dict[str, float], bad: dict[str, str], noisy: tuple[str, ...]) -> Sensed:
        values = [good[name] for name in self._cavity if name in good]
        if not values:
            return Sensed(good, bad, None, None, None, 0, "", noisy)
        highest, lowest = max(values), min(values)
        outlier = ""
        if len(values) >= 3 and highest - lowest > CAVITY_OUTLIER_C:
            middle = sorted(values)[len(values) // 2]
            # Only a probe that reads far too cold is voted out: a hot one may be right, and hot is what burns.
            cold = [n for n in self._cavity if n in good and middle - good[n] > CAVITY_OUTLIER_C]
            if cold:
                outlier = cold[0]
                values = [good[n] for n in self._cavity if n in good and n not in cold]
                lowest = min(values)
        return Sensed(good, bad, sum(values) / len(values), highest, lowest, len(values), outlier, noisy)


def _follow(track: Track, value: float, at_s: float) -> Track:
    """Take a new value that differs, or comes after a jump."""
    _, last, before, _, finest_step, jumps, step, rough, front = track
    change = value - last
    size = abs(change)
    turn = abs(change - step)
    rough += ((turn if turn < ROUGH_MOST_C else ROUGH_MOST_C) - rough) * ROUGH_SHARE
    if not jumps and size <= JUMP_C:
        return Track(at_s, value, last, at_s, size if size < finest_step else finest_step, 0, change, rough)
    # Keep the believed value in `before` until the probe comes back to it; if it stays away, the probe is bad.
    believed = before if jumps else last
    front = size <= FRONT_MOST_C and (not jumps or (front and change * step >= FRONT_SHARE * step * step))
    jumps += 1
    if abs(value - believed) <= JUMP_C and jumps > 1:
        jumps = 0
    elif front and jumps >= JUMPS_ALLOWED:
        jumps, believed = 0, value
    return Track(at_s, value, believed, at_s, finest_step, jumps, change, rough, front)
