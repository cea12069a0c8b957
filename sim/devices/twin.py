"""What the wire needs of every twin: bytes in, delayed bytes out, and timers in simulated time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from config.schema import Register
from sim.terminals import Terminals


class Reply(NamedTuple):
    """Bytes that the device sends `delay_s` simulated seconds after the last byte of the question."""

    delay_s: float
    data: bytes


class Twin(Protocol):
    """One simulated device. All twins of a bus hear every byte; only the one addressed answers."""

    def receive(self, data: bytes, now_s: float) -> list[Reply]:
        """Take the bytes that came at `now_s` (simulated seconds); return what it answers."""

    def tick(self, now_s: float) -> None:
        """Let its timers run out (watchdogs, leases)."""

    def power_cycle(self, now_s: float) -> None:
        """Lose every volatile setting, as after a brown-out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What a twin is wired to. `inputs` by the driver's channel name give the raw value in that channel's unit:
    None is an open circuit, sim.terminals.SHORT a short. `outputs` by relay channel number set a terminal.
    """

    address: int
    options: Mapping[str, bool | int | float | str]
    terminals: Terminals
    inputs: Mapping[str, Callable[[], float | None]]
    outputs: Mapping[int, Callable[[bool], None]]
    registers: tuple[Register, ...] = ()
    echo: bool = False
    """The port's adapter (or the drive itself) repeats what it hears; set from the rig's port."""


MakeTwin = Callable[[Wiring], Twin]
