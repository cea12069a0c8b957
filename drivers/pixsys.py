"""Pixsys DRR245 (= Wachendorff URDR0001) controller, used as a power stage with a watchdog: an inline element.

The host computes the power; the controller puts it out through its analogue output (0..10 V or 4..20 mA) to a
solid-state power controller, and falls to STOP by itself when nobody polls it for the off-line time. It is kept in
manual and with a cold set-point, so that it never regulates by itself should the serial control be lost.
Not responsible for the limits of the power, or for deciding when heat may come back after an off-line time.

The power goes to word 3021 or 3022: the heating percentage 1010 is read-only in the manual. Any poll, not only a
command, refreshes the off-line time; so that a polled device does not heat on without commands, this driver itself
stops it HEAT_EXPIRY_S after the last one.

Options: output = "10v" (default) | "20ma"; safe_setpoint_c (20, 0..37); device_type (refuse another); reply_ms and
options that begin with sim_ are the simulated device's.
Source: Pixsys DRR245 user manual p. 27-31; Wachendorff URDR0001 user manual p. 30-34. A bench has to settle whether
1010 follows the serially driven output, and whether STOP ends that output without the off-line time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from config.schema import HEAT_EXPIRY_S
from config.schema import Device as DeviceConfig
from drivers.family import Family
from drivers.modbus import ModbusUnit
from drivers.port import Port
from drivers.roles import Command, Identity, PowerCommand, Reading, Refused, Restarted, WrongDevice

DEVICE_TYPE, SLAVE_ADDRESS = 0, 5
BLOCK, BLOCK_WORDS = 1000, 20  # the most that one question may ask for
PROCESS, SETPOINT, HEAT_PERCENT, ERRORS, RUN, MANUAL = 1000, 1001, 1010, 1014, 1016, 1019
OFF_LINE_MS = 1022
POWER_WORDS = {"10v": 3021, "20ma": 3022}
SERIAL_BLOCK, OFF_LINE_RELAYS, OFF_LINE_OUTPUT = 3021, 3023, 3024
FULL_POWER = 10_000
ARMED_MS = round(1000 * HEAT_EXPIRY_S)
RANGE_C = (-40.0, 150.0)

ERROR_BITS: tuple[tuple[int, str, tuple[str, ...]], ...] = (
    (0, "EEPROM writing error", ("setpoint_c",)),
    (1, "EEPROM reading error", ("setpoint_c", "process_c")),
    (2, "cold junction error", ("process_c",)),
    (3, "sensor error", ("process_c",)),
    (4, "generic error", ("process_c", "output_percent", "setpoint_c")),
    (5, "hardware error", ("process_c", "output_percent", "setpoint_c")),
    (6, "loop break alarm (open)", ("output_percent",)),
    (7, "loop break alarm (closed)", ("output_percent",)),
    (8, "calibration data missing", ("process_c",)),
)
"""Bit of word 1014, what it says, and the channels that are no values while it is set."""


class Snapshot(NamedTuple):
    """What one poll found."""

    at_s: float
    process: int
    setpoint: int
    output: int
    errors: int
    running: int
    manual: int
    off_line_ms: int
    power: int
    off_line_relays: int
    off_line_output: int


class PixsysElement:
    """One controller on one element. Every method may raise what `drivers.roles` lists."""

    def __init__(
        self,
        *,
        port: Port,
        name: str,
        unit: int,
        power_word: int = POWER_WORDS["10v"],
        safe_setpoint_c: float = 20.0,
        device_type: int | None = None,
    ) -> None:
        self._unit = ModbusUnit(port=port, unit=unit)
        self._clock = port.clock
        self._name = name
        self._power_word = power_word
        self._safe_setpoint = round(10 * safe_setpoint_c)
        self._device_type = device_type
        self._on: bool | None = None  # what it was told; None: not known whether it obeyed
        self._power = 0
        self._commanded_s = -math.inf

    @property
    def channels(self) -> tuple[str, ...]:
        """The controller's own probe and set-point in °C, and its heating output in per cent."""
        return ("process_c", "output_percent", "setpoint_c")

    def open_session(self) -> Identity:
        """Stop it, make it manual with a cold set-point, arm the off-line time; all read back. Raises WrongDevice."""
        kind = self._identify()
        self._stop()
        self._settle(OFF_LINE_RELAYS, 0)
        self._settle(OFF_LINE_OUTPUT, 0)
        self._settle(SETPOINT, self._safe_setpoint)
        self._settle(MANUAL, 1)
        self._settle(OFF_LINE_MS, ARMED_MS)
        self._check(self._poll())
        version = self._unit.read_holding(1, 1)[0]
        return Identity("Pixsys", f"DRR245 / URDR0001 (type {kind})", firmware=str(version))

    def confirm(self) -> None:
        """Ask type and address again. Raises WrongDevice."""
        self._identify()

    def exchange(self, command: Command | None) -> Mapping[str, Reading]:
        """Carry out a PowerCommand and read everything back. Raises Restarted when it left START or lost settings."""
        if command is None:
            self._lapse()
        elif isinstance(command, PowerCommand):
            self._obey(command)
        else:
            raise Refused(f"{self._name}: an element takes no {type(command).__name__}")
        found = self._poll()
        self._check(found)
        return self._readings(found)

    def make_safe(self) -> None:
        """STOP, then power 0."""
        self._stop()

    # --- writing

    def _obey(self, command: PowerCommand) -> None:
        if not command.on:
            if self._on is not False:
                self._stop()
            return
        if not (0.0 <= command.fraction <= 1.0):
            raise Refused(f"{self._name}: power fraction {command.fraction}; allowed: 0 to 1")
        power = round(command.fraction * FULL_POWER)
        if self._on is not True:
            self._before_start()
        self._power = power
        self._unit.write_register(self._power_word, power)
        self._commanded_s = self._clock.now()
        if self._on is not True:
            # Noted before it is sent: should the answer be lost and it not run, the next poll says so, and it is not
            # started a second time without a new session.
            self._on = True
            self._unit.write_register(RUN, 1)

    def _before_start(self) -> None:
        """A restart since the last poll would have disarmed the off-line time: look before starting."""
        if self._unit.read_holding(OFF_LINE_MS, 1)[0] != ARMED_MS or self._unit.read_holding(MANUAL, 1)[0] != 1:
            raise Restarted(f"{self._name}: lost its off-line time or manual mode before a start")

    def _lapse(self) -> None:
        age_s = self._clock.now() - self._commanded_s
        if self._on is not False and not (age_s <= HEAT_EXPIRY_S):
            self._stop()

    def _stop(self) -> None:
        self._on = None
        self._unit.write_register(RUN, 0)
        self._unit.write_register(self._power_word, 0)
        self._power = 0
        self._on = False

    def _settle(self, address: int, value: int) -> None:
        """Write where it differs, because set-points wear the EEPROM, and read back."""
        if self._unit.read_holding(address, 1)[0] == value:
            return
        self._unit.write_register(address, value)
        found = self._unit.read_holding(address, 1)[0]
        if found != value:
            raise Refused(f"{self._name}: wrote {value} to {address}, reads back {found}")

    # --- reading

    def _identify(self) -> int:
        try:
            kind = self._unit.read_holding(DEVICE_TYPE, 1)[0]
            address = self._unit.read_holding(SLAVE_ADDRESS, 1)[0]
        except Refused as error:
            raise WrongDevice(f"{self._name}: has no device type and address as a DRR245 has: {error}") from error
        if address != self._unit.unit:
            raise WrongDevice(f"{self._name}: answers for {self._unit.unit} and says that its address is {address}")
        if self._device_type is not None and kind != self._device_type:
            raise WrongDevice(f"{self._name}: device type {kind}, the rig names {self._device_type}")
        return kind

    def _poll(self) -> Snapshot:
        words = self._unit.read_holding(BLOCK, BLOCK_WORDS)
        off_line_ms = self._unit.read_holding(OFF_LINE_MS, 1)[0]
        serial = self._unit.read_holding(SERIAL_BLOCK, 4)
        return Snapshot(
            at_s=self._clock.now(),
            process=_signed(words[PROCESS - BLOCK]),
            setpoint=_signed(words[SETPOINT - BLOCK]),
            output=words[HEAT_PERCENT - BLOCK],
            errors=words[ERRORS - BLOCK],
            running=words[RUN - BLOCK],
            manual=words[MANUAL - BLOCK],
            off_line_ms=off_line_ms,
            power=serial[self._power_word - SERIAL_BLOCK],
            off_line_relays=serial[OFF_LINE_RELAYS - SERIAL_BLOCK],
            off_line_output=serial[OFF_LINE_OUTPUT - SERIAL_BLOCK],
        )

    def _check(self, found: Snapshot) -> None:
        kept = (found.off_line_ms, found.manual, found.setpoint, found.off_line_relays, found.off_line_output)
        if kept != (ARMED_MS, 1, self._safe_setpoint, 0, 0):
            raise Restarted(f"{self._name}: restarted or changed by hand: {found}")
        if self._on is True and found.running != 1:
            self._on = None
            raise Restarted(f"{self._name}: left START by itself: off-line time, restart or panel")
        if self._on is False and found.running != 0:
            self._on = None  # an "off" is written again at the next turn
            raise Refused(f"{self._name}: told STOP, reads back {found.running}")
        if found.power != self._power:
            self._on = None if self._on is False else self._on
            raise Refused(f"{self._name}: power {self._power} written, {found.power} read back")

    def _readings(self, found: Snapshot) -> dict[str, Reading]:
        process_c = found.process / 10
        outside = not (RANGE_C[0] <= process_c <= RANGE_C[1])
        values = {
            "process_c": (process_c, f"{process_c} °C is outside {RANGE_C[0]} to {RANGE_C[1]}" if outside else None),
            "output_percent": (
                found.output / 100,
                None if found.output <= FULL_POWER else f"{found.output} is more than {FULL_POWER}",
            ),
            "setpoint_c": (found.setpoint / 10, None),
        }
        return {
            channel: _reading(value, found.at_s, _error(found.errors, channel) or fault)
            for channel, (value, fault) in values.items()
        }


