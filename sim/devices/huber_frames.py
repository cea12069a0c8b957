"""What a Huber Pilot ONE hears on its line: PB messages of both widths, and PB packages. Written from the manual.

Malformed frames are never answered. A gap of more than 100 ms between characters ends a frame that is not complete.
Not responsible for the variables behind the addresses (`sim.devices.huber_pb`).
Source: Huber, Data Communication V2.3.0en, p. 8 (timing), chapters 8 to 10 (frames).
"""

from __future__ import annotations

import re
from typing import NamedTuple

CHARACTER_GAP_S = 0.1
LONGEST_FRAME = 258

SENSOR_MISSING = {4: "C504", 8: "FFFBD1B0"}
NOT_AVAILABLE = {4: "7FFF", 8: "7FFFFFFF"}
STEPS_PER_DEGREE = {4: 100, 8: 1000}
PACKAGE_DIGITS = {"0": 4, "A": 8, "B": 8, "C": 8}
BLOCK_VALUES = 30

_MESSAGE = re.compile(r"\{M([0-9A-F]{2})([0-9A-F]{4}|\*{4}|[0-9A-F]{8}|\*{8})\r\n")
_PACKAGE = re.compile(r"(\[M([0-9A-F]{2})B([0-9A-F]{2})(.)([0-9A-F*]*))([0-9A-F]{2})\r")


class Asked(NamedTuple):
    """One PB message: address, digits of its value (4 or 8), and those digits, or None to read."""

    address: int
    digits: int
    value: str | None


class PackageAsked(NamedTuple):
    """One PB package, its checksum and length already found right."""

    unit: int
    block: str
    body: str


class Ear:
    """Finds frames in characters that come in any portions."""

    def __init__(self) -> None:
        self._text = ""
        self._last_s = 0.0

    def hear(self, data: bytes, now_s: float) -> list[Asked | PackageAsked]:
        """Take what came at `now_s`; return the well-formed questions that are complete now."""
        if now_s - self._last_s > CHARACTER_GAP_S:
            self._text = ""
        self._last_s = now_s
        questions = []
        for character in data.decode("latin-1"):
            question = self._take(character)
            if question is not None:
                questions.append(question)
        return questions

    def forget(self) -> None:
        """Drop what has come of a frame."""
        self._text = ""

    def _take(self, character: str) -> Asked | PackageAsked | None:
        if character in "{[":
            self._text = ""
        elif not self._text:
            return None
        self._text += character
        if not self._text.endswith("\r\n" if self._text[0] == "{" else "\r"):
            if len(self._text) > LONGEST_FRAME:
                self._text = ""
            return None
        text, self._text = self._text, ""
        return as_message(text) if text[0] == "{" else as_package(text)


def as_message(text: str) -> Asked | None:
    """A PB message, or None for what is none."""
    found = _MESSAGE.fullmatch(text)
    if found is None:
        return None
    value = found[2]
    return Asked(int(found[1], 16), len(value), None if "*" in value else value)


def as_package(text: str) -> PackageAsked | None:
    """A PB package, or None when it is malformed, its length is not as it says, or its checksum is wrong."""
    found = _PACKAGE.fullmatch(text)
    if found is None or int(found[3], 16) != len(found[1]) or found[6] != summed(found[1]):
        return None
    return PackageAsked(int(found[2], 16), found[4], found[5])


def message_reply(address: int, value: str) -> bytes:
    """The answer to a PB message."""
    return f"{{S{address:02X}{value}\r\n".encode("latin-1")


def package_reply(unit: int, block: str, body: str) -> bytes:
    """The answer to a PB package; `body` is values, or "EL" or "EB" in quotes."""
    head = f"[S{unit:02X}B{len(body) + 8:02X}{block}{body}"
    return f"{head}{summed(head)}\r".encode("latin-1")


def summed(text: str) -> str:
    """Two digits: the low byte of the sum of the characters."""
    total = 0
    for character in text:
        total = (total + ord(character)) % 256
    return format(total, "02X")


def digits_of_number(number: int, digits: int) -> str:
    """A signed number in two's complement; what does not fit stays at the end of the range."""
    top = 16**digits // 2
    number = min(max(number, -top), top - 2)
    return format(number % 16**digits, f"0{digits}X")


def number_of_digits(value: str) -> int:
    """The signed number that the digits stand for."""
    word = int(value, 16)
    return word - 16 ** len(value) if word * 2 >= 16 ** len(value) else word


def digits_of_temperature(celsius: float | None, digits: int) -> str:
    """A temperature on the wire; None is the missing sensor. 16 bits carry 327.68..500 °C without a sign."""
    if celsius is None:
        return SENSOR_MISSING[digits]
    steps = round(min(max(celsius, -151.11), 500.0) * STEPS_PER_DEGREE[digits])
    return format(steps % 16**digits, f"0{digits}X")


def temperature_of_digits(value: str) -> float:
    """A temperature that was written. 16 bits below -15111 are meant without a sign."""
    number = number_of_digits(value)
    if len(value) == 4 and number < -15111:
        number += 0x10000
    return number / STEPS_PER_DEGREE[len(value)]
