"""A line in memory between a driver and twins, in virtual time: the fast way to test both ends of a protocol.

It has the shape of a serial line (write, read, discard, close) and paces bytes like one.
Not responsible for wire faults; `sim.wire` bends bytes on real lines.
"""

from __future__ import annotations

from collections.abc import Sequence

from sim.devices.twin import Twin


class VirtualClock:
    """Seconds that pass only when somebody waits."""

    def __init__(self, start_s: float = 1000.0) -> None:
        self._now_s = start_s

    def now(self) -> float:
        """Seconds since some beginning."""
        return self._now_s

    def sleep(self, seconds: float) -> None:
        """Let that much time pass at once."""
        self._now_s += max(0.0, seconds)

    def wall_s(self, seconds: float) -> float:
        """Virtual seconds are asked for as they are."""
        return seconds


class MemoryLine:
    """Twins on one bus. `sent` and `received` keep the traffic for assertions."""

    def __init__(self, *, twins: Sequence[Twin], clock: VirtualClock, char_s: float = 10 / 9600) -> None:
        self.sent: list[bytes] = []
        self.unplugged = False
        self._twins = twins
        self._clock = clock
        self._char_s = char_s
        self._coming: list[tuple[float, bytes]] = []

    def write(self, data: bytes) -> None:
        """Give the bytes to every twin; answers come after their delay."""
        self._alive()
        self.sent.append(data)
        arrives_s = self._clock.now() + len(data) * self._char_s
        for twin in self._twins:
            twin.tick(arrives_s)
            for reply in twin.receive(data, arrives_s):
                self._coming.append((arrives_s + reply.delay_s + len(reply.data) * self._char_s, reply.data))
        self._coming.sort(key=lambda item: item[0])

    def read(self, size: int, timeout_s: float) -> bytes:
        """Advance the clock to the next arrival, or by the time-out."""
        self._alive()
        until_s = self._clock.now() + timeout_s
        if not self._coming or self._coming[0][0] > until_s:
            self._clock.sleep(timeout_s)
            return b""
        at_s, data = self._coming.pop(0)
        self._clock.sleep(at_s - self._clock.now())
        if len(data) > size:
            self._coming.insert(0, (at_s, data[size:]))
        return data[:size]

    def discard(self) -> None:
        """Throw away what has arrived by now."""
        self._alive()
        self._coming = [item for item in self._coming if item[0] > self._clock.now()]

    def close(self) -> None:
        """Nothing to give back."""

    def _alive(self) -> None:
        if self.unplugged:
            raise OSError("unplugged")