def _reading(value: float, at_s: float, fault: str | None) -> Reading:
    return Reading(None if fault else value, at_s, fault)


def _error(errors: int, channel: str) -> str | None:
    said = [text for bit, text, channels in ERROR_BITS if errors >> bit & 1 and channel in channels]
    return ", ".join(said) or None


def _signed(word: int) -> int:
    return word - 0x10000 if word >= 0x8000 else word


def make(port: Port, config: DeviceConfig, name: str) -> PixsysElement:
    """A driver from a rig file's device. Raises ValueError naming the option, its value and what is allowed."""
    given = {key: value for key, value in config.options.items() if not key.startswith("sim_") and key != "reply_ms"}
    output = given.pop("output", "10v")
    safe_setpoint_c = given.pop("safe_setpoint_c", 20.0)
    device_type = given.pop("device_type", None)
    if given:
        allowed = "output, safe_setpoint_c, device_type"
        raise ValueError(f"{name}: unknown options {', '.join(sorted(given))}; allowed: {allowed}")
    if output not in POWER_WORDS:
        raise ValueError(f"{name}: output = {output!r}; allowed: {', '.join(POWER_WORDS)}")
    if isinstance(safe_setpoint_c, bool | str) or not (0.0 <= safe_setpoint_c <= 37.0):
        raise ValueError(f"{name}: safe_setpoint_c = {safe_setpoint_c!r}; allowed: 0 to 37")
    if device_type is not None and (not isinstance(device_type, int) or isinstance(device_type, bool)):
        raise ValueError(f"{name}: device_type = {device_type!r}; allowed: the whole number that word 0 reads")
    return PixsysElement(
        port=port,
        name=name,
        unit=config.address,
        power_word=POWER_WORDS[str(output)],
        safe_setpoint_c=float(safe_setpoint_c),
        device_type=device_type,
    )


FAMILY = Family(
    name="pixsys",
    title="Pixsys DRR245 / Wachendorff URDR0001 controller on an inline element",
    roles=("element", "temperature"),
    wire="Modbus RTU, RS485, 1200 to 115200, 8N1 to 8O2",
    comm_loss=f"off-line time (word 1022) of {ARMED_MS} ms without a poll: STOP, output off; armed and read back",
    manual="Pixsys DRR245 user manual p. 27-31; Wachendorff URDR0001 user manual p. 30-34",
    make=make,
)
