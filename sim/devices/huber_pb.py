"""A Huber Pilot ONE circulator: bath, circulation pump, sensors, PB variables and the communication watchdog vWD1.

What it does beyond the bytes: values beyond vMinSP..vMaxSP are clamped and the clamped value is answered; a variable
that is unknown or not licensed reads 7FFF; the first status after a start has bit 14 clear; an expired watchdog, a lost
internal sensor and a temperature beyond its alarm limits raise a fault, which ends tempering until vError is written
and tempering is started again. Everything written by message is lost with the mains. Not responsible for physics.

Options: reply_ms (30), package_values, sim_unit (1), sim_panel_setpoint_c (20), sim_min_setpoint_c (-30),
sim_max_setpoint_c (100), sim_serial, sim_unlicensed ("07,40": these read 7FFF), sim_circulates_in_fault (False).
Source: Huber, Data Communication V2.3.0en, p. 8-24 and chapters 8 to 10. Inferred there and here: a watchdog fault ends
in standby. The number of that fault is our own, the manual names none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from sim.devices.huber_frames import (
    BLOCK_VALUES,
    NOT_AVAILABLE,
    PACKAGE_DIGITS,
    Asked,
    Ear,
    PackageAsked,
    digits_of_number,
    digits_of_temperature,
    message_reply,
    number_of_digits,
    package_reply,
    temperature_of_digits,
)
from sim.devices.twin import Reply, Twin, Wiring

PACKAGE_VALUES = "vSP,vTI,vTE,vStatus1,vError,vWD1"
WATCHDOG_MOST_S = 150
WATCHDOG_FAULT = -2140
SENSOR_FAULT = -2141
ALARM_FAULT = -2142

NAMES: Mapping[str, int] = {
    "vSP": 0x00,
    "vTI": 0x01,
    "vPow": 0x04,
    "vError": 0x05,
    "vWarn": 0x06,
    "vTE": 0x07,
    "vStatus1": 0x0A,
    "vTmpMode": 0x13,
    "vTmpActive": 0x14,
    "vCircActive": 0x16,
    "vWD1": 0x40,
}
TEMPERATURES = frozenset({0x00, 0x01, 0x07, 0x08, 0x09, 0x30, 0x31, 0x51, 0x52, 0x53, 0x54})
SCRATCH = (0x08, 0x09, 0x17, 0x18, 0x19, 0x51, 0x52, 0x53, 0x54)
"""Variables that keep what is written until the mains goes."""


class HuberPilotOne:
    """One circulator. `fault` is vError, 0 when there is none; `tempering` and `circulating` are what it does."""

    fault: int
    tempering: bool
    circulating: bool
    _setpoint_c: float
    _process_mode: bool
    _watchdog_s: int
    _watchdog_until_s: float | None
    _status_was_read: bool
    _busy_until_s: float
    _scratch: dict[int, float]

    def __init__(self, wiring: Wiring) -> None:
        options = wiring.options
        self._wiring = wiring
        self._terminals = wiring.terminals
        self._delay_s = float(options.get("reply_ms", 30)) / 1000.0
        self._unit = int(options.get("sim_unit", wiring.address))
        self._panel_c = float(options.get("sim_panel_setpoint_c", 20.0))
        self._serial = int(options.get("sim_serial", 0x0001D98B))
        self._circulates_in_fault = bool(options.get("sim_circulates_in_fault", False))
        self._unlicensed = {int(text, 16) for text in str(options.get("sim_unlicensed", "")).split(",") if text}
        names = str(options.get("package_values", PACKAGE_VALUES)).split(",")
        self._package = tuple(NAMES[name.strip()] for name in names)
        self._limits_c = (
            float(options.get("sim_min_setpoint_c", -30.0)),
            float(options.get("sim_max_setpoint_c", 100.0)),
        )
        self._reads = self._reading_table()
        self._writes = self._writing_table()
        self._ear = Ear()
        self._felt_once = False
        self._now_s = 0.0
        self._switch_on()

    # --- the wire's side

    def receive(self, data: bytes, now_s: float) -> list[Reply]:
        """Answer what is complete, well-formed and does not come before the last answer has gone."""
        self._now_s = now_s
        replies = []
        for question in self._ear.hear(data, now_s):
            if now_s < self._busy_until_s:
                continue
            answer = self._message(question) if isinstance(question, Asked) else self._packaged(question)
            if answer is not None:
                self._busy_until_s = now_s + self._delay_s
                replies.append(Reply(self._delay_s, answer))
        self._drive()
        return replies

    def tick(self, now_s: float) -> None:
        """Let the watchdog run, and watch the sensors."""
        self._now_s = now_s
        if self._watchdog_until_s is not None and now_s >= self._watchdog_until_s:
            self._watchdog_until_s = None
            self._fail(WATCHDOG_FAULT)
        internal_c = self._internal_c()
        if internal_c is None:
            self._fail(SENSOR_FAULT)
        elif not (self._scratch[0x52] <= internal_c <= self._scratch[0x51]):
            self._fail(ALARM_FAULT)
        process_c = self._process_c()
        if process_c is not None and not (self._scratch[0x54] <= process_c <= self._scratch[0x53]):
            self._fail(ALARM_FAULT)
        self._drive()

    def power_cycle(self, now_s: float) -> None:
        """Start anew in standby with the set-point that was last entered by hand."""
        self._now_s = now_s
        self._switch_on()

    def _message(self, asked: Asked) -> bytes:
        if asked.value is not None:
            self._write(asked.address, asked.value)
        return message_reply(asked.address, self._read(asked.address, asked.digits))

    def _packaged(self, asked: PackageAsked) -> bytes | None:
        if asked.unit != self._unit:
            return None
        digits = PACKAGE_DIGITS.get(asked.block)
        if digits is None:
            return package_reply(self._unit, asked.block, '"EB"')
        skipped = 0 if digits == 4 else BLOCK_VALUES * "ABC".index(asked.block)
        addresses = self._package[skipped:] if digits == 4 else self._package[skipped : skipped + BLOCK_VALUES]
        if not addresses or len(asked.body) != digits * len(addresses):
            return package_reply(self._unit, asked.block, '"EL"')
        for place, address in enumerate(addresses):
            value = asked.body[place * digits : (place + 1) * digits]
            if "*" not in value:
                self._write(address, value)
        body = "".join(self._read(address, digits) for address in addresses)
        return package_reply(self._unit, asked.block, body)

    # --- variables

    def _read(self, address: int, digits: int) -> str:
        read = self._reads.get(address)
        if read is None or address in self._unlicensed:
            return NOT_AVAILABLE[digits]
        value = read()
        if address in TEMPERATURES:
            return digits_of_temperature(value, digits)
        return digits_of_number(round(value or 0.0), digits)

    def _write(self, address: int, value: str) -> None:
        write = self._writes.get(address)
        if write is None or address in self._unlicensed:
            return
        write(temperature_of_digits(value) if address in TEMPERATURES else float(number_of_digits(value)))

    def _reading_table(self) -> dict[int, Callable[[], float | None]]:
        table: dict[int, Callable[[], float | None]] = {
            0x00: lambda: self._setpoint_c,
            0x01: self._internal_c,
            0x04: lambda: self._terminals.heater_power_w,
            0x05: lambda: self.fault,
            0x06: lambda: 0,
            0x07: self._process_c,
            0x0A: self._status,
            0x13: lambda: self._process_mode,
            0x14: lambda: self.tempering,
            0x16: lambda: self.circulating,
            0x1B: lambda: number_of_digits(format(self._serial >> 16 & 0xFFFF, "04X")),
            0x1C: lambda: number_of_digits(format(self._serial & 0xFFFF, "04X")),
            0x30: lambda: self._limits_c[0],
            0x31: lambda: self._limits_c[1],
            0x40: lambda: self._watchdog_s,
        }
        table.update({address: self._kept(address) for address in SCRATCH})
        return table

    def _writing_table(self) -> dict[int, Callable[[float], None]]:
        table: dict[int, Callable[[float], None]] = {
            0x00: self._set_setpoint,
            0x05: self._clear_fault,
            0x13: self._set_mode,
            0x14: self._set_tempering,
            0x16: self._set_circulation,
            0x40: self._set_watchdog,
        }
        table.update({address: self._keeper(address) for address in SCRATCH})
        return table

    def _kept(self, address: int) -> Callable[[], float]:
        return lambda: self._scratch[address]

    def _keeper(self, address: int) -> Callable[[float], None]:
        def keep(value: float) -> None:
            self._scratch[address] = value

        return keep

    def _status(self) -> float:
        bits = {
            0: self.tempering,
            1: self.circulating,
            3: self._process_mode,
            4: self.circulating,
            5: True,
            6: int(self._scratch[0x17]) & 1,
            8: self.fault != 0,
            10: int(self._scratch[0x18]) & 1,
            11: int(self._scratch[0x19]) & 1,
            14: self._status_was_read,
        }
        self._status_was_read = True
        return sum(1 << place for place, is_set in bits.items() if is_set)

    def _set_setpoint(self, value_c: float) -> None:
        self._setpoint_c = min(max(value_c, self._limits_c[0]), self._limits_c[1])

    def _set_mode(self, value: float) -> None:
        self._process_mode = value == 1

    def _set_tempering(self, value: float) -> None:
        self.tempering = value == 1 and self.fault == 0
        self.circulating = self.tempering

    def _set_circulation(self, value: float) -> None:
        self.circulating = value == 1 and (self.fault == 0 or self._circulates_in_fault)
        self.tempering = self.tempering and self.circulating

    def _set_watchdog(self, value: float) -> None:
        self._watchdog_s = min(max(round(value), 0), WATCHDOG_MOST_S)
        self._watchdog_until_s = self._now_s + self._watchdog_s if self._watchdog_s else None

    def _clear_fault(self, value: float) -> None:
        if value == 1:
            self.fault = 0

    # --- the machine's side

    def _switch_on(self) -> None:
        self.fault = 0
        self.tempering = False
        self.circulating = False
        self._setpoint_c = self._panel_c
        self._process_mode = False
        self._watchdog_s = 0
        self._watchdog_until_s = None
        self._status_was_read = False
        self._busy_until_s = -math.inf
        self._scratch = dict.fromkeys(SCRATCH, 0.0)
        self._scratch.update({0x51: 200.0, 0x52: -50.0, 0x53: 200.0, 0x54: -50.0})
        self._ear.forget()
        self._drive()

    def _fail(self, code: int) -> None:
        if self.fault == 0:
            self.fault = code
        self.tempering = False
        self.circulating = self.circulating and self._circulates_in_fault

    def _internal_c(self) -> float | None:
        """The built-in Pt100: the bath itself, unless the rig reads a signal there that was ever felt."""
        wired = self._wiring.inputs.get("bath_c")
        felt_c = wired() if wired else None
        self._felt_once = self._felt_once or felt_c is not None
        return _sensor(felt_c if self._felt_once else self._terminals.bath_c)

    def _process_c(self) -> float | None:
        wired = self._wiring.inputs.get("process_c")
        return _sensor(wired() if wired else None)

    def _drive(self) -> None:
        self._terminals.bath_on = self.tempering
        self._terminals.bath_circulating = self.circulating
        self._terminals.bath_setpoint_c = self._setpoint_c


def _sensor(value_c: float | None) -> float | None:
    """Open and short are both shown as the missing sensor."""
    return value_c if value_c is not None and math.isfinite(value_c) else None


def make_twin(wiring: Wiring) -> Twin:
    """A circulator as wired."""
    return HuberPilotOne(wiring)
