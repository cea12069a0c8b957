"""The tables of a record, and how a sample, an event and a command become rows of them.

Column names carry units. A number that is missing or not finite is NULL, never 0. Not responsible for files.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from controller.core.exchange import Event, Inputs, Order, Outputs
from controller.core.signals import TABLE
from controller.records.chain import Value

SIGNALS = tuple(signal.name for signal in TABLE if signal.recorded)
TIMES = {"at_s": "REAL NOT NULL", "wall_utc": "TEXT NOT NULL"}
TABLES: dict[str, dict[str, str]] = {
    "run": {
        **TIMES,
        "software_version": "TEXT NOT NULL",
        "notice": "TEXT NOT NULL",
        "simulated": "INTEGER NOT NULL",
        "speed": "REAL NOT NULL",
        "rig": "TEXT NOT NULL",
        "treatment": "TEXT NOT NULL",
        "patient": "TEXT NOT NULL",
        "config": "TEXT NOT NULL",
        "config_sha256": "TEXT NOT NULL",
        "host": "TEXT NOT NULL",
    },
    "samples": {
        **TIMES,
        **dict.fromkeys(SIGNALS, "REAL"),  # the value that was believed
        "bad": "TEXT NOT NULL",  # signal -> why it was not believed
        "readings": "TEXT NOT NULL",  # signal -> as measured: value, at_s, quality, detail
        "outputs": "TEXT NOT NULL",
        "protective": "TEXT NOT NULL",
        "faults": "TEXT NOT NULL",  # links that do not answer, the host's own faults, lateness of the cycle
        "state": "TEXT NOT NULL",
    },
    "events": {
        **TIMES,
        "kind": "TEXT NOT NULL",
        "name": "TEXT NOT NULL",
        "priority": "TEXT NOT NULL",
        "text": "TEXT NOT NULL",
    },
    "commands": {
        **TIMES,
        "act": "TEXT NOT NULL",
        "who": "TEXT NOT NULL",
        "value": "REAL",
        "text": "TEXT NOT NULL",
    },
}
COLUMNS_OF_THEIR_OWN = frozenset(
    {
        "values", "bad", "rig", "treatment", "treatment_title", "patient", "doing", "person", "duration_min", "warn_c",
        "limits",
    }
)  # fmt: skip
"""What a view repeats of the sample's columns, the header, events or the manual: not written again with each sample."""


class Row(NamedTuple):
    """One row before it has its number and hash."""

    table: str
    values: dict[str, Value]


class Sample(NamedTuple):
    """What the loop hands over: references to values that nobody changes any more."""

    at_s: float
    wall_s: float
    inputs: Inputs
    outputs: Outputs
    view: Mapping[str, object]


def sample_rows(sample: Sample) -> Iterator[Row]:
    """The sample, and a row for each command that came with it."""
    view, inputs = sample.view, sample.inputs
    believed = _mapping(view.get("values"))
    state = {name: value for name, value in view.items() if name not in COLUMNS_OF_THEIR_OWN}
    values = _times(sample.at_s, sample.wall_s)
    values.update({name: number(believed.get(name)) for name in SIGNALS})
    values["bad"] = as_json(_mapping(view.get("bad")))
    values["readings"] = as_json(inputs.readings)
    values["outputs"] = as_json(sample.outputs._asdict())
    values["protective"] = as_json(inputs.protective._asdict() if inputs.protective else None)
    values["faults"] = as_json(
        {
            "links": inputs.link_faults,
            "host": inputs.host_faults,
            "late_s": inputs.overrun_s,
            "attended_s": inputs.attended_s,
            "wall_jump_s": inputs.wall_jump_s,
            "disk_free_mb": inputs.disk_free_mb,
        }
    )
    values["state"] = as_json(state)
    yield Row("samples", values)
    for order in inputs.orders:
        yield command_row(order, sample.at_s, sample.wall_s)


def command_row(order: Order, at_s: float, wall_s: float) -> Row:
    """What a person asked for."""
    asked: dict[str, Value] = {"act": order.act.value, "who": text(order.who)}
    return Row("commands", _times(at_s, wall_s) | asked | {"value": number(order.value), "text": text(order.text)})


def event_row(event: Event, wall_s: float) -> Row:
    """What happened; `at_s` is the event's own time."""
    said: dict[str, Value] = {name: text(getattr(event, name)) for name in ("kind", "name", "priority", "text")}
    return Row("events", _times(event.at_s, wall_s) | said)


def number(value: object) -> float | None:
    """A finite float, or None. Minus zero becomes zero, because SQLite does not keep it."""
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value) + 0.0
    return None


def text(value: object) -> str:
    """Text that SQLite can keep: half surrogate pairs are replaced."""
    return str(value).encode("utf-8", "replace").decode()


def as_json(value: object) -> str:
    """Compact JSON; NaN and infinities become null, what JSON does not know becomes its text."""
    try:
        return msgspec.json.encode(value, enc_hook=str).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(text(value)).decode()


def wall_utc(wall_s: float) -> str:
    """ISO 8601 in UTC with microseconds."""
    return datetime.fromtimestamp(wall_s, UTC).isoformat(timespec="microseconds")


def _times(at_s: float, wall_s: float) -> dict[str, Value]:
    return {"at_s": number(at_s), "wall_utc": wall_utc(wall_s)}


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
