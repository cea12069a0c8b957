"""What the circuit does when it is driven, clamped and broken."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sim.plant.parameters import CavityParameters, HeaterKind, Parameters
from sim.plant.plant import Plant
from sim.terminals import Terminals

RPM_1_5_LPM = 160.0


def bench(kind: HeaterKind = "bath", *, poured_ml: float = 6000.0, poured_c: float = 38.0) -> Plant:
    terminals = Terminals(pump_enabled=True, contactor_closed=True)
    plant = Plant(parameters=Parameters.nominal(kind), terminals=terminals, seed=1)
    plant.pour(poured_ml, poured_c)
    return plant


def perfusing(kind: HeaterKind = "bath", seconds: float = 300.0) -> Plant:
    plant = bench(kind)
    terminals = plant.terminals
    terminals.pump_rpm_command = RPM_1_5_LPM
    terminals.inflow_open = terminals.outflow_closed = True
    terminals.bath_on = terminals.bath_circulating = True
    terminals.bath_setpoint_c = 44.0
    terminals.element_fraction = 0.15
    run(plant, 105.0)
    terminals.outflow_closed = False
    run(plant, seconds)
    return plant


def run(plant: Plant, seconds: float) -> None:
    for _ in range(round(seconds * 10)):
        plant.step(0.1)


def until(plant: Plant, reached: Callable[[Plant], bool], within_s: float) -> float:
    started_s = plant.time_s
    while not reached(plant):
        plant.step(0.1)
        assert plant.time_s - started_s <= within_s
    return plant.time_s - started_s


def test_clamp_shut_sends_the_flow_past_the_inflow_probe_back_to_the_reservoir() -> None:
    plant = bench()
    plant.terminals.pump_rpm_command = RPM_1_5_LPM
    plant.terminals.bath_on = True
    plant.terminals.bath_setpoint_c = 44.0
    run(plant, 300.0)
    assert plant.flow_lpm == pytest.approx(1.5, abs=0.05)
    assert plant.cavity_ml == 0.0
    assert plant.reservoir_ml == pytest.approx(6000.0)
    assert plant.inflow_c > 42.0


def test_preheating_6_litres_takes_what_the_energy_balance_says() -> None:
    plant = bench(poured_c=22.0)
    plant.terminals.pump_rpm_command = 200.0
    plant.terminals.bath_on = True
    plant.terminals.bath_setpoint_c = 46.0
    took_s = until(plant, lambda p: p.reservoir_c > 40.0, 1200.0)
    assert took_s > 6000.0 * 4.12 * 18.0 / 2000.0  # the heater's power alone
    assert took_s < 1.5 * (6000.0 * 4.12 * 18.0 + 3000.0 * 4.12 * 24.0) / 2000.0


@pytest.mark.parametrize("lpm", [1.5, 2.0, 2.5])
def test_drain_keeps_up_with_the_pump_at_a_working_fill(lpm: float) -> None:
    plant = bench()
    terminals = plant.terminals
    terminals.pump_rpm_command = lpm * 108.0
    terminals.inflow_open = terminals.outflow_closed = True
    until(plant, lambda p: p.cavity_ml > 2800.0, 300.0)
    terminals.outflow_closed = False
    run(plant, 600.0)
    assert 2000.0 < plant.cavity_ml < 3700.0
    assert plant.cavity_pressure_mmhg < 18.0
    before_ml = plant.cavity_ml
    run(plant, 60.0)
    assert plant.cavity_ml == pytest.approx(before_ml, abs=10.0)


def test_cavity_drains_to_less_than_30_ml_within_six_minutes() -> None:
    plant = perfusing()
    plant.terminals.pump_rpm_command = 0.0
    until(plant, lambda p: p.cavity_ml < 30.0, 360.0)
    run(plant, 60.0)
    assert plant.reservoir_ml > 5900.0


def test_flow_needs_the_enable_relay_and_a_runaway_drive_is_stopped_by_it() -> None:
    plant = perfusing()
    plant.faults.pump_runaway_rpm = 265.0
    run(plant, 3.0)
    assert plant.flow_lpm > 2.3
    assert plant.terminals.pump_rpm == pytest.approx(265.0)
    plant.terminals.pump_enabled = False
    run(plant, 3.0)
    assert plant.flow_lpm == 0.0


def test_a_stalled_rotor_gives_no_flow() -> None:
    plant = perfusing()
    plant.faults.pump_stall = True
    plant.step(0.1)
    assert plant.flow_lpm == 0.0
    assert plant.terminals.pump_rpm == 0.0


def test_tubing_laid_backwards_shows_in_the_sign_of_flow_and_not_in_the_shaft() -> None:
    plant = perfusing()
    before_ml = plant.cavity_ml
    plant.faults.pump_reversed = True
    run(plant, 10.0)
    assert plant.flow_lpm < -1.3
    assert plant.terminals.pump_rpm == pytest.approx(RPM_1_5_LPM)
    assert plant.cavity_ml < before_ml - 200.0


def test_worn_tubing_loses_its_share_of_the_stroke() -> None:
    plant = perfusing()
    healthy_lpm = plant.flow_lpm
    plant.faults.tube_wear = 0.3
    run(plant, 2.0)
    assert plant.flow_lpm == pytest.approx(0.7 * healthy_lpm, rel=0.02)


def test_an_occluded_inflow_line_passes_300_mmhg_within_two_seconds_and_stops_the_flow() -> None:
    plant = perfusing()
    assert 40.0 < plant.line_pressure_mmhg < 120.0
    plant.faults.occlusion_in = 1.0
    took_s = until(plant, lambda p: p.line_pressure_mmhg > 300.0, 2.0)
    assert took_s > 0.2  # the tube has to stretch first
    assert plant.flow_lpm < 0.05


def test_an_occluded_drain_fills_the_cavity_and_raises_its_pressure() -> None:
    plant = perfusing()
    plant.faults.occlusion_out = 1.0
    until(plant, lambda p: p.cavity_pressure_mmhg > 18.0, 120.0)
    assert plant.cavity_ml > 3800.0


def test_a_disconnected_line_spills_what_the_pump_delivers() -> None:
    plant = perfusing()
    leaked_ml, infused_ml = plant.leaked_ml, plant.infused_ml
    plant.faults.disconnected = True
    run(plant, 20.0)
    assert plant.leaked_ml - leaked_ml == pytest.approx(plant.flow_lpm * 1000.0 / 3.0, rel=0.05)
    assert plant.infused_ml == infused_ml
    assert plant.line_pressure_mmhg < 40.0


def test_a_leak_takes_fluid_out_of_the_cavity_and_the_circuit_misses_it() -> None:
    plant = perfusing()
    before_ml = plant.reservoir_ml + plant.cavity_ml
    plant.faults.leak_ml_min = 100.0
    run(plant, 120.0)
    assert plant.leaked_ml == pytest.approx(200.0, abs=1.0)
    assert before_ml - plant.reservoir_ml - plant.cavity_ml == pytest.approx(204.0, abs=3.0)  # 2 mL/min absorbed


def test_a_reservoir_pumped_dry_draws_air_and_flow_ends() -> None:
    plant = bench(poured_ml=800.0)
    plant.terminals.pump_rpm_command = RPM_1_5_LPM
    plant.terminals.inflow_open = plant.terminals.outflow_closed = True
    until(plant, lambda p: p.bubble_mm > 5.0, 60.0)
    run(plant, 30.0)
    assert plant.flow_lpm < 0.1
    assert plant.reservoir_ml >= 0.0


@pytest.mark.parametrize("rpm", [160.0, -160.0])
@pytest.mark.parametrize("inflow_open", [True, False])
def test_a_pump_on_a_reservoir_that_was_never_filled_moves_nothing(rpm: float, inflow_open: bool) -> None:
    terminals = Terminals(pump_enabled=True, pump_rpm_command=rpm, inflow_open=inflow_open)
    plant = Plant(parameters=Parameters.nominal("bath"), terminals=terminals, seed=1)
    run(plant, 60.0)
    assert plant.flow_lpm == 0.0
    assert plant.reservoir_ml == plant.cavity_ml == 0.0
    assert plant.bubble_mm > 5.0 or rpm < 0.0


def test_what_does_not_fit_the_reservoir_runs_over() -> None:
    plant = bench(poured_ml=7900.0)
    plant.pour(500.0, 20.0)
    assert plant.reservoir_ml == pytest.approx(8000.0)
    assert plant.leaked_ml == pytest.approx(400.0)


@pytest.mark.parametrize("lpm", [0.25, 0.5, 1.0, 2.5])
def test_nothing_in_the_circuit_gets_hotter_than_the_bath(lpm: float) -> None:
    plant = perfusing(seconds=60.0)
    plant.terminals.bath_setpoint_c = 46.0
    plant.terminals.pump_rpm_command = lpm * 105.0
    hottest_bath_c = 0.0
    for _ in range(3000):
        plant.step(0.1)
        hottest_bath_c = max(hottest_bath_c, plant.bath_c)
        assert max(plant.outlet_c, plant.inflow_c, *plant.cavity_c) <= hottest_bath_c
    assert hottest_bath_c < 46.6  # the circulator's own regulator barely overshoots


@pytest.mark.parametrize("kind", ["bath", "inline"])
@pytest.mark.parametrize("fault", ["healthy", "stuck_on"])
def test_an_open_contactor_takes_all_power_at_once(kind: HeaterKind, fault: str) -> None:
    plant = perfusing(kind)
    plant.faults.heater_stuck_on = fault == "stuck_on"
    run(plant, 5.0)
    assert plant.heater_power_w > 50.0
    assert plant.terminals.heater_power_w == plant.heater_power_w
    plant.terminals.contactor_closed = False
    plant.step(0.1)
    assert plant.heater_power_w == 0.0
    assert plant.terminals.heater_power_w == 0.0


@pytest.mark.parametrize("kind", ["bath", "inline"])
def test_a_heater_stuck_on_heats_until_its_cut_out_latches(kind: HeaterKind) -> None:
    plant = bench(kind)
    plant.faults.heater_stuck_on = True
    until(plant, lambda p: p.heater_power_w == 0.0, 900.0)
    plant.faults.heater_stuck_on = False
    plant.terminals.element_fraction = 0.5
    plant.terminals.bath_on = True
    plant.terminals.bath_setpoint_c = 90.0
    run(plant, 600.0)
    assert plant.heater_power_w == 0.0


def test_an_inline_heater_without_flow_heats_its_fluid_by_degrees_per_second() -> None:
    plant = perfusing("inline")
    plant.terminals.element_fraction = 0.5
    plant.terminals.pump_enabled = False
    run(plant, 2.0)
    before_c = plant.outlet_c
    run(plant, 2.0)
    assert 0.5 < (plant.outlet_c - before_c) / 2.0 < 1000.0 / (80.0 * 4.12)


@pytest.mark.parametrize("kind", ["bath", "inline"])
def test_a_weak_heater_gives_its_share_and_a_dead_one_nothing(kind: HeaterKind) -> None:
    plant = perfusing(kind)
    plant.terminals.bath_setpoint_c = 60.0
    plant.terminals.element_fraction = 1.0
    plant.faults.heater_gain = 0.5
    plant.step(0.1)
    assert plant.heater_power_w == pytest.approx(1000.0)
    plant.faults.heater_stuck_off = True
    plant.step(0.1)
    assert plant.heater_power_w == 0.0


def test_a_delayed_heater_follows_its_demand_later() -> None:
    plant = perfusing("inline")
    plant.terminals.element_fraction = 0.2
    plant.step(0.1)
    plant.faults.heater_delay_s = 10.0
    plant.step(0.1)
    plant.terminals.element_fraction = 0.4
    run(plant, 9.8)
    assert plant.heater_power_w == pytest.approx(400.0)
    run(plant, 0.4)
    assert plant.heater_power_w == pytest.approx(800.0)


def test_a_hand_in_the_open_cavity_makes_its_temperatures_more_alike() -> None:
    spreads = []
    for technique in ("closed", "open"):
        cavity = CavityParameters(technique="open" if technique == "open" else "closed")
        terminals = Terminals(pump_enabled=True, contactor_closed=True, inflow_open=True, outflow_closed=True)
        plant = Plant(parameters=Parameters(cavity=cavity), terminals=terminals, seed=1)
        plant.pour(6000.0, 43.0)
        terminals.pump_rpm_command = RPM_1_5_LPM
        run(plant, 90.0)
        terminals.outflow_closed = False
        run(plant, 120.0)
        spreads.append(max(plant.cavity_c) - min(plant.cavity_c))
    assert spreads[1] < 0.6 * spreads[0]


def test_one_long_step_is_the_same_as_many_short_ones() -> None:
    long, short = perfusing(), perfusing()
    long.step(10.0)
    run(short, 10.0)
    assert long.core_c == pytest.approx(short.core_c, abs=1e-9)
    assert long.inflow_c == pytest.approx(short.inflow_c, abs=1e-9)


@pytest.mark.parametrize("dt_s", [0.0, -0.1, float("nan"), float("inf"), 61.0])
def test_an_impossible_step_is_refused(dt_s: float) -> None:
    with pytest.raises(ValueError, match="cannot step"):
        bench().step(dt_s)


@pytest.mark.parametrize(("ml", "temperature_c"), [(0.0, 20.0), (float("nan"), 20.0), (100.0, float("nan"))])
def test_an_impossible_pour_is_refused(ml: float, temperature_c: float) -> None:
    with pytest.raises(ValueError, match="cannot pour"):
        bench().pour(ml, temperature_c)
