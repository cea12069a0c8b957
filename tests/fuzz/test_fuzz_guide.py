"""The guide: what it sees, what it keeps, and that it reaches what blind bending does not."""

from __future__ import annotations

import random
import sys

import pytest
from fuzz_guide import AT_FIRST, SHARE, Guide
from fuzz_talk import TextTarget
from fuzz_target import Escape
from planted import RIGHT, planted

INPUTS = 150_000
HERE = "tests/fuzz/planted.py"


def first_escape(guide: Guide, seed: int, most: int) -> int | None:
    """After how many inputs the planted mistake was found."""
    target, rng = TextTarget("planted", (RIGHT,), planted, (ValueError,), guide), random.Random(seed)
    for count in range(1, most + 1):
        try:
            target.once(rng)
        except Escape:
            return count
    return None


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_four_nested_conditions_are_reached_with_the_guide_and_not_without(seed: int) -> None:
    assert first_escape(Guide(HERE), seed, INPUTS) is not None
    assert first_escape(Guide(), seed, INPUTS) is None


def test_the_same_seed_finds_the_same_after_as_many_inputs() -> None:
    assert first_escape(Guide(HERE), 1, INPUTS) == first_escape(Guide(HERE), 1, INPUTS)


def test_a_frame_is_kept_for_its_place_when_it_reaches_what_none_had_and_only_then() -> None:
    guide = Guide(HERE)
    deeper = RIGHT[:4] + b"3" + RIGHT[5:]
    for frame in (RIGHT, RIGHT, deeper, RIGHT, deeper):
        guide.run(lambda frame=frame: planted(frame), lambda frame=frame: frame, 7)
    assert guide.kept == {7: [RIGHT, deeper]}
    assert guide.size == 2
    picked = {guide.pick(b"x", random.Random(seed), 7) for seed in range(50)}
    assert picked == {b"x", RIGHT, deeper}
    assert guide.pick(b"x", random.Random(1), 8) == b"x"


def test_most_inputs_are_not_watched_and_a_tracer_that_was_there_is_given_back() -> None:
    guide, watched, before = Guide(HERE), [], sys.gettrace()
    for _ in range(AT_FIRST + 100 * SHARE):
        guide.run(lambda: watched.append(sys.gettrace() is not before), lambda: RIGHT)
    assert sys.gettrace() is before
    assert sum(watched) == AT_FIRST + 100
    assert guide.arcs == set()


def test_code_of_another_place_does_not_count() -> None:
    guide = Guide("drivers")
    guide.run(lambda: planted(RIGHT), lambda: RIGHT)
    assert (guide.arcs, guide.kept) == (set(), {})
