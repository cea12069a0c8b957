"""The simulated Pt100 board, frame by frame."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.devices.pt100_8ch import make_twin
from sim.devices.rtu import sealed
from sim.devices.twin import Twin, Wiring
from sim.terminals import SHORT, Terminals


def make(*felt: float | None, **options: bool | int | float | str) -> Twin:
    inputs = {f"ch{number}_c": (lambda value=value: value) for number, value in enumerate(felt)}
    return make_twin(Wiring(address=1, options=options, terminals=Terminals(), inputs=inputs, outputs={}))


def say(twin: Twin, frame: str) -> bytes:
    return b"".join(reply.data for reply in twin.receive(bytes.fromhex(frame), 0.0))


def values(twin: Twin) -> list[int]:
    return list(struct.unpack(">8h", say(twin, "01 03 00 00 00 08 44 0C")[3:-2]))


def test_the_published_question_reads_eight_channels():
    assert values(make(25.0, -3.14, 42.05, 0.0, 37.96, 100.0, 20.04, 20.06)) == [250, -31, 421, 0, 380, 1000, 200, 201]


def test_the_reply_for_25_degrees_has_the_crc_of_its_bytes_and_not_the_data_sheets():
    reply = say(make(25.0), sealed(bytes.fromhex("01 03 00 00 00 01")).hex())
    assert reply == bytes.fromhex("01 03 02 00 FA 38 07")
    assert reply[-2:] != bytes.fromhex("B8 44")


def test_the_crc_printed_in_the_data_sheet_is_that_of_zero():
    assert sealed(bytes.fromhex("01 03 02 00 00")) == bytes.fromhex("01 03 02 00 00 B8 44")


def test_open_and_short_read_the_ends_of_the_range():
    assert values(make(None, SHORT, float("nan"), 700.0, -200.0)) == [6500, -1800, 6500, 6500, -1800, 6500, 6500, 6500]


def test_another_boards_numbers_for_open_and_short_are_options():
    twin = make(None, SHORT, sim_open=0x7FFF, sim_short=-0x8000)
    assert values(twin)[:2] == [0x7FFF, -0x8000]


@pytest.mark.parametrize(
    ("body", "code"), [("01 03 00 08 00 01", 2), ("01 03 00 07 00 02", 2), ("01 06 00 00 00 01", 1)]
)
def test_a_ninth_channel_and_a_write_are_refused(body, code):
    reply = say(make(25.0), sealed(bytes.fromhex(body)).hex())
    assert reply[1] & 0x80
    assert reply[2] == code


@given(st.floats(-40.0, 120.0))
def test_a_temperature_reads_within_half_a_step(felt_c):
    assert abs(values(make(felt_c))[0] / 10 - felt_c) <= 0.05 + 1e-9
