"""A value that is no number violates every limit it is compared with, even if it got past sensing."""

from __future__ import annotations

from dataclasses import replace
from math import nan

import pytest
from make import picture_of, world_in

from controller.core.interlocks import TABLE

REPORTED = {
    "inflow_c": {"inflow_over"},
    "heater_outlet_c": {"outlet_over"},
    "core_c": {"core_trip", "core_stop", "core_alarm", "core_warn"},
    "source_c": {"source_over"},
    "flow_lpm": {"no_flow", "reversed", "runaway", "stalled"},
    "pump_rpm": {"no_flow"},
    "bubble_mm": {"air"},
    "line_pressure_mmhg": {"line_pressure", "line_pressure_high"},
    "cavity_pressure_mmhg": {"cavity_pressure", "cavity_pressure_high"},
    "reservoir_ml": {"reservoir_low"},
    "heater_setpoint_c": {"setpoint_differs"},
    "inflow_b_c": {"inflow_disagrees", "inflow_differs"},
    "outlet_b_c": {"outlet_disagrees"},
}


@pytest.mark.parametrize("name", sorted(REPORTED))
def test_h18_what_is_no_number_is_over_every_limit(name: str) -> None:
    picture = picture_of(world_in("perfuse", settle_s=30.0))
    assert {row.id for row in TABLE if row.condition(picture)} == set()
    broken = replace(picture, good={**picture.good, name: nan})
    assert {row.id for row in TABLE if row.condition(broken)} >= REPORTED[name]


def test_h02_a_hottest_probe_that_is_no_number_is_too_hot() -> None:
    picture = picture_of(world_in("perfuse", settle_s=30.0))
    broken = replace(picture, sensed=picture.sensed._replace(cavity_max_c=nan))
    assert {row.id for row in TABLE if row.condition(broken)} >= {"cavity_over", "cavity_warm"}


def test_h25_power_that_is_no_number_is_a_heater_that_does_not_switch_off() -> None:
    picture = picture_of(world_in("perfuse", settle_s=30.0))
    off = replace(picture, heat_off_s=10.0, good={**picture.good, "heater_power_w": nan})
    assert {row.id for row in TABLE if row.condition(off)} >= {"heater_stuck_on"}
