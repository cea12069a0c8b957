"""A violating scenario becomes as small as it can be, and a case that was kept is the same scenario again."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.campaign import cases
from sim.campaign.person import Conduct, Whim
from sim.campaign.runner import Verdict, Violation
from sim.campaign.scenario import Scenario
from sim.campaign.shrink import PLAIN, shrink_with
from sim.faults import parse

SCENARIO = Scenario(
    seed=7,
    engine="value",
    where=(0.25, 0.5),
    conduct=Conduct(kind="careless", reset_after_s=2.0, whims=(Whim(at_s=3.0, act="hold"),)),
    faults=(parse("stall@5+2"), parse("bias:inflow_c@6=3"), parse("silent:bath@9")),
    horizon_s=120.0,
)


def _verdict(scenario: Scenario, violated: bool) -> Verdict:
    violations = (Violation("P1", 12.0, "heat"),) if violated else ()
    return Verdict(scenario.seed, "prime", violations, (), (), (), 0.0, "", 0.0, 0.0, 0.0)


def _names(scenario: Scenario) -> set[str]:
    return {fault.name for fault in scenario.faults}


def test_what_is_not_needed_falls_away_and_what_is_needed_stays() -> None:
    smallest = shrink_with(lambda s: _verdict(s, {"stall", "bias"} <= _names(s)), SCENARIO)
    assert [str(fault) for fault in smallest.faults] == ["stall@5", "bias:inflow_c@6=3"]
    assert smallest.conduct == PLAIN
    assert smallest.horizon_s == 14.0


def test_a_whim_that_is_needed_stays_and_a_scenario_that_holds_is_left_alone() -> None:
    smallest = shrink_with(lambda s: _verdict(s, bool(s.conduct.whims)), SCENARIO)
    assert len(smallest.faults) == 1
    assert smallest.conduct.whims == SCENARIO.conduct.whims
    assert shrink_with(lambda s: _verdict(s, False), SCENARIO) == SCENARIO


def test_a_kept_case_is_read_back_whole(tmp_path: Path) -> None:
    path = cases.save(tmp_path / "cases", SCENARIO, _verdict(SCENARIO, True))
    assert cases.load(path) == SCENARIO
    assert "P1: heat" in path.read_text()


def test_a_file_that_is_no_case_is_named(tmp_path: Path) -> None:
    path = tmp_path / "seed_1.json"
    path.write_text('{"seed": 1}')
    with pytest.raises(ValueError, match=r"seed_1\.json"):
        cases.load(path)
