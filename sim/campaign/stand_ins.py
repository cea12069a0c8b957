"""What stands between the shipped parts of the byte engine and its virtual time: a cycle that begins in the middle,
datagrams without sockets, a disk that can be full, the life of a port's thread.

Not responsible for time itself (`lockstep`) or for the order of things (`byte_engine`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from controller.core.cycle import Cycle
from controller.core.exchange import Event, Inputs, Outputs, ProtectiveStatus
from controller.core.restart import Restored
from controller.core.state import CycleState
from controller.protective import link as protective_link
from controller.protective.loop import Loop
from controller.records.header import Started
from controller.records.memory import MemoryRecord
from controller.runtime.ports import PortWorker
from controller.runtime.protective_link import StatusReader
from sim.campaign.lockstep import Lockstep
from sim.hosts import HostState

MOTIONLESS = 1e-9
NOTHING = Restored()


class SeatedCycle:
    """The shipped cycle, begun in the middle: it holds what it is given until `seated_s`, and goes on from there."""

    def __init__(self, *, cycle: Cycle, state: CycleState, seated_s: float) -> None:
        self.state = state
        self.before = state
        self.inputs = Inputs({})
        self.outputs = state.outputs
        self.events: tuple[Event, ...] = ()
        self.cycled = False
        self._cycle = cycle
        self._seated_s = seated_s
        self._permitted = False

    def initial(self, now_s: float, restored: Restored = NOTHING) -> CycleState:
        """Where it was."""
        return self.state

    def step(self, state: CycleState, inputs: Inputs, now_s: float) -> tuple[CycleState, Outputs, tuple[Event, ...]]:
        """One cycle; before it is seated, the same outputs again, with heat as soon as the second channel permits."""
        self.before, self.inputs, self.cycled = state, inputs, True
        if now_s <= self._seated_s + MOTIONLESS:
            self._permitted |= inputs.protective is not None and inputs.protective.permit
            held = state.outputs._replace(heat_on=state.outputs.heat_on and self._permitted)
            self.outputs, self.events = held, ()
            return state, held, ()
        self.state, self.outputs, self.events = self._cycle.step(state, inputs, now_s)
        return self.state, self.outputs, self.events

    def view(self, state: CycleState) -> Mapping[str, object]:
        """What people are shown."""
        return self._cycle.view(state)

    def in_the_way(self, state: CycleState) -> str:
        """Why it may not be set up anew."""
        return self._cycle.in_the_way(state)

    def passed_on(self, state: CycleState) -> Restored:
        """What another would be told."""
        return self._cycle.passed_on(state)


class SeatedGuard(Loop):
    """The shipped protective loop, begun in the middle: what it let in before it was seated, it goes on letting in."""

    def go_on(self) -> None:
        """A cold start would hold warm fluid back that has been flowing, and the line would be found open."""
        self._state = self._state._replace(free=True)


class Datagrams:
    """Heartbeats and status between the two loops, in the bytes that the sockets would carry."""

    def __init__(self) -> None:
        self.said: ProtectiveStatus | None = None
        self._read = StatusReader()
        self._beat: bytes | None = None

    def heartbeat(self, *, seq: int, at_s: float, heat: bool, reset: int) -> None:
        """Control has completed a cycle."""
        self._beat = json.dumps({"seq": seq, "at": at_s, "heat": heat, "reset": reset}, allow_nan=False).encode()

    def status(self) -> ProtectiveStatus | None:
        """The newest that was said."""
        return self.said

    def hear(self) -> protective_link.Heartbeat | None:
        """The newest heartbeat that waits."""
        beat, self._beat = self._beat, None
        return None if beat is None else protective_link.parse(beat)

    def report(self, status: dict[str, Any]) -> None:
        """The protective channel says how it stands."""
        self.said = self._read(json.dumps(status, allow_nan=False).encode())

    def say(self, text: str) -> None:
        """A log line of the protective channel; nobody reads it here."""


class FakeDisk(MemoryRecord):
    """A record in memory on a disk that can be full."""

    def __init__(self, *, started: Started, host: HostState) -> None:
        super().__init__(started=started)
        self._host = host

    @property
    def fault(self) -> str:
        """Why nothing is written, or ""."""
        return self._host.recorder

    @property
    def free_mb(self) -> float:
        """What is left on it."""
        return self._host.disk_free_mb


def serving(worker: PortWorker, clock: Lockstep) -> Callable[[], None]:
    """The life of a port's thread: `PortWorker.turn` for ever, as its own `_run` does."""

    def live() -> None:
        while True:
            rest_s = worker.turn()
            if rest_s > 0.0:
                clock.sleep(rest_s)

    return live
