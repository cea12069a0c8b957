"""For every case of `interlock_cases`, the nearest thing that is still allowed: the row must never come of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from interlock_breakings import (
    Breaking,
    against_told,
    blocked,
    both,
    clock_set,
    coarse,
    disk_left,
    drops,
    found_in_the_patient,
    held,
    held_then,
    inflow_at,
    late,
    leaks,
    left_behind,
    link_lost,
    never_agitated,
    never_answered,
    nothing,
    reads,
    resumed_at,
    runs_out_to,
    says,
    says_slowly,
    scatters,
    stands,
    told,
    unseen,
)
from interlock_breakings import lasts as lasts_only
from make import World

from controller.core.exchange import Act, LinkFault
from controller.core.probe_identity import Identity


class Inside(NamedTuple):
    """`for_s`: how long it is looked at; None: as long as the case outside may take, and its delay again."""

    breaking: Breaking
    for_s: float | None = None


def _warm_in_order(world: World) -> None:
    if world.outputs.heat_on:
        world.state = world.state._replace(identity=Identity({}, ("heater_outlet_c", "inflow_c")))


def _another_act(world: World) -> None:
    world.pressing = () if world.state.walk.hold else (Act.HOLD,)


def _late_twice(world: World) -> None:
    world.overrun_s = 0.11 if round(world.now_s * 10) % 3 else 0.0


def _nearly_silent(world: World) -> None:
    world.status = {"at_s": world.now_s - 0.38}  # half a second old is the most


def _faulty_but_right(world: World) -> None:
    world.link_faults = (LinkFault("pump", world.now_s, "does not answer"),)


def _held_for_a_moment(world: World) -> None:
    steps = round(world.now_s * 5) % 125
    world.pressing = (Act.HOLD,) if steps == 0 else (Act.RESUME,) if steps == 120 and world.state.walk.hold else ()


def _climbs_slowly(world: World) -> None:
    """0.35 °C every 80 s, while it is far from its set-point."""
    now_c = world.bent.get("inflow_c", 40.6)
    assert isinstance(now_c, float)
    if "inflow_c" not in world.bent or round(world.now_s * 5) % 400 == 0:
        both(reads(inflow_c=now_c + 0.35), says_slowly(inflow_b_c=now_c + 0.35))(world)


def _enough_power(world: World) -> None:
    both(reads(heater_outlet_c=41.5, inflow_c=41.3), says_slowly(outlet_b_c=41.5, inflow_b_c=41.3))(world)


INSIDES: Mapping[str, Inside] = {
    "stop": Inside(_another_act, 3.0),
    # temperatures
    "outlet_over": Inside(reads(heater_outlet_c=45.97), 5.0),
    "inflow_over": Inside(reads(inflow_c=45.47), 5.0),
    "source_over": Inside(reads(source_c=46.97), 5.0),
    "cavity_over-one probe is enough": Inside(reads(cavity_1_c=43.47), 5.0),
    "core_trip": Inside(reads(core_c=39.47), 10.0),
    "core_stop": Inside(reads(core_c=39.97), 10.0),
    "core_alarm": Inside(reads(core_c=38.97), 20.0),
    "core_warn": Inside(reads(core_c=38.47), 30.0),
    "core_low": Inside(reads(core_c=34.52), 120.0),
    "cavity_warm": Inside(reads(cavity_2_c=42.97), 20.0),
    "cavity_cool": Inside(reads(cavity_1_c=40.72, cavity_2_c=40.72, cavity_3_c=40.72), 60.0),
    # flow and pressure
    "no_flow-meter": Inside(reads(flow_lpm=0.26), 5.0),
    "no_flow-less than half of what the pump is set to": Inside(reads(flow_lpm=0.76), 5.0),
    "no_flow-meter lost": Inside(lasts_only(0.2, reads(flow_lpm=None)), 3.0),
    "no_flow-rotor": Inside(reads(pump_rpm=2.1), 1.2),
    "no_flow-rotor unknown": Inside(lasts_only(0.2, reads(pump_rpm=None)), 3.0),
    "air": Inside(reads(bubble_mm=4.9), 5.0),
    "line_pressure": Inside(reads(line_pressure_mmhg=299.0), 5.0),
    "line_pressure_high": Inside(reads(line_pressure_mmhg=199.0), 10.0),
    "cavity_pressure": Inside(reads(cavity_pressure_mmhg=21.9), 5.0),
    "cavity_pressure-while filling": Inside(reads(cavity_pressure_mmhg=21.9), 5.0),
    "cavity_pressure_high": Inside(reads(cavity_pressure_mmhg=17.9), 10.0),
    "disconnected": Inside(drops(0.67), 20.0),
    "reversed": Inside(reads(flow_lpm=-0.04), 5.0),
    "runaway": Inside(reads(flow_lpm=2.08), 5.0),
    "stalled": Inside(reads(flow_lpm=0.76), 5.0),
    "pump_differs": Inside(reads(pump_rpm=176.5), 5.0),
    # volumes
    "reservoir_low": Inside(reads(reservoir_ml=301.0), 1.0),
    "accumulating": Inside(both(leaks(0.0, at_once_ml=170.0), blocked), 30.0),
    "drift": Inside(leaks(0.16)),
    "leak": Inside(leaks(0.16)),
    "overfilled": Inside(leaks(1.2), 200.0),
    "cavity_empties": Inside(runs_out_to(0.52), 150.0),
    "drain_short": Inside(left_behind(-15.0)),
    "volume_unaccounted": Inside(found_in_the_patient(100.0), 3.0),
    "unbalanced-meter reads more": Inside(leaks(0.0, at_once_ml=245.0), 20.0),
    "unbalanced-level falls": Inside(leaks(0.0, at_once_ml=245.0), 20.0),
    # probes
    "probe_lost-outlet": Inside(lasts_only(0.2, reads(heater_outlet_c=None)), 3.0),
    "probe_lost-inflow": Inside(lasts_only(0.2, reads(inflow_c=None)), 3.0),
    "probe_lost-outflow": Inside(lasts_only(0.2, reads(outflow_c=None)), 3.0),
    "cavity_lost": Inside(reads(cavity_1_c=None, cavity_2_c=None), 5.0),
    "cavity_few": Inside(reads(cavity_1_c=None), 5.0),
    "cavity_outlier": Inside(reads(cavity_3_c=38.1), 20.0),
    "cavity_outlier-one lost": Inside(lasts_only(4.9, reads(cavity_2_c=None)), 10.0),
    "line_pressure_lost": Inside(lasts_only(0.5, reads(line_pressure_mmhg=None)), 3.0),
    "cavity_pressure_lost": Inside(lasts_only(0.5, reads(cavity_pressure_mmhg=None)), 3.0),
    "bubble_lost": Inside(lasts_only(0.5, reads(bubble_mm=None)), 3.0),
    "level_lost": Inside(lasts_only(0.5, reads(reservoir_ml=None)), 3.0),
    "core_lost": Inside(lasts_only(3.0, reads(core_c=None)), 10.0),
    "core_lost-falls": Inside(reads(core_c=37.05), 60.0),
    "core_unwatched": Inside(lasts_only(120.0, reads(core_c=None)), 130.0),
    "core_unwatched-falls": Inside(lasts_only(120.0, reads(core_c=36.0)), 130.0),
    "swapped": Inside(_warm_in_order, 5.0),
    "order": Inside(both(reads(inflow_c=40.75), says_slowly(inflow_b_c=40.75)), 20.0),
    "inflow_disagrees": Inside(reads(inflow_c=43.03), 30.0),
    "outlet_disagrees": Inside(says(outlet_b_c=45.17), 30.0),
    "inflow_differs": Inside(reads(inflow_c=43.53), 30.0),
    "outlet_differs": Inside(says(outlet_b_c=44.67), 30.0),
    "twins_apart-outlet": Inside(says_slowly(outlet_b_c=42.23), 5.0),
    "twins_apart-inflow": Inside(says_slowly(inflow_b_c=42.03), 5.0),
    "outflow_disagrees-cold": Inside(reads(outflow_c=40.69), 30.0),
    "outflow_disagrees-hot": Inside(reads(outflow_c=43.07), 30.0),
    "outflow_differs": Inside(reads(outflow_c=41.19), 30.0),
    "frozen": Inside(coarse("inflow_c", inflow_b_c=44.31), 20.0),
    "cavity_frozen": Inside(coarse("cavity_2_c", cavity_1_c=41.4, cavity_3_c=41.2), 60.0),
    "sensor_frozen-flow": Inside(stands("flow_lpm", 18.0), 60.0),
    "sensor_frozen-line": Inside(stands("line_pressure_mmhg", 18.0), 60.0),
    "sensor_frozen-cavity": Inside(stands("cavity_pressure_mmhg", 58.0), 130.0),
    "sensor_frozen-level": Inside(stands("reservoir_ml", 58.0), 130.0),
    "cavity_spread": Inside(reads(cavity_3_c=40.12), 130.0),
    "probe_noise": Inside(scatters("inflow_c", 0.06), 40.0),
    "probe_noisy": Inside(scatters("cavity_3_c", 0.06), 40.0),
    # heat
    "heater_stuck_on": Inside(held_then(heater_power_w=99.0), 10.0),
    "over_power": Inside(both(told(heater_fraction=0.2), reads(outflow_c=35.2)), 20.0),
    "setpoint_differs": Inside(against_told("heater_setpoint_c", "bath_setpoint_c", more=-0.58), 5.0),
    "setpoint_differs-more": Inside(against_told("heater_setpoint_c", "bath_setpoint_c", more=0.58), 5.0),
    "power_scale": Inside(reads(heater_power_w=2399.0), 5.0),
    "power_differs": Inside(against_told("heater_power_w", "heater_fraction", times=2000.0, more=345.0), 5.0),
    "heats_over": Inside(
        both(told(bath_setpoint_c=45.0), reads(heater_setpoint_c=45.0, heater_power_w=1010.0, source_c=45.97)), 30.0
    ),
    "hotter_than_source": Inside(reads(source_c=43.03), 20.0),
    "heat_short": Inside(told(heater_fraction=0.374), 70.0),
    "weak_heat": Inside(_enough_power),
    "at_cap": Inside(reads(cavity_1_c=41.95, cavity_2_c=41.95, cavity_3_c=41.95)),
    "not_heating": Inside(_climbs_slowly, 310.0),
    "heat_off": Inside(_held_for_a_moment, 120.0),
    "unheated": Inside(_held_for_a_moment, 120.0),
    "cold_inflow": Inside(inflow_at(38.03), 60.0),
    "heater_unseen-set-point": Inside(lasts_only(5.0, reads(heater_setpoint_c=None)), 8.0),
    "heater_unseen-power": Inside(lasts_only(5.0, reads(heater_power_w=None)), 8.0),
    "heater_unseen-source": Inside(lasts_only(5.0, reads(source_c=None)), 8.0),
    "inflow_unseen-temperature": Inside(lasts_only(2.0, reads(inflow_c=None)), 8.0),
    "inflow_unseen-flow": Inside(lasts_only(2.0, reads(flow_lpm=None)), 8.0),
    "twin_lost-inflow": Inside(lasts_only(1.0, says(inflow_b_c=None)), 4.0),
    "twin_lost-outlet": Inside(lasts_only(1.0, says(outlet_b_c=None)), 4.0),
    "level_lost-preheating": Inside(lasts_only(0.5, reads(reservoir_ml=None)), 3.0),
    "slug": Inside(resumed_at(42.97), 10.0),
    # devices, channels, people
    "device_lost": Inside(lasts_only(0.7, link_lost), 3.0),
    "device_late": Inside(lasts_only(0.3, link_lost), 3.0),
    "wrong_device": Inside(_faulty_but_right, 3.0),
    "restart": Inside(held, 3.0),
    "protective_trip": Inside(says(permit=False), 3.0),
    "protective_lost-silent": Inside(_nearly_silent, 5.0),
    "protective_lost-unknown": Inside(lasts_only(0.2, never_answered), 3.0),
    "protective_out-silent": Inside(_nearly_silent, 5.0),
    "protective_out-tripped": Inside(lasts_only(2.0, says(trip="welded", permit=False)), 5.0),
    "protective_refuses": Inside(lasts_only(0.5, says(permit=False)), 3.0),
    "overrun": Inside(late(0.19), 3.0),
    "late_often": Inside(_late_twice, 5.0),
    "unattended": Inside(unseen(59.9), 3.0),
    "console_lost": Inside(unseen(9.9), 3.0),
    "clock_jump": Inside(clock_set(0.9), 3.0),
    "host": Inside(nothing, 3.0),
    "mains_lost": Inside(lasts_only(0.4, reads(mains_ok=0.0)), 3.0),
    "mains_lost-preheating": Inside(reads(mains_ok=1.0), 3.0),
    "on_battery": Inside(lasts_only(0.2, reads(mains_ok=0.0)), 3.0),
    "on_battery-not known": Inside(lasts_only(0.2, reads(mains_ok=None)), 3.0),
    "disk_low": Inside(disk_left(201.0), 3.0),
    "disk_low-not known": Inside(disk_left(201.0), 3.0),
    "agitate": Inside(never_agitated, 60.0),
    "dose_due": Inside(nothing, 1750.0),
}
