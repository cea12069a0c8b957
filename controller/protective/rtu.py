"""Modbus RTU master after modbus.org's "over serial line" V1.02, 2.5: three requests, strict replies, one at a time.

RTU has no transaction number: after a reply that was missing or wrong the line is kept silent and then flushed, so
that a late answer is never taken for the next one. Not responsible for repeating anything or for what values mean.
"""

import os
import struct
import termios
import time
from typing import Any, NamedTuple

import serial

from controller.protective.limits import REPLY_TIMEOUT_S, SILENCE_S

LINK_ERRORS = (OSError, termios.error)


class NoAnswer(Exception):
    """The unit did not answer as it has to; the text holds what was asked and what came."""


class ScaledClock(NamedTuple):
    """Monotonic seconds, `speed` times the wall's (1 on a real port)."""

    speed: float

    def now(self) -> float:
        return time.monotonic() * self.speed

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self.speed)


def open_serial(path: str, baud: int, frame: str, timeout_s: float) -> serial.SerialBase:
    """Open a device path or tcp:HOST:PORT, exclusively. Raises OSError or termios.error."""
    device = not path.startswith("tcp:")
    if os.path.realpath(path).startswith("/dev/pts/"):
        frame = "8N1"  # a Linux pseudo-terminal has no wire for parity and refuses it with termios.error 22
    options = {"bytesize": int(frame[0]), "parity": frame[1], "stopbits": int(frame[2]), "exclusive": device or None}
    url = path if device else "socket://" + path.removeprefix("tcp:")
    return serial.serial_for_url(url, baud, timeout=timeout_s, write_timeout=timeout_s, **options)


class Master:
    """The only master of the bus. Raises NoAnswer, and the port's OSError or termios.error as they are."""

    def __init__(
        self, *, path: str, baud: int, frame: str, clock: ScaledClock, reply_s: float = 0, open_port: Any = None
    ) -> None:
        self._char_s = (1 + int(frame[0]) + (frame[1] != "N") + int(frame[2])) / baud
        wait_s = 8 * self._char_s + max(REPLY_TIMEOUT_S, reply_s)
        self._port, self._clock = (open_port or open_serial)(path, baud, frame, wait_s / clock.speed), clock

    def close(self) -> None:
        self._port.close()

    def read_holding(self, unit: int, address: int, count: int) -> tuple[int, ...]:
        reply = self._ask(struct.pack(">BBHH", unit, 3, address, count), bytes((unit, 3, 2 * count)), 5 + 2 * count)
        return struct.unpack(f">{count}H", reply[3:])

    def read_coil(self, unit: int, address: int) -> bool:
        return bool(self._ask(struct.pack(">BBHH", unit, 1, address, 1), bytes((unit, 1, 1)), 6)[3] & 1)

    def write_coil(self, unit: int, address: int, value: int) -> None:
        """FC05 with a raw value; the reply has to repeat the request."""
        request = struct.pack(">BBHH", unit, 5, address, value)
        self._ask(request, request, 8)

    def _ask(self, body: bytes, begins: bytes, length: int) -> bytes:
        self._clock.sleep(3.5 * self._char_s)
        self._port.reset_input_buffer()
        self._port.write(body + crc16(body))
        reply = bytes(self._port.read(length))
        whole = len(reply) == length and not self._port.in_waiting
        if not whole or not reply.startswith(begins) or crc16(reply[:-2]) != reply[-2:]:
            # The silence belongs to the failed transaction, so that the next frame (open!) can leave at once.
            self._clock.sleep(SILENCE_S)
            raise NoAnswer(f"asked {body.hex(' ')}, got {reply.hex(' ') or 'nothing'}")
        return reply[:-2]


def crc16(data: bytes) -> bytes:
    """CRC-16/MODBUS, low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xA001 if crc & 1 else 0)
    return struct.pack("<H", crc)
