"""What the registers of a described Modbus device mean: checked, grouped into reads, decoded and encoded.

A sentinel is a fault before any scaling; a value outside the register's minimum..maximum is a fault after it.
Not responsible for asking the device (`drivers.registers`).
"""

from __future__ import annotations

import itertools
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from config.problems import Problem
from config.schema import Register
from drivers.roles import Refused

_LAYOUT = {"u16": ">H", "i16": ">h", "u32": ">I", "i32": ">i", "f32": ">f"}
_LIMITS = {"u16": (0, 0xFFFF), "i16": (-0x8000, 0x7FFF), "u32": (0, 0xFFFFFFFF), "i32": (-0x80000000, 0x7FFFFFFF)}
_BIT_TABLES = frozenset({"coil", "discrete"})
_WRITABLE_TABLES = frozenset({"coil", "holding"})


@dataclass(frozen=True, slots=True)
class Block:
    """Registers that follow each other without a gap and are read in one question."""

    table: str
    address: int
    count: int
    registers: tuple[Register, ...]


def size(register: Register) -> int:
    """How many 16-bit words (or bits) it takes."""
    return 2 if register.type in ("u32", "i32", "f32") else 1


def blocks(registers: Sequence[Register], *, longest: int) -> tuple[Block, ...]:
    """Fewest reads without touching an address that is not described; never splits a 32-bit value."""
    groups: list[list[Register]] = []
    for register in sorted(registers, key=lambda each: (each.table, each.address)):
        group = groups[-1] if groups else []
        if group and _follows(group, register) and _span(group) + size(register) <= longest:
            group.append(register)
        else:
            groups.append([register])
    return tuple(Block(group[0].table, group[0].address, _span(group), tuple(group)) for group in groups)


def decode(register: Register, words: Sequence[int]) -> tuple[float | None, str | None]:
    """(value, None) or (None, fault in words). `words` as they came from the wire, a bit as 0 or 1."""
    if register.type == "bit":
        return float(words[0]), None
    raw = _unpacked(register, words)
    if not math.isfinite(raw):
        return None, f"{register.channel}: {raw} is no number"
    if any(_is_sentinel(register, sentinel, raw) for sentinel in register.sentinels):
        return None, f"{register.channel}: raw {raw:g} stands for a fault in this device"
    value = raw * register.scale + register.offset
    if not register.minimum <= value <= register.maximum:
        return None, f"{register.channel}: {value:g} is outside {register.minimum:g}..{register.maximum:g}"
    return value, None


def encode(register: Register, value: float) -> list[int]:
    """The words to write, rounded to the register's step. Raises Refused outside its range: nothing is clamped."""
    if not register.minimum <= value <= register.maximum:
        allowed = f"{register.minimum:g}..{register.maximum:g}"
        raise Refused(f"{register.channel}: {value} cannot be written; allowed is {allowed}")
    if register.type == "bit":
        return [int(bool(value))]
    scaled = (value - register.offset) / register.scale
    raw = scaled if register.type == "f32" else round(scaled)
    try:
        packed = struct.pack(_LAYOUT[register.type], raw)
    except (struct.error, OverflowError) as error:
        raise Refused(f"{register.channel}: {value} does not fit into {register.type}: {error}") from error
    words = [int.from_bytes(packed[at : at + 2], "big") for at in range(0, len(packed), 2)]
    return words if register.word_order == "high_first" else words[::-1]


def problems(registers: Sequence[Register]) -> list[Problem]:
    """Everything that is wrong with a map, with keys as below a device; empty when it can be used."""
    found = [] if registers else [Problem("registers", "", "no registers; allowed is one or more")]
    seen: set[str] = set()
    for index, register in enumerate(registers):
        if register.channel in seen:
            found.append(Problem(f"registers[{index}].channel", register.channel, "named twice; allowed is once"))
        seen.add(register.channel)
        found += [each._replace(key=f"registers[{index}].{each.key}") for each in _register_problems(register)]
    ordered = sorted(enumerate(registers), key=lambda each: (each[1].table, each[1].address))
    for (_, first), (index, second) in itertools.pairwise(ordered):
        if first.table == second.table and first.address + size(first) > second.address:
            reason = f"lies in {first.channel}, which takes {size(first)} from {first.address}"
            found.append(Problem(f"registers[{index}].address", str(second.address), reason))
    return found


def _register_problems(register: Register) -> list[Problem]:
    found: list[Problem] = []
    if (register.type == "bit") != (register.table in _BIT_TABLES):
        reason = f"in table {register.table}; allowed is bit in coil and discrete, and only there"
        found.append(Problem("type", register.type, reason))
    if register.writable and register.table not in _WRITABLE_TABLES:
        found.append(Problem("writable", "true", f"table {register.table} cannot be written; allowed: coil, holding"))
    if register.scale == 0 or not math.isfinite(register.scale):
        found.append(Problem("scale", str(register.scale), "allowed is a finite number, not 0"))
    if not math.isfinite(register.offset):
        found.append(Problem("offset", str(register.offset), "allowed is a finite number"))
    if not register.minimum <= register.maximum:
        found.append(Problem("minimum", str(register.minimum), f"is above maximum {register.maximum}"))
    if register.address + size(register) > 0x10000:
        found.append(Problem("address", str(register.address), f"leaves no room for {register.type}"))
    return found


def _follows(group: Sequence[Register], register: Register) -> bool:
    return register.table == group[-1].table and register.address == group[-1].address + size(group[-1])


def _span(group: Sequence[Register]) -> int:
    return group[-1].address + size(group[-1]) - group[0].address


def _unpacked(register: Register, words: Sequence[int]) -> float:
    ordered = words if register.word_order == "high_first" else words[::-1]
    packed = b"".join(word.to_bytes(2, "big") for word in ordered)
    return float(struct.unpack(_LAYOUT[register.type], packed)[0])


def _is_sentinel(register: Register, sentinel: int, raw: float) -> bool:
    """An integer may be given as the manual prints it, signed or as a bit pattern: 65535 is -1 in an i16."""
    if register.type == "f32":
        return raw == sentinel
    low, high = _LIMITS[register.type]
    width = high - low + 1
    return (int(raw) - sentinel) % width == 0
