"""What somebody who comes late has missed of a run: one row a second of the shown values, and every event.

Read without walking the chain: it is shown while the run goes on, and is proof of nothing (`summary` is).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from controller.core.signals import TABLE
from controller.records.reader import Record
from controller.records.rows import SIGNALS

EVERY_S = 0.95
EVENTS_MAX = 2000
NAMES = tuple(signal.name for signal in TABLE if signal.shown and signal.name in SIGNALS)


def missed(record: Record) -> dict[str, Any]:
    """Times, columns by name and events, JSON-able; a value that was not believed is None. Raises sqlite3.Error."""
    at_s: list[float] = []
    columns: dict[str, list[float | None]] = {name: [] for name in NAMES}
    for row in record.connection.execute(f"SELECT at_s, {', '.join(NAMES)} FROM samples ORDER BY seq"):
        if at_s and row["at_s"] - at_s[-1] < EVERY_S:
            continue
        at_s.append(row["at_s"])
        for name, column in columns.items():
            column.append(row[name])
    newest = f"SELECT * FROM events ORDER BY seq DESC LIMIT {EVENTS_MAX}"
    events = [
        (row["seq"], row["at_s"], _utc_ms(row["wall_utc"]), row["kind"], row["name"], row["text"], row["priority"])
        for row in record.connection.execute(newest)
    ]
    return {"at_s": at_s, "columns": columns, "events": events[::-1]}


def _utc_ms(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() * 1000.0
