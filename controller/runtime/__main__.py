"""`python -m controller.runtime`: the control process."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from controller.core.exchange import Event, Inputs, Outputs
from controller.runtime.control import main
from controller.runtime.settings import Settings


class Unrecorded:
    """Stands in until there is a record, and says so in every cycle."""

    fault = "no record is written"

    def sample(self, at_s: float, inputs: Inputs, outputs: Outputs, view: Mapping[str, object]) -> None:
        """Nothing."""

    def event(self, event: Event) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def _open(settings: Settings) -> Unrecorded:
    return Unrecorded()


if __name__ == "__main__":
    sys.exit(main(None, open_recorder=_open))
