"""Twin of a device that the rig file describes: the same register map, served a second time.

Registers wired to a signal show it; writable ones keep what was written and drive the plant by their names (`set_rpm`,
`run`, `set_c`, `on`, `set_fraction`); the rest shows the option `sim_<channel>` (0). An open circuit shows the first
sentinel, NaN in a float, or the end of the type's range. Other options: `reply_ms` (5), `sim_identity` (what stands in
the identity register), `sim_watchdog_s` (0 = never: silence after which an armed watchdog stops the device).
Not responsible for what the manual of the real device says beyond the map.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping

from config.schema import Register
from sim.devices.rtu import (
    ILLEGAL_ADDRESS,
    ILLEGAL_VALUE,
    READ_COILS,
    READ_DISCRETE,
    READ_HOLDING,
    READ_INPUT,
    WRITE_COIL,
    WRITE_REGISTER,
    WRITE_REGISTERS,
    ModbusFault,
    RtuServer,
    bit_reader,
    word_reader,
    word_writer,
    words_writer,
)
from sim.devices.twin import Reply, Twin, Wiring
from sim.terminals import Terminals

CODES = {"u16": "H", "i16": "h", "u32": "I", "i32": "i"}
ENDS = {"u16": (0, 65535), "i16": (-32768, 32767), "u32": (0, 4294967295), "i32": (-2147483648, 2147483647)}
COIL_STATES = {0xFF00: 1.0, 0x0000: 0.0}


class RegisterDevice:
    """Values are kept in engineering units and turned into words when they are asked for."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._written = {each.channel: _nearest(0.0, each) for each in wiring.registers if each.writable}
        self._extra = _extra_words(wiring.options)
        self._watchdog_address = int(wiring.options.get("watchdog_address", -1))
        self._watchdog_s = float(wiring.options.get("sim_watchdog_s", 0.0))
        self._heard_s = -math.inf
        self._server = RtuServer(
            unit=wiring.address,
            reply_s=float(wiring.options.get("reply_ms", 5.0)) / 1000,
            handlers={
                READ_COILS: bit_reader(lambda address, _: self._bit("coil", address)),
                READ_DISCRETE: bit_reader(lambda address, _: self._bit("discrete", address)),
                READ_HOLDING: word_reader(lambda address, _: self._word("holding", address)),
                READ_INPUT: word_reader(lambda address, _: self._word("input", address)),
                WRITE_COIL: word_writer(self._write_coil),
                WRITE_REGISTER: word_writer(lambda address, word, now_s: self._write_words(address, [word], now_s)),
                WRITE_REGISTERS: words_writer(self._write_words),
            },
        )

    def receive(self, data: bytes, now_s: float) -> list[Reply]:
        """An answered question feeds the watchdog."""
        self.tick(now_s)
        replies = self._server.receive(data, now_s)
        if replies:
            self._heard_s = now_s
        return replies

    def tick(self, now_s: float) -> None:
        """Stop when the watchdog is armed and nothing came for its time."""
        self._server.tick(now_s)
        armed = self._watchdog_s > 0 and self._extra.get(self._watchdog_address, 0) != 0
        if armed and now_s - self._heard_s > self._watchdog_s:
            self._stop()

    def power_cycle(self, now_s: float) -> None:
        """Everything written is lost, the watchdog's register too; the device stands still."""
        self._server.forget()
        self._written = {each.channel: _nearest(0.0, each) for each in self._wiring.registers if each.writable}
        self._extra = _extra_words(self._wiring.options)
        self._drive()

    def _stop(self) -> None:
        for channel in ("on", "run", "set_rpm", "set_fraction"):
            if channel in self._written:
                self._written[channel] = 0.0
        self._drive()

    def _value(self, register: Register) -> float | None:
        if register.channel in self._written:
            return self._written[register.channel]
        if register.channel in self._wiring.inputs:
            return self._wiring.inputs[register.channel]()
        return float(self._wiring.options.get(f"sim_{register.channel}", 0.0))

    def _find(self, table: str, address: int) -> tuple[Register, int]:
        """The register at an address, and which of its words stands there."""
        for register in self._wiring.registers:
            index = address - register.address
            if register.table == table and 0 <= index < _words(register):
                return register, index
        raise ModbusFault(ILLEGAL_ADDRESS)

    def _word(self, table: str, address: int) -> int:
        if table == "holding" and address in self._extra:
            return self._extra[address]
        register, index = self._find(table, address)
        return to_words(register, self._value(register))[index]

    def _bit(self, table: str, address: int) -> bool:
        register, _ = self._find(table, address)
        return bool(self._value(register))

    def _write_coil(self, address: int, state: int, now_s: float) -> None:
        register, _ = self._find("coil", address)
        if state not in COIL_STATES:
            raise ModbusFault(ILLEGAL_VALUE)
        self._accept([(register, COIL_STATES[state])])

    def _write_words(self, address: int, words: list[int], now_s: float) -> None:
        if address == self._watchdog_address and len(words) == 1:
            self._extra[address] = words[0]
            self._heard_s = now_s
            return
        pairs: list[tuple[Register, float]] = []
        at = 0
        while at < len(words):
            register, index = self._find("holding", address + at)
            own = words[at : at + _words(register)]
            if index or len(own) < _words(register):
                raise ModbusFault(ILLEGAL_VALUE)
            pairs.append((register, from_words(register, own)))
            at += len(own)
        self._accept(pairs)

    def _accept(self, pairs: Iterable[tuple[Register, float]]) -> None:
        """All or nothing."""
        for register, value in pairs:
            if register.channel not in self._written:
                raise ModbusFault(ILLEGAL_ADDRESS)
            if not register.minimum <= value <= register.maximum:
                raise ModbusFault(ILLEGAL_VALUE)
        self._written.update({register.channel: value for register, value in pairs})
        self._drive()

    def _drive(self) -> None:
        drive(self._wiring.terminals, self._written)


