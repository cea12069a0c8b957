"""The core stratum: a few seeds fail the core probe of a patient who warms up, for as long as the core needs."""

from __future__ import annotations

import pytest

from sim.campaign.drawing import CORE_FAULTS
from sim.campaign.runner import Prepared, Treated, run_scenario
from sim.campaign.scenario import (
    WARM_EVERY,
    WARM_HORIZON_S,
    Scenario,
    base_of_seed,
    from_json,
    scenario_of,
    to_json,
    warm_base_of,
)
from sim.plant.patient import Body

FIRST = WARM_EVERY - 1
HOT_CORE_C, CAVITY_C = 40.0, 42.0


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    return Prepared(warm_base_of(0))


def _drawn(prepared: Prepared) -> list[Scenario]:
    return [scenario_of(seed, prepared.bench) for seed in range(FIRST, 300, WARM_EVERY)]


def test_h03_every_kind_of_core_fault_is_among_the_seeds_of_ci_on_one_patient(prepared: Prepared) -> None:
    drawn = _drawn(prepared)
    assert {scenario.base for scenario in drawn} == {warm_base_of(0)}
    assert not base_of_seed(FIRST - 1).warm
    assert {scenario.faults[0].name for scenario in drawn} == set(CORE_FAULTS)
    assert {scenario.faults[0].target for scenario in drawn} == {"core_c"}
    assert {(s.engine, s.horizon_s, s.faults[0].duration_s) for s in drawn} == {("value", WARM_HORIZON_S, None)}
    assert all(from_json(to_json(scenario)) == scenario for scenario in drawn)


@pytest.mark.parametrize("number", range(12))
def test_the_core_of_such_a_patient_is_too_hot_within_the_run_if_nobody_ends_the_heat(number: int) -> None:
    engine = Prepared(warm_base_of(number)).fresh()
    body: Body = engine.plant._body
    for _ in range(round(WARM_HORIZON_S)):
        body.step(1.0, body.film_w_per_k * (CAVITY_C - body.tissue_c), 0.0)
    assert body.core_c > HOT_CORE_C


@pytest.fixture(scope="module")
def treated(prepared: Prepared) -> Treated:
    return Treated(prepared.base)


@pytest.mark.timeout(300)
def test_h03_a_core_probe_that_is_lost_takes_the_heat_from_such_a_patient_before_the_core_is_hot(
    prepared: Prepared, treated: Treated
) -> None:
    verdict = run_scenario(treated, _drawn(prepared)[0])
    assert verdict.violations == ()
    assert verdict.unjustified == ()
    assert verdict.trips
    assert verdict.simulated_s < 300.0


@pytest.mark.timeout(300)
def test_such_a_seed_begins_in_the_first_minutes_of_the_perfusion_which_violates_nothing_by_itself(
    prepared: Prepared, treated: Treated
) -> None:
    assert list(treated.kept) == ["perfuse"]
    sound = Scenario(
        seed=FIRST,
        engine="value",
        where=(0.0, 0.0),
        conduct=_drawn(prepared)[0].conduct,
        faults=(),
        horizon_s=60.0,
    )
    verdict = run_scenario(treated, sound)
    assert verdict.step == "perfuse"
    assert verdict.violations == ()
    assert 36.0 < verdict.core_max_c < 38.5
