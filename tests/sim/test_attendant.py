"""The bedside person changes the fluid between perfusion, rinse and the next treatment, and never disturbs any."""

from __future__ import annotations

import pytest

from sim.plant.attendant import CHANGE_S, PATIENCE_S, STILL_S, Attendant
from sim.plant.parameters import Parameters
from sim.plant.plant import Plant
from sim.terminals import Terminals


def bedside() -> tuple[Plant, Attendant]:
    terminals = Terminals(pump_enabled=True)
    plant = Plant(parameters=Parameters.nominal("bath"), terminals=terminals, seed=1)
    return plant, Attendant(plant)


def run(plant: Plant, attendant: Attendant, seconds: float) -> None:
    for _ in range(round(seconds)):
        plant.step(1.0)
        attendant.step(plant.time_s)


def perfuse(plant: Plant, attendant: Attendant) -> None:
    attendant.step(plant.time_s)
    plant.terminals.inflow_open = plant.terminals.outflow_closed = True
    plant.terminals.pump_rpm_command = 160.0
    run(plant, attendant, 90.0)
    plant.terminals.outflow_closed = False
    run(plant, attendant, 120.0)


def test_carrier_is_poured_once_at_the_start() -> None:
    plant, attendant = bedside()
    attendant.step(0.0)
    run(plant, attendant, 30.0)
    assert plant.reservoir_ml == pytest.approx(6000.0)
    assert plant.poured_ml == 6000.0


def test_a_pump_that_stands_before_any_perfusion_changes_nothing() -> None:
    plant, attendant = bedside()
    run(plant, attendant, 300.0)
    assert attendant.poured == 1


def drain(plant: Plant, attendant: Attendant) -> None:
    """As the controller does: the inflow shut, a minute of run-on in the bypass, then the pump stands."""
    plant.terminals.inflow_open = False
    run(plant, attendant, 60.0)
    plant.terminals.pump_rpm_command = 0.0
    while plant.cavity_ml > 60.0:
        run(plant, attendant, 1.0)


def test_rinse_fluid_comes_when_the_drained_cavity_has_stood_still_long_enough() -> None:
    plant, attendant = bedside()
    perfuse(plant, attendant)
    assert attendant.poured == 1
    drain(plant, attendant)
    run(plant, attendant, STILL_S - 2.0)
    assert attendant.poured == 1
    run(plant, attendant, 4.0)
    assert plant.reservoir_ml == pytest.approx(0.0, abs=60.0)  # long enough for a console to see it
    run(plant, attendant, CHANGE_S)
    assert attendant.poured == 2
    assert plant.reservoir_ml == pytest.approx(3000.0, abs=60.0)
    assert plant.reservoir_c == pytest.approx(37.0, abs=0.3)


def test_after_the_rinse_the_next_treatment_finds_fresh_carrier() -> None:
    plant, attendant = bedside()
    perfuse(plant, attendant)
    drain(plant, attendant)
    run(plant, attendant, STILL_S + CHANGE_S + 2.0)
    plant.terminals.inflow_open = plant.terminals.outflow_closed = True
    plant.terminals.pump_rpm_command = 160.0
    run(plant, attendant, 60.0)
    plant.terminals.pump_rpm_command = 0.0
    plant.terminals.inflow_open = plant.terminals.outflow_closed = False
    while plant.cavity_ml > 60.0:
        run(plant, attendant, 1.0)
    run(plant, attendant, PATIENCE_S + CHANGE_S + 4.0)
    assert (attendant.poured, plant.poured_ml) == (1, 15000.0)
    assert plant.reservoir_ml == pytest.approx(6000.0, abs=60.0)


def test_a_long_stop_leaves_the_perfusate_for_whoever_goes_on() -> None:
    plant, attendant = bedside()
    perfuse(plant, attendant)
    plant.terminals.inflow_open, plant.terminals.pump_rpm_command = False, 0.0
    while plant.cavity_ml > 60.0:
        run(plant, attendant, 1.0)
    run(plant, attendant, PATIENCE_S - 10.0)
    assert attendant.poured == 1
    assert plant.poured_ml == 6000.0


def test_a_drained_cavity_with_the_pump_still_turning_in_bypass_is_left_alone() -> None:
    plant, attendant = bedside()
    perfuse(plant, attendant)
    plant.terminals.inflow_open = False
    run(plant, attendant, 600.0)
    assert plant.cavity_ml < 60.0
    assert attendant.poured == 1


def test_a_fill_that_was_broken_off_and_ran_back_keeps_its_carrier() -> None:
    plant, attendant = bedside()
    attendant.step(plant.time_s)
    plant.terminals.inflow_open = plant.terminals.outflow_closed = True
    plant.terminals.pump_rpm_command = 160.0
    run(plant, attendant, 90.0)
    plant.terminals.inflow_open = plant.terminals.outflow_closed = False
    plant.terminals.pump_rpm_command = 0.0
    run(plant, attendant, 600.0)
    assert plant.cavity_ml < 60.0
    assert attendant.poured == 1
    assert plant.reservoir_ml > 5000.0
