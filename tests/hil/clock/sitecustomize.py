"""With this folder on PYTHONPATH a process has a wall clock that can be set: its own, plus the seconds in a file.

Only the wall clock: time.monotonic stays. (A preloaded C library that fakes clock_gettime was tried; it also bends
clock_nanosleep, and time.sleep of Python 3.11 fails under it.)
"""

from __future__ import annotations

import mmap
import os
import struct
import time

_true = time.time


def _begin(path: str) -> None:
    file = os.open(path, os.O_RDONLY)
    shared = mmap.mmap(file, 8, prot=mmap.PROT_READ)
    os.close(file)

    def moved() -> float:
        seconds: float = struct.unpack_from("<d", shared)[0]
        return _true() + seconds

    time.time = moved


if place := os.environ.get("WALL_CLOCK_FILE"):
    _begin(place)
