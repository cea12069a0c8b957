"""The Modbus unit asks with the right bytes and takes no reply that could answer another question."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU
from pymodbus.pdu.bit_message import WriteMultipleCoilsRequest

from drivers.modbus import COIL_OFF, COIL_ON, ModbusUnit
from drivers.port import Port
from drivers.roles import BadReply, NoReply, Refused
from sim.devices.rtu import (
    READ_COILS,
    READ_DISCRETE,
    READ_HOLDING,
    READ_INPUT,
    WRITE_COIL,
    WRITE_REGISTER,
    WRITE_REGISTERS,
    RtuServer,
    bit_reader,
    crc16,
    sealed,
    word_reader,
    word_writer,
    words_writer,
)
from sim.devices.twin import Reply
from sim.memory import MemoryLine, VirtualClock

CHAR_S = 10 / 9600


class Scripted:
    """A device that answers every question with the same bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def receive(self, data: bytes, now_s: float) -> list[Reply]:
        return [Reply(0.005, self.data)] if self.data else []

    def tick(self, now_s: float) -> None: ...

    def power_cycle(self, now_s: float) -> None: ...


class Memory:
    """A unit with 256 registers and coils behind the twin's own framing."""

    def __init__(self, unit: int = 1) -> None:
        self.words = [0] * 256
        self.bits = [False] * 256
        self.server = RtuServer(
            unit=unit,
            reply_s=0.005,
            handlers={
                READ_COILS: bit_reader(lambda a, _t: self.bits[a]),
                READ_DISCRETE: bit_reader(lambda a, _t: self.bits[a]),
                READ_HOLDING: word_reader(lambda a, _t: self.words[a]),
                READ_INPUT: word_reader(lambda a, _t: self.words[a]),
                WRITE_COIL: word_writer(lambda a, v, _t: self.bits.__setitem__(a, v == COIL_ON)),
                WRITE_REGISTER: word_writer(lambda a, v, _t: self.words.__setitem__(a, v)),
                WRITE_REGISTERS: words_writer(lambda a, v, _t: self.words.__setitem__(slice(a, a + len(v)), v)),
            },
        )

    def receive(self, data: bytes, now_s: float) -> list[Reply]:
        return self.server.receive(data, now_s)

    def tick(self, now_s: float) -> None:
        self.server.tick(now_s)

    def power_cycle(self, now_s: float) -> None: ...


def unit_on(*twins: Scripted | Memory, unit: int = 1) -> tuple[ModbusUnit, MemoryLine, VirtualClock]:
    clock = VirtualClock()
    line = MemoryLine(twins=twins, clock=clock)
    port = Port(name="bus", line=line, clock=clock, timeout_s=0.3, char_s=CHAR_S)
    return ModbusUnit(port=port, unit=unit), line, clock


ASK: list[tuple[str, Callable[[ModbusUnit], object], str, str]] = [
    ("Pixsys PV", lambda u: u.read_holding(1000, 1), "01 03 03 E8 00 01 04 7A", "01 03 02 01 A4 B8 6F"),
    ("CWT 8 channels", lambda u: u.read_holding(0, 8), "01 03 00 00 00 08 44 0C", ""),
    ("KELLER P1", lambda u: u.read_holding(2, 2), "01 03 00 02 00 02 65 CB", ""),
    ("relay coils", lambda u: u.read_coils(0, 8), "01 01 00 00 00 08 3D CC", "01 01 01 01 90 48"),
    ("relay flash-on", lambda u: u.write_coil(0x0200, 20), "01 05 02 00 00 14 CC 7D", "01 05 02 00 00 14 CC 7D"),
    ("relay on", lambda u: u.write_coil(0, COIL_ON), "01 05 00 00 FF 00 8C 3A", "01 05 00 00 FF 00 8C 3A"),
    ("relay off", lambda u: u.write_coil(0, COIL_OFF), "01 05 00 00 00 00 CD CA", "01 05 00 00 00 00 CD CA"),
    ("Pixsys SP1", lambda u: u.write_register(1001, 420), "01 06 03 E9 01 A4 58 51", "01 06 03 E9 01 A4 58 51"),
]


