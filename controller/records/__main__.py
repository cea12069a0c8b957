"""`python -m controller.records FORM FILE`: a record as html, csv or json on stdout; exit code 2 when it is none."""

from __future__ import annotations

import sys
from pathlib import Path

from controller.records.forms import write
from controller.records.store import RecordError


def main(arguments: list[str]) -> int:
    """Write the form to stdout."""
    try:
        form, path = arguments
        write(Path(path), form, sys.stdout)
    except (ValueError, RecordError) as error:
        print(f"record: {error}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
