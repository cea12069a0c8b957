"""Alarms as plain data: each with its kind, cause and delays, and the conditions that are NOT MONITORED now.

Not responsible for how it looks, or for the states themselves (`alarms`).
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.core.alarm_table import BUDGET_S, CYCLE_DELAY_S, ROWS, SIGNAL_DELAY_S, Kind, row_of
from controller.core.alarms import Alarm
from controller.core.interlocks import TABLE, Response
from controller.core.sensing import Sensed

_BY_ID = {row.id: row for row in TABLE}
_WATCHED = tuple((row.id, row.title, ROWS[row.id]) for row in TABLE if row.id in ROWS and ROWS[row.id].needs)
_NEEDED = frozenset(signal for _, _, row in _WATCHED for signal in row.needs) - {"cavity_max_c"}


def shown(alarm: Alarm) -> dict[str, object]:
    """Everything a person may want to see of one alarm, JSON-able."""
    return {
        "id": alarm.id,
        "priority": alarm.priority.name,
        "kind": row_of(alarm.id).kind.value,
        "title": alarm.title,
        "text": alarm.text,
        "advice": alarm.advice,
        "since_s": alarm.since_s,
        "present": alarm.present,
        "latched": alarm.latched,
        "acknowledged": alarm.acknowledged,
        "first": alarm.first,
        "because": alarm.because,
        "condition_delay_s": condition_delay_s(alarm.id),
        "signal_delay_s": SIGNAL_DELAY_S,
    }


def not_monitored(sensed: Sensed) -> list[dict[str, object]]:
    """The conditions for which a value is missing now, each with the value and why."""
    if sensed.cavity_valid and _NEEDED.issubset(sensed.good):
        return []
    return [
        {"id": id_, "title": title, "kind": row.kind.value, "signal": signal, "why": why}
        for id_, title, row in _WATCHED
        for signal, why in _missing(row.needs, sensed)
    ]


def _missing(needs: tuple[str, ...], sensed: Sensed) -> Iterator[tuple[str, str]]:
    for signal in needs:
        if signal == "cavity_max_c":
            if sensed.cavity_valid == 0:
                yield signal, "no cavity probe is valid"
        elif signal not in sensed.good:
            yield signal, sensed.bad.get(signal, "not fitted")


def condition_delay_s(id_: str) -> float:
    """How long a condition lasts before it is an alarm: persistence and the cycle. 0 for an unknown id."""
    row = _BY_ID.get(id_)
    return 0.0 if row is None else row.delay_s + CYCLE_DELAY_S


def manual() -> list[dict[str, object]]:
    """One line for each alarm as the manual prints it, in the order of the interlock table."""
    lines: list[dict[str, object]] = []
    for row in TABLE:
        about = row_of(row.id)
        delay_s = condition_delay_s(row.id) + SIGNAL_DELAY_S
        late = delay_s > BUDGET_S[about.priority] + 1e-9
        lines.append(
            {
                "id": row.id,
                "title": row.title,
                "kind": about.kind.value,
                "harm": about.harm.value,
                "onset": about.onset.value,
                "priority": about.priority.name,
                "priority_note": about.why,
                "latching": row.response is not Response.R0,
                "needs": list(about.needs),
                "because": list(about.because),
                "renew_s": about.renew_s,
                "rises_s": about.rises_s,
                "condition_delay_s": condition_delay_s(row.id),
                "signal_delay_s": SIGNAL_DELAY_S,
                "delay_note": about.slow if late else "",
            }
        )
    return lines


def physiological() -> tuple[str, ...]:
    """The ids of the alarms that are about the patient."""
    return tuple(id_ for id_, row in ROWS.items() if row.kind is Kind.PHYSIOLOGICAL)
