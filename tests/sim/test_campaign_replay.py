"""One seed is one run: bit for bit, in this process and in another one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sim.campaign.runner import Treated, run_seed
from sim.campaign.scenario import SEEDS_PER_BASE, base_of, from_json, scenario_of, to_json

BASE = 1
SEEDS = (25, 31, 36)
CODE = """
import sys
from sim.campaign.runner import Treated, run_seed
from sim.campaign.scenario import base_of
treated = Treated(base_of(1))
print(" ".join(run_seed(treated, int(seed)).trace_hash for seed in sys.argv[1:]))
"""


pytestmark = pytest.mark.timeout(600)  # a whole treatment, twice, on a machine that may be busy


@pytest.fixture(scope="module")
def treated() -> Treated:
    return Treated(base_of(BASE))


def test_a_seed_replays_bit_for_bit_here_and_in_another_process(treated: Treated) -> None:
    hashes = [run_seed(treated, seed).trace_hash for seed in SEEDS]
    assert len(set(hashes)) == len(SEEDS)
    assert [run_seed(treated, seed).trace_hash for seed in reversed(SEEDS)] == hashes[::-1]
    other = subprocess.run(
        [sys.executable, "-c", CODE, *map(str, SEEDS)],
        env={**os.environ, "PYTHONHASHSEED": "4711"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.split() == hashes


def test_a_base_treatment_is_kept_in_every_step_and_completes_without_a_trip(treated: Treated) -> None:
    assert treated.trips == ()
    assert list(treated.kept)[-1] == "complete"
    assert {"preheat", "fill", "warm_up", "perfuse", "drain"} <= set(treated.kept)


def test_a_scenario_survives_being_written_down(treated: Treated) -> None:
    for seed in range(BASE * SEEDS_PER_BASE, (BASE + 1) * SEEDS_PER_BASE):
        scenario = scenario_of(seed, treated.bench)
        assert from_json(to_json(scenario)) == scenario
