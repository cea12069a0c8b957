"""The twins' own RTU framing finds requests in any stream of bytes and answers only its own unit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.devices.rtu import (
    DEVICE_FAILURE,
    READ_HOLDING,
    WRITE_COILS,
    WRITE_REGISTER,
    WRITE_REGISTERS,
    ModbusFault,
    RtuServer,
    bits_writer,
    crc16,
    sealed,
    word_reader,
    word_writer,
    words_writer,
)

PV_REQUEST = bytes.fromhex("01 03 03 E8 00 01 04 7A")
PV_REPLY = sealed(bytes.fromhex("01 03 02 01 A4"))


def read(address: int, now_s: float) -> int:
    if address == 9:
        raise ModbusFault(DEVICE_FAILURE)
    if address != 1000:
        raise ModbusFault(2)
    return 420


def make(written: list[object] | None = None, unit: int = 1) -> RtuServer:
    log: list[object] = [] if written is None else written
    return RtuServer(
        unit=unit,
        reply_s=0.005,
        handlers={
            READ_HOLDING: word_reader(read, most=20),
            WRITE_REGISTER: word_writer(lambda a, v, _t: log.append((a, v))),
            WRITE_REGISTERS: words_writer(lambda a, v, _t: log.append((a, v))),
            WRITE_COILS: bits_writer(lambda a, v, _t: log.append((a, v))),
        },
    )


@pytest.mark.parametrize(
    "frame",
    [
        "01 05 00 00 FF 00 8C 3A",
        "01 0F 00 00 00 08 01 FF BE D5",
        "C0 10 30 01 00 02 04 42 C8 00 00 0B 1B",
        "01 03 03 E8 00 01 04 7A",
        "01 85 02 C3 51",
        "01 03 02 00 FA 38 07",
    ],
)
def test_the_crc_agrees_with_published_frames(frame: str) -> None:
    data = bytes.fromhex(frame)
    assert sealed(data[:-2]) == data


def test_the_crc_of_the_vendor_sheet_belongs_to_another_temperature() -> None:
    assert crc16(bytes.fromhex("01 03 02 00 FA")) != 0x44B8
    assert crc16(bytes.fromhex("01 03 02 00 00")) == 0x44B8


def test_a_request_is_answered_after_the_devices_delay() -> None:
    ((delay_s, data),) = make().receive(PV_REQUEST, 1.0)
    assert (delay_s, data) == (0.005, PV_REPLY)


@given(cuts=st.lists(st.integers(1, 15), max_size=6))
def test_any_chunking_gives_the_same_answers(cuts: list[int]) -> None:
    stream = PV_REQUEST + PV_REQUEST
    edges = [0, *sorted(set(cuts)), len(stream)]
    server = make()
    answers = [
        reply.data
        for index in range(len(edges) - 1)
        for reply in server.receive(stream[edges[index] : edges[index + 1]], 1.0 + 0.001 * index)
    ]
    assert answers == [PV_REPLY, PV_REPLY]


@given(noise=st.binary(max_size=20))
def test_garbage_before_a_request_is_skipped(noise: bytes) -> None:
    server = make()
    server.receive(noise, 1.0)
    assert [reply.data for reply in server.receive(PV_REQUEST, 1.001)][-1] == PV_REPLY


def test_a_request_with_one_bad_bit_is_not_answered() -> None:
    for index in range(len(PV_REQUEST)):
        bent = bytearray(PV_REQUEST)
        bent[index] ^= 0x10
        assert make().receive(bytes(bent), 1.0) == []


def test_half_a_request_is_dropped_after_a_silence() -> None:
    server = make()
    server.receive(PV_REQUEST[:5], 1.0)
    assert server.receive(PV_REQUEST[5:], 1.5) == []
    assert server.receive(PV_REQUEST, 2.0)[0].data == PV_REPLY


def test_half_a_request_is_dropped_when_only_time_passes() -> None:
    server = make()
    server.receive(PV_REQUEST[:5], 1.0)
    server.tick(1.5)
    assert server.receive(PV_REQUEST[5:], 1.501) == []


def test_requests_to_other_units_and_their_replies_are_passed_over() -> None:
    server = make(unit=2)
    assert server.receive(PV_REQUEST, 1.0) == []
    assert server.receive(PV_REPLY, 1.01) == []
    assert server.receive(sealed(b"\x02\x03\x03\xe8\x00\x01"), 1.02)[0].data == sealed(b"\x02\x03\x02\x01\xa4")


def test_a_broadcast_is_carried_out_and_not_answered() -> None:
    written: list[object] = []
    assert make(written).receive(sealed(b"\x00\x06\x00\x05\x00\x07"), 1.0) == []
    assert written == [(5, 7)]


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("01 03 00 00 00 01", "01 83 02"),
        ("01 03 00 09 00 01", "01 83 04"),
        ("01 03 03 E8 00 00", "01 83 03"),
        ("01 03 03 E8 00 15", "01 83 03"),
        ("01 04 03 E8 00 01", "01 84 01"),
        ("01 2B 0E 01 00", "01 AB 01"),
        ("01 07", "01 87 01"),
        ("01 10 00 01 00 02 02 00 01", "01 90 03"),
        ("01 10 00 01 00 02 04 00 01 00 02", "01 10 00 01 00 02"),
        ("01 0F 00 00 00 08 01 FF", "01 0F 00 00 00 08"),
        ("01 0F 00 00 00 09 01 FF", "01 8F 03"),
    ],
)
def test_answers_and_exceptions(body: str, answer: str) -> None:
    replies = make().receive(sealed(bytes.fromhex(body)), 1.0)
    assert [reply.data for reply in replies] == [sealed(bytes.fromhex(answer))]


def test_bits_are_written_lowest_first() -> None:
    written: list[object] = []
    make(written).receive(sealed(bytes.fromhex("01 0F 00 03 00 0A 02 05 02")), 1.0)
    assert written == [(3, [True, False, True, False, False, False, False, False, False, True])]