def drive(terminals: Terminals, written: Mapping[str, float]) -> None:
    """What the written registers do to the plant, by their names."""
    on = bool(written.get("on", 1.0))
    if "set_rpm" in written:
        terminals.pump_rpm_command = written["set_rpm"] if written.get("run", 1.0) else 0.0
    if "set_fraction" in written:
        terminals.element_fraction = written["set_fraction"] if on else 0.0
    if "set_c" in written:
        terminals.bath_on = terminals.bath_circulating = on
        terminals.bath_setpoint_c = written["set_c"]


def to_words(register: Register, value: float | None) -> list[int]:
    """Value to words as the device would show it; None and infinities as its own sign of a fault."""
    if value is None or not math.isfinite(value):
        words = _fault_words(register)
    elif register.type == "f32":
        words = _split(struct.pack(">f", (value - register.offset) / register.scale))
    elif register.type == "bit":
        return [int(bool(value))]
    else:
        words = _split(struct.pack(">" + CODES[register.type], _saturated(register, value)))
    return words if register.word_order == "high_first" else list(reversed(words))


def from_words(register: Register, words: list[int]) -> float:
    """Words to value."""
    ordered = words if register.word_order == "high_first" else list(reversed(words))
    packed = b"".join(struct.pack(">H", word) for word in ordered)
    (raw,) = struct.unpack(">" + CODES.get(register.type, "f"), packed)
    return float(raw) * register.scale + register.offset


def _fault_words(register: Register) -> list[int]:
    if register.type == "f32":
        sign = float(register.sentinels[0]) if register.sentinels else math.nan
        return _split(struct.pack(">f", sign))
    low, high = ENDS[register.type]
    raw = register.sentinels[0] if register.sentinels else high
    return _split((raw % (high - low + 1)).to_bytes(2 * _words(register), "big"))


def _saturated(register: Register, value: float) -> int:
    low, high = ENDS[register.type]
    return min(high, max(low, round((value - register.offset) / register.scale)))


def _nearest(value: float, register: Register) -> float:
    return min(register.maximum, max(register.minimum, value))


def _words(register: Register) -> int:
    return 1 if register.type in ("u16", "i16", "bit") else 2


def _split(packed: bytes) -> list[int]:
    return [packed[at] << 8 | packed[at + 1] for at in range(0, len(packed), 2)]


def _extra_words(options: Mapping[str, bool | int | float | str]) -> dict[int, int]:
    """Registers that the options name beside the map: identity, and the watchdog, which starts disarmed."""
    extra: dict[int, int] = {}
    if "identity_address" in options:
        extra[int(options["identity_address"])] = int(options.get("sim_identity", options.get("identity_value", 0)))
    if "watchdog_address" in options:
        extra[int(options["watchdog_address"])] = 0
    return extra


def make_twin(wiring: Wiring) -> Twin:
    """The map comes with the wiring."""
    return RegisterDevice(wiring)
