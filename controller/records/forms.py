"""The forms in which a record leaves the machine: a printable page, a table of samples, or everything as JSON."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import IO

import msgspec

from controller.records.page import page
from controller.records.reader import Record, Verdict
from controller.records.store import RecordError
from controller.records.summary import csv_lines, summary

FORMS = ("html", "csv", "json")


def write(path: Path, form: str, to: IO[str]) -> Verdict:
    """Write the record in that form, damaged or not; what its proof found.

    Raises ValueError for another form, RecordError when the file is no record or too damaged to be shown.
    """
    if form not in FORMS:
        raise ValueError(f"form {form!r}; allowed: {', '.join(FORMS)}")
    with Record(path) as record:
        verdict = record.verify()
        try:
            _write(record, verdict, form, to)
        except (sqlite3.Error, msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
            if verdict.bad is None:
                raise  # a defect: nothing is wrong with the record
            raise RecordError(f"{path}: cannot be shown: {error}; {said(verdict)}") from error
    return verdict


def said(verdict: Verdict) -> str:
    """The verdict in one line."""
    if verdict.bad is None:
        return f"{verdict.rows} rows, each as it was written; {'complete' if verdict.ended else 'NOT ENDED'}"
    table = f" ({verdict.bad.table})" if verdict.bad.table else ""
    return f"DAMAGED at row {verdict.bad.seq}{table}: {verdict.bad.why}"


def _write(record: Record, verdict: Verdict, form: str, to: IO[str]) -> None:
    if form == "csv":
        to.writelines(csv_lines(record, verdict))
    elif form == "html":
        to.write(page(summary(record, verdict)))
    else:
        to.write(json.dumps(summary(record, verdict), ensure_ascii=False, allow_nan=False) + "\n")
