"""Dose and carrier follow the body surface; what a ceiling cuts is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.doses import dose_plan
from config.loading import list_treatments, load_treatment
from config.schema import Patient

PATIENTS = st.builds(Patient, height_cm=st.floats(100, 230), weight_kg=st.floats(30, 200))


@pytest.mark.parametrize(
    ("height_cm", "weight_kg", "bsa_m2"),
    [(180.0, 80.0, 2.0), (160.0, 62.5, 1.6667), (170.0, 70.0, 1.8181)],
)
def test_body_surface_is_mostellers(height_cm, weight_kg, bsa_m2):
    assert Patient(height_cm=height_cm, weight_kg=weight_kg).bsa_m2 == pytest.approx(bsa_m2, abs=1e-4)


def test_ovhipec_fractions_of_one_hundred_mg_per_m2():
    plan = dose_plan(load_treatment("cisplatin_90"), Patient(height_cm=160, weight_kg=62.5))
    assert plan.total_mg == pytest.approx(166.67, abs=0.01)
    assert [(part.at_min, round(part.mg, 2)) for part in plan.fractions] == [(0, 83.33), (30, 41.67), (60, 41.67)]
    assert not plan.capped
    assert plan.carrier_ml == pytest.approx(2500.0, abs=0.5)


def test_a_dose_above_the_ceiling_is_cut_to_it_and_said_so():
    plan = dose_plan(load_treatment("mitomycin_90"), Patient(height_cm=200, weight_kg=120))
    assert plan.capped
    assert plan.total_mg == 70.0
    assert sum(part.mg for part in plan.fractions) == pytest.approx(70.0)


def test_a_carrier_above_the_fill_is_cut_to_it_and_said_so():
    plan = dose_plan(load_treatment("oxaliplatin_30"), Patient(height_cm=200, weight_kg=120))
    assert plan.carrier_capped
    assert plan.carrier_ml == 4000.0


def test_exactly_at_the_ceiling_nothing_is_cut():
    plan = dose_plan(load_treatment("mitomycin_90"), Patient(height_cm=180, weight_kg=80))
    assert (plan.total_mg, plan.capped) == (70.0, False)


def test_a_rehearsal_has_a_volume_and_no_drug():
    plan = dose_plan(load_treatment("saline_rehearsal"), Patient())
    assert (plan.drug, plan.total_mg, plan.fractions, plan.capped) == ("", 0.0, (), False)
    assert plan.carrier_ml > 0


@given(PATIENTS, st.sampled_from(list_treatments()))
def test_fractions_add_up_and_no_ceiling_is_passed(patient, name):
    treatment = load_treatment(name)
    plan = dose_plan(treatment, patient)
    assert sum(part.mg for part in plan.fractions) == pytest.approx(plan.total_mg)
    assert plan.carrier_ml <= treatment.fill_max_ml
    if treatment.drug is not None:
        assert 0 < plan.total_mg <= treatment.drug.max_mg
        assert plan.capped is (treatment.drug.mg_per_m2 * patient.bsa_m2 > treatment.drug.max_mg)
