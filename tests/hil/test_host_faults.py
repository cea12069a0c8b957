"""The shipped processes killed and stopped at random moments of heating; the big batch is `make hostfaults`."""

from __future__ import annotations

import pytest
from host_batch import batch
from host_faults import PHASES, Outcome
from host_tables import line

pytestmark = [pytest.mark.hil, pytest.mark.timeout(600)]

FAULTS = 10
SEED = 270
RIGS = 2
SPEED = 4.0  # two rigs and another test beside them have to fit on two processors


def test_heat_goes_off_and_stays_off_whichever_process_is_killed_or_stopped() -> None:
    told: list[Outcome] = []
    outcomes = batch(runs=FAULTS, seed=SEED, rigs=RIGS, speed=SPEED, tell=told.append)
    assert len(outcomes) == FAULTS
    assert {outcome.plan.victim for outcome in outcomes} >= {"control", "protective", "supervisor", "sim", "console"}
    assert {outcome.plan.how for outcome in outcomes} == {"KILL", "STOP", "HOG"}
    assert {outcome.step for outcome in outcomes} == set(PHASES)
    wrong = [" | ".join(line(outcome)) for outcome in outcomes if outcome.wrong]
    assert not wrong, "\n".join(wrong)
    assert {outcome.plan.victim for outcome in outcomes if outcome.plan.kill} >= {"control+supervisor", "protective"}
    assert all(outcome.power_w > 0.0 for outcome in outcomes)
