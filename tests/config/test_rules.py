"""Levels stand in order, a treatment makes sense in itself and on its rig; every violation is told."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.loading import load_rig, load_treatment
from config.rules import ORDER, level_problems, match_problems, treatment_problems
from config.schema import Drug, Limits, Rig, Treatment

RIG = load_rig("bench")
TREATMENT = load_treatment("mitomycin_90")
# Written down a second time, from the risk file and not from the schema.
WIDEST = {
    "inflow_cap_c": 45.0,
    "inflow_trip_c": 45.5,
    "outlet_trip_c": 46.0,
    "cavity_trip_c": 43.5,
    "core_warn_c": 38.5,
    "core_alarm_c": 39.0,
    "core_trip_c": 39.5,
    "core_stop_c": 40.0,
    "cavity_pressure_warn_mmhg": 20.0,
    "cavity_pressure_trip_mmhg": 22.0,
    "line_pressure_alarm_mmhg": 250.0,
    "line_pressure_trip_mmhg": 300.0,
    "flow_max_lpm": 2.5,
    "bubble_trip_mm": 5.0,
    "volume_error_alarm_ml": 300.0,
    "probe_disagreement_warn_c": 0.5,
    "probe_disagreement_trip_c": 1.0,
}


def with_limits(**limits: float) -> Rig:
    return msgspec.structs.replace(RIG, limits=msgspec.structs.replace(RIG.limits, **limits))


def treatment(**values: Any) -> Treatment:
    return msgspec.structs.replace(TREATMENT, **values)


def with_drug(**values: Any) -> Treatment:
    assert TREATMENT.drug is not None
    return treatment(drug=msgspec.structs.replace(TREATMENT.drug, **values))


@pytest.mark.parametrize(
    ("limits", "key"),
    [
        ({"inflow_cap_c": 45.0, "inflow_trip_c": 45.0}, "limits.inflow_cap_c"),
        ({"inflow_trip_c": 45.4, "outlet_trip_c": 45.3}, "limits.inflow_trip_c"),
        ({"core_low_c": 36.0, "core_warn_c": 36.0}, "limits.core_low_c"),
        ({"core_warn_c": 38.5, "core_alarm_c": 38.5}, "limits.core_warn_c"),
        ({"core_alarm_c": 39.0, "core_trip_c": 39.0}, "limits.core_alarm_c"),
        ({"core_trip_c": 39.5, "core_stop_c": 39.5}, "limits.core_trip_c"),
        ({"cavity_pressure_warn_mmhg": 20.0, "cavity_pressure_trip_mmhg": 20.0}, "limits.cavity_pressure_warn_mmhg"),
        ({"line_pressure_alarm_mmhg": 200.0, "line_pressure_trip_mmhg": 200.0}, "limits.line_pressure_alarm_mmhg"),
        ({"probe_disagreement_warn_c": 0.5, "probe_disagreement_trip_c": 0.5}, "limits.probe_disagreement_warn_c"),
        ({"heat_flow_min_lpm": 1.0, "flow_max_lpm": 1.0}, "limits.heat_flow_min_lpm"),
    ],
)
def test_an_alarm_at_or_above_its_trip_is_refused(limits, key):
    assert [problem.key for problem in level_problems(with_limits(**limits))] == [key]


@pytest.mark.parametrize(("name", "widest"), WIDEST.items())
def test_h46_no_file_widens_a_limit_beyond_the_risk_file(name, widest):
    assert getattr(msgspec.convert({name: widest}, Limits), name) == widest
    with pytest.raises(msgspec.ValidationError, match=name):
        msgspec.convert({name: widest + 0.01}, Limits)


def test_inflow_and_outlet_may_trip_at_the_same_level():
    assert level_problems(with_limits(inflow_trip_c=45.5, outlet_trip_c=45.5)) == []


@pytest.mark.parametrize("key", ["inflow_trip_c", "outlet_trip_c"])
def test_a_protective_trip_at_the_cap_is_refused(key):
    rig = msgspec.structs.replace(RIG, protective=msgspec.structs.replace(RIG.protective, **{key: 44.5}))
    assert [problem.key for problem in level_problems(rig)] == ["limits.inflow_cap_c"]


def test_nan_stands_in_no_order():
    broken = with_limits(inflow_trip_c=float("nan"))
    assert {problem.key for problem in level_problems(broken)} == {"limits.inflow_cap_c", "limits.inflow_trip_c"}


@given(st.data())
def test_limits_are_accepted_exactly_when_every_pair_stands_in_order(data):
    names = sorted({name.split(".")[1] for low, _, high in ORDER for name in (low, high) if name.startswith("limits.")})
    limits = {}
    for name in names:
        default = getattr(Limits(), name)
        limits[name] = data.draw(st.sampled_from([default, default * 0.98, default * 0.9]))
    rig = with_limits(**limits)
    told = {(problem.key, problem.allowed.split(" = ")[0].split()[-1]) for problem in level_problems(rig)}
    wrong = set()
    for low, (_, word), high in ORDER:
        a, b = (float(_deep(rig, name)) for name in (low, high))
        if not (a < b or (a == b and word == "up to")):
            wrong.add((low, high))
    assert told == wrong


def _deep(rig: Rig, dotted: str) -> float:
    section, name = dotted.split(".")
    return getattr(getattr(rig, section), name)


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"ready_c": 42.1}, "ready_c"),
        ({"cavity_warn_c": 42.1}, "cavity_warn_c"),
        ({"fill_flow_lpm": 1.5, "flow_lpm": 1.4}, "fill_flow_lpm"),
    ],
)
def test_a_treatment_that_contradicts_itself_is_refused(changed, key):
    assert [problem.key for problem in treatment_problems(treatment(**changed))] == [key]


def test_ready_at_the_target_and_a_warning_just_above_it_are_allowed():
    assert treatment_problems(treatment(ready_c=42.0, cavity_warn_c=42.2)) == []


@pytest.mark.parametrize(
    ("drug", "key"),
    [
        ({"shares": (0.5, 0.25, 0.2)}, "drug.shares"),
        ({"shares": (0.5, 0.5)}, "drug.at_min"),
        ({"shares": (), "at_min": ()}, "drug.shares"),
        ({"at_min": (0.0, 60.0, 30.0)}, "drug.at_min"),
        ({"at_min": (0.0, 30.0, 30.0)}, "drug.at_min"),
        ({"at_min": (5.0, 30.0, 60.0)}, "drug.at_min[0]"),
        ({"at_min": (0.0, 30.0, 90.0)}, "drug.at_min[2]"),
    ],
)
def test_fractions_that_do_not_add_up_or_come_at_a_wrong_time_are_refused(drug, key):
    assert [problem.key for problem in treatment_problems(with_drug(**drug))] == [key]


def test_several_mistakes_in_a_drug_are_told_together():
    wrong = with_drug(shares=(0.5, 0.4), at_min=(1.0, 95.0, 93.0))
    assert {problem.key for problem in treatment_problems(wrong)} == {
        "drug.shares",
        "drug.at_min",
        "drug.at_min[0]",
        "drug.at_min[2]",
    }


@given(st.lists(st.floats(0.01, 1.0), min_size=1, max_size=6))
def test_shares_of_a_whole_always_pass_whatever_their_rounding(parts):
    whole = sum(parts)
    drug = Drug(
        name="any",
        mg_per_m2=10,
        max_mg=100,
        shares=tuple(part / whole for part in parts),
        at_min=tuple(float(10 * index) for index in range(len(parts))),
    )
    assert treatment_problems(treatment(drug=drug)) == []


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"rigs": ("other", "third")}, "rigs"),
        ({"cavity_warn_c": 43.4}, "cavity_warn_c"),
        ({"preheat_c": 44.0}, "preheat_c"),
        ({"flow_lpm": 2.3}, "flow_lpm"),
        ({"flow_lpm": 0.4}, "flow_lpm"),
        ({"fill_flow_lpm": 1.5}, "fill_flow_lpm"),
        ({"fill_max_ml": 3000.0}, "fill_max_ml"),
    ],
)
def test_a_treatment_that_asks_for_more_than_the_rig_gives_is_refused(changed, key):
    small = msgspec.structs.replace(
        with_limits(cavity_trip_c=43.4, inflow_cap_c=43.9, flow_max_lpm=2.2, heat_flow_min_lpm=0.5),
        circuit=msgspec.structs.replace(RIG.circuit, reservoir_full_ml=3000.0, pump_max_rpm=250.0),
    )
    if key == "fill_flow_lpm":
        small = msgspec.structs.replace(small, circuit=msgspec.structs.replace(small.circuit, pump_max_rpm=130.0))
        changed = {**changed, "flow_lpm": 1.2}
    asked = treatment(**{"fill_max_ml": 2500.0, **changed})
    assert [problem.key for problem in match_problems(small, asked)] == [key]


def test_a_treatment_that_names_this_rig_or_none_is_accepted():
    assert match_problems(RIG, treatment(rigs=("other", "bench"))) == []
    assert match_problems(RIG, treatment(rigs=())) == []


def test_a_flow_that_the_pump_cannot_turn_for_is_refused_though_the_limit_allows_it():
    slow = msgspec.structs.replace(RIG, circuit=msgspec.structs.replace(RIG.circuit, pump_max_rpm=100.0))
    told = match_problems(slow, TREATMENT)
    assert [problem.key for problem in told] == ["flow_lpm"]
    assert "0.96" in told[0].allowed
