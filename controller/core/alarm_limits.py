"""Alarm limits that a person may tighten during a session: proposed, shown old -> new, confirmed within 60 s.

Never wider than the rig file says, never past a neighbouring level; a new set-up begins with the rig file's values.
Trip levels are not among them. Not responsible for who may do it (`orders`) or for the alarms themselves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from config.schema import Limits
from controller.core.exchange import Event

CONFIRM_WITHIN_S = 60.0
DECIMALS = 6  # of bounds and values alike, or a limit next to its neighbour is not taken again after a restart


class Adjustable(NamedTuple):
    """One limit: its words, its unit, how far it may be moved, and the levels from which it keeps `apart`."""

    label: str
    unit: str
    decimals: int
    furthest: float  # how far from the configured value at most; an alarm that is always on is no alarm
    above: str = ""  # the limit above which it stays
    below: str = ""  # the limit below which it stays
    apart: float = 0.1
    lower: bool = False  # a lower limit: tightening raises it


ADJUSTABLE: Mapping[str, Adjustable] = {
    "core_warn_c": Adjustable("Core warning", "°C", 1, 2.0, above="core_low_c", below="core_alarm_c"),
    "core_alarm_c": Adjustable("Core alarm", "°C", 1, 2.0, above="core_warn_c"),
    "core_low_c": Adjustable("Core low", "°C", 1, 1.5, below="core_warn_c", lower=True),
    "cavity_pressure_warn_mmhg": Adjustable("Cavity pressure warning", "mmHg", 0, 10.0),
    "line_pressure_alarm_mmhg": Adjustable("Line pressure alarm", "mmHg", 0, 120.0),
}


class LimitChange(NamedTuple):
    """A change that waits for its confirmation."""

    name: str
    old: float
    new: float
    who: str
    asked_s: float

    @property
    def text(self) -> str:
        """Old -> new in words."""
        line = ADJUSTABLE[self.name]
        return f"{line.label} {self.old:.{line.decimals}f} -> {self.new:.{line.decimals}f} {line.unit}"


class AlarmLimits(NamedTuple):
    """The limits in force in this session, those of the rig file, and the change that waits."""

    now: Limits
    configured: Limits
    pending: LimitChange | None = None


class RefusedLimit(Exception):
    """The change is not possible; the text says what is."""


def tightened(configured: Limits, values: Iterable[tuple[str, float]]) -> AlarmLimits:
    """The rig file's limits with these tightened, as before a restart; one that is not allowed is left as configured.

    In the order of the table, each judged against the rig file alone and then for the order of the levels.
    """
    wanted = dict(values)
    limits = AlarmLimits(configured, configured)
    for name in (*ADJUSTABLE, *ADJUSTABLE):  # twice: a neighbour may have to move first
        try:
            limits = confirm(propose(limits, name, wanted.get(name), "restart", 0.0), 0.0)[0]
        except RefusedLimit:
            continue
    return limits


def changed(limits: AlarmLimits) -> dict[str, float]:
    """The limits that are tighter than the rig file's, by name."""
    now = {name: float(getattr(limits.now, name)) for name in ADJUSTABLE}
    return {name: value for name, value in now.items() if value != getattr(limits.configured, name)}


def allowed(limits: AlarmLimits, name: str) -> tuple[float, float]:
    """Lowest and highest value that this limit may have now."""
    line = ADJUSTABLE[name]
    configured: float = getattr(limits.configured, name)
    low, high = (configured, configured + line.furthest) if line.lower else (configured - line.furthest, configured)
    if line.above:
        low = max(low, getattr(limits.now, line.above) + line.apart)
    if line.below:
        high = min(high, getattr(limits.now, line.below) - line.apart)
    return round(low, DECIMALS), round(high, DECIMALS)


def propose(limits: AlarmLimits, name: str, value: float | None, who: str, now_s: float) -> AlarmLimits:
    """Put a change forward; it changes nothing yet. Raises RefusedLimit."""
    if name not in ADJUSTABLE:
        raise RefusedLimit(f"no limit {name!r}; there are: {', '.join(ADJUSTABLE)}")
    low, high = allowed(limits, name)
    if value is None or not math.isfinite(value) or not (low <= value <= high):
        raise RefusedLimit(f"{value} is not allowed for {name}: {low:g} to {high:g} {ADJUSTABLE[name].unit}")
    old: float = getattr(limits.now, name)
    return limits._replace(pending=LimitChange(name, old, round(value, DECIMALS), who, now_s))


def confirm(limits: AlarmLimits, now_s: float) -> tuple[AlarmLimits, LimitChange]:
    """Carry out the change that waits. Raises RefusedLimit when there is none, or its time is over."""
    change = limits.pending
    if change is None or not (now_s - change.asked_s <= CONFIRM_WITHIN_S):
        raise RefusedLimit("no change of a limit waits for confirmation")
    low, high = allowed(limits, change.name)
    if not (low <= change.new <= high):
        raise RefusedLimit(f"{change.new:g} is not allowed for {change.name} any more: {low:g} to {high:g}")
    return AlarmLimits(_with(limits.now, change), limits.configured), change


def lapse(limits: AlarmLimits, now_s: float) -> tuple[AlarmLimits, tuple[Event, ...]]:
    """Forget a change that nobody has confirmed in time."""
    change = limits.pending
    if change is None or now_s - change.asked_s <= CONFIRM_WITHIN_S:
        return limits, ()
    return limits._replace(pending=None), (Event(now_s, "limit", change.name, f"not confirmed: {change.text}"),)


def view(limits: AlarmLimits, now_s: float) -> dict[str, object]:
    """Every adjustable limit with its value, its range and its default; and what waits, JSON-able."""
    change = limits.pending
    return {
        "limits": [_line(limits, name, line) for name, line in ADJUSTABLE.items()],
        "tightened": changed(limits),
        "limit_waits": None
        if change is None
        else {**change._asdict(), "text": change.text, "left_s": CONFIRM_WITHIN_S - (now_s - change.asked_s)},
    }


def _line(limits: AlarmLimits, name: str, line: Adjustable) -> dict[str, object]:
    low, high = allowed(limits, name)
    return {
        "name": name,
        "label": line.label,
        "unit": line.unit,
        "value": getattr(limits.now, name),
        "configured": getattr(limits.configured, name),
        "low": low,
        "high": high,
    }


def _with(limits: Limits, change: LimitChange) -> Limits:
    values: dict[str, Any] = {field: getattr(limits, field) for field in limits.__struct_fields__}
    return Limits(**{**values, change.name: change.new})
