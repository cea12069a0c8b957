"""One thread per port. It gives every device on the line its turn, as fast as the line carries them, for ever.

A device that falls silent is asked less often and never stops the others. When the port itself is gone it is opened
again, and every session on it too. What nobody foresaw is recorded and leaves the port faulted and safe.
Not responsible for what a device is told (`commands`) or how a session goes (`slot`).
"""

from __future__ import annotations

import termios
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from controller.core.exchange import LinkFault
from controller.runtime.commands import CommandBoard
from controller.runtime.slot import DeviceSlot, LinkStatistics, MakeDevice, NoteKind
from drivers.port import Clock, Port
from drivers.roles import DeviceError

REOPEN_S = 0.5
IDLE_S = 0.02  # how long a port sleeps on which no device is due
NOTES_KEPT = 256

OpenPort = Callable[[], Port]
"""Open the line. Raises LinkLost when it is missing or in use."""


class PortNote(NamedTuple):
    """Something that happened on a port, for the record."""

    at_s: float
    kind: NoteKind
    device: str
    text: str


class PortWorker:
    """One port and its devices. `open`, then `start`, then `end`; `turn` is one step, for tests in virtual time."""

    def __init__(
        self,
        *,
        name: str,
        open_port: OpenPort,
        devices: Sequence[tuple[str, MakeDevice]],
        board: CommandBoard,
        clock: Clock,
    ) -> None:
        self.name = name
        self.notes: deque[PortNote] = deque(maxlen=NOTES_KEPT)
        self.failure = ""
        self._open_port = open_port
        self._clock = clock
        self._slots = tuple(
            DeviceSlot(name=device, make=make, board=board, clock=clock, note=self._note) for device, make in devices
        )
        self._port: Port | None = None
        self._next = 0
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def slots(self) -> tuple[DeviceSlot, ...]:
        """The devices' slots, in the order of their turns."""
        return self._slots

    @property
    def tried(self) -> bool:
        """True once every device had its first turn."""
        return bool(self.failure) or all(slot.tried for slot in self._slots)

    def open(self) -> None:
        """Open the line and make the drivers. Raises LinkLost, or ValueError for options a driver does not accept."""
        port = self._open_port()
        try:
            for slot in self._slots:
                slot.attach(port)
        except ValueError:
            port.close()
            raise
        self._port = port

    def start(self) -> None:
        """Begin to serve, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name=f"port {self.name}", daemon=False)
        self._thread.start()

    def end(self, *, timeout_s: float) -> bool:
        """Make every device safe and give the line back; wall seconds. False if the thread did not come back."""
        self._ending.set()
        if self._thread is None:
            self._finish()
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def ask_to_end(self) -> None:
        """Begin to end without waiting for it, so that several ports do so at once."""
        self._ending.set()

    def turn(self) -> float:
        """One step: a turn for one device, or an attempt to open the port. Returns how long to rest after it."""
        if self._port is None:
            return self._reopen()
        slot = self._choose()
        if slot is None:
            return IDLE_S
        try:
            slot.serve()
        except (DeviceError, OSError, termios.error) as error:
            self._lost(str(error))
            return REOPEN_S
        return 0.0

    def link_faults(self) -> list[LinkFault]:
        """Devices that do not answer as they should, now."""
        if self._thread is not None and not self._thread.is_alive() and not self._ending.is_set() and not self.failure:
            # It could not even say why, as when there is no memory.
            self.failure = f"{self.name}: its thread has ended"
            self._mark_lost(self.failure)
        return [slot.fault for slot in self._slots if slot.fault is not None]

    def statistics(self) -> list[LinkStatistics]:
        """One snapshot for each device."""
        return [slot.statistics() for slot in self._slots]

    def _run(self) -> None:
        try:
            while not self._ending.is_set():
                rest_s = self.turn()
                if rest_s > 0:
                    self._ending.wait(self._clock.wall_s(rest_s))
        except Exception as error:
            # Whatever it was, the devices on this port can no longer be trusted to be watched.
            self.failure = f"{self.name}: {type(error).__name__}: {error}"
            self._note("fault", self.name, self.failure)
        finally:
            self._finish()

    def _choose(self) -> DeviceSlot | None:
        now_s = self._clock.now()
        for slot in self._slots:
            if slot.urgent(now_s):
                return slot
        count = len(self._slots)
        for step in range(count):
            slot = self._slots[(self._next + step) % count]
            if slot.due(now_s):
                self._next = (self._next + step + 1) % count
                return slot
        return None

    def _reopen(self) -> float:
        try:
            self.open()
        except (DeviceError, OSError, termios.error) as error:
            self._mark_lost(str(error))
            return REOPEN_S
        self._note("note", self.name, f"{self.name}: port open again")
        return 0.0

    def _lost(self, text: str) -> None:
        self._close()
        self._mark_lost(text)

    def _mark_lost(self, text: str) -> None:
        for slot in self._slots:
            slot.lost(text if text.startswith(f"port {self.name}") else f"port {self.name}: {text}")

    def _finish(self) -> None:
        if self._port is not None:
            for slot in self._slots:
                self._make_safe(slot)
            self._close()
        if self.failure:
            self._mark_lost(self.failure)

    def _make_safe(self, slot: DeviceSlot) -> None:
        try:
            slot.make_safe()
        except (DeviceError, OSError, termios.error) as error:
            self._note("fault", slot.name, f"{slot.name}: could not be made safe: {error}")
        except Exception as error:
            # A driver's own mistake must not keep the devices after it from being made safe.
            self._note("fault", slot.name, f"{slot.name}: could not be made safe: {type(error).__name__}: {error}")

    def _close(self) -> None:
        if self._port is None:
            return
        try:
            self._port.close()
        except (DeviceError, OSError, termios.error) as error:
            self._note("fault", self.name, f"{self.name}: closing: {error}")
        self._port = None

    def _note(self, kind: NoteKind, device: str, text: str) -> None:
        self.notes.append(PortNote(self._clock.now(), kind, device, text))
