"""Modbus RTU as a device hears it: requests out of a byte stream, answers with a table of handlers.

All units of a bus hear every byte, so requests to others are recognised and passed over, and so are the other units'
replies where the wire repeats them. Not responsible for the meaning of a register, or for the pacing of bytes.

Source: MODBUS over Serial Line V1.02, sections 2.4.1 and 2.5.1.1; MODBUS Application Protocol V1.1b3, section 6.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sim.devices.twin import Reply

READ_COILS, READ_DISCRETE, READ_HOLDING, READ_INPUT = 1, 2, 3, 4
WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS = 5, 6, 15, 16
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, DEVICE_FAILURE = 1, 2, 3, 4

BROADCAST = 0
_FIXED = frozenset({READ_COILS, READ_DISCRETE, READ_HOLDING, READ_INPUT, WRITE_COIL, WRITE_REGISTER})
_COUNTED = frozenset({WRITE_COILS, WRITE_REGISTERS})
_LONGEST = 256
_SILENT_CHARS = 3.5

Handler = Callable[[bytes, float], bytes]
"""(data after the function code, now_s) -> data of the reply after the function code. Raises ModbusFault."""


class ModbusFault(Exception):
    """The device answers with an exception of this code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


def crc16(data: bytes) -> int:
    """CRC of the serial line: polynomial A001 reflected, preset FFFF. On the wire low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def sealed(body: bytes) -> bytes:
    """`body` with its CRC behind it, low byte first."""
    return body + struct.pack("<H", crc16(body))


def request_length(data: bytes) -> int | None:
    """Length of the request at the start of `data` by its function code; None while unknown, 0 when it cannot be."""
    if len(data) < 2:
        return None
    if data[1] in _FIXED:
        return 8
    if data[1] in _COUNTED:
        return 9 + data[6] if len(data) >= 7 else None
    return 0


@dataclass(slots=True, kw_only=True)
class RtuServer:
    """One unit. `handlers` by function code; any other function of the standard is answered with exception 1.

    `char_s` is the time of a character: after a silence longer than 3.5 of them a half-come frame is dropped.
    `gap_s` is the least silence that counts, because bytes through an operating system come in lumps.
    """

    unit: int
    reply_s: float
    handlers: Mapping[int, Handler]
    char_s: float = 10 / 9600
    gap_s: float = 0.05
    _buffer: bytes = field(default=b"", init=False)
    _last_s: float = field(default=0.0, init=False)

    def receive(self, data: bytes, now_s: float) -> list[Reply]:
        """Take bytes in any chunks; return the answers to the complete requests for this unit."""
        self.tick(now_s)
        self._buffer += data
        self._last_s = now_s
        replies: list[Reply] = []
        while (request := self._next_request()) is not None:
            if request[0] == BROADCAST:
                self._body(request, now_s)
            elif request[0] == self.unit:
                replies.append(Reply(self.reply_s, sealed(bytes([self.unit]) + self._body(request, now_s))))
        return replies

    def tick(self, now_s: float) -> None:
        """Drop what came before a silence: it will never become a frame."""
        if self._buffer and now_s - self._last_s > max(_SILENT_CHARS * self.char_s, self.gap_s):
            self._buffer = b""

    def forget(self) -> None:
        """Drop a half-come frame, as a restart does."""
        self._buffer = b""

    def _next_request(self) -> bytes | None:
        """The next whole request with a good CRC, skipping garbage byte by byte; None when more bytes are needed."""
        for start in range(len(self._buffer)):
            frame = self._frame_at(start)
            if frame:
                self._buffer = self._buffer[start + len(frame) :]
                return frame
        self._buffer = self._buffer[-_LONGEST:]
        return None

    def _frame_at(self, start: int) -> bytes | None:
        rest = self._buffer[start:]
        length = request_length(rest)
        if length == 0 and start == 0:
            length = self._unlisted_length(rest)
        if not length or len(rest) < length:
            return None
        frame = rest[:length]
        return frame if crc16(frame[:-2]) == int.from_bytes(frame[-2:], "little") else None

    def _unlisted_length(self, rest: bytes) -> int:
        """A function without a known length is refused as such: the end of the burst, if its CRC is sound, ends it."""
        mine = rest[0] == self.unit and not rest[1] & 0x80
        return len(rest) if mine and 4 <= len(rest) <= _LONGEST else 0

    def _body(self, request: bytes, now_s: float) -> bytes:
        function = request[1]
        try:
            handler = self.handlers.get(function)
            if handler is None:
                raise ModbusFault(ILLEGAL_FUNCTION)
            return bytes([function]) + handler(request[2:-2], now_s)
        except ModbusFault as fault:
            return bytes([function | 0x80, fault.code])


def words_out(values: list[int]) -> bytes:
    """Reply data of FC03/04: byte count, then registers (as 16 bits) high byte first."""
    return bytes([2 * len(values)]) + b"".join(struct.pack(">H", value & 0xFFFF) for value in values)


def bits_out(values: list[bool]) -> bytes:
    """Reply data of FC01/02: byte count, then bits, the first in the lowest bit of the first byte."""
    packed = bytearray((len(values) + 7) // 8)
    for index, value in enumerate(values):
        packed[index // 8] |= value << (index % 8)
    return bytes([len(packed)]) + bytes(packed)


def word_reader(read: Callable[[int, float], int], *, most: int = 125) -> Handler:
    """Handler of FC03/04 from `read(address, now_s)`, which raises ModbusFault(2) where there is no register."""

    def handle(data: bytes, now_s: float) -> bytes:
        address, count = struct.unpack(">HH", data)
        if not 1 <= count <= most:
            raise ModbusFault(ILLEGAL_VALUE)
        return words_out([read(address + index, now_s) for index in range(count)])

    return handle


def bit_reader(read: Callable[[int, float], bool], *, most: int = 2000) -> Handler:
    """Handler of FC01/02 from `read(address, now_s)`."""

    def handle(data: bytes, now_s: float) -> bytes:
        address, count = struct.unpack(">HH", data)
        if not 1 <= count <= most:
            raise ModbusFault(ILLEGAL_VALUE)
        return bits_out([read(address + index, now_s) for index in range(count)])

    return handle


def word_writer(write: Callable[[int, int, float], None]) -> Handler:
    """Handler of FC05/06 from `write(address, value, now_s)`; the reply repeats the request."""

    def handle(data: bytes, now_s: float) -> bytes:
        address, value = struct.unpack(">HH", data)
        write(address, value, now_s)
        return data

    return handle


def words_writer(write: Callable[[int, list[int], float], None], *, most: int = 123) -> Handler:
    """Handler of FC16 from `write(address, values, now_s)`, called once so that it can refuse all or none."""

    def handle(data: bytes, now_s: float) -> bytes:
        address, count, size = struct.unpack(">HHB", data[:5])
        if not 1 <= count <= most or size != 2 * count or len(data) != 5 + size:
            raise ModbusFault(ILLEGAL_VALUE)
        write(address, list(struct.unpack(f">{count}H", data[5:])), now_s)
        return data[:4]

    return handle


def bits_writer(write: Callable[[int, list[bool], float], None], *, most: int = 1968) -> Handler:
    """Handler of FC15 from `write(address, values, now_s)`."""

    def handle(data: bytes, now_s: float) -> bytes:
        address, count, size = struct.unpack(">HHB", data[:5])
        if not 1 <= count <= most or size != (count + 7) // 8 or len(data) != 5 + size:
            raise ModbusFault(ILLEGAL_VALUE)
        write(address, [bool(data[5 + index // 8] >> (index % 8) & 1) for index in range(count)], now_s)
        return data[:4]

    return handle
