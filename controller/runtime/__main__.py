"""`python -m controller.runtime`: the control process."""

from __future__ import annotations

import sys

from controller.records.last_run import last_run
from controller.records.opening import open_recorder
from controller.runtime.control import main

if __name__ == "__main__":
    sys.exit(main(None, open_recorder=open_recorder, last_run=last_run))