@pytest.mark.parametrize(("name", "ask", "request_hex", "reply_hex"), ASK, ids=[row[0] for row in ASK])
def test_published_frames_go_out_and_come_in(
    name: str, ask: Callable[[ModbusUnit], object], request_hex: str, reply_hex: str
) -> None:
    reply = bytes.fromhex(reply_hex)
    unit, line, _ = unit_on(Scripted(reply))
    if reply:
        ask(unit)
    else:
        with pytest.raises(NoReply):
            ask(unit)
    assert line.sent == [bytes.fromhex(request_hex)]


def test_several_registers_are_written_with_the_published_frame() -> None:
    """Kamoer 485 board, 100 rpm as f32."""
    unit, line, _ = unit_on(Scripted(sealed(bytes.fromhex("C0 10 30 01 00 02"))), unit=0xC0)
    unit.write_registers(0x3001, list(struct.unpack(">2H", struct.pack(">f", 100.0))))
    assert line.sent == [bytes.fromhex("C0 10 30 01 00 02 04 42 C8 00 00 0B 1B")]


def test_a_vendor_sheet_with_the_crc_of_another_reply_is_refused_and_the_right_one_taken() -> None:
    """ComWinTop's sheet prints CRC B8 44 for 25.0 °C, which belongs to 0.0 °C."""
    unit, *_ = unit_on(Scripted(bytes.fromhex("01 03 02 00 FA B8 44")))
    with pytest.raises(BadReply, match="CRC"):
        unit.read_holding(0, 1)
    unit, *_ = unit_on(Scripted(bytes.fromhex("01 03 02 00 FA 38 07")))
    assert unit.read_holding(0, 1) == [250]


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (sealed(b"\x02\x03\x04\x00\x01\x00\x02"), "unit 2"),
        (sealed(b"\x01\x04\x04\x00\x01\x00\x02"), "function 4"),
        (sealed(b"\x01\x03\x02\x00\x01"), "2 data bytes"),
        (sealed(b"\x01\x03\x06\x00\x01\x00\x02\x00\x03"), "6 data bytes"),
        (sealed(b"\x01\x03\x04\x00\x01\x00\x02") + b"\x00", "too many"),
        (sealed(b"\x01\x03\x04\x00\x01\x00\x02")[:-1] + b"\xee", "CRC"),
        (sealed(b"\x01\x84\x02"), "function 132"),
        (b"\x01\x83\x02\x00\x00", "CRC"),
    ],
)
def test_a_reply_to_another_question_is_not_taken(reply: bytes, why: str) -> None:
    unit, *_ = unit_on(Scripted(reply))
    with pytest.raises(BadReply, match=why):
        unit.read_holding(0, 2)


@pytest.mark.parametrize("reply", ["01 06 00 08 00 05", "01 06 00 07 00 06"])
def test_a_write_answered_with_another_address_or_value_is_not_taken(reply: str) -> None:
    unit, *_ = unit_on(Scripted(sealed(bytes.fromhex(reply))))
    with pytest.raises(BadReply, match="echo"):
        unit.write_register(7, 5)


def test_a_raw_coil_value_must_come_back_as_it_was_sent() -> None:
    unit, *_ = unit_on(Scripted(sealed(bytes.fromhex("01 05 02 00 00 13"))))
    with pytest.raises(BadReply, match="echo"):
        unit.write_coil(0x0200, 20)


def test_a_multiple_write_must_be_acknowledged_with_its_count() -> None:
    unit, *_ = unit_on(Scripted(sealed(bytes.fromhex("01 10 00 01 00 01"))))
    with pytest.raises(BadReply, match="echo"):
        unit.write_registers(1, [1, 2])


@pytest.mark.parametrize(
    ("reply", "meaning"),
    [("01 85 02 C3 51", "illegal data address"), ("01 85 03 02 91", "illegal data value")],
)
def test_published_exceptions_are_refusals_in_words(reply: str, meaning: str) -> None:
    unit, *_ = unit_on(Scripted(bytes.fromhex(reply)))
    with pytest.raises(Refused, match=meaning):
        unit.write_coil(0x0200, 20)


def test_an_unknown_exception_code_is_still_a_refusal() -> None:
    unit, *_ = unit_on(Scripted(sealed(b"\x01\x83\x63")))
    with pytest.raises(Refused, match="exception 99"):
        unit.read_holding(0, 1)


