"""The bursts that a page plays, by priority: when each pulse begins, how long it lasts, and what it is made of.

Values within the ranges of IEC 60601-1-8 tables 3 and 4 (10 pulses of HIGH in two groups, 3 of MEDIUM, 2 of LOW; a
fundamental of 523 Hz with four harmonics). The page plays exactly this table.
Not responsible for which priority sounds: that is the controller's.
"""

from __future__ import annotations

from typing import Any

FUNDAMENTAL_HZ = 523.25
LEVELS_DB = (0.0, -1.5, -4.0, -6.0, -8.0)
RISE_SHARE = 0.2
HIGH_S, HIGH_SPACE_S, HIGH_PAUSE_S, HIGH_BETWEEN_S = 0.15, 0.1, 0.5, 5.0
OTHER_S, OTHER_SPACE_S = 0.2, 0.2
MEDIUM_BETWEEN_S, LOW_BETWEEN_S = 8.0, 20.0


def table() -> dict[str, Any]:
    """`pulses` of each priority and `every_s`, from the start of one burst to the start of the next."""
    beat = HIGH_S + HIGH_SPACE_S
    group = [
        0.0,
        beat,
        2 * beat,
        2 * beat + HIGH_S + 2 * HIGH_SPACE_S + HIGH_S,
        3 * beat + 2 * HIGH_SPACE_S + 2 * HIGH_S,
    ]
    second_s = group[-1] + HIGH_S + HIGH_PAUSE_S
    return {
        "HIGH": _burst([*group, *(second_s + at for at in group)], HIGH_S, HIGH_BETWEEN_S),
        "MEDIUM": _burst([at * (OTHER_S + OTHER_SPACE_S) for at in range(3)], OTHER_S, MEDIUM_BETWEEN_S),
        "LOW": _burst([at * (OTHER_S + OTHER_SPACE_S) for at in range(2)], OTHER_S, LOW_BETWEEN_S),
    }


def _burst(starts_s: list[float], for_s: float, between_s: float) -> dict[str, Any]:
    hz = [((n + 1) * FUNDAMENTAL_HZ, 10 ** (level_db / 20)) for n, level_db in enumerate(LEVELS_DB)]
    pulses = [{"at_s": at, "for_s": for_s, "rise_s": for_s * RISE_SHARE, "hz": hz} for at in starts_s]
    return {"pulses": pulses, "every_s": starts_s[-1] + for_s + between_s}
