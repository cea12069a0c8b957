"""Frames and numbers of the Huber PB protocol: plain and wide messages, and the package with its checksum.

    plain    {Maavvvv CR LF          ->  {Saavvvv CR LF           16 bits, 0.01 °C
    wide     {Maavvvvvvvv CR LF      ->  {Saavvvvvvvv CR LF       32 bits, 0.001 °C
    package  [MuuBllb dddd.. pp CR   ->  [SuuBllb dddd.. pp CR    values in the order set on the panel

Digits are upper-case hexadecimal; asterisks in the place of a value mean "read". Not responsible for what a variable
means or for when it is sent (`drivers.huber_pb`).
Source: Huber, Data Communication V2.3.0en, p. 8 and chapters 8 (PB), 9 (Wide PB), 10 (PB package).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from drivers.port import FrameLength
from drivers.roles import BadReply, Refused

LOWEST_C = -151.11
HIGHEST_C = 500.0
_HEX = frozenset(b"0123456789ABCDEF")
_PACKAGE_MOST = 255 + 2
_REFUSALS = {'"EL"': "wrong number of values: the list on the panel is another", '"EB"': "wrong block counter"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Width:
    """One of the two widths of a value, with its resolution and the numbers that are not numbers."""

    digits: int
    counts_per_c: int
    missing: int
    unknown: int
    block: str
    """Block counter of a package's first values."""

    @property
    def span(self) -> int:
        """How many different words there are."""
        return int(16**self.digits)


NARROW = Width(digits=4, counts_per_c=100, missing=0xC504, unknown=0x7FFF, block="0")
WIDE = Width(digits=8, counts_per_c=1000, missing=0xFFFBD1B0, unknown=0x7FFFFFFF, block="A")


class Number(NamedTuple):
    """A decoded value, or None and why there is none."""

    value: float | None
    fault: str | None = None


# --- numbers -----------------------------------------------------------------------------------------------------


def decode_temperature(word: int, width: Width) -> Number:
    """Degrees Celsius of a word; a sentinel or a value outside -151.11..500 °C is a fault.

    What reads below -15111 as a 16-bit number is unsigned: 327.68 °C and above (p. 8).
    """
    if word == width.missing:
        return Number(None, "sensor missing or faulty")
    if word == width.unknown:
        return Number(None, "variable unknown or not licensed")
    counts = _signed(word, width)
    if width.digits == NARROW.digits and counts < round(LOWEST_C * width.counts_per_c):
        counts = word
    value_c = counts / width.counts_per_c
    if not (LOWEST_C <= value_c <= HIGHEST_C):
        return Number(None, f"{value_c} °C is outside {LOWEST_C}..{HIGHEST_C} °C")
    return Number(value_c)


def decode_number(word: int, width: Width) -> Number:
    """A signed number without a scale (W, s, codes)."""
    if word == width.unknown:
        return Number(None, "variable unknown or not licensed")
    return Number(float(_signed(word, width)))


def encode_temperature(value_c: float, width: Width) -> int:
    """The word for a temperature. Raises ValueError for what has none: NaN, out of range, or a sentinel's place."""
    if not (LOWEST_C <= value_c <= HIGHEST_C):
        raise ValueError(f"{value_c} °C is outside {LOWEST_C}..{HIGHEST_C} °C")
    word = round(value_c * width.counts_per_c) % width.span
    if word in (width.missing, width.unknown):
        raise ValueError(f"{value_c} °C cannot be told from a missing value")
    return word


def _signed(word: int, width: Width) -> int:
    return word - width.span if word >= width.span // 2 else word


# --- plain and wide messages -------------------------------------------------------------------------------------


def message(address: int, word: int | None, width: Width) -> bytes:
    """A question: write `word`, or read when it is None."""
    return f"{{M{address:02X}{_digits(word, width)}\r\n".encode("ascii")


def message_length(width: Width) -> FrameLength:
    """How a reply is found in the bytes: it begins with {S and its length is fixed."""
    length = 4 + width.digits + 2

    def frame_length(body: bytes) -> int | None:
        if not b"{S".startswith(body[:2]):
            raise BadReply(f"no PB reply begins with {body.hex(' ')}")
        return length if len(body) >= length else None

    return frame_length


def parse_message(frame: bytes, address: int, width: Width) -> int:
    """The word that answers for `address`. PB has no checksum, so everything else is compared. Raises BadReply."""
    value = frame[4:-2]
    if not frame.startswith(f"{{S{address:02X}".encode("ascii")) or not frame.endswith(b"\r\n"):
        raise BadReply(f"not the answer for address {address:02X}: {frame!r}")
    if len(value) != width.digits or not _HEX.issuperset(value):
        raise BadReply(f"not {width.digits} hexadecimal digits: {frame!r}")
    return int(value, 16)


# --- package -----------------------------------------------------------------------------------------------------


def checksum(text: bytes) -> int:
    """Low byte of the sum of all characters before it (chapter 10)."""
    return sum(text) & 0xFF


def package(unit: int, words: Sequence[int | None], width: Width) -> bytes:
    """A package for slave `unit`: one word, or None to read, for each variable of the panel's list."""
    body = "".join(_digits(word, width) for word in words)
    text = f"[M{unit:02X}B{8 + len(body):02X}{width.block}{body}".encode("ascii")
    return text + f"{checksum(text):02X}\r".encode("ascii")


def package_length(body: bytes) -> int | None:
    """How a package is found in the bytes: it begins with [S and ends with CR. Raises BadReply."""
    if not b"[S".startswith(body[:2]) or len(body) > _PACKAGE_MOST:
        raise BadReply(f"no package begins with {body[:16].hex(' ')}")
    end = body.find(b"\r")
    return None if end < 0 else end + 1


def parse_package(frame: bytes, unit: int, count: int, width: Width) -> tuple[int, ...]:
    """The words of a package. Raises Refused for "EL" and "EB", BadReply for what is no answer to `package`."""
    text, given = frame[:-3], frame[-3:-1]
    if given != f"{checksum(text):02X}".encode("ascii"):
        raise BadReply(f"checksum {given!r}, not {checksum(text):02X}: {frame!r}")
    if not text.startswith(f"[S{unit:02X}B{len(text):02X}{width.block}".encode("ascii")):
        raise BadReply(f"not the answer of slave {unit:02X}, block {width.block}: {frame!r}")
    body = text[8:]
    refusal = _REFUSALS.get(body.decode("ascii", "replace"))
    if refusal is not None:
        raise Refused(f"package refused, {refusal}")
    if len(body) != count * width.digits or not _HEX.issuperset(body):
        raise BadReply(f"not {count} values of {width.digits} hexadecimal digits: {frame!r}")
    return tuple(int(body[at : at + width.digits], 16) for at in range(0, len(body), width.digits))


def _digits(word: int | None, width: Width) -> str:
    return "*" * width.digits if word is None else f"{word % width.span:0{width.digits}X}"
