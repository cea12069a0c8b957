"""Each row's hash covers the row and the hash before it, so that no row can be changed, moved or taken out unseen.

A chain does not show that its end was cut off: a finished record ends with a row that says so, and the last hash can
be printed or kept elsewhere. Not responsible for who wrote the rows: that would take a key outside the record.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

GENESIS = "0" * 64
Value = str | int | float | None


def canonical(table: str, values: Mapping[str, Value]) -> bytes:
    """One spelling of a row: keys sorted, no spaces, ASCII. Raises ValueError for NaN and infinities."""
    row = {"table": table, **values}
    return json.dumps(row, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def link(before: str, table: str, values: Mapping[str, Value]) -> str:
    """SHA-256 of the hash before and the row, in hexadecimal."""
    return hashlib.sha256(bytes.fromhex(before) + canonical(table, values)).hexdigest()
