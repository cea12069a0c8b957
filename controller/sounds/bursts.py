"""The one table of alarm sounds, from which files are made and a page may synthesise.

Designed with reference to tables 3 and 4 of IEC 60601-1-8 as public sources restate them (Nellcor N560 manual,
RespiraWorks requirements, TI DAC53401 data sheet); not a claim of conformity. A pulse counts from 90 % of its rise to
90 % of its fall, a gap from there to 90 % of the next rise. Not responsible for when anything sounds (`core.alarms`),
nor for how loud a loudspeaker makes it: 60 to 80 dB(A) at 1 m is to be measured at the bench.
"""

from __future__ import annotations

from typing import NamedTuple

from controller.core.alarm_escalation import ESCALATION

C5_HZ = 523.0
HARMONICS_DB = (0.0, -1.5, -4.0, -6.0, -8.0)  # of 1, 2, 3 ... times the fundamental


class Burst(NamedTuple):
    """One sound: pulses with gaps between them, and the silence after which it repeats (0: never)."""

    name: str
    pulse_s: float
    gaps_s: tuple[float, ...]  # one fewer than pulses
    repeat_s: float  # from the end of a burst to the beginning of the next
    rise_s: float  # from 10 % to 90 %; the fall is as long
    level_db: float = 0.0  # against the loudest of the table
    fundamental_hz: float = C5_HZ
    harmonics_db: tuple[float, ...] = HARMONICS_DB

    @property
    def pulses(self) -> int:
        """How many."""
        return len(self.gaps_s) + 1

    @property
    def length_s(self) -> float:
        """From 90 % of the first rise to 90 % of the last fall."""
        return self.pulses * self.pulse_s + sum(self.gaps_s)


_TD, _X = 0.15, 0.10
_FIVE = (_X, _X, 2 * _X + _TD, _X)  # three and two
_HIGH = Burst("high", _TD, (*_FIVE, 0.5, *_FIVE), ESCALATION[0].repeat_s, 0.2 * _TD)

BURSTS: tuple[Burst, ...] = (
    _HIGH,
    _HIGH._replace(name="high_unanswered", repeat_s=ESCALATION[-1].repeat_s),
    Burst("medium", 0.2, (0.2, 0.2), 8.0, 0.04, level_db=-3.0),
    Burst("low", 0.2, (0.2,), 20.0, 0.04, level_db=-6.0),
    Burst("alarm_off", 0.2, (), 0.0, 0.04, level_db=-9.0, fundamental_hz=C5_HZ / 2, harmonics_db=(0.0, -12.0)),
)
"""`alarm_off` tells that the last alarm has ended; it is no alarm signal and must not be taken for one."""


def plain() -> list[dict[str, object]]:
    """The table as plain data, JSON-able."""
    return [{**burst._asdict(), "pulses": burst.pulses, "length_s": round(burst.length_s, 6)} for burst in BURSTS]
