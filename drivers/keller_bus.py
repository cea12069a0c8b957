"""The KELLER bus protocol: address, function, data, CRC with its HIGH byte first (Modbus has the low byte first).

A transmitter answers F69 and F73 only after F48, so a power cut shows as error 32.
Not responsible for what a quantity means (`drivers.keller`).

Source: KELLER, Communication protocol for series 30 / X-line: F48 initialise, F69 serial number, F73 value as f32;
reply lengths and F48 fields as in KELLER's own public Python client (keller_protocol).
"""

from __future__ import annotations

import struct

from drivers.port import Port
from drivers.roles import BadReply, Identity, Refused, Restarted

INITIALISE, SERIAL, VALUE = 48, 69, 73
_REPLY_BYTES = {INITIALISE: 10, SERIAL: 8, VALUE: 9}
_ERROR_BYTES = 5
_NOT_INITIALISED = 32
_MEANING = {1: "function not implemented", 2: "illegal data address", 3: "illegal data value", 32: "not initialised"}


def crc16(data: bytes) -> int:
    """CRC with polynomial A001 (reflected 8005), preset FFFF."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


class KellerBus:
    """One transmitter. Every call may raise DeviceError."""

    def __init__(self, *, port: Port, address: int) -> None:
        self._port = port
        self._address = address

    def identify(self) -> Identity:
        """F48, which also releases the other functions, then F69."""
        device_class, group, year, week = self._ask(INITIALISE)[:4]
        firmware = f"{device_class}.{group}-{year}.{week}"
        return Identity(vendor="KELLER", model=f"class {device_class}.{group}", serial=self.serial(), firmware=firmware)

    def serial(self) -> str:
        """F69: unsigned 32 bits, high byte first."""
        return str(int.from_bytes(self._ask(SERIAL), "big"))

    def measure(self, number: int) -> float:
        """F73: f32 high byte first, then a status byte."""
        return float(struct.unpack(">f", self._ask(VALUE, bytes([number]))[:4])[0])

    def _ask(self, function: int, data: bytes = b"") -> bytes:
        """The data of the reply. Raises Restarted, Refused, BadReply."""
        body = bytes([self._address, function]) + data
        request = body + crc16(body).to_bytes(2, "big")
        reply = self._port.exchange(request, lambda received: self._length(received, function))
        if crc16(reply[:-2]) != int.from_bytes(reply[-2:], "big"):
            self._port.distrust()
            raise BadReply(f"{self._port.name}: wrong CRC in {reply.hex(' ')}")
        if reply[1] != function:
            self._raise_error(request, reply[2])
        return reply[2:-2]

    def _length(self, received: bytes, function: int) -> int | None:
        if received[0] != self._address:
            raise BadReply(f"address {received[0]} answered for {self._address}: {received.hex(' ')}")
        if len(received) < 2:
            return None
        if received[1] == function | 0x80:
            return _ERROR_BYTES
        if received[1] != function:
            raise BadReply(f"function {received[1]} answered to function {function}: {received.hex(' ')}")
        return _REPLY_BYTES[function]

    def _raise_error(self, request: bytes, code: int) -> None:
        text = f"{self._port.name}: {_MEANING.get(code, 'unknown error')} (error {code}) to {request.hex(' ')}"
        raise (Restarted if code == _NOT_INITIALISED else Refused)(text)
