"""What the newest record of a rig says of a run that ended without a goodbye: set-up, phase, doses, limits, trips.

And what is in the patient, which no goodbye takes out of it.

Reads the last sample and the events behind it, after checking the chain over the last rows only, so that a start waits
for milliseconds and not for a whole record (`Record.verify` does that). A record that cannot be believed is said to be
so, and is never a reason to begin as if nothing had been. Not responsible for what is done about it (`core.restart`).
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from pathlib import Path
from typing import Any

import msgspec

from config.schema import Patient, Treatment
from controller.core.broken_off import UNKNOWN, BrokenOff, Given
from controller.core.restart import Restored, broken_off_in, passed_on
from controller.records.chain import link
from controller.records.opening import About, latest_of
from controller.records.reader import END, Record
from controller.records.rows import TABLES
from controller.records.store import RecordError

TAIL = 200
IDLE = ("STANDBY", "COMPLETE")
AGAIN = "restart"  # the trip of an earlier restart: its words are kept, its place is taken by the new one
EARLIER_MOST = 600
RECKONED = ("rinse_ready", "complete")  # steps that begin with the count closed
LEFT = "broken_off"  # the event with which a start says what it has been told is in the patient


def last_run(about: About) -> Restored:
    """What the run before left behind, for a controller of the same rig. Never raises for what is in a file."""
    path = newest(about)
    if path is None:
        return Restored()
    try:
        with Record(path) as record:
            if record.header.get("rig") != about.rig.name:
                raise RecordError(f"is named after rig {about.rig.name} and is of {record.header.get('rig')}")
            _check_tail(record)
            return _left_behind(record)
    except (RecordError, sqlite3.Error, msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
        said = f"the record of the run before cannot be believed, {path.name}: {error}"
        return Restored(said, broken_off=UNKNOWN)


def newest(about: About) -> Path | None:
    """The record of this rig that was begun last, simulated or real as this run is; else the newest by its name."""
    with contextlib.suppress(OSError):
        named = about.data_dir / latest_of(about).read_text("utf-8")
        if named.is_file():
            return named
    ending = "_SIMULATED.sqlite" if about.simulated else ".sqlite"
    found = [
        path
        for path in about.data_dir.glob(f"*_{about.rig.name}_*{ending}")
        if path.name.partition("_")[2].startswith(f"{about.rig.name}_")
        and about.simulated == path.name.endswith("_SIMULATED.sqlite")
    ]
    return max(found, key=lambda path: path.name, default=None)


def _check_tail(record: Record) -> None:
    """The last rows belong to each other. Raises RecordError."""
    found = (
        (int(row["seq"]), table, dict(row))
        for table in TABLES
        for row in record.connection.execute(f"SELECT * FROM {table} ORDER BY seq DESC LIMIT {TAIL}")
    )
    rows = sorted(found, key=lambda row: row[0])[-TAIL:]
    if not rows:
        raise RecordError("there is no row at all")
    for (before, _, above), (number, table, values) in itertools.pairwise(rows):
        unhashed = {name: value for name, value in values.items() if name != "hash"}
        if number != before + 1 or values["hash"] != link(above["hash"], table, unhashed):
            raise RecordError(f"row {number} does not belong to the one before it")


def _left_behind(record: Record) -> Restored:
    treatment, patient = _set_up(record)
    events = [dict(row) for row in record.connection.execute("SELECT * FROM events ORDER BY seq DESC LIMIT 500")]
    ended = bool(events) and tuple(events[0][name] for name in ("kind", "name", "text")) == END
    newest_sample = record.connection.execute("SELECT * FROM samples ORDER BY seq DESC LIMIT 1").fetchone()
    if newest_sample is None:  # it had not begun to do anything
        told = (BrokenOff(said=e["text"], accounted=e["kind"] == "note") for e in events if e["name"] == LEFT)
        before = next(told, None)
        return Restored(broken_off=before) if ended else Restored("", (), treatment, patient, (), before)
    state: dict[str, Any] = msgspec.json.decode(newest_sample["state"])
    after = [event for event in reversed(events) if event["seq"] > newest_sample["seq"]]
    left = _in_patient(record, newest_sample["in_patient_ml"], state, after, patient.pseudonym)
    if ended:
        return Restored(broken_off=passed_on(state["step"], patient.pseudonym, left))
    limits = tuple((str(name), float(value)) for name, value in state.get("tightened", {}).items())
    trips = {trip["id"]: (trip["id"], trip["response"], trip["text"]) for trip in state["trips"]}
    for event in after:
        if event["kind"] == "reset":
            trips.clear()
        elif event["kind"] == "trip":
            trips.setdefault(event["name"], (event["name"], "", event["text"]))
    if state["phase"] in IDLE and not trips:
        return Restored("", (), treatment, patient, limits, left)
    earlier = trips.pop(AGAIN, ("", "", ""))[2].removeprefix("Restarted: ")
    latched = "; ".join(text for _, _, text in trips.values())
    said = (
        f"control ended without a goodbye at {newest_sample['wall_utc'][:19]}Z in {state['phase']}, "
        f"{state['contact_min']:.1f} min of contact, {state['doses']} doses given"
    )
    said += f"; latched again: {latched}" if latched else ""
    said += f"; and before that, {earlier[:EARLIER_MOST]}" if earlier else ""
    return Restored(said, tuple(trips.values()), treatment, patient, limits, left)


def _in_patient(
    record: Record, volume_ml: float | None, state: dict[str, Any], after: list[dict[str, Any]], patient: str
) -> BrokenOff | None:
    """What it leaves in the patient, by its newest sample and what came after."""
    step, phase = state["step"], state["phase"]
    for event in after:
        if event["kind"] == "phase":
            step, phase = event["name"], event["text"].partition(":")[0]
    if volume_ml is None and step in RECKONED:
        volume_ml = state["carried_ml"]
    doses = _doses(record, state, sum(event["kind"] == "order" and event["name"] == "dose" for event in after))
    before = state.get("broken_off")
    return broken_off_in(
        step, phase, patient, volume_ml, doses, None if before is None else msgspec.convert(before, BrokenOff)
    )


def _doses(record: Record, state: dict[str, Any], later: int) -> tuple[Given, ...]:
    """Each dose of this record's treatment, and when of its contact."""
    rows = record.connection.execute("SELECT at_s FROM events WHERE kind = 'order' AND name = 'dose' ORDER BY seq")
    found: list[float] = [row["at_s"] for row in rows]
    count = state["doses"] + later
    at_s = [*[None] * (count - len(found)), *found]
    return tuple(
        Given(drug=plan["drug"], mg=plan["mg"], at_min=_minutes(at, at_s[0]))
        for plan, at in zip(state["dose_plan"], at_s, strict=False)
    )


def _minutes(at_s: float | None, first_s: float | None) -> float | None:
    return None if at_s is None or first_s is None else (at_s - first_s) / 60.0


def _set_up(record: Record) -> tuple[Treatment, Patient]:
    """Who and what, from the record's own configuration. Raises msgspec.ValidationError or KeyError."""
    config = msgspec.json.decode(str(record.header["config"]))
    return msgspec.convert(config["treatment"], Treatment), msgspec.convert(config["patient"], Patient)
