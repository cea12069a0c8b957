"""The page of a batch of host faults says what it was run on."""

from __future__ import annotations

from host_tables import page


def test_the_page_says_commit_and_seed_and_how_far_the_batch_has_come() -> None:
    said = page([], commit="abc1234", seed=7, planned=24)
    assert "on commit abc1234, seed 7, 0 of 24 planned strikes" in said
