"""The forms in which a record leaves the machine: a printable page, a table of samples, or everything as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO

from controller.records.page import page
from controller.records.reader import Record
from controller.records.summary import csv_lines, summary

FORMS = ("html", "csv", "json")


def write(path: Path, form: str, to: IO[str]) -> None:
    """Write the record in that form. Raises ValueError for another form, RecordError when the file is no record."""
    if form not in FORMS:
        raise ValueError(f"form {form!r}; allowed: {', '.join(FORMS)}")
    with Record(path) as record:
        if form == "csv":
            to.writelines(csv_lines(record))
        elif form == "html":
            to.write(page(summary(record)))
        else:
            to.write(json.dumps(summary(record), ensure_ascii=False, allow_nan=False) + "\n")
