"""For every row of the interlock table: how a working bench is broken, just outside the limit, so that it must come.

What lies just inside the limit stands in `interlock_insides`.
"""

from __future__ import annotations

from typing import NamedTuple

from interlock_breakings import (
    Breaking,
    against_told,
    blocked,
    both,
    clock_set,
    coarse,
    disk_full,
    disk_left,
    drops,
    found_in_the_patient,
    held,
    held_then,
    inflow_at,
    inflow_warms_first,
    late,
    leaks,
    left_behind,
    link_lost,
    never_agitated,
    never_answered,
    nothing,
    reads,
    restarted,
    resumed_at,
    runs_out_to,
    says,
    says_slowly,
    scatters,
    silent,
    stands,
    stop_pressed,
    told,
    unseen,
    weak_source,
    wrong_device,
)
from make import World, world_in

from controller.core.exchange import Act, Order
from controller.core.interlocks import Response


class Case(NamedTuple):
    """`within_s` counts from the first broken cycle to the row's alarm; `delay_s` is what the manual promises."""

    id: str
    response: Response
    delay_s: float
    within_s: float
    breaking: Breaking
    kind: str = "bath"
    step: str = "perfuse"
    settle_s: float = 20.0
    dt_s: float = 0.1
    flow_lpm: float | None = None  # what the pump is set to, where that is not the treatment's flow
    note: str = ""

    @property
    def name(self) -> str:
        return f"{self.id}-{self.note}" if self.note else self.id

    def world(self) -> World:
        world = world_in(self.step, kind=self.kind, settle_s=self.settle_s)
        if self.flow_lpm is not None:
            world.step(Order(Act.FLOW, value=self.flow_lpm))
            world.run(25.0)
        return world


R0, R1, R2, R3, R4 = Response.R0, Response.R1, Response.R2, Response.R3, Response.R4

