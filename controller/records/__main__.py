"""`python -m controller.records FORM FILE`: a record as html, csv or json on stdout; exit code 2 when it is none.

The form "missed" is what a console shows that was started in the middle of a run.
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

import msgspec

from controller.records.forms import FORMS, write
from controller.records.missed import missed
from controller.records.reader import Record
from controller.records.store import RecordError

MISSED = "missed"


def main(arguments: list[str]) -> int:
    """Write the form to stdout."""
    if len(arguments) != 2 or arguments[0] not in (*FORMS, MISSED):
        print(f"record: allowed: {', '.join(FORMS)} or {MISSED}, and a file", file=sys.stderr)  # noqa: T201
        return 2
    form, path = arguments
    try:
        if form == MISSED:
            with Record(Path(path)) as record:
                sys.stdout.buffer.write(msgspec.json.encode(missed(record)))
        else:
            write(Path(path), form, sys.stdout)
    except (RecordError, sqlite3.Error) as error:
        print(f"record: {error}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
