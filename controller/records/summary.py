"""What a record says of its treatment: who and what, phases, doses, volumes, temperatures, alarms, and its own proof.

Reads a verified or damaged record alike and says which; a value that was not believed is None. Not responsible for
how it looks (`page`) or for what is right for anybody.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from controller.core.exchange import EventKind
from controller.records.reader import Record, Verdict
from controller.records.rows import SIGNALS

SHEET_EVERY_S = 300.0  # a line of the sheet that is kept by hand elsewhere
SHEET = (
    "flow_lpm",
    "inflow_c",
    "outflow_c",
    "cavity_1_c",
    "cavity_2_c",
    "cavity_3_c",
    "core_c",
    "line_pressure_mmhg",
    "cavity_pressure_mmhg",
    "reservoir_ml",
    "in_patient_ml",
)
LISTED: tuple[EventKind, ...] = (
    "phase", "order", "trip", "reset", "limit", "alarm", "alarm_raised", "alarm_end", "refused", "fault",
)  # fmt: skip
SIMULATED = "SIMULATED"
DAMAGED = "DAMAGED"
SAID = ("wall_utc", "kind", "name", "priority", "text")
VOLUME_STEPS = (
    ("fill", "Filled"),
    ("perfuse", "In the patient at the end of perfusion"),
    ("drain", "Left after the drain"),
    ("rinse_fill", "Rinse in"),
    ("rinse_drain", "Left after the rinse"),
)


class Moment(NamedTuple):
    """One sample: seconds of the run, UTC, the step, and the believed values by name."""

    at_s: float
    utc: str
    step: str
    values: Mapping[str, float | None]


def summary(record: Record, verdict: Verdict) -> dict[str, Any]:
    """Everything the printed page shows, JSON-able. Raises sqlite3.Error, msgspec.DecodeError or KeyError where the
    record is too damaged.
    """
    header = dict(record.header)
    config = msgspec.json.decode(str(header.pop("config")))
    begin_s = float(header["at_s"])
    moments = list(_moments(record))
    last = _last_state(record)
    return {
        "word": SIMULATED if header["simulated"] else "",
        "header": header,
        "treatment": config["treatment"],
        "patient": config["patient"],
        "proof": {
            "rows": verdict.rows,
            "head": verdict.head,
            "ended": verdict.ended,
            "bad": None if verdict.bad is None else verdict.bad._asdict(),
        },
        "fill_ml": last.get("fill_ml"),
        "phase": last.get("phase"),
        "contact_min": last.get("contact_min"),
        "dose_plan": last.get("dose_plan", []),
        "doses": last.get("doses"),
        "dose": last.get("dose", {}),
        "tightened": last.get("tightened", {}),
        "steps": _steps(moments, begin_s),
        "volumes": _volumes(moments),
        "sheet": _sheet(moments, begin_s),
        "events": [
            {"at_min": (float(row["at_s"] or 0.0) - begin_s) / 60.0, **{name: row[name] for name in SAID}}
            for row in record.rows("events")
            if row["kind"] in LISTED
        ],
    }


def csv_lines(record: Record, verdict: Verdict) -> Iterator[str]:
    """One line for each sample: seconds, UTC, step, every believed value (empty where it was not), and the words that
    a line of a simulated run, or of a damaged record, carries wherever it is copied to.
    """
    words = (SIMULATED if record.header["simulated"] else "", DAMAGED if verdict.bad is not None else "")
    word = " ".join(filter(None, words))
    yield ",".join(("at_s", "wall_utc", "step", *SIGNALS, "word")) + "\n"
    for moment in _moments(record):
        values = (moment.values[name] for name in SIGNALS)
        numbers = ("" if value is None else f"{value:.6g}" for value in values)
        yield ",".join((f"{moment.at_s:.3f}", moment.utc, moment.step, *numbers, word)) + "\n"


def _moments(record: Record) -> Iterator[Moment]:
    names = ", ".join(SIGNALS)
    query = f"SELECT at_s, wall_utc, json_extract(state, '$.step') AS step, {names} FROM samples ORDER BY seq"
    for row in record.connection.execute(query):
        yield Moment(row["at_s"], row["wall_utc"], row["step"] or "", {name: row[name] for name in SIGNALS})


def _last_state(record: Record) -> dict[str, Any]:
    row = record.connection.execute("SELECT state FROM samples ORDER BY seq DESC LIMIT 1").fetchone()
    state: dict[str, Any] = {} if row is None else msgspec.json.decode(row["state"])
    return state


def _steps(moments: list[Moment], begin_s: float) -> list[dict[str, Any]]:
    """Each step with when it began and how long it took, min."""
    found = []
    for step, group in itertools.groupby(moments, key=lambda moment: moment.step):
        first, *rest = group
        last = rest[-1] if rest else first
        found.append(
            {
                "step": step,
                "utc": first.utc,
                "at_min": (first.at_s - begin_s) / 60.0,
                "for_min": (last.at_s - first.at_s) / 60.0,
            }
        )
    return found


def _volumes(moments: list[Moment]) -> list[dict[str, Any]]:
    """What the reservoir's level said was in the patient when each of these steps was over; None: not known."""
    lasts = {moment.step: moment.values["in_patient_ml"] for moment in moments}
    return [{"what": words, "in_patient_ml": lasts[step]} for step, words in VOLUME_STEPS if step in lasts]


def _sheet(moments: list[Moment], begin_s: float) -> list[dict[str, Any]]:
    lines = []
    due_s = begin_s
    for moment in moments:
        if moment.at_s >= due_s:
            due_s = moment.at_s + SHEET_EVERY_S
            values = {name: moment.values[name] for name in SHEET}
            lines.append({"at_min": (moment.at_s - begin_s) / 60.0, "utc": moment.utc, "step": moment.step, **values})
    return lines
