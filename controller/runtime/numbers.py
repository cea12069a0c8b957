"""A number as a person types it: ASCII digits with a point, and a sign; nothing that only Python takes for one."""

from __future__ import annotations

import math
import re

FORM = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")


def number(text: str) -> float:
    """Raises ValueError that says what is allowed: no 4,2 and no 4_2, no other digits, no nan, no exponent."""
    value = float(text) if FORM.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]!r}: no number; allowed: digits with a point, e.g. 41.5")
    return value
