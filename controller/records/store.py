"""One record in one SQLite file with one writer. Rows are added in transactions that are durable when `append` returns.

WAL with synchronous=FULL, so that a commit survives a power cut (sqlite.org/pragma.html). One connection writes and
readers only read, which also keeps clear of the WAL-reset fault of SQLite before 3.51.3 (sqlite.org/wal.html).
Not responsible for when rows are written or for what is done on failure (`recorder`).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from controller.records.chain import GENESIS, link
from controller.records.rows import TABLES, Row


class RecordError(OSError):
    """The record cannot be made or written; the text names the file and what is wrong."""


class Store:
    """Created with its header row. Raises RecordError; a failed `append` has written nothing and may be repeated."""

    def __init__(self, path: Path, header: Row) -> None:
        self.path = path
        self.head = GENESIS
        self.rows = 0
        _create(path)
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
            try:
                self._set_up()
                self.append([header])
            except BaseException:
                self._connection.close()
                raise
        except (sqlite3.Error, RecordError) as error:
            _remove(path)
            raise error if isinstance(error, RecordError) else RecordError(f"{path}: {error}") from error

    def append(self, rows: Sequence[Row]) -> None:
        """Number, chain and commit all of them, or none."""
        head, number = self.head, self.rows
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for table, values in rows:
                values = {"seq": number, **values}
                head = link(head, table, values)
                number += 1
                self._connection.execute(_INSERT[table], {**values, "hash": head})
            self._connection.execute("COMMIT")
        except (sqlite3.Error, ValueError) as error:
            self._roll_back()
            raise RecordError(f"{self.path}: {error}") from error
        self.head, self.rows = head, number

    def close(self) -> None:
        """Leave one file that can be read from read-only media, if nobody reads it now."""
        # Every row is durable already: a reader, or a full disk, only means that the -wal file stays beside it.
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("PRAGMA journal_mode=DELETE")
        self._connection.close()

    def _set_up(self) -> None:
        mode = self._connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        self._connection.execute("PRAGMA synchronous=FULL")
        full = self._connection.execute("PRAGMA synchronous").fetchone()[0]
        if (mode, full) != ("wal", 2):
            raise RecordError(f"{self.path}: journal {mode}, synchronous {full}; wal and 2 (full) are needed")
        for statement in _CREATE:
            self._connection.execute(statement)

    def _roll_back(self) -> None:
        # A full disk may already have rolled back, and a broken one may refuse to: either way nothing was committed.
        with contextlib.suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


def check_new(path: Path) -> None:
    """Raise RecordError when no record can begin there: its folder has to be there, and the file must not."""
    if not path.parent.is_dir():
        raise RecordError(f"{path.parent}: is not a directory; make it, or choose another for the records")
    if path.exists():
        raise RecordError(f"{path}: exists; a record is never written over")


def _create(path: Path) -> None:
    """Make the file, which must not exist: a record is never written over."""
    check_new(path)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError as error:
        raise RecordError(f"{path}: exists; a record is never written over") from error
    except OSError as error:
        raise RecordError(f"{path}: {error.strerror}") from error


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        with contextlib.suppress(OSError):
            os.unlink(f"{path}{suffix}")


def _create_table(table: str, columns: dict[str, str]) -> str:
    named = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    return f"CREATE TABLE {table} (seq INTEGER PRIMARY KEY, {named}, hash TEXT NOT NULL)"


def _insert(table: str, columns: dict[str, str]) -> str:
    names = ("seq", *columns, "hash")
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(':' + name for name in names)})"


_CREATE = tuple(_create_table(table, columns) for table, columns in TABLES.items())
_INSERT = {table: _insert(table, columns) for table, columns in TABLES.items()}
