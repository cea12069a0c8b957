"""`python -m controller.runtime`: the control process."""

from __future__ import annotations

import os
import sys
import traceback

from controller.records.last_run import last_run
from controller.records.opening import open_recorder
from controller.runtime.control import main
from controller.runtime.exits import FAILED


def run() -> int:
    """Control, until it ends. What it did not foresee ends the process at once, whichever threads are left."""
    try:
        return main(None, open_recorder=open_recorder, last_run=last_run)
    except Exception:
        # An ordinary exit waits for every thread, and one that lives on would look like a controller.
        try:
            traceback.print_exc()
        finally:
            os._exit(FAILED)


if __name__ == "__main__":
    sys.exit(run())
