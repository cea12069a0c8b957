"""A signal that is lost is never silently fine: in every step that uses it, a row takes its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import nan
from typing import Any

import pytest
from interlock_cases import CASES, Case
from make import SIGNALS, World, picture_of, world_in

from controller.core.interlocks import TABLE
from controller.core.signals import Reading

WITHIN_S = 7.0
LATE_S = 9.0  # older than any reading may be
STEPS = ("preheat", "fill", "perfuse", "rinse_fill")
TAKEN_BY: Mapping[str, tuple[str, ...]] = {  # by step; "" where nothing depends on it
    "heater_outlet_c": ("probe_lost", "probe_lost", "probe_lost", "inflow_unseen"),
    "inflow_c": ("probe_lost", "probe_lost", "probe_lost", "inflow_unseen"),
    "outflow_c": ("probe_lost", "probe_lost", "probe_lost", ""),
    "cavity_1_c": ("", "cavity_outlier", "cavity_outlier", "cavity_outlier"),
    "cavity_2_c": ("", "cavity_outlier", "cavity_outlier", "cavity_outlier"),
    "cavity_3_c": ("", "cavity_outlier", "cavity_outlier", "cavity_outlier"),
    "core_c": ("", "core_lost", "core_lost", "core_lost"),
    "source_c": ("heater_unseen", "heater_unseen", "heater_unseen", ""),
    "heater_setpoint_c": ("heater_unseen", "heater_unseen", "heater_unseen", ""),
    "heater_power_w": ("heater_unseen", "heater_unseen", "heater_unseen", ""),
    "flow_lpm": ("no_flow", "no_flow", "no_flow", "inflow_unseen"),
    "pump_rpm": ("no_flow", "no_flow", "no_flow", "inflow_unseen"),
    "bubble_mm": ("", "bubble_lost", "bubble_lost", "bubble_lost"),
    "line_pressure_mmhg": ("", "line_pressure_lost", "line_pressure_lost", "line_pressure_lost"),
    "cavity_pressure_mmhg": ("", "cavity_pressure_lost", "cavity_pressure_lost", "cavity_pressure_lost"),
    "reservoir_ml": ("level_lost", "level_lost", "level_lost", "level_lost"),
    "mains_ok": ("on_battery", "on_battery", "on_battery", "on_battery"),
    "outlet_b_c": ("twin_lost", "twin_lost", "twin_lost", ""),
    "inflow_b_c": ("twin_lost", "twin_lost", "twin_lost", ""),
}
WAYS = ("lost", "not a number", "stale", "out of range")
LOST = [
    (name, step, row) for name, rows in TAKEN_BY.items() for step, row in zip(STEPS, rows, strict=True) if row
]  # fmt: skip


def lose(world: World, name: str, way: str) -> None:
    value = {"lost": None, "not a number": nan, "stale": 42.0, "out of range": 1e6}[way]
    if name.endswith("_b_c"):
        world.status = {name: value}
    elif way == "lost":
        world.bent[name] = None
    else:
        world.bent[name] = Reading(value, world.now_s - (LATE_S if way == "stale" else 0.0))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("name", "step", "row"), LOST, ids=[f"{name}-{step}" for name, step, _ in LOST])
def test_h18_a_lost_signal_is_taken_by_the_row_that_the_table_names(name: str, step: str, row: str, way: str) -> None:
    if name.endswith("_b_c") and way == "stale":
        pytest.skip("its age is that of the channel's whole word: protective_lost")
    world = world_in(step, settle_s=2.0)
    until_s = world.now_s + WITHIN_S
    while row not in world.state.alarms.active:
        assert world.now_s < until_s, f"{name} is {way} and nothing says so: {list(world.state.alarms.active)}"
        lose(world, name, way)
        world.step()
    takes = next(line.response.name for line in TABLE if line.id == row)
    assert takes == "R0" or not world.outputs.heat_on


class Noting(dict[str, float]):
    """A mapping that remembers what it was asked for."""

    def __init__(self, values: Mapping[str, float], asked: set[str]) -> None:
        super().__init__(values)
        self._asked = asked

    def get(self, name: str, default: Any = None) -> Any:
        self._asked.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> float:
        self._asked.add(name)
        return super().__getitem__(name)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_h18_every_signal_that_a_row_looks_at_is_in_the_table(case: Case) -> None:
    picture = picture_of(case.world())
    asked: set[str] = set()
    row = next(line for line in TABLE if line.id == case.id)
    row.condition(replace(picture, good=Noting(picture.good, asked)))
    assert asked <= set(TAKEN_BY)


def test_every_signal_of_a_rig_is_in_the_table() -> None:
    assert set(TAKEN_BY) == {*SIGNALS, "outlet_b_c", "inflow_b_c"}
