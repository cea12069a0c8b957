"""Patients and circuits to try a controller on: drawn from the ranges that published HIPEC series leave open.

Conductance 35..70 W/K fits Furman (NESS 2011), Goldenshluger (2018) and the Lyon series; body heat 2.44..3.39 kJ/kg/K
(Temperature 2022); cooling up to a mattress and ice, 150 W; probes within class A (IEC 60751).
The same seed gives the same bench. Not responsible for faults (`sim.faults`).
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace

from config.schema import Rig
from sim.plant.parameters import (
    CavityParameters,
    CircuitParameters,
    HeaterParameters,
    Parameters,
    PatientParameters,
    ProbeParameters,
    parameters_for,
)

CLASS_A_C = 0.15 + 0.002 * 42.0  # tolerance of a class A Pt100 at 42 deg C
GAIN_ERRORS: Mapping[str, float] = {"flow_lpm": 0.03, "line_pressure_mmhg": 0.01, "cavity_pressure_mmhg": 0.01}
OFFSETS: Mapping[str, float] = {"flow_lpm": 0.01, "line_pressure_mmhg": 3.0, "cavity_pressure_mmhg": 0.5}


def sample(seed: int, rig: Rig) -> Parameters:
    """Draw a patient and a circuit for `rig`; deterministic in `seed`."""
    draw = random.Random(seed)
    nominal = parameters_for(rig, None)
    patient = _patient(draw)
    return Parameters(
        circuit=_circuit(draw, nominal.circuit),
        heater=_heater(draw, nominal.heater),
        cavity=_cavity(draw, patient.weight_kg),
        patient=patient,
        probes={name: _probe(draw, name, probe) for name, probe in nominal.probes.items()},
    )


def sample_warm(seed: int, rig: Rig) -> Parameters:
    """The same bench with a patient whom nobody cools and who takes up heat fast: the core passes 40 °C in an hour."""
    drawn = sample(seed, rig)
    draw = random.Random(f"warm {seed}")
    patient = replace(
        PatientParameters.of_weight(draw.uniform(45.0, 60.0)),
        ua_w_per_k=draw.uniform(64.0, 70.0),
        body_j_per_kg_k=draw.uniform(2440.0, 2900.0),
        core_start_c=draw.uniform(36.2, 36.8),
        periphery_below_core_c=draw.uniform(1.0, 2.0),
        cooling_w=0.0,
    )
    return replace(drawn, patient=patient, cavity=_cavity(draw, patient.weight_kg))


def _patient(draw: random.Random) -> PatientParameters:
    return replace(
        PatientParameters.of_weight(draw.uniform(45.0, 110.0)),
        ua_w_per_k=draw.uniform(35.0, 70.0),
        body_j_per_kg_k=draw.uniform(2440.0, 3390.0),
        core_start_c=draw.uniform(35.0, 36.8),
        periphery_below_core_c=draw.uniform(1.0, 3.5),
        cooling_w=draw.uniform(0.0, 150.0),
    )


def _circuit(draw: random.Random, nominal: CircuitParameters) -> CircuitParameters:
    room_c = draw.uniform(18.0, 25.0)
    return replace(
        nominal,
        room_c=room_c,
        inflow_line_ml=nominal.inflow_line_ml * draw.uniform(0.7, 1.4),
        outflow_line_ml=nominal.outflow_line_ml * draw.uniform(0.7, 1.4),
        exchanger_ml=nominal.exchanger_ml * draw.uniform(0.8, 1.25),
        carrier_ml=nominal.carrier_ml * draw.uniform(0.9, 1.1),
        carrier_c=room_c + draw.uniform(0.0, 3.0),
        rinse_c=draw.uniform(34.0, 39.0),
        pump_ml_per_rev=nominal.pump_ml_per_rev * draw.uniform(0.95, 1.05),
        line_resistance_mmhg_per_lpm2=nominal.line_resistance_mmhg_per_lpm2 * draw.uniform(0.7, 1.3),
    )


def _heater(draw: random.Random, nominal: HeaterParameters) -> HeaterParameters:
    return replace(
        nominal,
        exchanger_ua_w_per_k=nominal.exchanger_ua_w_per_k * draw.uniform(0.8, 1.2),
        bath_ml=nominal.bath_ml * draw.uniform(0.8, 1.5),
    )


def _cavity(draw: random.Random, weight_kg: float) -> CavityParameters:
    nominal = CavityParameters()
    size = (weight_kg / 70.0) ** (2.0 / 3.0) * draw.uniform(0.9, 1.1)
    return replace(
        nominal,
        technique="open" if draw.random() < 0.3 else "closed",
        free_ml=nominal.free_ml * size,
        compliance_ml_per_mmhg=nominal.compliance_ml_per_mmhg * size,
        mixing_per_s=nominal.mixing_per_s * draw.uniform(0.5, 2.0),
        absorption_ml_min=draw.uniform(0.5, 4.0),
    )


def _probe(draw: random.Random, name: str, nominal: ProbeParameters) -> ProbeParameters:
    if name.endswith("_c"):
        return replace(
            nominal, offset=draw.uniform(-CLASS_A_C, CLASS_A_C), lag_s=nominal.lag_s * draw.uniform(0.8, 1.3)
        )
    gain, offset = GAIN_ERRORS.get(name, 0.0), OFFSETS.get(name, 0.0)
    return replace(nominal, gain=1.0 + draw.uniform(-gain, gain), offset=draw.uniform(-offset, offset))
