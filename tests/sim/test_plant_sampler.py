"""Sampled benches stay in their published ranges, are repeatable, and take the rig file's ratings."""

from __future__ import annotations

import pytest

from config.schema import Actuators, Circuit, Heater, Protective, RelayChannel, Rig
from sim.plant.attendant import Attendant
from sim.plant.parameters import PatientParameters, parameters_for
from sim.plant.plant import Plant
from sim.plant.sampler import CLASS_A_C, sample
from sim.terminals import Terminals

RELAY = RelayChannel(device="relays", channel=0)
RIG = Rig(
    name="sampled",
    circuit=Circuit(inflow_line_ml=150.0, reservoir_full_ml=5000.0, pump_ml_per_rev=12.0),
    heater=Heater(kind="inline", max_power_w=1400.0),
    ports={},
    devices={},
    signals={},
    actuators=Actuators(pump="pump", heater="heater", pump_enable=RELAY, inflow_open=RELAY, outflow_closed=RELAY),
    protective=Protective(port="b"),
)


def test_parameters_take_volumes_and_ratings_from_the_rig_and_the_given_patient() -> None:
    parameters = parameters_for(RIG, PatientParameters.of_weight(90.0))
    assert parameters.heater.kind == "inline"
    assert parameters.heater.max_power_w == 1400.0
    assert parameters.circuit.inflow_line_ml == 150.0
    assert parameters.circuit.pump_ml_per_rev == 12.0
    assert parameters.circuit.carrier_ml < 5000.0
    assert parameters.patient.weight_kg == 90.0
    assert parameters_for(RIG, None).patient == PatientParameters()


def test_the_same_seed_is_the_same_bench_and_another_seed_is_another() -> None:
    assert sample(11, RIG) == sample(11, RIG)
    assert sample(11, RIG) != sample(12, RIG)


def test_samples_stay_in_their_ranges() -> None:
    for seed in range(200):
        parameters = sample(seed, RIG)
        patient, circuit = parameters.patient, parameters.circuit
        assert 35.0 <= patient.ua_w_per_k <= 70.0
        assert 0.0 <= patient.cooling_w <= 150.0
        assert 35.0 <= patient.core_start_c <= 36.8
        assert 18.0 <= circuit.room_c <= 25.0
        assert circuit.carrier_ml <= circuit.reservoir_full_ml
        for name, probe in parameters.probes.items():
            assert abs(probe.offset) <= (CLASS_A_C if name.endswith("_c") else 3.0)


@pytest.mark.parametrize("seed", range(5))
def test_a_sampled_plant_perfuses_within_physical_bounds(seed: int) -> None:
    terminals = Terminals(pump_enabled=True, contactor_closed=True, inflow_open=True, outflow_closed=True)
    plant = Plant(parameters=sample(seed, RIG), terminals=terminals, seed=seed)
    Attendant(plant).step(0.0)
    terminals.pump_rpm_command = 125.0
    terminals.element_fraction = 0.3
    plant.step(60.0)
    plant.step(30.0)
    terminals.outflow_closed = False
    for _ in range(10):
        plant.step(60.0)
    assert 1.2 < plant.flow_lpm < 1.7
    assert 1000.0 < plant.cavity_ml < 4000.0
    assert 30.0 < min(plant.cavity_c) <= max(plant.cavity_c) < 50.0
    assert plant.volume_error_ml == pytest.approx(0.0, abs=1e-6)
