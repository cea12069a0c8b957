"""The KELLER twin answers the published frames of both protocols on one wire."""

from __future__ import annotations

import struct

import pytest

from sim.devices.keller import make_twin
from sim.devices.keller_bus import checked
from sim.devices.rtu import crc16, sealed
from sim.devices.twin import Twin, Wiring
from sim.terminals import Terminals

P1_REQUEST = bytes.fromhex("01 03 00 02 00 02 65 CB")
TOB1_REQUEST = bytes.fromhex("01 03 00 08 00 02 45 C9")
F48 = bytes.fromhex("01 30 34 00")
F73_P1 = bytes.fromhex("01 49 01 50 D6")


def make(pressure_bar: float | None = 0.25, address: int = 1) -> Twin:
    inputs = {"pressure_bar": lambda: pressure_bar, "temperature_c": lambda: 37.5}
    return make_twin(Wiring(address=address, options={}, terminals=Terminals(), inputs=inputs, outputs={}))


def say(twin: Twin, data: bytes, now_s: float = 1.0) -> list[bytes]:
    return [reply.data for reply in twin.receive(data, now_s)]


def test_published_modbus_frames_are_answered_high_word_first() -> None:
    assert say(make(), P1_REQUEST) == [sealed(bytes.fromhex("01 03 04 3E 80 00 00"))]
    assert say(make(), TOB1_REQUEST) == [sealed(bytes.fromhex("01 03 04 42 16 00 00"))]


def test_the_published_crc_vector_is_high_byte_first() -> None:
    assert crc16(bytes([2, 48])) == 0xC400
    assert checked(bytes([2, 48])) == bytes.fromhex("02 30 C4 00")


def test_the_keller_bus_needs_its_initialisation() -> None:
    twin = make()
    assert say(twin, F73_P1) == [checked(bytes.fromhex("01 C9 20"))]
    ((delay_s, reply),) = twin.receive(F48, 1.0)
    assert (delay_s, len(reply), reply[:2]) == (0.005, 10, b"\x01\x30")
    assert say(twin, F73_P1) == [checked(b"\x01\x49" + struct.pack(">f", 0.25) + b"\x00")]
    twin.power_cycle(2.0)
    assert say(twin, F73_P1, 2.0) == [checked(bytes.fromhex("01 C9 20"))]


def test_both_protocols_share_the_wire() -> None:
    twin = make()
    assert [reply[1] for reply in say(twin, F48 + P1_REQUEST + F73_P1)] == [3, 48, 73]


def test_a_lone_transmitter_answers_the_transparent_address() -> None:
    assert say(make(address=7), checked(bytes([250, 48])))[0][:2] == bytes([250, 48])
    assert say(make(address=7), F48) == []


@pytest.mark.parametrize(
    ("pressure_bar", "bits", "status"), [(None, 0x7FC00000, 2), (5.0, 0x7F800000, 2), (-5.0, 0xFF800000, 2)]
)
def test_errors_are_nan_and_infinities_with_the_channels_status_bit(
    pressure_bar: float | None, bits: int, status: int
) -> None:
    twin = make(pressure_bar)
    say(twin, F48)
    assert say(twin, F73_P1)[0][2:7] == struct.pack(">IB", bits, status)
    assert say(twin, P1_REQUEST)[0][3:7] == struct.pack(">I", bits)


def test_unknown_registers_and_quantities_are_refused() -> None:
    twin = make()
    assert say(twin, sealed(bytes.fromhex("01 03 01 23 00 02")))[0][1:3] == b"\x83\x02"
    say(twin, F48)
    assert say(twin, checked(bytes.fromhex("01 49 09"))) == [checked(bytes.fromhex("01 C9 03"))]


def test_the_serial_number_is_the_same_by_both_protocols() -> None:
    twin = make()
    say(twin, F48)
    by_bus = say(twin, checked(bytes.fromhex("01 45")))[0][2:6]
    by_modbus = say(twin, sealed(bytes.fromhex("01 03 02 02 00 02")))[0][3:7]
    assert by_bus == by_modbus == struct.pack(">I", 100001)


def test_half_a_keller_request_is_dropped_after_a_silence() -> None:
    twin = make()
    twin.receive(F48[:2], 1.0)
    twin.tick(2.0)
    assert say(twin, F48[2:], 2.0) == []
    assert say(twin, F48[:2], 3.0) == []
    assert len(say(twin, F48[2:], 3.001)) == 1
