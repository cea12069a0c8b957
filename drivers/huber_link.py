"""Questions to a Huber Pilot ONE by the names of its variables: one transaction each, every write compared.

The device clamps a value that it does not like and answers with the clamped one, so an answer that differs from what
was written is a refusal. Not responsible for what is asked, or when (`drivers.huber_pb`).
Source: Huber, Data Communication V2.3.0en, p. 8 (timing, clamping) and p. 10-24 (variables).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from drivers import huber_frames as frames
from drivers.huber_frames import Number, Width
from drivers.port import Port
from drivers.roles import BadReply, Refused

REPLY_S = 1.0  # p. 8: usually below 0.3 s, wait for at least 1 s
SAME_C = 0.5


class Variable(NamedTuple):
    """A PB variable: its address, and whether it is a temperature or a number."""

    address: int
    temperature: bool = False


VARIABLES: Mapping[str, Variable] = {
    "vSP": Variable(0x00, temperature=True),
    "vTI": Variable(0x01, temperature=True),
    "vPow": Variable(0x04),
    "vError": Variable(0x05),
    "vTE": Variable(0x07, temperature=True),
    "vStatus1": Variable(0x0A),
    "vTmpMode": Variable(0x13),
    "vTmpActive": Variable(0x14),
    "vCircActive": Variable(0x16),
    "vSerialHigh": Variable(0x1B),
    "vSerialLow": Variable(0x1C),
    "vWD1": Variable(0x40),
    "vTIAlarmHigh": Variable(0x51, temperature=True),
}


class Sample(NamedTuple):
    """A word as it came, and when."""

    word: int
    at_s: float


class PilotLink:
    """Questions to one Pilot ONE, one transaction each; `samples` keeps the newest word of every variable."""

    def __init__(self, *, port: Port, name: str, unit: int, width: Width, listed: tuple[str, ...]) -> None:
        self.port = port
        self.name = name
        self.width = width
        self.samples: dict[str, Sample] = {}
        self._unit = unit
        self._listed = listed

    def ask(self, variable: str, word: int | None = None) -> int:
        """Read, or write without comparing; returns the word in the answer."""
        address = VARIABLES[variable].address
        request = frames.message(address, word, self.width)
        frame = self.port.exchange(request, frames.message_length(self.width), timeout_s=REPLY_S)
        try:
            answer = frames.parse_message(frame, address, self.width)
        except BadReply as error:
            self.port.distrust()
            raise BadReply(f"{self.name}: {error}") from error
        self._keep(variable, answer)
        return answer

    def write(self, variable: str, word: int) -> None:
        """Write and compare the answer. Raises Refused when the device made something else of it."""
        self._compare(variable, word, self.ask(variable, word))

    def exchange_package(self, words: Mapping[str, int]) -> None:
        """One package: write `words`, read the whole list, compare. Raises Refused as `write` does."""
        request = frames.package(self._unit, [words.get(name) for name in self._listed], self.width)
        frame = self.port.exchange(request, frames.package_length, timeout_s=REPLY_S)
        try:
            answers = frames.parse_package(frame, self._unit, len(self._listed), self.width)
        except BadReply as error:
            self.port.distrust()
            raise BadReply(f"{self.name}: {error}") from error
        except Refused as error:
            raise Refused(f"{self.name}: {error} (expected: {', '.join(self._listed)})") from error
        for name, answer in zip(self._listed, answers, strict=True):
            self._keep(name, answer)
        for name, word in words.items():
            self._compare(name, word, self.samples[name].word)

    def compare_list(self) -> None:
        """Compare each place of a package with a message, so that a list in another order is found out.

        Temperatures may differ by SAME_C, power is not compared. Raises Refused naming the variable.
        """
        self.exchange_package({})
        for variable in self._listed:
            before, word = self.number(variable), self.samples[variable].word
            if variable == "vPow" or self.ask(variable) == word:
                continue
            if not (VARIABLES[variable].temperature and _near(before, self.number(variable))):
                names = ", ".join(self._listed)
                raise Refused(f"{self.name}: the package list on the panel is not {names}: see {variable}")

    def number(self, variable: str) -> Number:
        """The newest word of a variable, decoded."""
        decode = frames.decode_temperature if VARIABLES[variable].temperature else frames.decode_number
        return decode(self.samples[variable].word, self.width)

    def age_s(self, variable: str) -> float:
        """Seconds since the newest word came; infinite for none."""
        sample = self.samples.get(variable)
        return self.port.clock.now() - sample.at_s if sample else math.inf

    def _keep(self, variable: str, word: int) -> None:
        self.samples[variable] = Sample(word, self.port.clock.now())

    def _compare(self, variable: str, word: int, answer: int) -> None:
        if answer == word:
            return
        number = self.number(variable)
        told = number.fault or f"{number.value:g}"
        raise Refused(f"{self.name}: {variable} written as {word:0{self.width.digits}X}, read back as {told}")


def _near(one: Number, other: Number) -> bool:
    """Two readings of one temperature, a moment apart."""
    return one.value is not None and other.value is not None and abs(one.value - other.value) <= SAME_C