CASES: tuple[Case, ...] = (
    Case("stop", R3, 0.0, 0.1, stop_pressed),
    Case("outlet_over", R3, 0.2, 0.6, reads(heater_outlet_c=46.02)),
    Case("inflow_over", R3, 0.3, 0.7, reads(inflow_c=45.52)),
    Case("source_over", R1, 0.5, 0.9, reads(source_c=47.02)),
    Case("cavity_over", R1, 0.8, 1.1, reads(cavity_1_c=43.52), note="one probe is enough"),
    Case("core_trip", R1, 2.0, 2.5, reads(core_c=39.52)),
    Case("core_stop", R2, 2.0, 2.5, reads(core_c=40.02)),
    Case("no_flow", R4, 0.2, 0.4, reads(flow_lpm=0.24), flow_lpm=0.4, note="meter"),
    Case("no_flow", R4, 0.2, 0.4, reads(flow_lpm=0.74), note="less than half of what the pump is set to"),
    Case("no_flow", R4, 0.2, 0.4, reads(flow_lpm=None), note="meter lost"),
    Case("no_flow", R4, 0.2, 0.4, reads(pump_rpm=1.9), note="rotor"),
    Case("no_flow", R4, 0.2, 0.4, reads(pump_rpm=None), note="rotor unknown"),
    Case("reservoir_low", R3, 0.5, 0.7, reads(reservoir_ml=299.0)),
    Case("air", R3, 0.0, 0.1, reads(bubble_mm=5.0)),
    Case("line_pressure", R2, 0.2, 0.4, reads(line_pressure_mmhg=301.0)),
    Case("accumulating", R2, 1.0, 12.0, both(leaks(0.0, at_once_ml=190.0), blocked), settle_s=310.0),
    Case("cavity_pressure", R2, 0.5, 0.7, reads(cavity_pressure_mmhg=22.1)),
    Case("cavity_pressure", R2, 0.5, 0.7, reads(cavity_pressure_mmhg=22.1), step="fill", note="while filling"),
    Case("disconnected", R3, 1.0, 3.5, drops(0.63), settle_s=90.0),
    Case("drift", R0, 1.0, 700.0, leaks(0.19), settle_s=310.0, dt_s=0.5),
    Case("leak", R2, 10.0, 1500.0, leaks(0.18), settle_s=310.0, dt_s=0.5),
    Case("overfilled", R0, 5.0, 320.0, leaks(1.5), settle_s=0.0, dt_s=0.5),
    Case("cavity_empties", R0, 10.0, 90.0, runs_out_to(0.48), dt_s=0.5),
    Case("drain_short", R0, 5.0, 150.0, left_behind(15.0), step="drain", settle_s=0.0),
    Case("volume_unaccounted", R0, 0.0, 0.1, found_in_the_patient(101.0), step="standby"),
    Case("unbalanced", R2, 2.0, 90.0, reads(flow_lpm=1.1), step="fill", dt_s=0.2, note="meter reads more"),
    Case("unbalanced", R2, 2.0, 20.0, leaks(0.0, at_once_ml=285.0), step="fill", dt_s=0.2, note="level falls"),
    Case("reversed", R3, 0.4, 0.6, reads(flow_lpm=-0.06)),
    Case("runaway", R3, 1.0, 1.2, reads(flow_lpm=2.12)),
    Case("stalled", R4, 1.0, 1.2, reads(flow_lpm=0.74)),
    Case("probe_lost", R1, 0.2, 0.4, reads(heater_outlet_c=None), note="outlet"),
    Case("probe_lost", R1, 0.2, 0.4, reads(inflow_c=None), note="inflow"),
    Case("probe_lost", R1, 0.2, 0.4, reads(outflow_c=None), note="outflow"),
    Case("cavity_lost", R1, 0.5, 0.7, reads(cavity_1_c=None, cavity_2_c=None, cavity_3_c=None)),
    Case("cavity_few", R0, 2.0, 2.2, reads(cavity_1_c=None, cavity_2_c=None)),
    Case("cavity_outlier", R0, 5.0, 6.5, reads(cavity_3_c=37.9)),
    Case("line_pressure_lost", R3, 0.5, 0.7, reads(line_pressure_mmhg=None)),
    Case("cavity_pressure_lost", R2, 0.5, 0.7, reads(cavity_pressure_mmhg=None)),
    Case("bubble_lost", R3, 0.5, 0.7, reads(bubble_mm=None)),
    Case("level_lost", R3, 0.5, 0.7, reads(reservoir_ml=None)),
    Case("level_lost", R3, 0.5, 0.7, reads(reservoir_ml=None), step="preheat", note="preheating"),
    Case("core_lost", R0, 3.0, 3.2, reads(core_c=None)),
    Case("core_lost", R0, 3.0, 4.0, reads(core_c=36.0), note="falls"),
    Case("core_unwatched", R1, 120.0, 120.2, reads(core_c=None)),
    Case("core_unwatched", R1, 120.0, 121.0, reads(core_c=36.0), note="falls"),
    Case("swapped", R1, 0.0, 0.3, inflow_warms_first, step="preheat", settle_s=0.0),
    Case("order", R1, 5.0, 6.0, both(reads(inflow_c=40.65), says_slowly(inflow_b_c=40.65)), settle_s=150.0),
    Case("inflow_disagrees", R1, 9.0, 9.5, reads(inflow_c=42.97), settle_s=30.0),
    Case("outlet_disagrees", R1, 9.0, 9.5, says(outlet_b_c=45.24), settle_s=30.0),
    Case("inflow_differs", R0, 10.0, 10.5, reads(inflow_c=43.47), settle_s=30.0),
    Case("heater_stuck_on", R4, 0.5, 4.0, held_then(heater_power_w=101.0)),
    Case(
        "over_power", R4, 5.0, 7.0, both(told(heater_fraction=0.2), reads(outflow_c=35.0)), kind="inline", settle_s=90.0
    ),
    Case(
        "setpoint_differs",
        R1,
        1.5,
        1.7,
        against_told("heater_setpoint_c", "bath_setpoint_c", more=-0.62),
    ),
    Case(
        "setpoint_differs",
        R1,
        1.5,
        1.7,
        against_told("heater_setpoint_c", "bath_setpoint_c", more=0.62),
        note="more",
    ),
    Case("device_lost", R4, 0.0, 0.9, link_lost),
    Case("device_late", R0, 0.3, 0.5, link_lost),
    Case("restart", R1, 0.0, 0.1, restarted),
    Case("mains_lost", R1, 0.5, 0.7, reads(mains_ok=0.0)),
    Case("mains_lost", R1, 0.5, 0.7, reads(mains_ok=0.0), step="preheat", note="preheating"),
    Case("on_battery", R0, 0.3, 0.5, reads(mains_ok=0.0), step="drain"),
    Case("on_battery", R0, 0.3, 0.5, reads(mains_ok=None), note="not known"),
    Case("protective_trip", R4, 0.0, 0.1, says(trip="outlet 46.1 °C", permit=False)),
    Case("protective_lost", R4, 0.2, 0.9, silent, note="silent"),
    Case("protective_lost", R4, 0.2, 0.4, never_answered, note="unknown"),
    Case("protective_out", R0, 2.0, 2.9, silent, step="drain", note="silent"),
    Case("protective_out", R0, 2.0, 2.2, says(trip="welded", permit=False), step="rinse_fill", note="tripped"),
    Case("protective_refuses", R4, 0.5, 0.7, says(permit=False)),
    Case("overrun", R1, 0.0, 0.1, late(0.21)),
    Case("host", R0, 0.0, 0.1, disk_full),
    Case("disk_low", R0, 0.0, 0.1, disk_left(199.0)),
    Case("disk_low", R0, 0.0, 0.1, disk_left(None), note="not known"),
    Case("core_alarm", R0, 5.0, 5.5, reads(core_c=39.02)),
    Case("core_warn", R0, 10.0, 10.5, reads(core_c=38.52)),
    Case("core_low", R0, 60.0, 61.0, reads(core_c=34.47), dt_s=0.2),
    Case("cavity_warm", R0, 5.0, 5.5, reads(cavity_2_c=43.02)),
    Case("cavity_cool", R0, 30.0, 31.0, reads(cavity_1_c=40.67, cavity_2_c=40.67, cavity_3_c=40.67)),
    Case("line_pressure_high", R0, 1.0, 1.2, reads(line_pressure_mmhg=201.0)),
    Case("cavity_pressure_high", R0, 3.0, 3.2, reads(cavity_pressure_mmhg=18.1)),
    Case("weak_heat", R0, 300.0, 420.0, weak_source, dt_s=0.5),
    Case("at_cap", R0, 600.0, 700.0, reads(cavity_1_c=41.0, cavity_2_c=41.0, cavity_3_c=41.0), dt_s=0.4),
    Case("not_heating", R0, 1.0, 150.0, both(reads(inflow_c=41.0), says_slowly(inflow_b_c=41.0)), dt_s=0.2),
    Case("heat_off", R0, 60.0, 61.0, held, dt_s=0.2),
    Case("unheated", R0, 30.0, 31.0, held, dt_s=0.2),
    Case("cold_inflow", R0, 30.0, 33.0, inflow_at(37.97), dt_s=0.2),
    Case("heater_unseen", R0, 5.0, 5.2, reads(heater_setpoint_c=None), note="set-point"),
    Case("heater_unseen", R0, 5.0, 5.2, reads(heater_power_w=None), note="power"),
    Case("heater_unseen", R0, 5.0, 5.2, reads(source_c=None), note="source"),
    Case("inflow_unseen", R0, 2.0, 2.2, reads(inflow_c=None), step="rinse_fill", note="temperature"),
    Case("inflow_unseen", R0, 2.0, 2.2, reads(flow_lpm=None), step="rinse_fill", note="flow"),
    Case("twin_lost", R1, 1.0, 1.2, says(inflow_b_c=None), note="inflow"),
    Case("twin_lost", R1, 1.0, 1.2, says(outlet_b_c=None), note="outlet"),
    Case("slug", R0, 0.5, 3.0, resumed_at(43.02), step="fill"),
    Case("agitate", R0, 0.0, 200.0, never_agitated, dt_s=0.5),
    Case("dose_due", R0, 0.0, 1800.0, nothing, dt_s=0.8),
    Case("twins_apart", R1, 1.0, 1.8, says_slowly(outlet_b_c=42.17), settle_s=30.0, note="outlet"),
    Case("twins_apart", R1, 1.0, 1.8, says_slowly(inflow_b_c=41.97), settle_s=30.0, note="inflow"),
    Case("outflow_disagrees", R1, 9.0, 10.5, reads(outflow_c=40.64), settle_s=90.0, note="cold"),
    Case("outflow_disagrees", R1, 9.0, 10.5, reads(outflow_c=43.13), settle_s=90.0, note="hot"),
    Case("outflow_differs", R0, 10.0, 10.6, reads(outflow_c=41.14), settle_s=90.0),
    Case("outlet_differs", R0, 10.0, 10.5, says(outlet_b_c=44.74), settle_s=30.0),
    Case("frozen", R1, 0.0, 8.0, coarse("inflow_c", inflow_b_c=44.4), settle_s=30.0),
    Case("cavity_frozen", R0, 1.0, 40.0, coarse("cavity_2_c", cavity_1_c=41.2, cavity_3_c=41.0), settle_s=30.0),
    Case("sensor_frozen", R0, 0.0, 21.5, stands("flow_lpm", 100.0), note="flow"),
    Case("sensor_frozen", R0, 0.0, 21.5, stands("line_pressure_mmhg", 100.0), step="preheat", note="line"),
    Case("sensor_frozen", R0, 0.0, 61.5, stands("cavity_pressure_mmhg", 100.0), note="cavity"),
    Case("sensor_frozen", R0, 0.0, 61.5, stands("reservoir_ml", 100.0), note="level"),
    Case("cavity_outlier", R0, 5.0, 6.5, reads(cavity_2_c=None), note="one lost"),
    Case("cavity_spread", R0, 60.0, 65.0, reads(cavity_3_c=40.07), settle_s=310.0, dt_s=0.2),
    Case("probe_noise", R1, 10.0, 25.0, scatters("inflow_c", 0.085)),
    Case("probe_noisy", R0, 2.0, 15.0, scatters("cavity_3_c", 0.085)),
    Case("power_scale", R4, 2.0, 2.2, reads(heater_power_w=2401.0)),
    Case(
        "power_differs",
        R4,
        1.0,
        1.2,
        against_told("heater_power_w", "heater_fraction", times=2000.0, more=355.0),
        kind="inline",
    ),
    Case(
        "heats_over",
        R4,
        10.0,
        12.0,
        both(told(bath_setpoint_c=45.0), reads(heater_setpoint_c=45.0, heater_power_w=1010.0, source_c=46.02)),
    ),
    Case("hotter_than_source", R1, 5.0, 6.0, reads(source_c=42.97), settle_s=90.0),
    Case(
        "heat_short",
        R0,
        30.0,
        33.0,
        told(heater_fraction=0.382),
        kind="inline",
        settle_s=310.0,
        dt_s=0.2,
    ),
    Case("pump_differs", R3, 1.5, 1.7, reads(pump_rpm=177.0)),
    Case("wrong_device", R4, 0.0, 0.1, wrong_device),
    Case("late_often", R1, 0.0, 0.3, late(0.11)),
    Case("unattended", R1, 0.0, 0.1, unseen(60.1)),
    Case("console_lost", R0, 0.0, 0.1, unseen(10.1)),
    Case("clock_jump", R0, 0.0, 0.1, clock_set(1.1)),
)  # fmt: skip
