"""What the control loop is put together from, as far as it looks at each part.

Not responsible for any of them: `bench`, `protective_link`, `controller.records.recorder`, `setting_up`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from controller.core.exchange import Event, Inputs, LinkFault, Outputs, ProtectiveStatus
from controller.core.restart import Restored
from controller.core.signals import Reading
from controller.runtime.ports import PortNote
from controller.runtime.slot import LinkStatistics


class CycleLike(Protocol):
    """What the loop needs of `controller.core.cycle.Cycle`."""

    def initial(self, now_s: float, restored: Restored = ...) -> Any:
        """The state before the first cycle, with what the run before has left latched."""

    def step(self, state: Any, inputs: Inputs, now_s: float) -> tuple[Any, Outputs, tuple[Event, ...]]:
        """One cycle."""

    def view(self, state: Any) -> Mapping[str, object]:
        """What people are shown of a state."""

    def in_the_way(self, state: Any) -> str:
        """Why another core may not take its place now, or ""."""

    def passed_on(self, state: Any) -> Restored:
        """What is known to the core that takes its place."""


class BenchLike(Protocol):
    """What the loop needs of `bench.Bench`."""

    def inputs(self, now_s: float) -> Mapping[str, Reading]:
        """The newest reading of every signal."""

    def publish(self, outputs: Outputs, now_s: float) -> None:
        """Give the outputs to the ports."""

    def link_faults(self) -> tuple[LinkFault, ...]:
        """Devices that do not answer as they should."""

    def notes(self) -> list[PortNote]:
        """What has happened on the ports since the last call."""

    def statistics(self) -> list[LinkStatistics]:
        """One snapshot for each device."""


class LinkLike(Protocol):
    """What the loop needs of `protective_link.ProtectiveLink`."""

    def heartbeat(self, *, seq: int, at_s: float, heat: bool, reset: int) -> None:
        """Say that a cycle was completed."""

    def status(self) -> ProtectiveStatus | None:
        """The newest that the protective channel said of itself."""


class RecorderLike(Protocol):
    """What the loop needs of the record: calls that only put something into memory."""

    @property
    def fault(self) -> str:
        """Why nothing is being written, or ""."""

    @property
    def free_mb(self) -> float | None:
        """MB free where it is written, or None when that could not be measured lately."""

    def sample(self, at_s: float, inputs: Inputs, outputs: Outputs, view: Mapping[str, object]) -> None:
        """Keep one sample."""

    def event(self, event: Event) -> None:
        """Keep one event."""

    def claim(self) -> None:
        """Be the record that the next start reads. Raises RecordError; may wait for the disk."""

    def close(self, *, complete: bool = True) -> None:
        """Write what is waiting and end the record; not complete: without the row that says it was ended in order."""


class Filed(RecorderLike, Protocol):
    """A record that is a file."""

    @property
    def path(self) -> Path:
        """Which."""


class Core(NamedTuple):
    """What the loop runs: a cycle of one configuration, what states say of it, its own record, and it in words."""

    cycle: CycleLike
    about: Mapping[str, object]
    recorder: RecorderLike
    text: str = ""


class SetUpsLike(Protocol):
    """What the loop needs of `setting_up.SetUps`."""

    @property
    def fault(self) -> str:
        """Why a record that was ended is not complete, or ""."""

    def take(self) -> tuple[Any, Core] | None:
        """A core that is ready, and who asked for it."""

    def retire(self, recorder: RecorderLike, *, goes_on: RecorderLike | None = None) -> None:
        """End a record; never waits. `goes_on`: the one that the next start reads in its place."""
