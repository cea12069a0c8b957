"""The alarm and trip limits by signal as a person reads them: which value, which level, after how long, what then.

Levels themselves stand in the rig's limits (and, while they are tightened, in `alarm_limits`); delay, priority and
response are those of the interlock and alarm tables. Not responsible for either.
"""

from __future__ import annotations

from typing import NamedTuple

from controller.core.alarm_limits import ADJUSTABLE
from controller.core.alarm_table import SIGNAL_DELAY_S, row_of
from controller.core.alarm_view import condition_delay_s
from controller.core.interlocks import TABLE


class LimitLine(NamedTuple):
    """One level of one signal: `limit` is its name in the limits or the treatment, `row` the interlock that looks."""

    signal: str
    limit: str
    row: str
    below: bool = False


LINES: tuple[LimitLine, ...] = (
    LimitLine("cavity_max_c", "cavity_warn_c", "cavity_warm"),
    LimitLine("cavity_max_c", "cavity_trip_c", "cavity_over"),
    LimitLine("inflow_c", "inflow_trip_c", "inflow_over"),
    LimitLine("heater_outlet_c", "outlet_trip_c", "outlet_over"),
    LimitLine("core_c", "core_low_c", "core_low", below=True),
    LimitLine("core_c", "core_warn_c", "core_warn"),
    LimitLine("core_c", "core_alarm_c", "core_alarm"),
    LimitLine("core_c", "core_trip_c", "core_trip"),
    LimitLine("core_c", "core_stop_c", "core_stop"),
    LimitLine("line_pressure_mmhg", "line_pressure_alarm_mmhg", "line_pressure_high"),
    LimitLine("line_pressure_mmhg", "line_pressure_trip_mmhg", "line_pressure"),
    LimitLine("cavity_pressure_mmhg", "cavity_pressure_warn_mmhg", "cavity_pressure_high"),
    LimitLine("cavity_pressure_mmhg", "cavity_pressure_trip_mmhg", "cavity_pressure"),
    LimitLine("reservoir_ml", "reservoir_low_ml", "reservoir_low", below=True),
    LimitLine("bubble_mm", "bubble_trip_mm", "air"),
)


def lines() -> list[dict[str, object]]:
    """Every line with the row's title, priority, delay to light and sound in s, response, and whether it can move."""
    rows = {row.id: row for row in TABLE}
    return [
        {
            **line._asdict(),
            "title": rows[line.row].title,
            "priority": row_of(line.row).priority.name,
            "delay_s": round(condition_delay_s(line.row) + SIGNAL_DELAY_S, 3),
            "response": rows[line.row].response.name,
            "adjustable": line.limit in ADJUSTABLE,
        }
        for line in LINES
    ]
