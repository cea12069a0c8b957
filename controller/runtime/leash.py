"""Become another program that the kernel ends (SIGTERM) when its parent thread ends.

`leash.py PARENT PRIORITY PROGRAM ARGUMENTS`; a PRIORITY above 0 is asked for as SCHED_FIFO, which the program inherits.
A step of its own instead of code between fork and exec, which is not safe beside other threads. Linux only, prctl(2).
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1


def main(arguments: Sequence[str]) -> None:
    """Ask the kernel, then become the program. Ends at once when the parent is gone already."""
    parent, priority, *program = arguments
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit(1)
    if int(priority) > 0:
        _be_punctual(int(priority))
    os.execv(program[0], program)


def _be_punctual(priority: int) -> None:
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    except OSError as error:
        sys.stderr.write(f"not granted: SCHED_FIFO: {error.strerror} (rtprio limit or CAP_SYS_NICE)\n")


if __name__ == "__main__":
    main(sys.argv[1:])
