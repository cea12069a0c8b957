"""One device on a port: its session, its newest readings, its fault, its statistics. Used by the port's thread only;
other threads look at `readings`, `fault` and `statistics()`, which are replaced whole and never changed in place.

    CLOSED --open_session--> OPEN --NoReply, BadReply--> SUSPECT --confirm--> OPEN
    OPEN, SUSPECT --Restarted, LinkLost--> CLOSED      any --WrongDevice--> CLOSED, and when it is found again in the
    next session: WRONG (until the program is restarted)

Not responsible for whose turn it is (`ports`) or for ageing values (`controller.core.sensing`).
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from controller.core.exchange import LinkFault
from controller.runtime.commands import CommandBoard, withdraws
from drivers.allow_list import in_words
from drivers.port import Clock, Port
from drivers.roles import (
    BadReply,
    Command,
    Device,
    DeviceError,
    LinkLost,
    NoReply,
    Reading,
    Refused,
    Restarted,
    WrongDevice,
)

PATIENCE = 2  # failures in a row that are retried at the next turn; after that a silent device pays RETRY_S
RETRY_S = 1.0
# A reply that is seconds late can stand in the place of an identity: who answers is asked again after a silence.
WRONG_SURE = 2
# A lost session stays a fault for so long that the cycle trips (1.0 s) however quickly the device came back: it has
# dropped what it was told, and only a person brings heat back.
STANDS_S = 1.5
PLAINLY: Mapping[type[DeviceError], str] = {
    NoReply: "does not answer",
    BadReply: "its answers cannot be read",
}
"""For people at the bedside; the record and the statistics have every byte."""

MakeDevice = Callable[[Port], Device]
NoteKind = Literal["fault", "note"]
Note = Callable[[NoteKind, str, str], None]
"""(kind, device, text) for the record."""


class SlotState(enum.Enum):
    """Whether values of the device may be trusted."""

    CLOSED = "closed"
    OPEN = "open"
    SUSPECT = "suspect"
    WRONG = "wrong device"


class LinkStatistics(NamedTuple):
    """How the link to one device does. Latencies are whole exchanges, in the clock's seconds."""

    device: str
    state: str
    exchanges: int
    errors: int
    latency_s: float
    latency_max_s: float
    rate_hz: float
    fault: str
    identity: str = ""


