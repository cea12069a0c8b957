"""Every probe fault does what its name says, and a healthy probe follows the truth with its lag."""

from __future__ import annotations

import itertools
import math
import statistics

import pytest

from config.schema import MeasuredSignal
from sim import faults as vocabulary
from sim.plant import probes
from sim.plant.parameters import NOMINAL_PROBES, Parameters
from sim.plant.plant import PROBE_ORDER, Plant
from sim.terminals import SHORT, Terminals

NOT_SENSED_BY_A_PROBE = {"pump_rpm", "heater_setpoint_c", "heater_power_w"}


@pytest.fixture
def plant() -> Plant:
    plant = Plant(parameters=Parameters.nominal("bath"), terminals=Terminals(), seed=7)
    plant.pour(4000.0, 30.0)
    for _ in range(600):
        plant.step(0.1)
    return plant


def sensed(plant: Plant, name: str) -> float | None:
    plant.step(0.1)
    return plant.terminals.sensed[name]


def number(plant: Plant, name: str) -> float:
    value = sensed(plant, name)
    assert value is not None
    return value


def test_every_physical_signal_and_both_protective_probes_are_sensed_from_the_start() -> None:
    terminals = Terminals()
    Plant(parameters=Parameters.nominal("inline"), terminals=terminals, seed=1)
    physical = set(MeasuredSignal.__args__) - NOT_SENSED_BY_A_PROBE  # type: ignore[attr-defined]
    assert set(terminals.sensed) == physical | {"outlet_b_c", "inflow_b_c"} == {*PROBE_ORDER, "mains_ok"}
    assert all(isinstance(value, float) for value in terminals.sensed.values())


def test_a_healthy_probe_reads_the_truth_within_its_noise(plant: Plant) -> None:
    readings = [number(plant, "core_c") - plant.core_c for _ in range(500)]
    assert abs(statistics.mean(readings)) < 0.02
    assert statistics.pstdev(readings) == pytest.approx(NOMINAL_PROBES["core_c"].noise, rel=0.2)


def test_a_probe_follows_a_step_with_its_time_constant(plant: Plant) -> None:
    plant.pour(2000.0, 30.0)
    before_ml = 4000.0
    for _ in range(round(NOMINAL_PROBES["reservoir_ml"].lag_s / 0.02)):
        plant.step(0.02)
    value = plant.terminals.sensed["reservoir_ml"]
    assert value is not None
    assert (value - before_ml) / 2000.0 == pytest.approx(1.0 - math.exp(-1.0), abs=0.05)


def test_the_same_seed_gives_the_same_noise_and_another_does_not() -> None:
    def noise(seed: int) -> list[float]:
        plant = Plant(parameters=Parameters.nominal("bath"), terminals=Terminals(), seed=seed)
        return [number(plant, "inflow_c") for _ in range(20)]

    assert noise(5) == noise(5)
    assert noise(5) != noise(6)


def test_a_broken_wire_is_no_number_and_a_short_is_its_own_sign(plant: Plant) -> None:
    plant.probes["inflow_c"].fault = "off"
    assert sensed(plant, "inflow_c") is None
    plant.probes["inflow_c"].fault = "short"
    assert sensed(plant, "inflow_c") == SHORT
    plant.probes["inflow_c"].fault = "nan"
    assert math.isnan(number(plant, "inflow_c"))
    plant.probes["inflow_c"].fault = None
    assert number(plant, "inflow_c") == pytest.approx(plant.inflow_c, abs=0.2)


def test_a_stuck_probe_keeps_its_value_to_the_last_digit(plant: Plant) -> None:
    plant.probes["reservoir_ml"].fault = "stuck"
    first = number(plant, "reservoir_ml")
    plant.pour(1000.0, 30.0)
    assert {number(plant, "reservoir_ml") for _ in range(50)} == {first}


def test_drift_grows_by_its_rate_per_minute(plant: Plant) -> None:
    probe = plant.probes["core_c"]
    probe.fault, probe.fault_value = "drift", 0.6
    for _ in range(600):
        plant.step(0.1)
    assert number(plant, "core_c") - plant.core_c == pytest.approx(0.6, abs=0.07)


def test_bias_and_fahrenheit_are_constant_mistakes(plant: Plant) -> None:
    probe = plant.probes["core_c"]
    probe.fault, probe.fault_value = "bias", -1.5
    assert number(plant, "core_c") - plant.core_c == pytest.approx(-1.5, abs=0.1)
    probe.fault = "wrong_unit"
    assert number(plant, "core_c") == pytest.approx(plant.core_c * 1.8 + 32.0, abs=0.2)


def test_spikes_are_single_and_come_again(plant: Plant) -> None:
    probe = plant.probes["core_c"]
    probe.fault, probe.fault_value = "spike", 10.0
    high = [i for i in range(200) if number(plant, "core_c") - plant.core_c > 5.0]
    assert len(high) == 4
    assert all(b - a > 10 for a, b in itertools.pairwise(high))


def test_noise_has_the_rms_that_was_asked_for(plant: Plant) -> None:
    probe = plant.probes["core_c"]
    probe.fault, probe.fault_value = "noise", 2.0
    errors = [number(plant, "core_c") - plant.core_c for _ in range(800)]
    assert statistics.pstdev(errors) == pytest.approx(2.0, rel=0.15)


def test_exchanged_plugs_show_each_others_value(plant: Plant) -> None:
    for name, other in (("core_c", "inflow_c"), ("inflow_c", "core_c")):
        plant.probes[name].fault_value = other
        plant.probes[name].fault = "swapped"
    assert number(plant, "inflow_c") == pytest.approx(plant.core_c, abs=0.2)
    assert number(plant, "core_c") == pytest.approx(plant.inflow_c, abs=0.2)


def test_a_dislodged_probe_sinks_to_room_temperature(plant: Plant) -> None:
    plant.probes["core_c"].fault = "dislodged"
    assert number(plant, "core_c") > 35.0
    for _ in range(1500):
        plant.step(0.1)
    assert number(plant, "core_c") == pytest.approx(plant.parameters.circuit.room_c, abs=0.2)


def test_every_probe_fault_of_the_common_vocabulary_is_known_here(plant: Plant) -> None:
    words = {name for name, spec in vocabulary.CATALOGUE.items() if spec.kind == "probe"}
    assert words <= set(probes.FAULTS)
    knobs = {spec.knob for spec in vocabulary.CATALOGUE.values() if spec.knob}
    assert knobs <= set(type(plant.faults).__slots__)


def test_an_unknown_fault_is_refused(plant: Plant) -> None:
    with pytest.raises(ValueError, match="allowed: off"):
        plant.probes["core_c"].fault = "tired"


def test_swapping_with_no_probe_is_refused_when_it_shows(plant: Plant) -> None:
    plant.probes["core_c"].fault_value = "nowhere"
    plant.probes["core_c"].fault = "swapped"
    with pytest.raises(KeyError):
        plant.step(0.1)
