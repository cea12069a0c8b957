"""Opens a record read-only and verifies its chain from the first row to the last.

Not responsible for reports or exports; they read through this connection.
"""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple
from urllib.parse import quote

from controller.core.exchange import EventKind
from controller.records.chain import GENESIS, Value, link
from controller.records.rows import TABLES
from controller.records.store import RecordError

END: tuple[EventKind, str, str] = ("note", "record", "end")
"""Kind, name and text of the last event of a record that was ended, not cut off."""


class BadRow(NamedTuple):
    """The first row that is not as it was written: its number, its table where known, and why."""

    seq: int
    table: str
    why: str


class Verdict(NamedTuple):
    """What a verification found. `ended` is False for a record that is still written, or lost its end."""

    rows: int
    head: str
    ended: bool
    bad: BadRow | None


class Record:
    """A record, read-only. Raises RecordError when it is none."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise RecordError(f"{path}: no such file")
        self.path = path
        self.connection = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)
        self.connection.row_factory = sqlite3.Row
        self.connection.text_factory = _text
        try:
            self.header = dict(self.connection.execute("SELECT * FROM run ORDER BY seq").fetchone() or {})
        except (sqlite3.Error, ValueError) as error:
            self.connection.close()
            raise RecordError(f"{path}: is not a treatment record ({error})") from error

    def rows(self, table: str) -> Iterator[dict[str, Value]]:
        """Rows of one table in the order in which they were written, with number and hash."""
        for row in self.connection.execute(f"SELECT * FROM {table} ORDER BY seq"):
            yield dict(row)

    def verify(self) -> Verdict:
        """Walk the chain; stops at the first bad row."""
        number, head = 0, GENESIS
        last: tuple[Value, ...] = ()
        try:
            for seq, table, values in heapq.merge(*(self._numbered(table) for table in TABLES), key=lambda row: row[0]):
                if seq != number:
                    why = f"row {number} is missing" if seq > number else f"there are two rows {seq}"
                    return Verdict(number, head, False, BadRow(number, table, why))
                stored = values.pop("hash")
                expected = link(head, table, values)
                if stored != expected:
                    why = f"hash {str(stored)[:12]}… is not that of the row and of the one before, {expected[:12]}…"
                    return Verdict(number, head, False, BadRow(seq, table, why))
                number, head, last = number + 1, expected, _event(table, values)
        except (sqlite3.Error, TypeError, ValueError, KeyError) as error:
            return Verdict(number, head, False, BadRow(number, "", f"cannot be read: {error}"))
        empty = BadRow(0, "run", "there is no row at all") if number == 0 else None
        return Verdict(number, head, last == END, empty)

    def close(self) -> None:
        """Give the file back."""
        self.connection.close()

    def __enter__(self) -> Record:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _numbered(self, table: str) -> Iterator[tuple[int, str, dict[str, Value]]]:
        for values in self.rows(table):
            yield int(values["seq"] or 0), table, values


def _text(data: bytes) -> str:
    """Damaged text is kept as it is, so that its hash is found wrong; no text was written with such characters."""
    return data.decode("utf-8", "surrogateescape")


def _event(table: str, values: Mapping[str, Value]) -> tuple[Value, ...]:
    return tuple(values[name] for name in ("kind", "name", "text")) if table == "events" else ()
