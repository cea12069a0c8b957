"""What the simulator asks of the system it runs on: to end with its parent, and not to be held up.

Not responsible for serving anything (`sim.server`).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from collections.abc import Iterator

PR_SET_PDEATHSIG = 1  # prctl(2)
MCL_CURRENT_AND_FUTURE = 1 | 2  # mlockall(2)
PRIORITY = 60
"""Above the controller's: a busy host does not slow the devices that it talks to."""


def die_with_the_parent() -> None:
    """Ask the kernel for SIGTERM when the parent ends (prctl(2), Linux); at once if it has ended already."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit(0)


@contextlib.contextmanager
def punctual() -> Iterator[str]:
    """Run under SCHED_FIFO and in locked memory where granted; yields what was refused, "" when nothing."""
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    libc = ctypes.CDLL(None, use_errno=True)
    locked = libc.mlockall(MCL_CURRENT_AND_FUTURE) == 0
    refused = "" if locked else f"mlockall: {os.strerror(ctypes.get_errno())} (grant it with CAP_IPC_LOCK)"
    fifo = False
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
        fifo = True
    except OSError as error:
        refused += f"{'; ' if refused else ''}SCHED_FIFO: {error.strerror} (grant it with CAP_SYS_NICE)"
    try:
        yield refused
    finally:
        if locked:
            libc.munlockall()
        if fifo:
            os.sched_setscheduler(0, policy, parameters)
