"""A short run of the fuzzer over every target, and everything that ever got through; the long one is `make fuzz`."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from fuzz_mutator import bend
from fuzz_run import ESCAPES, Ran, all_targets, note, replay, run
from fuzz_sound import rtu, rtu_seal

FRAMES = 60_000


def test_no_bent_frame_gets_through_any_parser() -> None:
    ran = run(FRAMES, "short")
    assert not ran.escapes, ran.escapes[:3]
    assert sum(ran.frames.values()) > 0.95 * FRAMES
    assert all(count > 0 for count in ran.frames.values())


@pytest.mark.parametrize("path", sorted(ESCAPES.glob("*.json")), ids=lambda path: path.stem)
def test_what_got_through_once_does_not_again(path: Path) -> None:
    replay(path)


def test_every_driver_and_every_twin_of_the_shipped_rigs_is_a_target() -> None:
    targets = all_targets()
    names = [target.name for target in targets]
    for target in targets:
        target.close()
    assert len(names) == len(set(names))
    assert {
        f"twin.{rig}.{device}" for rig in ("bench", "modbus") for device in ("pump", "probes", "relays", "flow")
    } < set(names)


def test_the_judge_knows_a_sound_reply_from_one_bit_more() -> None:
    question, reply = rtu_seal(b"\1\3\0\0\0\1\0\0"), rtu_seal(b"\1\3\2\1\xa4\0\0")
    assert rtu(question, reply)
    for at in range(8 * len(reply)):
        flipped = bytearray(reply)
        flipped[at // 8] ^= 1 << at % 8
        assert not rtu(question, bytes(flipped))


def test_one_seed_bends_the_same_way_twice() -> None:
    def frames() -> list[bytes]:
        rng = random.Random(5)
        return [bend(b"\1\3\2\1\xa4\0\0", [b"abc"], rng, rtu_seal) for _ in range(200)]

    first = frames()
    assert first == frames()
    assert len(set(first)) > 100


def test_the_page_adds_the_parts_of_a_run_and_goes_on_from_one_of_before_the_guide(tmp_path: Path) -> None:
    page = tmp_path / "fuzz.md"
    page.write_text("| 2026-01-01 | 1234567 | 1 | 1000 | 0 |\n\n| api | 600 |\n| request | 400 |\n")
    for target, frames, arcs, kept in (("api", 50, 7, 2), ("heartbeat", 1050, 4, 1)):
        part = Ran(Counter({target: frames}), [], Counter({target: arcs}), Counter({target: kept}))
        note(page, "abcdef0", 9, part)
    lines = page.read_text().splitlines()
    assert "Total: 2,100 frames, 0 escapes." in lines
    assert "| 2026-01-01 | 1234567 | 1 | 1000 | 0 | - | - |" in lines
    assert lines[-3:] == ["| api | 650 | 7 | 2 |", "| heartbeat | 1,050 | 4 | 1 |", "| request | 400 | - | - |"]
    assert [line.partition("abcdef0")[2] for line in lines if "abcdef0" in line] == [" | 9 | 1100 | 0 | 11 | 3 |"]
