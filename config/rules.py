"""Rules that span several fields: the order of a rig's levels, a treatment's own sense, and one against the other.

Every violation is reported, in NaN-safe form. Not responsible for single bounds (`config.schema`) or wiring
(`config.wiring`).
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable

from config.problems import Problem, shown
from config.schema import Drug, Rig, Treatment

WARN_ABOVE_TARGET_C = 0.2  # less than this and the alarm would sound in undisturbed control
SHARES_TOLERANCE = 1e-6

Compare = Callable[[float, float], bool]
BELOW: tuple[Compare, str] = (operator.lt, "below")
UP_TO: tuple[Compare, str] = (operator.le, "up to")

ORDER: tuple[tuple[str, tuple[Compare, str], str], ...] = (
    ("limits.inflow_cap_c", BELOW, "limits.inflow_trip_c"),
    ("limits.inflow_trip_c", UP_TO, "limits.outlet_trip_c"),
    ("limits.core_low_c", BELOW, "limits.core_warn_c"),
    ("limits.core_warn_c", BELOW, "limits.core_alarm_c"),
    ("limits.core_alarm_c", BELOW, "limits.core_trip_c"),
    ("limits.core_trip_c", BELOW, "limits.core_stop_c"),
    ("limits.cavity_pressure_warn_mmhg", BELOW, "limits.cavity_pressure_trip_mmhg"),
    ("limits.line_pressure_alarm_mmhg", BELOW, "limits.line_pressure_trip_mmhg"),
    ("limits.probe_disagreement_warn_c", BELOW, "limits.probe_disagreement_trip_c"),
    ("limits.heat_flow_min_lpm", BELOW, "limits.flow_max_lpm"),
    ("limits.reservoir_low_ml", BELOW, "circuit.reservoir_full_ml"),
    ("limits.inflow_cap_c", BELOW, "protective.inflow_trip_c"),
    ("limits.inflow_cap_c", BELOW, "protective.outlet_trip_c"),
)
"""Left must stand below (or up to) right. The upper ceilings are bounds in the schema."""


def level_problems(rig: Rig) -> list[Problem]:
    """Levels of a rig that do not stand in order: warning, alarm, trip."""
    problems = []
    for lower, (fits, word), upper in ORDER:
        low, high = _value(rig, lower), _value(rig, upper)
        if not fits(low, high):
            problems.append(Problem(lower, shown(low), f"allowed is {word} {upper} = {high}"))
    return problems


def treatment_problems(treatment: Treatment) -> list[Problem]:
    """What a treatment contradicts in itself, whatever the rig."""
    problems = []
    if not treatment.ready_c <= treatment.target_c:
        allowed = f"allowed is up to target_c = {treatment.target_c}"
        problems.append(Problem("ready_c", shown(treatment.ready_c), allowed))
    lowest_warn_c = round(treatment.target_c + WARN_ABOVE_TARGET_C, 6)
    if not treatment.cavity_warn_c >= lowest_warn_c:
        allowed = f"allowed is at least target_c + {WARN_ABOVE_TARGET_C} = {lowest_warn_c}"
        problems.append(Problem("cavity_warn_c", shown(treatment.cavity_warn_c), allowed))
    if not treatment.fill_flow_lpm <= treatment.flow_lpm:
        allowed = f"allowed is up to flow_lpm = {treatment.flow_lpm}"
        problems.append(Problem("fill_flow_lpm", shown(treatment.fill_flow_lpm), allowed))
    return problems + (_drug_problems(treatment.drug, treatment.duration_min) if treatment.drug else [])


def _drug_problems(drug: Drug, duration_min: float) -> list[Problem]:
    problems = []
    shares, times = list(drug.shares), list(drug.at_min)
    if not abs(math.fsum(shares) - 1.0) <= SHARES_TOLERANCE:
        problems.append(Problem("drug.shares", shown(shares), f"add up to {math.fsum(shares):g}; allowed is 1"))
    if len(shares) != len(times):
        problems.append(Problem("drug.at_min", shown(times), f"allowed is one time for each of {len(shares)} shares"))
    if not times:
        return problems
    if times[0] != 0.0:
        problems.append(Problem("drug.at_min[0]", shown(times[0]), "allowed is 0: times count from the first dose"))
    if not all(earlier < later for earlier, later in itertools.pairwise(times)):
        problems.append(Problem("drug.at_min", shown(times), "allowed are rising times"))
    if not times[-1] < duration_min:
        allowed = f"allowed is below duration_min = {duration_min}"
        problems.append(Problem(f"drug.at_min[{len(times) - 1}]", shown(times[-1]), allowed))
    return problems


def match_problems(rig: Rig, treatment: Treatment) -> list[Problem]:
    """What a treatment asks of a rig that this rig does not give."""
    if treatment.rigs and rig.name not in treatment.rigs:
        names = ", ".join(treatment.rigs)
        return [Problem("rigs", names, f"is a treatment for another rig; this rig is {rig.name}")]
    limits, circuit = rig.limits, rig.circuit
    pump_lpm = circuit.pump_max_rpm * circuit.pump_ml_per_rev / 1000
    drawn_ml = circuit.reservoir_full_ml - limits.reservoir_low_ml
    rules: tuple[tuple[str, float, Compare, str, float], ...] = (
        ("cavity_warn_c", treatment.cavity_warn_c, operator.lt, "below limits.cavity_trip_c", limits.cavity_trip_c),
        ("preheat_c", treatment.preheat_c, operator.le, "up to limits.inflow_cap_c", limits.inflow_cap_c),
        ("flow_lpm", treatment.flow_lpm, operator.le, "up to limits.flow_max_lpm", limits.flow_max_lpm),
        ("flow_lpm", treatment.flow_lpm, operator.le, "up to what the pump can deliver,", pump_lpm),
        ("flow_lpm", treatment.flow_lpm, operator.gt, "above limits.heat_flow_min_lpm", limits.heat_flow_min_lpm),
        ("fill_flow_lpm", treatment.fill_flow_lpm, operator.le, "up to what the pump can deliver,", pump_lpm),
        ("fill_max_ml", treatment.fill_max_ml, operator.le, "up to what the reservoir can give,", drawn_ml),
    )
    return [
        Problem(key, shown(value), f"allowed on rig {rig.name} is {words} = {bound:g}".replace(", =", ":"))
        for key, value, fits, words, bound in rules
        if not fits(value, bound)
    ]


def _value(rig: Rig, key: str) -> float:
    return float(operator.attrgetter(key)(rig))
