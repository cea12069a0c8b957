"""Ask the operating system for punctuality: scheduling class, locked memory, quick switches between threads.

Everything here may be refused to an ordinary user; what was refused is returned in words, not hidden.
Called once, before any thread is started, so that all threads inherit it. Not responsible for deadlines (`loop`).
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading

PRIORITY = 50
SWITCH_INTERVAL_S = 0.0005  # one busy Python thread delays the loop by 5 ms at the default interval, by 0.8 ms at this
STACK_BYTES = 1 << 20  # locked memory counts whole stacks; the default of 8 MiB a thread is waste
_MCL_CURRENT_AND_FUTURE = 1 | 2


def ask_for_realtime() -> tuple[str, ...]:
    """Return one line for each thing that was not granted, with what would grant it."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    threading.stack_size(STACK_BYTES)
    refused = []
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except OSError as error:
        refused.append(f"SCHED_FIFO: {error.strerror} (grant it with an rtprio limit or CAP_SYS_NICE)")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(_MCL_CURRENT_AND_FUTURE) != 0:
        why = os.strerror(ctypes.get_errno())
        refused.append(f"mlockall: {why} (grant it with a memlock limit or CAP_IPC_LOCK)")
    return tuple(refused)
