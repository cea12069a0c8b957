"""Words become values, faults or refusals by the described map and by nothing else."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.schema import Register
from drivers.register_map import blocks, decode, encode, problems
from drivers.roles import Refused
from sim.devices.registers import from_words, to_words


def register(channel: str = "a_c", address: int = 0, **more: Any) -> Register:
    return Register(channel=channel, address=address, **more)


@pytest.mark.parametrize(
    ("more", "words", "value"),
    [
        ({"scale": 0.1}, [250], 25.0),
        ({}, [0xFFFF], -1.0),
        ({"type": "u16"}, [0xFFFF], 65535.0),
        ({"type": "u32"}, [0x0001, 0x0000], 65536.0),
        ({"type": "u32", "word_order": "low_first"}, [0x0001, 0x0000], 1.0),
        ({"type": "i32"}, [0xFFFF, 0xFFFF], -1.0),
        ({"type": "f32"}, [0x42C8, 0x0000], 100.0),
        ({"type": "f32", "word_order": "low_first"}, [0x3333, 0x42D7], pytest.approx(107.6)),
        ({"type": "bit", "table": "coil"}, [1], 1.0),
        ({"scale": 0.5, "offset": -10.0}, [40], 10.0),
    ],
)
def test_words_are_decoded_by_type_order_scale_and_offset(more: dict[str, Any], words: list[int], value: float) -> None:
    assert decode(register(**more), words) == (value, None)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"sentinels": (0x7FFF, 6500, -1800)}, [0x7FFF]),
        ({"sentinels": (0x7FFF, 6500, -1800)}, [6500]),
        ({"sentinels": (0x7FFF, 6500, -1800)}, [0x10000 - 1800]),
        ({"sentinels": (0x8000,)}, [0x8000]),
        ({"sentinels": (-32768,)}, [0x8000]),
        ({"sentinels": (65535,), "type": "u16"}, [0xFFFF]),
        ({"sentinels": (-1,), "type": "u16"}, [0xFFFF]),
        ({"sentinels": (0,), "scale": 0.1, "offset": 20.0}, [0]),
        ({"sentinels": (-9999,), "type": "f32"}, list(struct.unpack(">2H", struct.pack(">f", -9999.0)))),
    ],
)
def test_a_sentinel_is_a_fault_before_scaling(more: dict[str, Any], words: list[int]) -> None:
    value, fault = decode(register(**more), words)
    assert value is None
    assert fault is not None
    assert "stands for a fault" in fault


@pytest.mark.parametrize("raw", [math.nan, math.inf, -math.inf])
def test_a_float_that_is_no_number_is_a_fault(raw: float) -> None:
    value, fault = decode(register(type="f32"), list(struct.unpack(">2H", struct.pack(">f", raw))))
    assert value is None
    assert fault is not None
    assert "no number" in fault


@given(raw=st.integers(-32768, 32767))
def test_a_value_outside_its_range_is_a_fault_and_inside_it_is_a_value(raw: int) -> None:
    value, fault = decode(register(scale=0.1, minimum=-40.0, maximum=120.0), [raw & 0xFFFF])
    if -40.0 <= raw * 0.1 <= 120.0:
        assert (value, fault) == (raw * 0.1, None)
    else:
        assert value is None
        assert fault is not None
        assert "outside -40..120" in fault


TYPES = st.sampled_from(["u16", "i16", "u32", "i32", "f32"])


@given(kind=TYPES, order=st.sampled_from(["high_first", "low_first"]), value=st.integers(0, 32767))
def test_both_ends_agree_on_every_type_and_order(kind: Any, order: Any, value: int) -> None:
    described = register(type=kind, word_order=order, writable=True)
    assert decode(described, to_words(described, float(value))) == (float(value), None)
    assert from_words(described, encode(described, float(value))) == float(value)


@given(kind=TYPES, sentinels=st.sampled_from([(), (-1,), (9999, -1)]))
def test_a_broken_sensor_is_never_a_value(kind: Any, sentinels: tuple[int, ...]) -> None:
    described = register(type=kind, sentinels=sentinels, minimum=-100.0, maximum=100.0)
    for broken in (None, math.nan, -math.inf):
        value, fault = decode(described, to_words(described, broken))
        assert value is None
        assert fault


@pytest.mark.parametrize(
    ("more", "value"),
    [
        ({"maximum": 46.0}, 46.1),
        ({"maximum": 46.0}, math.nan),
        ({"maximum": 46.0}, math.inf),
        ({"scale": 0.001}, 42.0),
        ({"type": "u16"}, -1.0),
        ({"type": "f32", "maximum": math.inf}, 1e39),
    ],
)
def test_what_does_not_fit_is_refused_and_not_clamped(more: dict[str, Any], value: float) -> None:
    with pytest.raises(Refused):
        encode(register(writable=True, **more), value)


def test_registers_without_gaps_are_read_together_and_others_apart() -> None:
    described = [
        register("d", 10),
        register("a", 0, type="f32"),
        register("b", 2),
        register("c", 3, type="u32"),
        register("e", 4, table="input"),
        register("f", 5, table="input"),
    ]
    found = [(block.table, block.address, block.count) for block in blocks(described, longest=32)]
    assert found == [("holding", 0, 5), ("holding", 10, 1), ("input", 4, 2)]


@given(longest=st.integers(2, 9), kinds=st.lists(TYPES, min_size=1, max_size=12))
def test_no_block_is_longer_than_allowed_and_no_value_is_split(longest: int, kinds: list[Any]) -> None:
    described: list[Register] = []
    address = 0
    for index, kind in enumerate(kinds):
        described.append(register(f"c{index}", address, type=kind))
        address += 1 if kind in ("u16", "i16") else 2
    found = blocks(described, longest=longest)
    assert [each for block in found for each in block.registers] == described
    assert all(block.count <= longest for block in found)
    assert sum(block.count for block in found) == address


@pytest.mark.parametrize(
    ("described", "text"),
    [
        ([], "no registers"),
        ([register("a"), register("a", 5)], "named twice"),
        ([register("a", 0, type="f32"), register("b", 1)], "registers[1].address = 1: lies in a"),
        ([register(type="bit")], "registers[0].type = bit: in table holding; allowed is bit in coil"),
        ([register(table="coil")], "type = i16: in table coil; allowed is bit in coil"),
        ([register(table="input", writable=True)], "registers[0].writable = true: table input cannot be written"),
        ([register(scale=0.0)], "scale = 0.0: allowed is a finite number, not 0"),
        ([register(minimum=2.0, maximum=1.0)], "above maximum"),
        ([register(minimum=math.nan)], "above maximum"),
        ([register(address=65535, type="f32")], "no room"),
    ],
)
def test_a_map_that_cannot_be_is_refused_in_words(described: list[Register], text: str) -> None:
    assert any(text in str(problem) for problem in problems(described))


def test_the_same_address_in_two_tables_is_two_registers() -> None:
    assert problems([register("a", 0), register("b", 0, table="input")]) == []
