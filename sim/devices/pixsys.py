"""Twin of a Pixsys DRR245 (= Wachendorff URDR0001) controller that drives an element through its analogue output.

Words from Pixsys' DRR245 user manual p. 27-31, dec addresses as on the wire, at most 20 a question, FC 03/04/06/16.
Word 1022 is the longest time in ms between two polls; when it passes, the controller is in STOP, with its output off
or, under serial control, at word 3024. Set-points are in the EEPROM; all else is lost with the supply.

The manual does not say what 1000 reads with a broken sensor: it reads 0 here, and only word 1014 tells.

Options: output ("10v" | "20ma": which serial word drives it), reply_ms (10), sim_device_type (245),
sim_setpoint_c (20: what the EEPROM holds at first).
"""

from __future__ import annotations

import math
from collections.abc import Callable

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

MOST_WORDS = 20
SENSOR_ERROR = 1 << 3
BAND_C = 5.0  # of its own proportional control in automatic
PROCESS_LOW, PROCESS_HIGH = -2000, 8500  # of a Pt100, in 0.1 °C
EEPROM = range(1001, 1007)
VOLATILE = frozenset({500, 510, 1013, 1016, 1017, 1018, 1019, 1022, 1024, *range(3000, 3026)})
LARGEST = {1016: 1, 1017: 1, 1018: 1, 1019: 1, 3020: 1, 3021: 10_000, 3022: 10_000, 3024: 10_000}


class PixsysController:
    """One controller. `error_flags` adds to word 1014 what a test wants broken."""

    def __init__(self, wiring: Wiring) -> None:
        options = wiring.options
        self.error_flags = 0
        self._wiring = wiring
        self._power_word = 3022 if options.get("output", "10v") == "20ma" else 3021
        self._type = int(options.get("sim_device_type", 245))
        self._eeprom = dict.fromkeys(EEPROM, 0)
        self._eeprom[1001] = round(10 * float(options.get("sim_setpoint_c", 20.0))) & 0xFFFF
        self.eeprom_writes = 0
        self._volatile: dict[int, int] = {}
        self._serial = False
        self._off_line = False
        self._polled_s = 0.0
        self._measured = self._measured_table()
        read = word_reader(self._read, most=MOST_WORDS)
        self._server = RtuServer(
            unit=wiring.address,
            reply_s=float(options.get("reply_ms", 10)) / 1000,
            handlers={
                READ_HOLDING: read,
                READ_INPUT: read,
                WRITE_REGISTER: word_writer(self._write),
                WRITE_REGISTERS: words_writer(self._write_many, most=MOST_WORDS),
            },
        )
        self._switch_on()

    def receive(self, data: bytes, now_s: float) -> list[Reply]:
        """Take bytes; answer the questions to this unit."""
        self.tick(now_s)
        replies = self._server.receive(data, now_s)
        self._drive()
        return replies

    def tick(self, now_s: float) -> None:
        """Let the off-line time run out, and its own control act."""
        self._server.tick(now_s)
        allowed_ms = self._volatile[1022]
        if allowed_ms and now_s - self._polled_s > allowed_ms / 1000:
            self._volatile[1016] = 0
            self._off_line = True
        self._drive()

    def power_cycle(self, now_s: float) -> None:
        """Come back in STOP, automatic, without off-line time and without serial control."""
        self._polled_s = now_s
        self._switch_on()

    # --- words

    def _read(self, address: int, now_s: float) -> int:
        self._poll(now_s)
        if address in self._measured:
            return self._measured[address]()
        if address in self._eeprom:
            return self._eeprom[address]
        if address in self._volatile:
            return self._volatile[address]
        raise ModbusFault(ILLEGAL_ADDRESS)

    def _write(self, address: int, value: int, now_s: float) -> None:
        self._poll(now_s)
        self._writable(address, value)
        self._store(address, value)

    def _write_many(self, address: int, values: list[int], now_s: float) -> None:
        self._poll(now_s)
        for offset, value in enumerate(values):
            self._writable(address + offset, value)
        for offset, value in enumerate(values):
            self._store(address + offset, value)

    def _writable(self, address: int, value: int) -> None:
        if address not in self._eeprom and address not in VOLATILE:
            raise ModbusFault(ILLEGAL_ADDRESS)
        if value > LARGEST.get(address, 0xFFFF):
            raise ModbusFault(ILLEGAL_VALUE)

    def _store(self, address: int, value: int) -> None:
        if address in self._eeprom:
            self._eeprom[address] = value
            self.eeprom_writes += 1
            return
        self._volatile[address] = value
        if address == self._power_word:
            self._serial = True
        if address == 3000 and value == 1:
            self._serial = False
            self._volatile.update(dict.fromkeys(range(3001, 3023), 0))
        if address == 1016 and value == 1:
            self._off_line = False

    def _poll(self, now_s: float) -> None:
        """Any question is a poll, whatever it asks."""
        self._polled_s = now_s

    def _measured_table(self) -> dict[int, Callable[[], int]]:
        return {
            0: lambda: self._type,
            1: lambda: 110,
            5: lambda: self._wiring.address,
            6: lambda: 100,
            999: self._process,
            1000: self._process,
            1007: lambda: 0,
            1008: lambda: self._eeprom[1001],
            1009: lambda: 8 if self._fraction() > 0 else 0,
            1010: lambda: round(10_000 * self._fraction()),
            1011: lambda: 0,
            1012: lambda: 0,
            1014: lambda: self.error_flags | (0 if self._felt_c() is not None else SENSOR_ERROR),
            1015: lambda: 250,
            1020: lambda: 0,
            1021: lambda: 0,
            1023: lambda: 0,
        }

    # --- the machine's side

    def _switch_on(self) -> None:
        self._volatile = dict.fromkeys(VOLATILE, 0)
        self._volatile[510] = 10
        self._serial = False
        self._off_line = False
        self._server.forget()
        self._drive()

    def _felt_c(self) -> float | None:
        """The probe's temperature; None when open, short, or beyond what a Pt100 can be."""
        wired = self._wiring.inputs.get("process_c")
        felt_c = wired() if wired else None
        if felt_c is None or not math.isfinite(felt_c) or not PROCESS_LOW <= 10 * felt_c <= PROCESS_HIGH:
            return None
        return felt_c

    def _process(self) -> int:
        felt_c = self._felt_c()
        return 0 if felt_c is None else math.floor(10 * felt_c + 0.5)

    def _fraction(self) -> float:
        """Of full power, 0..1."""
        if self._volatile[1016] == 0:
            return self._volatile[3024] / 10_000 if self._off_line and self._serial else 0.0
        if self._serial:
            return self._volatile[self._power_word] / 10_000
        felt_c = self._felt_c()
        if self._volatile[1019] == 1 or felt_c is None:
            return 0.0
        setpoint = self._eeprom[1001]
        setpoint_c = (setpoint - 0x10000 if setpoint >= 0x8000 else setpoint) / 10
        return min(1.0, max(0.0, (setpoint_c - felt_c) / BAND_C))

    def _drive(self) -> None:
        self._wiring.terminals.element_fraction = self._fraction()


def make_twin(wiring: Wiring) -> Twin:
    """A controller as wired."""
    return PixsysController(wiring)
