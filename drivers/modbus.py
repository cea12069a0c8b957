"""Modbus RTU over our own port: pymodbus makes and reads the frames, `Port` carries them.

pymodbus' own clients are not used: their sync client costs 2.5 ms a transaction and waits 12 s for a dead unit by
default. RTU has no transaction number, so a reply is taken only when unit, function, length, byte count and echoed
address and value all fit the question. Not responsible for the meaning of a register, or for retries.

Source: MODBUS Application Protocol V1.1b3; MODBUS over Serial Line V1.02, section 2.5.1 (RTU).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)

from drivers.port import Port
from drivers.roles import BadReply, Refused

COIL_ON = 0xFF00
COIL_OFF = 0x0000

_MEANING = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledged, still working",
    6: "device busy",
    7: "negative acknowledge",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target did not respond",
}
_QUIET_CHARS = 3.5
_QUIET_LEAST_S = 0.00175  # above 19200 baud the silence between frames no longer shrinks
_EXCEPTION_BYTES = 5
_ECHO_BYTES = 8


class _WriteRawCoil(ModbusPDU):
    """FC05 with a free 16-bit value; pymodbus' own request knows only FF00 and 0000."""

    function_code = 5

    def __init__(self, *, address: int, value: int, dev_id: int) -> None:
        super().__init__(address=address, dev_id=dev_id)
        self.value = value

    def encode(self) -> bytes:
        return struct.pack(">HH", self.address, self.value)


@dataclass(frozen=True, slots=True)
class _Expected:
    """What the reply to one request must look like: `count` data bytes of a read, or an 8-byte echo for a write."""

    unit: int
    function: int
    data_bytes: int | None

    def length(self, received: bytes) -> int | None:
        """The length of the frame at the start of `received`, None when it cannot be known yet. Raises BadReply."""
        if received[0] != self.unit:
            raise BadReply(f"unit {received[0]} answered for unit {self.unit}: {received.hex(' ')}")
        if len(received) < 2:
            return None
        if received[1] == self.function | 0x80:
            return _EXCEPTION_BYTES
        if received[1] != self.function:
            raise BadReply(f"function {received[1]} answered to function {self.function}: {received.hex(' ')}")
        if self.data_bytes is None:
            return _ECHO_BYTES
        if len(received) < 3:
            return None
        if received[2] != self.data_bytes:
            raise BadReply(f"{received[2]} data bytes came where {self.data_bytes} were asked for: {received.hex(' ')}")
        return 5 + self.data_bytes


class ModbusUnit:
    """One unit on one RTU bus. Every call is one transaction and may raise any DeviceError.

    Raises ValueError for a unit, address, count or value that does not fit the protocol: nothing is sent then.
    """

    def __init__(self, *, port: Port, unit: int) -> None:
        if not 1 <= unit <= 255:
            raise ValueError(f"Modbus unit {unit}: allowed 1..255 (0 is a broadcast and has no answer)")
        self.port = port
        self.unit = unit
        self._quiet_s = max(_QUIET_CHARS * port.char_s, _QUIET_LEAST_S)
        self._framer = FramerRTU(DecodePDU(False))

    def read_holding(self, address: int, count: int) -> list[int]:
        """FC03: `count` unsigned 16-bit registers."""
        request = ReadHoldingRegistersRequest(address=address, count=count, dev_id=self.unit)
        return [int(value) for value in self._ask(request, data_bytes=2 * count).registers]

    def read_input(self, address: int, count: int) -> list[int]:
        """FC04: `count` unsigned 16-bit registers."""
        request = ReadInputRegistersRequest(address=address, count=count, dev_id=self.unit)
        return [int(value) for value in self._ask(request, data_bytes=2 * count).registers]

    def read_coils(self, address: int, count: int) -> list[bool]:
        """FC01."""
        request = ReadCoilsRequest(address=address, count=count, dev_id=self.unit)
        return [bool(bit) for bit in self._ask(request, data_bytes=(count + 7) // 8).bits[:count]]

    def read_discrete(self, address: int, count: int) -> list[bool]:
        """FC02."""
        request = ReadDiscreteInputsRequest(address=address, count=count, dev_id=self.unit)
        return [bool(bit) for bit in self._ask(request, data_bytes=(count + 7) // 8).bits[:count]]

    def write_coil(self, address: int, value: int) -> None:
        """FC05 with the raw 16-bit value (FF00 on, 0000 off; some boards give others a meaning)."""
        _check_words(address, [value])
        self._ask(_WriteRawCoil(address=address, value=value, dev_id=self.unit), data_bytes=None)

    def write_register(self, address: int, value: int) -> None:
        """FC06."""
        _check_words(address, [value])
        self._ask(WriteSingleRegisterRequest(address=address, registers=[value], dev_id=self.unit), data_bytes=None)

    def write_registers(self, address: int, values: list[int]) -> None:
        """FC16."""
        _check_words(address, values)
        self._ask(WriteMultipleRegistersRequest(address=address, registers=values, dev_id=self.unit), data_bytes=None)

    def _ask(self, request: ModbusPDU, *, data_bytes: int | None) -> ModbusPDU:
        frame = self._framer.buildFrame(request)
        expected = _Expected(self.unit, request.function_code, data_bytes)
        reply = self.port.exchange(frame, expected.length, quiet_s=self._quiet_s)
        try:
            return self._checked(frame, reply, is_write=data_bytes is None)
        except BadReply:
            self.port.distrust()
            raise

    def _checked(self, frame: bytes, reply: bytes, *, is_write: bool) -> ModbusPDU:
        if not FramerRTU.check_CRC(reply[:-2], int.from_bytes(reply[-2:], "big")):
            raise BadReply(f"{self.port.name}: wrong CRC in {reply.hex(' ')}")
        if reply[1] & 0x80:
            code = reply[2]
            meaning = _MEANING.get(code, "unknown exception")
            raise Refused(f"{self.port.name}: unit {self.unit} refused {frame.hex(' ')}: {meaning} (exception {code})")
        # A write echoes its address and its value or count: the first six bytes of the request, whatever the function.
        if is_write and reply[2:6] != frame[2:6]:
            raise BadReply(f"{self.port.name}: {reply.hex(' ')} does not echo {frame.hex(' ')}")
        _, pdu = self._framer.handleFrame(reply, 0, 0)
        if pdu is None:
            raise BadReply(f"{self.port.name}: {reply.hex(' ')} is not a reply to {frame.hex(' ')}")
        return pdu


def _check_words(address: int, values: list[int]) -> None:
    if not 0 <= address <= 0xFFFF:
        raise ValueError(f"register address {address}: allowed 0..65535")
    for value in values:
        if not 0 <= value <= 0xFFFF:
            raise ValueError(f"register value {value}: allowed 0..65535")
