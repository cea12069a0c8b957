"""Which software this is: its version, and a hash over the source that drives a bench.

Not responsible for the interpreter and the libraries (the record's header names the interpreter).
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
from pathlib import Path

PACKAGES = ("config", "controller", "drivers")
DIGITS = 12


@functools.cache
def software() -> str:
    """For example "0.1.0 source 3f2a9c01b7de"; the same source has the same hash wherever it lies."""
    root = Path(__file__).parents[2]
    whole = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            whole.update(f"{path.relative_to(root)}\0".encode())
            whole.update(path.read_bytes())
    return f"{importlib.metadata.version('hipec')} source {whole.hexdigest()[:DIGITS]}"
