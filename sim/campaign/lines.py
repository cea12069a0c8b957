"""Both ends of a simulated line in one process: the shipped drivers and the protective master on a bus of twins.

Every wait is a sleep of the lockstep's clock, so a frame takes the time that it takes. Not responsible for what is on
the bus (`sim.bus`) or for who opens it.
"""

from __future__ import annotations

from sim.bus import Bus
from sim.campaign.lockstep import Lockstep

BABBLE_S = 0.016  # a babbler is not announced: look that often


class BusLine:
    """A line as `drivers.port` wants it."""

    def __init__(self, bus: Bus, clock: Lockstep) -> None:
        self._bus, self._clock = bus, clock
        self._come = b""

    def write(self, data: bytes) -> None:
        """Send all of it. Raises OSError when the port is gone."""
        self._alive()
        self._bus.hear(data, self._clock.now())

    def read(self, size: int, timeout_s: float) -> bytes:
        """At most `size` bytes, as soon as there are any; none after `timeout_s`."""
        until_s = self._clock.now() + timeout_s
        while not self._gather():
            left_s = until_s - self._clock.now()
            if left_s <= 0.0:
                return b""
            due_s = self._bus.due_s - self._clock.now()
            babbled = any(station.link.babble for station in self._bus.stations)
            self._clock.sleep(min(left_s, due_s, BABBLE_S) if babbled else min(left_s, due_s))
        data, self._come = self._come[:size], self._come[size:]
        return data

    def discard(self) -> None:
        """Throw away what has come."""
        self._gather()
        self._come = b""

    def waiting(self) -> int:
        """How much has come and was not read."""
        self._gather()
        return len(self._come)

    def close(self) -> None:
        """Nothing to give back."""

    def _gather(self) -> bool:
        self._alive()
        self._come += self._bus.advance(self._clock.now())
        return bool(self._come)

    def _alive(self) -> None:
        if self._bus.unplugged:
            raise OSError("no such device: unplugged")


class SerialPort:
    """A line with the few calls of pyserial that the protective master makes."""

    def __init__(self, bus: Bus, clock: Lockstep, timeout_s: float) -> None:
        self._line = BusLine(bus, clock)
        self._bus, self._clock, self._timeout_s = bus, clock, timeout_s
        self._line.discard()

    @property
    def in_waiting(self) -> int:
        """How much has come and was not read."""
        return self._line.waiting()

    def reset_input_buffer(self) -> None:
        """Throw away what has come."""
        self._line.discard()

    def write(self, data: bytes) -> int:
        """Send all of it."""
        self._line.write(data)
        return len(data)

    def read(self, length: int) -> bytes:
        """`length` bytes, or what came of them within the time-out."""
        until_s = self._clock.now() + self._timeout_s
        data = b""
        while len(data) < length and self._clock.now() < until_s:
            data += self._line.read(length - len(data), until_s - self._clock.now())
        return data

    def close(self) -> None:
        """Nothing to give back."""
