"""One half-duplex line in simulated time: twins on it, bytes that take their time, echo, and bent replies.

Pure: bytes come in with a time, bytes come out when they are due, so that the same bus is tested in virtual time and
served on a real line by `sim.wire`. Not responsible for ports or for what the bytes mean.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from sim.devices.twin import Twin
from sim.links import LinkState

CHUNK = 16
"""Characters of a reply that are handed over together, as a UART's FIFO does."""
BABBLE_CHAR_S = 1e-3
"""A babbler takes at least that long for a character, so that a fast line does not eat the simulator's time."""


@dataclass(slots=True, kw_only=True)
class Station:
    """A device on a line: its name in the rig, its twin, and the state of its link."""

    name: str
    twin: Twin
    link: LinkState = field(default_factory=LinkState)
    power_cycles_done: int = 0


class _Event(NamedTuple):
    at_s: float
    order: int
    to_host: bool
    data: bytes
    begun_s: float


class Bus:
    """What is said on one line. `char_s` is the time of one character, 0 when a real UART takes it.

    With `echo` the adapter gives the host its own bytes back, unless a twin says (`echoes`) that it does so itself.
    """

    def __init__(
        self, *, name: str, stations: Sequence[Station], char_s: float, echo: bool = False, seed: int = 0
    ) -> None:
        self.name = name
        self.stations = tuple(stations)
        self.char_s = char_s
        self.collisions = 0
        self.questions = 0
        self._echo = echo and not any(getattr(station.twin, "echoes", False) for station in stations)
        self._rng = Random(seed)
        self._events: list[_Event] = []
        self._order = itertools.count()
        self._heard_until_s = -math.inf
        self._spoken: list[tuple[float, float]] = []
        self._babbled_s = -math.inf

    @property
    def due_s(self) -> float:
        """When `advance` has next something to do; infinity when nothing is under way."""
        return self._events[0].at_s if self._events else math.inf

    @property
    def unplugged(self) -> bool:
        """The port itself is gone."""
        return any(station.link.unplugged for station in self.stations)

    def hear(self, data: bytes, now_s: float) -> None:
        """Take bytes that the host began to send at `now_s`."""
        begun_s = max(now_s, self._heard_until_s)
        self._heard_until_s = begun_s + len(data) * self.char_s
        self._push(self._heard_until_s, False, data, begun_s)
        if self._echo:
            self._push(self._heard_until_s, True, data, begun_s)

    def advance(self, now_s: float) -> bytes:
        """Let everything due by `now_s` happen; return the bytes that reach the host, in order."""
        self._babble(now_s)
        out = b""
        while self._events and self._events[0].at_s <= now_s:
            event = heapq.heappop(self._events)
            if event.to_host:
                out += event.data
            else:
                self._deliver(event)
        return out

    def tick(self, now_s: float) -> None:
        """Let the twins' timers run, and brown-outs happen."""
        for station in self.stations:
            while station.power_cycles_done < station.link.power_cycles:
                station.power_cycles_done += 1
                station.twin.power_cycle(now_s)
            station.twin.tick(now_s)

    def drop(self) -> None:
        """Forget what is on its way: the line was cut."""
        self._events.clear()
        self._spoken.clear()
        self._heard_until_s = -math.inf

    def _deliver(self, event: _Event) -> None:
        if self._collides(event.begun_s, event.at_s):
            self.collisions += 1
            return
        self.questions += 1
        for station in self.stations:
            if station.link.deaf:
                continue
            station.twin.tick(event.at_s)
            for reply in station.twin.receive(event.data, event.at_s):
                data = station.link.bend(reply.data, self._rng)
                self._speak(data, event.at_s + reply.delay_s + station.link.extra_delay_s)

    def _speak(self, data: bytes, from_s: float) -> None:
        if not data:
            return
        begun_s = max([from_s, *(end_s for _, end_s in self._spoken)])
        self._spoken.append((begun_s, begun_s + len(data) * self.char_s))
        for start in range(0, len(data), CHUNK):
            piece = data[start : start + CHUNK]
            self._push(begun_s + (start + len(piece)) * self.char_s, True, piece, begun_s)

    def _collides(self, begun_s: float, end_s: float) -> bool:
        """Whether a device was speaking meanwhile: then nobody could listen (half duplex)."""
        self._spoken = [span for span in self._spoken if span[1] > begun_s]
        return any(spoken_s < end_s for spoken_s, _ in self._spoken)

    def _babble(self, now_s: float) -> None:
        if any(station.link.babble and not station.link.deaf for station in self.stations):
            self._spoken = [span for span in self._spoken if span[1] > now_s]
            if not self._spoken and now_s >= self._babbled_s + CHUNK * BABBLE_CHAR_S:
                self._babbled_s = now_s
                self._speak(self._rng.randbytes(CHUNK), now_s)

    def _push(self, at_s: float, to_host: bool, data: bytes, begun_s: float) -> None:
        heapq.heappush(self._events, _Event(at_s, next(self._order), to_host, data, begun_s))
