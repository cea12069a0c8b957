"""Twin of the ultrasonic flow and bubble sensor: integrates volume, keeps the biggest bubble until it is asked.

Options: `reply_ms` (5), `sim_ident` (text in the identification). An open circuit is NaN with the flow-error bit, or
FF with the bubble-error bit. Not responsible for noise: what is wired in has it already.

Source: frames of a public organ-perfusion machine's driver; what it does not show (answers to ping and reset, the
identification's layout) is the plainest guess and used by no driver.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

from sim.devices.twin import Reply, Twin, Wiring

PING, RESTART, RESET_VOLUME, ZERO, IDENT, VALUES = 0x29, 0x16, 0x39, 0x33, 0x25, 0x3F
ID_FLOW_UL_S, ID_FLOW_ML_MIN, ID_VOLUME_UL, ID_BUBBLE = 0x81, 0x82, 0x8B, 0x2A
ASK_HEAD = bytes([0x0B, 0x00, 0x01])
IDENT_BYTES = 85
SHORTEST, LONGEST = 5, 64
BIT_BUBBLE_ALARM, BIT_BUBBLE_ERROR, BIT_FLOW_ERROR = 0x01, 0x10, 0x20
ALARM_TENTHS, LARGEST_TENTHS, NO_BUBBLE_VALUE = 50, 100, 0xFF
SILENCE_S = 0.05

Feel = Callable[[], float | None]


def check6(data: bytes) -> int:
    """Six-bit check over a frame without its last byte."""
    value = data[0]
    for byte in data[1:]:
        value ^= byte
        carry = value & 0x80
        value = value << 1 & 0xFF
        if carry:
            value ^= 0xD4
    return value & 0x3F


class FlowBubbleSensor:
    """Volume and the biggest bubble are volatile."""

    def __init__(self, *, address: int, flow_lpm: Feel, bubble_mm: Feel, ident: str, reply_s: float) -> None:
        self.volume_ml = 0.0
        self._first = 0xF0 + address
        self._flow_lpm = flow_lpm
        self._bubble_mm = bubble_mm
        self._ident = ident
        self._reply_s = reply_s
        self._biggest: float | None = 0.0  # None: the detector failed since the last request
        self._ticked_s: float | None = None
        self._heard = b""
        self._heard_s = 0.0

    def receive(self, data: bytes, now_s: float) -> list[Reply]:
        """Bytes in any chunks; answers to whole frames for this address."""
        self.tick(now_s)
        self._heard += data
        self._heard_s = now_s
        replies: list[Reply] = []
        while (request := self._next()) is not None:
            answer = self._answer(request[3], request[4:-1], now_s)
            if answer is not None:
                replies.append(Reply(self._reply_s, answer))
        return replies

    def tick(self, now_s: float) -> None:
        """Integrate the flow, watch for bubbles, drop half a frame after a silence."""
        if now_s - self._heard_s > SILENCE_S:
            self._heard = b""
        flow_lpm = self._flow_lpm()
        if self._ticked_s is not None and flow_lpm is not None and math.isfinite(flow_lpm):
            self.volume_ml += flow_lpm * 1000.0 / 60.0 * (now_s - self._ticked_s)
        self._ticked_s = now_s
        self._watch()

    def power_cycle(self, now_s: float) -> None:
        """Volume and bubble are forgotten."""
        self.volume_ml = 0.0
        self._biggest = 0.0
        self._heard = b""
        self._ticked_s = now_s

    def _watch(self) -> None:
        bubble_mm = self._bubble_mm()
        if bubble_mm is None or not math.isfinite(bubble_mm):
            self._biggest = None
        elif self._biggest is not None:
            self._biggest = max(self._biggest, bubble_mm)

    def _next(self) -> bytes | None:
        for start in range(len(self._heard) - SHORTEST + 1):
            if self._heard[start] != self._first:
                continue
            size = self._heard[start + 1] << 8 | self._heard[start + 2]
            request = self._heard[start : start + size]
            if SHORTEST <= size <= LONGEST and len(request) == size and check6(request[:-1]) == request[-1]:
                self._heard = self._heard[start + size :]
                return request
        self._heard = self._heard[-LONGEST:]
        return None

    def _answer(self, command: int, data: bytes, now_s: float) -> bytes | None:
        if command == VALUES:
            return self._values(data)
        if command == IDENT:
            return self._frame(command, self._ident.encode("ascii").ljust(IDENT_BYTES - SHORTEST, b"\x00"))
        if command == RESTART:
            self.power_cycle(now_s)
        elif command == RESET_VOLUME:
            self.volume_ml = 0.0
        elif command not in (PING, ZERO):
            return None
        return self._frame(command)

    def _values(self, data: bytes) -> bytes | None:
        """Each id and its value in four bytes; nothing for a question that the source does not show."""
        if not data.startswith(ASK_HEAD):
            return None
        flow_lpm = self._flow_lpm()
        measured = flow_lpm is not None and math.isfinite(flow_lpm)
        ml_min = flow_lpm * 1000.0 if measured and flow_lpm is not None else math.nan
        tenths = NO_BUBBLE_VALUE if self._biggest is None else min(LARGEST_TENTHS, round(self._biggest * 10))
        slots = {
            ID_FLOW_UL_S: struct.pack("<f", ml_min * 1000.0 / 60.0),
            ID_FLOW_ML_MIN: struct.pack("<f", ml_min),
            ID_VOLUME_UL: struct.pack("<f", self.volume_ml * 1000.0),
            ID_BUBBLE: bytes([tenths, 0, 0, 0]),
        }
        asked = data[len(ASK_HEAD) :]
        if any(each not in slots for each in asked):
            return None
        if ID_BUBBLE in asked:
            self._biggest = 0.0
            self._watch()
        status = bytes([0x00, _status(tenths, measured), 0x00])
        return self._frame(VALUES, status + b"".join(bytes([each]) + slots[each] for each in asked))

    def _frame(self, command: int, data: bytes = b"") -> bytes:
        size = SHORTEST + len(data)
        body = bytes([self._first, size >> 8, size & 0xFF, command]) + data
        return body + bytes([check6(body)])


def _status(tenths: int, measured: bool) -> int:
    status = 0 if measured else BIT_FLOW_ERROR
    if tenths == NO_BUBBLE_VALUE:
        return status | BIT_BUBBLE_ERROR
    return status | (BIT_BUBBLE_ALARM if tenths >= ALARM_TENTHS else 0)


def make_twin(wiring: Wiring) -> Twin:
    """With nothing wired to it the sensor sits on a full, still tube."""
    options = wiring.options
    return FlowBubbleSensor(
        address=wiring.address,
        flow_lpm=wiring.inputs.get("flow_lpm", lambda: 0.0),
        bubble_mm=wiring.inputs.get("bubble_mm", lambda: 0.0),
        ident=str(options.get("sim_ident", f"FLOW+BUBBLE SN{wiring.address:06d}")),
        reply_s=float(options.get("reply_ms", 5.0)) / 1000,
    )
