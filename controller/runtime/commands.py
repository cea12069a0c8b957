"""The board on which the loop pins its newest commands, and from which each port's thread takes them.

A command is worth nothing by itself: it has to be refreshed. What is older than FRESH_S is not sent again, and what is
older than HEAT_EXPIRY_S makes the device safe. A STOP that the loop has not carried out yet outranks every command.
Not responsible for turning outputs into commands (`bench`) or for sending them (`slot`).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import NamedTuple

from config.schema import HEAT_EXPIRY_S
from drivers.roles import BathCommand, Command, PowerCommand, PumpCommand, RelayCommand

FRESH_S = 0.3  # three cycles of the loop; older commands are not refreshed, so the devices' own leases run out


class Published(NamedTuple):
    """Commands by device name, and the time of the completed cycle that wanted them."""

    at_s: float
    commands: Mapping[str, Command]


class Asked(NamedTuple):
    """What a device is to be told now. `expired` says that the loop has been silent for longer than heat may live."""

    command: Command | None
    expired: bool = False


class StopFlag:
    """STOP, seen by every thread at once, and pending until the loop has published what it decided after it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.requested = 0
        self.handled = 0

    @property
    def pending(self) -> bool:
        """True from the request until a cycle that knew of it has published its outputs."""
        return self.requested != self.handled

    def request(self) -> None:
        """Ask for a STOP. May be called by any thread, at any time; needs no queue."""
        with self._lock:
            self.requested += 1


class CommandBoard:
    """One writer (the loop), many readers (the ports' threads); replaced whole, so that no lock is needed."""

    def __init__(self, *, safe: Mapping[str, Command], stop: StopFlag) -> None:
        self._safe = safe
        self._stop = stop
        self._newest: Published | None = None

    def publish(self, commands: Mapping[str, Command], now_s: float) -> None:
        """Replace all commands; `now_s` is the time of the cycle that decided them."""
        self._newest = Published(now_s, commands)

    def ask(self, device: str, now_s: float) -> Asked:
        """What `device` is to be told at `now_s`: nothing at all before the first cycle has completed."""
        if self._stop.pending:
            return Asked(self._safe.get(device))
        newest = self._newest
        if newest is None:
            return Asked(None)
        age_s = now_s - newest.at_s
        if age_s <= FRESH_S:
            return Asked(newest.commands.get(device))
        return Asked(None, expired=not (age_s <= HEAT_EXPIRY_S))


def withdraws(before: Command | None, after: Command | None) -> bool:
    """True if `after` takes energy away that `before` gave. Such a command does not wait for its turn on the bus."""
    if isinstance(before, BathCommand | PowerCommand) and isinstance(after, BathCommand | PowerCommand):
        return before.on and not after.on
    if isinstance(before, PumpCommand) and isinstance(after, PumpCommand):
        return before.rpm != 0 and after.rpm == 0
    if isinstance(before, RelayCommand) and isinstance(after, RelayCommand):
        return bool(before.closed - after.closed)
    return False
