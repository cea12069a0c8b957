"""Twin of a Lead Fluid BT100S / BT300S pump: holding words 3000 and 3100 to 3109, input words 1000 to 1029.

Speed in 0.1 rpm; a speed beyond the drive's range is answered with exception 3. It has no watchdog: the last command
stands for ever. Speed, direction and source of control outlive a power cut, running does not.
Source: register map of the BT100S as in the public driver of the CREDO control software.

Options: max_rpm (300), direction ("cw": which way drives the plant forwards), product ("BT300S"), reply_ms (5).
"""

from __future__ import annotations

from collections.abc import Iterator

from sim.devices.rtu import (
    ILLEGAL_ADDRESS,
    ILLEGAL_VALUE,
    READ_HOLDING,
    READ_INPUT,
    WRITE_REGISTER,
    WRITE_REGISTERS,
    ModbusFault,
    RtuServer,
    word_reader,
    word_writer,
    words_writer,
)
from sim.devices.twin import Reply, Twin, Wiring

KEYS = (3000, 3001, 3002)
DRIVE = range(3100, 3110)
LOST_WITH_SUPPLY = (3102, 3103)
STEPS_PER_REV = 3200


class LeadFluidDrive:
    """One drive."""

    def __init__(self, wiring: Wiring) -> None:
        options = wiring.options
        self._wiring = wiring
        self._most = round(10 * float(options.get("max_rpm", 300.0)))
        self._forward = 0 if options.get("direction", "cw") == "cw" else 1
        self._names = dict(_named(1018, "LEADFLUID")) | dict(_named(1023, str(options.get("product", "BT300S"))))
        self._words = dict.fromkeys((*KEYS, *DRIVE), 0)
        self._words.update({3100: 1000, 3104: 1, 3107: wiring.address})
        self._server = RtuServer(
            unit=wiring.address,
            reply_s=float(options.get("reply_ms", 5)) / 1000,
            handlers={
                READ_HOLDING: word_reader(self._read),
                READ_INPUT: word_reader(self._read_input),
                WRITE_REGISTER: word_writer(self._write),
                WRITE_REGISTERS: words_writer(self._write_many),
            },
        )

    def receive(self, data: bytes, now_s: float) -> list[Reply]:
        """Take bytes; answer the questions to this unit."""
        replies = self._server.receive(data, now_s)
        self._drive()
        return replies

    def tick(self, now_s: float) -> None:
        """It has no timer but the frame's."""
        self._server.tick(now_s)

    def power_cycle(self, now_s: float) -> None:
        """It comes back stopped."""
        self._server.forget()
        self._words.update(dict.fromkeys(LOST_WITH_SUPPLY, 0))
        self._drive()

    def press(self, address: int, value: int) -> None:
        """Somebody at the panel: the same as the word, without the bus."""
        self._words[address] = value
        self._drive()

    def _read(self, address: int, now_s: float) -> int:
        if address not in self._words:
            raise ModbusFault(ILLEGAL_ADDRESS)
        return self._words[address]

    def _read_input(self, address: int, now_s: float) -> int:
        if not 1000 <= address <= 1029:
            raise ModbusFault(ILLEGAL_ADDRESS)
        return STEPS_PER_REV if address == 1002 else self._names.get(address, 0)

    def _write(self, address: int, value: int, now_s: float) -> None:
        self._write_many(address, [value], now_s)

    def _write_many(self, address: int, values: list[int], now_s: float) -> None:
        wanted = {address + offset: value for offset, value in enumerate(values)}
        largest = {3100: self._most, 3101: 1, 3102: 1, 3103: 1, 3104: 4}
        for each, value in wanted.items():
            if each not in self._words:
                raise ModbusFault(ILLEGAL_ADDRESS)
            if value > largest.get(each, 0xFFFF):
                raise ModbusFault(ILLEGAL_VALUE)
        # Under control of a foot switch or a voltage the bus can read and set, but not run.
        self._words.update(wanted)

    def _drive(self) -> None:
        words = self._words
        tenths = self._most if words[3103] else words[3100]
        turning = words[3102] == 1 or words[3103] == 1
        obeys = words[3104] == 0
        rpm = tenths / 10 if turning and obeys else 0.0
        self._wiring.terminals.pump_rpm_command = rpm if words[3101] == self._forward else -rpm


def _named(address: int, text: str) -> Iterator[tuple[int, int]]:
    """ASCII in five words, the first character in the low byte."""
    raw = text.encode("ascii").ljust(10, b"\0")[:10]
    for index in range(5):
        yield address + index, raw[2 * index] | raw[2 * index + 1] << 8


def make_twin(wiring: Wiring) -> Twin:
    """A drive as wired."""
    return LeadFluidDrive(wiring)
