"""Huber PB frames as the manual prints them, its misprints, and what must never pass as an answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.huber_frames import (
    NARROW,
    WIDE,
    Width,
    checksum,
    decode_number,
    decode_temperature,
    encode_temperature,
    message,
    message_length,
    package,
    package_length,
    parse_message,
    parse_package,
)
from drivers.roles import BadReply, Refused

WIDTHS = st.sampled_from([NARROW, WIDE])


@pytest.mark.parametrize(
    ("frame", "address", "value_c"),
    [
        (b"{M000E74\r\n", 0x00, 37.0),
        (b"{M001004\r\n", 0x00, 41.0),
        (b"{M001068\r\n", 0x00, 42.0),
        (b"{M0010CC\r\n", 0x00, 43.0),
        (b"{M0905E8\r\n", 0x09, 15.12),
        (b"{M00F448\r\n", 0x00, -30.0),
    ],
)
def test_a_temperature_is_written_as_printed(frame: bytes, address: int, value_c: float) -> None:
    assert message(address, encode_temperature(value_c, NARROW), NARROW) == frame


@pytest.mark.parametrize(
    ("frame", "address", "word"),
    [
        (b"{M01****\r\n", 0x01, None),
        (b"{M140001\r\n", 0x14, 1),
        (b"{M160001\r\n", 0x16, 1),
        (b"{M190001\r\n", 0x19, 1),
        (b"{M40000A\r\n", 0x40, 10),
        (b"{M400000\r\n", 0x40, 0),
    ],
)
def test_a_question_is_written_as_printed(frame: bytes, address: int, word: int | None) -> None:
    assert message(address, word, NARROW) == frame


@pytest.mark.parametrize(
    ("frame", "address", "value_c"),
    [
        (b"{S00FFCC\r\n", 0x00, -0.52),
        (b"{S011010\r\n", 0x01, 41.12),
        (b"{S07087F\r\n", 0x07, 21.75),
        (b"{S0207E7\r\n", 0x02, 20.23),
        (b"{S00F448\r\n", 0x00, -30.0),
    ],
)
def test_a_printed_answer_is_read(frame: bytes, address: int, value_c: float) -> None:
    assert message_length(NARROW)(frame) == len(frame)
    assert decode_temperature(parse_message(frame, address, NARROW), NARROW).value == value_c


@pytest.mark.parametrize(
    ("frame", "value_c"), [(b"{M0000004E20\r\n", 20.0), (b"{M00FFFFA592\r\n", -23.15), (b"{M00********\r\n", None)]
)
def test_a_wide_question_is_written_as_printed(frame: bytes, value_c: float | None) -> None:
    word = None if value_c is None else encode_temperature(value_c, WIDE)
    assert message(0x00, word, WIDE) == frame


def test_a_wide_answer_is_read() -> None:
    assert decode_temperature(parse_message(b"{S00FFFFFDF8\r\n", 0, WIDE), WIDE).value == -0.52


@pytest.mark.parametrize(("word", "width"), [(0xC504, NARROW), (0xFFFBD1B0, WIDE)])
def test_a_missing_sensor_is_a_fault_and_not_a_temperature(word: int, width: Width) -> None:
    number = decode_temperature(word, width)
    assert number.value is None
    assert number.fault == "sensor missing or faulty"


@pytest.mark.parametrize(("word", "width"), [(0x7FFF, NARROW), (0x7FFFFFFF, WIDE)])
def test_an_unknown_variable_is_a_fault_and_not_a_number(word: int, width: Width) -> None:
    for number in (decode_temperature(word, width), decode_number(word, width)):
        assert number.value is None
        assert number.fault == "variable unknown or not licensed"


@pytest.mark.parametrize(
    ("word", "value_c"), [(0x8000, 327.68), (0xC350, 500.0), (0xC4F9, -151.11), (0xC505, -150.99), (0x7FFE, 327.66)]
)
def test_what_is_below_the_range_is_meant_without_a_sign(word: int, value_c: float) -> None:
    assert decode_temperature(word, NARROW).value == value_c


@pytest.mark.parametrize(("word", "width"), [(0xC351, NARROW), (0xC4F8, NARROW), (500001, WIDE), (0x80000000, WIDE)])
def test_a_temperature_out_of_range_is_a_fault(word: int, width: Width) -> None:
    number = decode_temperature(word, width)
    assert number.value is None
    assert "outside" in (number.fault or "")


@pytest.mark.parametrize("value_c", [float("nan"), float("inf"), -float("inf"), 500.01, -151.2, -151.0, 327.67])
def test_what_has_no_word_cannot_be_written(value_c: float) -> None:
    with pytest.raises(ValueError, match="°C"):
        encode_temperature(value_c, NARROW)


@given(counts=st.integers(-15111, 50000).filter(lambda c: c not in (-15100, 32767)))
def test_a_narrow_temperature_comes_back(counts: int) -> None:
    assert decode_temperature(encode_temperature(counts / 100, NARROW), NARROW).value == counts / 100


@given(counts=st.integers(-151110, 500000))
def test_a_wide_temperature_comes_back(counts: int) -> None:
    assert decode_temperature(encode_temperature(counts / 1000, WIDE), WIDE).value == counts / 1000


@given(width=WIDTHS, address=st.integers(0, 255), data=st.data())
def test_a_message_survives_the_wire_and_no_other_address_takes_it(
    width: Width, address: int, data: st.DataObject
) -> None:
    word = data.draw(st.integers(0, width.span - 1))
    frame = message(address, word, width).replace(b"{M", b"{S")
    assert parse_message(frame, address, width) == word
    with pytest.raises(BadReply):
        parse_message(frame, (address + 1) % 256, width)


def test_the_misprinted_answer_with_five_digits_is_no_answer() -> None:
    # Chapter 8 prints {S027FFFF for a return sensor without a licence; the rule makes it {S027FFF.
    with pytest.raises(BadReply):
        parse_message(b"{S027FFFF\r\n", 0x02, NARROW)
    assert decode_temperature(parse_message(b"{S027FFF\r\n", 0x02, NARROW), NARROW).value is None


def test_the_misprinted_clamp_is_another_temperature() -> None:
    # Printed as F458 for -30 °C, which is F448.
    assert encode_temperature(-30.0, NARROW) == 0xF448
    assert decode_temperature(0xF458, NARROW).value == -29.84


@pytest.mark.parametrize("body", [b"[", b"{M", b"\x00", b"x{S01", b"S"])
def test_what_begins_otherwise_is_no_pb_reply(body: bytes) -> None:
    with pytest.raises(BadReply):
        message_length(NARROW)(body)


@pytest.mark.parametrize("frame", [b"{S01101a\r\n", b"{S01 010\r\n", b"{S01****\r\n", b"{S011010\n\r", b"{S01-010\r\n"])
def test_a_bent_answer_is_no_answer(frame: bytes) -> None:
    with pytest.raises(BadReply):
        parse_message(frame, 0x01, NARROW)


# --- package


@pytest.mark.parametrize(
    ("frame", "words", "width"),
    [
        (b"[M01B100********2C\r", [None, None], NARROW),
        (b"[M01B1000BB8****70\r", [3000, None], NARROW),
        (b"[M01B0C0****96\r", [None], NARROW),
        (b"[M01B18A****************95\r", [None, None], WIDE),
        (b"[M01B2001068****************000A1D\r", [4200, None, None, None, None, 10], NARROW),
    ],
)
def test_a_package_is_written_as_printed(frame: bytes, words: list[int | None], width: Width) -> None:
    assert package(1, words, width) == frame


@pytest.mark.parametrize(
    ("frame", "words", "width"),
    [
        (b"[S01B10007D009F19D\r", (2000, 0x09F1), NARROW),
        (b"[S01B1000BB809FCC0\r", (3000, 0x09FC), NARROW),
        (b"[S01B18A00004E2000003B973B\r", (20000, 0x3B97), WIDE),
    ],
)
def test_a_printed_package_is_read(frame: bytes, words: tuple[int, ...], width: Width) -> None:
    assert package_length(frame) == len(frame)
    assert parse_package(frame, 1, 2, width) == words


def test_the_printed_checksum_3c_is_wrong_by_the_rule() -> None:
    # Chapter 10 prints 3C below the wide example; the sum of its characters ends in 3B.
    assert checksum(b"[S01B18A00004E2000003B97") == 0x3B
    with pytest.raises(BadReply, match="checksum"):
        parse_package(b"[S01B18A00004E2000003B973C\r", 1, 2, WIDE)


@pytest.mark.parametrize(
    "text",
    [
        b"[M01B100********2C",
        b"[S01B10007D009F19D",
        b"[M01B1000BB8****70",
        b"[S01B1000BB809FCC0",
        b"[M01B0C0****96",
        b'[S01B0C0"EL"C9',
        b"[M01B101********2D",
        b'[S01B0C1"EB"C0',
        b"[M01B18A****************95",
        b"[M01B18B****************96",
        b'[S01B0CB"EL"DB',
    ],
)
def test_the_printed_checksums_hold(text: bytes) -> None:
    assert checksum(text[:-2]) == int(text[-2:], 16)


def test_a_wrong_number_of_values_is_a_refusal() -> None:
    with pytest.raises(Refused, match="wrong number of values"):
        parse_package(b'[S01B0C0"EL"C9\r', 1, 2, NARROW)


def test_a_wrong_block_is_a_refusal() -> None:
    text = b'[S01B0C0"EB"'
    with pytest.raises(Refused, match="wrong block counter"):
        parse_package(text + b"%02X\r" % checksum(text), 1, 2, NARROW)


@given(width=WIDTHS, unit=st.integers(0, 255), data=st.data(), position=st.integers(0, 400), other=st.integers(0, 255))
def test_a_package_survives_the_wire_and_one_bent_character_is_found(
    width: Width, unit: int, data: st.DataObject, position: int, other: int
) -> None:
    words = data.draw(st.lists(st.integers(0, width.span - 1), min_size=1, max_size=30))
    sent = package(unit, words, width)
    text = b"[S" + sent[2:-3]
    frame = text + b"%02X\r" % checksum(text)
    assert parse_package(frame, unit, len(words), width) == tuple(words)
    place = position % len(frame)
    bent = frame[:place] + bytes([other]) + frame[place + 1 :]
    if bent != frame and place < len(frame) - 1:
        with pytest.raises(BadReply):
            parse_package(bent, unit, len(words), width)


def test_a_package_of_another_slave_is_no_answer() -> None:
    with pytest.raises(BadReply, match="slave"):
        parse_package(b"[S01B10007D009F19D\r", 2, 2, NARROW)


def test_a_package_that_never_ends_is_given_up() -> None:
    assert package_length(b"[S" + b"0" * 200) is None
    with pytest.raises(BadReply):
        package_length(b"[S" + b"0" * 300)
