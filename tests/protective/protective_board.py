"""A probe board and a relay board on one bus, in virtual time, behind the few methods of a pyserial port."""

import struct
from dataclasses import dataclass, field

from controller.protective.link import Heartbeat

CHAR_S = 10 / 9600
PROBES, RELAYS = 1, 2


@dataclass
class Clock:
    speed: float = 1.0
    now_s: float = 1000.0

    def now(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now_s += seconds


def crc(data: bytes) -> bytes:
    """Written a second time, after the manual's table-free form."""
    register = 0xFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register, carry = register >> 1, register & 1
            register ^= 0xA001 if carry else 0
    return bytes((register & 0xFF, register >> 8))


@dataclass
class Bus:
    """What hangs on the wire. `outlet_c` and `inflow_c` are channels 0 and 1."""

    clock: Clock
    words: list[int] = field(default_factory=lambda: [420, 415, 0, 0, 0, 0, 0, 0])
    reply_s: float = 0.01
    silent: set[int] = field(default_factory=set)
    deaf_s: tuple[float, float] = (0.0, 0.0)
    unanswered: set[int] = field(default_factory=set)  # frames, by their number, that are carried out without a word
    welded: bool = False
    unplugged: bool = False
    retriggers: bool = True
    late_s: float = 0.0
    closed_until_s: float = 0.0
    on: bool = False
    frames: list[tuple[float, bytes]] = field(default_factory=list)
    coming: list[tuple[float, bytes]] = field(default_factory=list)
    timeout_s: float = 0.0

    @property
    def closed(self) -> bool:
        return self.welded or self.on or self.clock.now_s < self.closed_until_s

    # --- the serial port -----------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        self._plugged()
        self.clock.sleep(len(data) * CHAR_S)
        self.frames.append((self.clock.now_s, data))
        unit = data[0]
        low, high = self.deaf_s
        if unit in self.silent or low <= self.clock.now_s < high or crc(data[:-2]) != data[-2:]:
            return
        body = self._probe_reply(data) if unit == PROBES else self._relay_reply(data) if unit == RELAYS else None
        if body is not None and len(self.frames) - 1 not in self.unanswered:
            self.coming.append((self.clock.now_s + self.reply_s + self.late_s, body + crc(body)))

    def read(self, size: int) -> bytes:
        self._plugged()
        # The time-out was set for request and reply; the request has already taken its time here.
        until_s = self.clock.now_s + self.timeout_s - 8 * CHAR_S
        received = b""
        while len(received) < size and self.coming and self.coming[0][0] + len(self.coming[0][1]) * CHAR_S <= until_s:
            at_s, data = self.coming.pop(0)
            self.clock.now_s = max(self.clock.now_s, at_s + len(data) * CHAR_S)
            received += data
        if len(received) < size:
            self.clock.now_s = until_s
        if len(received) > size:
            self.coming.insert(0, (self.clock.now_s, received[size:]))
        return received[:size]

    @property
    def in_waiting(self) -> int:
        return sum(len(data) for at_s, data in self.coming if at_s <= self.clock.now_s)

    def reset_input_buffer(self) -> None:
        self._plugged()
        self.coming = [item for item in self.coming if item[0] > self.clock.now_s]

    def close(self) -> None:
        self.coming.clear()

    def _plugged(self) -> None:
        if self.unplugged:
            raise OSError(5, "Input/output error")

    # --- the boards ----------------------------------------------------------------------------------------------

    def _probe_reply(self, data: bytes) -> bytes:
        unit, function, address, count = struct.unpack(">BBHH", data[:-2])
        assert function == 3
        return struct.pack(">BBB", unit, 3, 2 * count) + struct.pack(
            f">{count}H", *self.words[address : address + count]
        )

    def _relay_reply(self, data: bytes) -> bytes:
        unit, function, address, value = struct.unpack(">BBHH", data[:-2])
        if function == 1:
            return bytes((unit, 1, 1, int(self.closed)))
        assert function == 5
        if address == 0x0200:
            if self.retriggers or not self.closed:
                self.closed_until_s = self.clock.now_s + value / 10
        elif value == 0:
            self.on, self.closed_until_s = False, 0.0
        return data[:-2]

    def opening_frames(self) -> list[float]:
        """When each frame that opens the contactor was wholly on the wire."""
        return [at_s for at_s, data in self.frames if data[:6] == bytes((RELAYS, 5, 0, 0, 0, 0))]


@dataclass
class FakeLink:
    """Control's side in memory: a heartbeat every 0.1 s while `beating`."""

    clock: Clock
    heat: bool = False
    reset: int = 0
    beating: bool = True
    seq: int = 0
    last_at_s: float = 0.0
    statuses: list[dict[str, object]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def hear(self) -> Heartbeat | None:
        if not self.beating or self.clock.now_s - self.last_at_s < 0.1:
            return None
        self.seq, self.last_at_s = self.seq + 1, self.clock.now_s
        return Heartbeat(self.seq, self.last_at_s, self.heat, self.reset)

    def report(self, status: dict[str, object]) -> None:
        self.statuses.append(status)

    def say(self, text: str) -> None:
        self.lines.append(text)
