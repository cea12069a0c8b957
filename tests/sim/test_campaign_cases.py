"""Every scenario that once violated a property, or tripped for nothing, does no longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.campaign import cases
from sim.campaign.runner import Treated, run_scenario

CASES = sorted((Path(__file__).parent / "campaign_cases").glob("*.json"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("path", CASES, ids=[path.stem for path in CASES])
def test_a_scenario_that_once_violated_a_property_or_tripped_for_nothing_does_no_longer(path: Path) -> None:
    scenario = cases.load(path)
    verdict = run_scenario(Treated(scenario.base), scenario)
    assert verdict.violations == ()
    assert verdict.unjustified == ()