def test_half_a_reply_is_no_reply() -> None:
    unit, *_ = unit_on(Scripted(sealed(b"\x01\x03\x04\x00\x01\x00\x02")[:6]))
    with pytest.raises(NoReply, match="only"):
        unit.read_holding(0, 2)


def test_after_a_wrong_crc_the_line_is_kept_silent_before_the_next_question() -> None:
    twin = Scripted(b"\x01\x03\x02\x00\x01\x00\x00")
    unit, _, clock = unit_on(twin)
    with pytest.raises(BadReply):
        unit.read_holding(0, 1)
    failed_s = clock.now()
    twin.data = sealed(b"\x01\x03\x02\x00\x07")
    assert unit.read_holding(0, 1) == [7]
    assert clock.now() - failed_s >= 0.3


def test_frames_are_kept_apart_by_the_silence_that_other_units_wait_for() -> None:
    twin = Memory()
    unit, _, clock = unit_on(twin)
    unit.read_holding(0, 1)
    ended_s = clock.now()
    unit.write_register(0, 1)
    assert clock.now() - ended_s >= (3.5 + 8 + 8) * CHAR_S + 0.005 - 1e-9


@pytest.mark.parametrize("unit", [0, 256, -1])
def test_a_unit_that_cannot_answer_is_not_made(unit: int) -> None:
    with pytest.raises(ValueError, match=r"allowed 1\.\.255"):
        unit_on(unit=unit)


def test_values_that_do_not_fit_are_refused_before_anything_is_sent() -> None:
    unit, line, _ = unit_on(Memory())
    calls: list[Callable[[], object]] = [
        lambda: unit.write_register(0, -1),
        lambda: unit.write_register(0, 65536),
        lambda: unit.write_coil(65536, 0),
        lambda: unit.write_registers(0, [65536]),
        lambda: unit.read_holding(0, 0),
        lambda: unit.read_holding(0, 126),
        lambda: unit.read_coils(-1, 8),
    ]
    for call in calls:
        with pytest.raises(ValueError):  # noqa: PT011 - pymodbus words some of these itself
            call()
    assert line.sent == []


@given(start=st.integers(0, 100), values=st.lists(st.integers(0, 65535), min_size=1, max_size=100))
def test_what_is_written_is_read_back_through_the_twins_own_framing(start: int, values: list[int]) -> None:
    unit, *_ = unit_on(Memory(2), Memory(), Memory(3))
    unit.write_registers(start, values)
    assert unit.read_holding(start, len(values)) == values
    unit.write_register(start, values[-1])
    assert unit.read_input(start, 1) == [values[-1]]


@given(start=st.integers(0, 100), values=st.lists(st.booleans(), min_size=1, max_size=40))
def test_bits_come_back_in_order_and_without_padding(start: int, values: list[bool]) -> None:
    twin = Memory()
    unit, *_ = unit_on(twin)
    twin.bits[start : start + len(values)] = values
    assert unit.read_coils(start, len(values)) == values
    assert unit.read_discrete(start, len(values)) == values


@given(reply=st.binary(min_size=1, max_size=40))
def test_random_bytes_are_never_a_value(reply: bytes) -> None:
    if len(reply) > 2 and crc16(reply[:-2]) == int.from_bytes(reply[-2:], "little"):
        return
    unit, *_ = unit_on(Scripted(reply))
    with pytest.raises((BadReply, NoReply)):
        unit.read_holding(0, 2)


def test_the_published_write_of_all_eight_relays_is_what_the_framer_makes_and_reads() -> None:
    published = bytes.fromhex("01 0F 00 00 00 08 01 FF BE D5")
    asked = WriteMultipleCoilsRequest(address=0, bits=[True] * 8, dev_id=1)
    assert FramerRTU(DecodePDU(False)).buildFrame(asked) == published
    used, read = FramerRTU(DecodePDU(True)).handleFrame(published, 0, 0)
    assert isinstance(read, WriteMultipleCoilsRequest)
    assert (used, read.dev_id, read.address, read.bits[:8]) == (10, 1, 0, [True] * 8)
