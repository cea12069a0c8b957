"""Thermal dose and the temperature statistics of a treatment.

CEM43 after Sapareto & Dewey, Int J Radiat Oncol Biol Phys 1984;10:787: minutes times R^(43 - T), R = 0.5 at or above
43 °C and 0.25 below; below 37 °C nothing is counted. A minute without a valid cavity temperature is not counted as
anything but unknown.
"""

from __future__ import annotations

from typing import NamedTuple


def cem43_rate(cavity_c: float) -> float:
    """Equivalent minutes at 43 °C per minute at `cavity_c`."""
    if cavity_c < 37.0:
        return 0.0
    ratio: float = 0.5 if cavity_c >= 43.0 else 0.25
    rate: float = ratio ** (43.0 - cavity_c)
    return rate


class Dose(NamedTuple):
    """What the cavity has had. Minutes, °C; `n`, `mean`, `m2` are Welford's running moments during PERFUSE."""

    cem43_min: float = 0.0
    min_41: float = 0.0
    min_42: float = 0.0
    min_above_43: float = 0.0
    unknown_min: float = 0.0
    n: int = 0
    in_band: int = 0
    mean_c: float = 0.0
    m2: float = 0.0
    cavity_max_c: float | None = None
    inflow_max_c: float | None = None
    core_max_c: float | None = None

    @property
    def sd_c(self) -> float:
        """Standard deviation of the cavity mean during PERFUSE, °C."""
        return float((self.m2 / (self.n - 1)) ** 0.5) if self.n > 1 else 0.0


def step(
    dose: Dose,
    *,
    dt_s: float,
    cavity_mean_c: float | None,
    cavity_max_c: float | None,
    inflow_c: float | None,
    core_c: float | None,
    perfusing: bool,
) -> Dose:
    """Add `dt_s` seconds of fluid in the cavity. Peaks are kept for the whole time, moments during PERFUSE only."""
    minutes = dt_s / 60.0
    core_max_c = _higher(dose.core_max_c, core_c)
    inflow_max_c = _higher(dose.inflow_max_c, inflow_c)
    if cavity_mean_c is None or cavity_max_c is None:
        unknown_min = dose.unknown_min + minutes
        return dose._replace(unknown_min=unknown_min, inflow_max_c=inflow_max_c, core_max_c=core_max_c)
    n, mean_c, m2, in_band = dose.n, dose.mean_c, dose.m2, dose.in_band
    if perfusing:
        n += 1
        delta = cavity_mean_c - mean_c
        mean_c += delta / n
        m2 += delta * (cavity_mean_c - mean_c)
        in_band += 41.0 <= cavity_mean_c <= 43.0
    return Dose(
        dose.cem43_min + minutes * cem43_rate(cavity_mean_c),
        dose.min_41 + (minutes if cavity_mean_c >= 41.0 else 0.0),
        dose.min_42 + (minutes if cavity_mean_c >= 42.0 else 0.0),
        dose.min_above_43 + (minutes if cavity_mean_c > 43.0 else 0.0),
        dose.unknown_min,
        n,
        in_band,
        mean_c,
        m2,
        _higher(dose.cavity_max_c, cavity_max_c),
        inflow_max_c,
        core_max_c,
    )


def _higher(peak: float | None, value: float | None) -> float | None:
    if value is None:
        return peak
    return value if peak is None or value > peak else peak
