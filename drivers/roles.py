"""What a device can do, and the values that pass between a driver and the rest.

A driver owns one device on one port. It says what it read, with time and fault, and never repeats, clamps or guesses.
Not responsible for retries, for ageing a value, or for deciding anything: the next poll is the retry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class DeviceError(Exception):
    """A device did not do what was asked; the text says which device, what was sent and what came back."""


class LinkLost(DeviceError):
    """The port itself is gone (unplugged, hung up, closed)."""


class NoReply(DeviceError):
    """Nothing, or only a part of a frame, came within the time allowed."""


class BadReply(DeviceError):
    """A reply came and is not the answer to the question: checksum, unit, function, length or syntax."""


class WrongDevice(DeviceError):
    """Another device, model or address answers than the rig file names."""


class Refused(DeviceError):
    """The device answered that it will not (exception code, NAK), or read back another value than was written."""


class Restarted(DeviceError):
    """The device lost its volatile settings since the last poll; a session has to be opened again."""


class Reading(NamedTuple):
    """One value of one channel: engineering unit of the channel's name, monotonic seconds, and a fault or None.

    With a fault the value is None: missing is never a number.
    """

    value: float | None
    at_s: float
    fault: str | None = None


class Identity(NamedTuple):
    """Who answered."""

    vendor: str
    model: str
    serial: str = ""
    firmware: str = ""


@dataclass(frozen=True, slots=True)
class PumpCommand:
    """Turn at `rpm` (0 stops). A refreshed command; not a latch."""

    rpm: float


@dataclass(frozen=True, slots=True)
class BathCommand:
    """Hold the bath at `setpoint_c`, or stop tempering when `on` is False."""

    on: bool
    setpoint_c: float


@dataclass(frozen=True, slots=True)
class PowerCommand:
    """Drive an element with `fraction` 0..1 of its rated power; `on` False opens it."""

    on: bool
    fraction: float


@dataclass(frozen=True, slots=True)
class RelayCommand:
    """Closed channels and for how long they may stay closed without another command (the lease)."""

    closed: frozenset[int]
    lease_s: float


Command = PumpCommand | BathCommand | PowerCommand | RelayCommand


class Device(Protocol):
    """What a port's worker needs of any driver. Every method may raise DeviceError."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of what `exchange` reads, with units, e.g. ("ch0_c", "ch1_c")."""

    def open_session(self) -> Identity:
        """Identify the device, put it into a known safe state, arm its comm-loss feature and read that back."""

    def confirm(self) -> None:
        """Ask cheaply who is there, after a time-out, before values are trusted again. Raises WrongDevice."""

    def exchange(self, command: Command | None) -> Mapping[str, Reading]:
        """Write the command (None: write nothing, let leases run out) and read every channel once."""

    def make_safe(self) -> None:
        """Take the energy away now; used at shut-down and on STOP, tried once."""
