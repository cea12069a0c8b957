"""Any Modbus RTU device that the rig file describes register by register: no Python needed to add one.

Writable registers with these channel names take commands: `set_rpm` and `run` (pump), `set_c` and `on` (bath),
`set_fraction` and `on` (element). Each is written on change only (set-points live in EEPROM in many devices), is part
of the next read, and has to read back as it was written. Not responsible for the truth of the map: it is as good as
the manual it was typed from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from config.problems import Problem, shown
from config.schema import Device as DeviceConfig
from config.schema import Register
from drivers.family import BadDevice, Family
from drivers.modbus import COIL_OFF, COIL_ON, ModbusUnit
from drivers.port import Port
from drivers.register_map import Block, blocks, decode, encode, problems, size
from drivers.roles import (
    BathCommand,
    Command,
    DeviceError,
    Identity,
    PowerCommand,
    PumpCommand,
    Reading,
    Refused,
    Restarted,
    WrongDevice,
)

LONGEST_BLOCK = 32
_SAFE = ("on", "run", "set_fraction", "set_rpm")
"""Written 0 in this order to take the energy away; a temperature set-point is no energy once `on` is 0."""
_OPTIONS = {
    "longest_block": (1, 125),
    "write_function": (6, 16),
    "identity_address": (0, 0xFFFF),
    "identity_value": (0, 0xFFFF),
    "watchdog_address": (0, 0xFFFF),
    "watchdog_value": (1, 0xFFFF),
}


@dataclass(frozen=True, slots=True)
class Fixed:
    """A holding register that must have one value."""

    address: int
    value: int


class Described:
    """Channels are the register names of the rig file."""

    def __init__(
        self,
        *,
        unit: ModbusUnit,
        name: str,
        registers: Sequence[Register],
        longest_block: int = LONGEST_BLOCK,
        write_function: int = 6,
        identity: Fixed | None = None,
        watchdog: Fixed | None = None,
    ) -> None:
        self._unit = unit
        self._name = name
        self._channels = tuple(register.channel for register in registers)
        self._blocks = blocks(registers, longest=longest_block)
        self._writable = {register.channel: register for register in registers if register.writable}
        self._write_function = write_function
        self._identity = identity
        self._watchdog = watchdog
        self._seen: dict[str, list[int]] = {}

    @property
    def channels(self) -> tuple[str, ...]:
        """As in the rig file."""
        return self._channels

    def open_session(self) -> Identity:
        """Check the identity register if there is one, write 0 to what drives something, arm the watchdog if any.

        Raises WrongDevice when the described registers do not exist, Refused when a write does not read back.
        """
        self._seen.clear()
        self.confirm()
        try:
            self._read()
        except Refused as error:
            raise WrongDevice(f"{self._name}: a described register is missing: {error}") from error
        self.make_safe()
        if self._watchdog is not None:
            self._unit.write_register(self._watchdog.address, self._watchdog.value)
            self._check_watchdog(self._watchdog, Refused)
        return Identity(vendor="", model=f"Modbus unit {self._unit.unit} as described")

    def confirm(self) -> None:
        """The identity register, or the first block when there is none. Raises WrongDevice."""
        try:
            if self._identity is None:
                self._read_block(self._blocks[0])
                return
            (value,) = self._unit.read_holding(self._identity.address, 1)
        except Refused as error:
            raise WrongDevice(f"{self._name}: a described register is missing: {error}") from error
        if value != self._identity.value:
            where = f"register {self._identity.address}"
            raise WrongDevice(f"{self._name}: {where} is {value}; the rig file names {self._identity.value}")

    def exchange(self, command: Command | None) -> Mapping[str, Reading]:
        """Write what the command changes, then read all. Raises Refused, and Restarted when the watchdog is off."""
        if self._watchdog is not None:
            self._check_watchdog(self._watchdog, Restarted)
        wanted = {} if command is None else self._accepted(command)
        for channel, words in wanted.items():
            if self._seen.get(channel) != words:
                self._write(self._writable[channel], words)
        readings = self._read()
        self._check_followed(wanted)
        return readings

    def make_safe(self) -> None:
        """Write 0 to `on`, `run`, `set_fraction` and `set_rpm`, each though another fails, and read them back."""
        targets = {channel: encode(self._writable[channel], 0.0) for channel in _SAFE if channel in self._writable}
        failures: list[DeviceError] = []
        for channel, words in targets.items():
            try:
                self._write(self._writable[channel], words)
            except DeviceError as error:
                failures.append(error)
        if failures:
            raise failures[0]
        if targets:
            self._read()
            self._check_followed(targets)

    def _accepted(self, command: Command) -> dict[str, list[int]]:
        """Channel -> words, in the order of writing. Raises Refused and writes nothing."""
        values = _values(command, self._writable)
        if values is None:
            raise Refused(f"{self._name}: has no writable registers for {command}")
        try:
            return {channel: encode(self._writable[channel], value) for channel, value in values.items()}
        except Refused as error:
            raise Refused(f"{self._name}: {error}") from error

    def _write(self, register: Register, words: list[int]) -> None:
        self._seen.pop(register.channel, None)
        if register.table == "coil":
            self._unit.write_coil(register.address, COIL_ON if words[0] else COIL_OFF)
        elif len(words) == 1 and self._write_function == 6:
            self._unit.write_register(register.address, words[0])
        else:
            self._unit.write_registers(register.address, words)

    def _read(self) -> dict[str, Reading]:
        readings: dict[str, Reading] = {}
        for block in self._blocks:
            readings |= self._read_block(block)
        return readings

    def _read_block(self, block: Block) -> dict[str, Reading]:
        words = self._ask(block)
        at_s = self._unit.port.clock.now()
        readings: dict[str, Reading] = {}
        for register in block.registers:
            start = register.address - block.address
            own = words[start : start + size(register)]
            value, fault = decode(register, own)
            readings[register.channel] = Reading(value, at_s, fault)
            if register.writable:
                self._seen[register.channel] = own
        return readings

    def _ask(self, block: Block) -> list[int]:
        if block.table == "holding":
            return self._unit.read_holding(block.address, block.count)
        if block.table == "input":
            return self._unit.read_input(block.address, block.count)
        if block.table == "coil":
            return [int(bit) for bit in self._unit.read_coils(block.address, block.count)]
        return [int(bit) for bit in self._unit.read_discrete(block.address, block.count)]

    def _check_followed(self, wanted: Mapping[str, list[int]]) -> None:
        for channel, words in wanted.items():
            seen = self._seen.get(channel)
            if seen != words:
                raise Refused(f"{self._name}: {channel} was written as {words} and reads back as {seen}")

    def _check_watchdog(self, armed: Fixed, error: type[DeviceError]) -> None:
        (value,) = self._unit.read_holding(armed.address, 1)
        if value != armed.value:
            raise error(f"{self._name}: watchdog register is {value}, not {armed.value} as armed")


def _values(command: Command, writable: Mapping[str, Register]) -> dict[str, float] | None:
    """What the command means for the registers that are there, in the order of writing: off first, on last."""
    if isinstance(command, PumpCommand) and "set_rpm" in writable:
        return _ordered("set_rpm", command.rpm, "run", command.rpm != 0, writable)
    if isinstance(command, PowerCommand) and "set_fraction" in writable:
        return _ordered("set_fraction", command.fraction if command.on else 0.0, "on", command.on, writable)
    if isinstance(command, BathCommand) and "set_c" in writable:
        return {"set_c": command.setpoint_c, "on": 1.0} if command.on else {"on": 0.0}
    return None


def _ordered(level: str, value: float, switch: str, on: bool, writable: Mapping[str, Register]) -> dict[str, float]:
    if switch not in writable:
        return {level: value}
    return {level: value, switch: 1.0} if on else {switch: 0.0, level: value}


def _make(port: Port, config: DeviceConfig, name: str) -> Described:
    found = problems(config.registers) + _option_problems(config) + _role_problems(config.registers)
    if found:
        raise BadDevice(name, found)
    options = {key: value for key, value in config.options.items() if isinstance(value, int)}
    return Described(
        unit=ModbusUnit(port=port, unit=config.address),
        name=name,
        registers=config.registers,
        longest_block=options.get("longest_block", LONGEST_BLOCK),
        write_function=options.get("write_function", 6),
        identity=_fixed(options, "identity"),
        watchdog=_fixed(options, "watchdog"),
    )


def _fixed(options: Mapping[str, int], what: str) -> Fixed | None:
    address = options.get(f"{what}_address")
    return None if address is None else Fixed(address, options[f"{what}_value"])


def _option_problems(config: DeviceConfig) -> list[Problem]:
    found: list[Problem] = []
    for key, value in config.options.items():
        if key == "reply_ms" or key.startswith("sim_"):
            continue
        if key not in _OPTIONS:
            found.append(Problem(f"options.{key}", shown(value), f"is not known; allowed are {', '.join(_OPTIONS)}"))
            continue
        low, high = _OPTIONS[key]
        if key == "write_function" and value not in (6, 16):
            found.append(Problem("options.write_function", shown(value), "allowed are 6 and 16"))
        elif isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            found.append(Problem(f"options.{key}", shown(value), f"allowed is {low}..{high}"))
    for what in ("identity", "watchdog"):
        one, other = f"{what}_address", f"{what}_value"
        if (one in config.options) != (other in config.options):
            missing = other if one in config.options else one
            found.append(Problem(f"options.{missing}", "", f"is missing; allowed are {one} and {other}, both or none"))
    return found


def _role_problems(registers: Sequence[Register]) -> list[Problem]:
    writable = {register.channel: register for register in registers if register.writable}
    found: list[Problem] = []
    if "set_c" in writable and "on" not in writable:
        reason = "set_c without a writable `on`: a bath that cannot be switched off is not driven"
        found.append(Problem("registers", "", reason))
    for index, register in enumerate(registers):
        if register.writable and register.channel in _SAFE and not register.minimum <= 0.0 <= register.maximum:
            reason = "0 is outside its range, so it cannot be made safe"
            found.append(Problem(f"registers[{index}].channel", register.channel, reason))
    return found


FAMILY = Family(
    name="registers",
    title="Any Modbus RTU device, described register by register in the rig file",
    roles=("temperature", "pressure", "flow", "level", "pump", "bath", "element"),
    wire="Modbus RTU",
    comm_loss="what `watchdog_address` and `watchdog_value` arm; else none: it needs a lease relay in its supply",
    manual="the device's own",
    make=_make,
)
