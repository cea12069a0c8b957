"""The KELLER bus as the transmitter hears it: F48, F69, F73, with the CRC's high byte first.

Not responsible for the measured quantities, which come from the transmitter.

Source: KELLER, Communication protocol for series 30 / X-line.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

from sim.devices.rtu import crc16
from sim.devices.twin import Reply

F48_INIT, F69_SERIAL, F73_FLOAT = 48, 69, 73
REQUEST_BYTES = {F48_INIT: 4, F69_SERIAL: 4, F73_FLOAT: 5}
ERROR_VALUE, ERROR_UNINITIALISED = 3, 32
ANY = 250  # every transmitter answers it, so it is of use with one on the bus only
CLASS, GROUP, YEAR, WEEK, BUFFER = 5, 20, 12, 28, 10
QUANTITIES = 6
SILENCE_S = 0.05
KEPT_BYTES = 64


def checked(body: bytes) -> bytes:
    """`body` and its CRC, high byte first."""
    return body + struct.pack(">H", crc16(body))


class BusServer:
    """Refuses all but F48 until it has been initialised."""

    def __init__(self, *, address: int, reply_s: float, serial: int, quantity: Callable[[int], float]) -> None:
        self._address = address
        self._reply_s = reply_s
        self._serial = serial
        self._quantity = quantity
        self._initialised = False
        self._heard = b""
        self._heard_s = 0.0

    def receive(self, data: bytes, now_s: float) -> list[Reply]:
        """Bytes in any chunks; answers to whole requests for this address or for any."""
        self.tick(now_s)
        self._heard += data
        self._heard_s = now_s
        replies: list[Reply] = []
        while (request := self._next()) is not None:
            if request[0] in (self._address, ANY):
                replies.append(Reply(self._reply_s, checked(bytes([request[0]]) + self._answer(request))))
        return replies

    def tick(self, now_s: float) -> None:
        """Drop half a request after a silence."""
        if now_s - self._heard_s > SILENCE_S:
            self._heard = b""

    def restart(self) -> None:
        """As after a power cut."""
        self._initialised = False
        self._heard = b""

    def _next(self) -> bytes | None:
        for start in range(len(self._heard) - 3):
            length = REQUEST_BYTES.get(self._heard[start + 1], 0)
            frame = self._heard[start : start + length]
            if length and len(frame) == length and checked(frame[:-2]) == frame:
                self._heard = self._heard[start + length :]
                return frame
        self._heard = self._heard[-KEPT_BYTES:]
        return None

    def _answer(self, request: bytes) -> bytes:
        function = request[1]
        if function == F48_INIT:
            again = self._initialised
            self._initialised = True
            return bytes([function, CLASS, GROUP, YEAR, WEEK, BUFFER, again])
        if not self._initialised:
            return bytes([function | 0x80, ERROR_UNINITIALISED])
        if function == F69_SERIAL:
            return bytes([function]) + struct.pack(">I", self._serial)
        if request[2] >= QUANTITIES:
            return bytes([function | 0x80, ERROR_VALUE])
        return bytes([function]) + self._value(request[2])

    def _value(self, number: int) -> bytes:
        value = self._quantity(number)
        status = 0 if math.isfinite(value) else 1 << number
        return struct.pack(">fB", value, status)