class DeviceSlot:
    """Serve one device; one call of `serve` is one turn on the bus."""

    def __init__(self, *, name: str, make: MakeDevice, board: CommandBoard, clock: Clock, note: Note) -> None:
        self.name = name
        self.readings: Mapping[str, Reading] = {}
        self.fault: LinkFault | None = LinkFault(name, clock.now(), "no session yet")
        self.tried = False
        self.identity = ""
        self.next_try_s = 0.0
        self._make = make
        self._board = board
        self._clock = clock
        self._note = note
        self._device: Device | None = None
        self._port: Port | None = None
        self._wrong = 0
        self._said = "no session yet"  # of the fault, in full
        self._state = SlotState.CLOSED
        self._told: Command | None = None
        self._made_safe = False
        self._failures = 0
        self._had_session = False
        self._stands_until_s = 0.0
        self._exchanges = 0
        self._errors = 0
        self._latency_s = 0.0
        self._latency_max_s = 0.0
        self._began_s = 0.0
        self._period_s = 0.0

    @property
    def state(self) -> SlotState:
        """Where in its session the device is."""
        return self._state

    @property
    def channels(self) -> tuple[str, ...]:
        """What the device can be read for; empty before the port was opened."""
        return self._device.channels if self._device else ()

    def attach(self, port: Port) -> None:
        """Take a newly opened port. Raises ValueError for options that the driver does not accept."""
        self._device, self._port = self._make(port), port
        self._close_session()

    def due(self, now_s: float) -> bool:
        """May it have a turn now?"""
        return self._state is not SlotState.WRONG and now_s >= self.next_try_s

    def urgent(self, now_s: float) -> bool:
        """Is there energy to take away from it? Then it goes first."""
        return self._state is SlotState.OPEN and withdraws(self._told, self._board.ask(self.name, now_s).command)

    def serve(self) -> None:
        """One turn: open the session, or (confirm and) exchange. Raises LinkLost and OSError: the port is gone."""
        device = self._attached()
        self.tried = True
        began_s = self._clock.now()
        try:
            if self._state is SlotState.CLOSED:
                self._open(device)
                return
            if self._state is SlotState.SUSPECT:
                device.confirm()
                self._state = SlotState.OPEN
            self._exchange(device)
        except (NoReply, BadReply) as error:
            self._failed(error, SlotState.CLOSED if self._state is SlotState.CLOSED else SlotState.SUSPECT)
        except Refused as error:
            self._failed(error, self._state)
        except Restarted as error:
            self._failed(error, SlotState.CLOSED)
            self._void(str(error))
        except WrongDevice as error:
            self._found_wrong(error)
        else:
            self._succeeded(began_s)

    def lost(self, text: str) -> None:
        """The port is gone: no value of this device counts, and a session has to be opened again."""
        self._failed(LinkLost(text), SlotState.WRONG if self._state is SlotState.WRONG else SlotState.CLOSED)
        self._void(text)
        self._failures = 0

    def make_safe(self) -> None:
        """Take the energy away, tried once. Raises DeviceError or OSError if that did not work."""
        if self._state in (SlotState.OPEN, SlotState.SUSPECT):
            self._told = None
            self._attached().make_safe()

    def statistics(self) -> LinkStatistics:
        """A snapshot."""
        rate_hz = 1.0 / self._period_s if self._period_s > 0 else 0.0
        fault = self._said if self.fault else ""
        return LinkStatistics(
            self.name,
            self._state.value,
            self._exchanges,
            self._errors,
            self._latency_s,
            self._latency_max_s,
            rate_hz,
            fault,
            self.identity,
        )

    def _attached(self) -> Device:
        if self._device is None:
            raise LinkLost(f"{self.name}: its port is not open")
        return self._device

    def _open(self, device: Device) -> None:
        identity = device.open_session()
        self._state = SlotState.OPEN
        if self._had_session and self.fault is not None:
            self._stands_until_s = self.fault.since_s + STANDS_S
        self._had_session = True
        self._told = None
        self._made_safe = False
        self._began_s = 0.0
        self.identity = in_words(identity)
        self._note("note", self.name, f"{self.name}: session open with {self.identity}")

    def _exchange(self, device: Device) -> None:
        command, expired = self._board.ask(self.name, self._clock.now())
        if expired and not self._made_safe:
            self._made_safe = True  # before the attempt: it is tried once, the device's own lease does the rest
            self._told = None
            self._note("fault", self.name, f"{self.name}: no fresh command, made safe")
            device.make_safe()
        if command is not None:
            self._made_safe = False
            # Noted before it is sent: a reply that is lost may well belong to a command that was carried out.
            self._told = command
        self.readings = device.exchange(command)

    def _succeeded(self, began_s: float) -> None:
        self._exchanges += 1
        self._wrong = 0
        if self._failures:
            self._note("note", self.name, f"{self.name}: answers again")
        self._failures = 0
        self.next_try_s = 0.0
        if self._clock.now() >= self._stands_until_s:
            self.fault = None
        self._latency_s = self._clock.now() - began_s
        self._latency_max_s = max(self._latency_max_s, self._latency_s)
        if self._began_s:
            apart_s = began_s - self._began_s
            self._period_s += (apart_s - self._period_s) * (0.05 if self._period_s else 1.0)
        self._began_s = began_s

    def _failed(self, error: DeviceError, state: SlotState) -> None:
        now_s = self._clock.now()
        self._errors += 1
        self._failures += 1
        self._state = state
        said = str(error).removeprefix(f"{self.name}: ")
        if self.fault is None or self._said != said:
            self._note("fault", self.name, f"{type(error).__name__}: {self.name}: {said}")
        self._said = said
        since_s = now_s if self.fault is None else self.fault.since_s
        self.fault = LinkFault(self.name, since_s, PLAINLY.get(type(error), said), wrong=state is SlotState.WRONG)
        if self._failures > PATIENCE and state is not SlotState.OPEN:
            self.next_try_s = now_s + RETRY_S

    def _void(self, text: str) -> None:
        now_s = self._clock.now()
        self._told = None
        self.readings = {channel: Reading(None, now_s, text) for channel in self.channels}

    def _found_wrong(self, error: WrongDevice) -> None:
        self._wrong += 1
        self._failed(error, SlotState.WRONG if self._wrong >= WRONG_SURE else SlotState.CLOSED)
        self._void(str(error))
        if self._port is not None:
            self._port.distrust()

    def _close_session(self) -> None:
        if self._state is not SlotState.WRONG:
            self._state = SlotState.CLOSED
        self.next_try_s = 0.0
        self._failures = 0
