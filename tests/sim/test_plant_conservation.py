"""Volume and heat are conserved, delay is volume over flow, and smaller steps change nothing that matters."""

# ruff: noqa: T201  (what was predicted is printed on purpose)
from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.plant.faults import Faults
from sim.plant.line import Line
from sim.plant.parameters import FLUID_J_PER_ML_K, CavityParameters, HeaterKind, Parameters
from sim.plant.plant import Plant
from sim.terminals import Terminals

ACTIONS = st.fixed_dictionaries(
    {
        "pump_rpm_command": st.floats(-265, 265),
        "pump_enabled": st.booleans(),
        "inflow_open": st.booleans(),
        "outflow_closed": st.booleans(),
        "contactor_closed": st.booleans(),
        "bath_on": st.booleans(),
        "bath_circulating": st.booleans(),
        "bath_setpoint_c": st.floats(10, 50),
        "element_fraction": st.floats(0, 1),
    }
)
FAULTS = st.fixed_dictionaries(
    {},
    optional={
        "occlusion_in": st.floats(0, 1),
        "occlusion_out": st.floats(0, 1),
        "leak_ml_min": st.floats(0, 3000),
        "disconnected": st.booleans(),
        "pump_reversed": st.booleans(),
        "tube_wear": st.floats(0, 1),
        "heater_stuck_on": st.booleans(),
        "heater_gain": st.floats(0, 1),
        "heater_delay_s": st.floats(0, 30),
    },
)


@settings(max_examples=60)
@given(
    kind=st.sampled_from(["bath", "inline"]),
    technique=st.sampled_from(["open", "closed"]),
    script=st.lists(st.tuples(ACTIONS, FAULTS, st.floats(1.0, 90.0), st.floats(0.02, 0.3)), min_size=1, max_size=8),
    poured_ml=st.floats(0.001, 9000),
)
def test_volume_and_heat_are_conserved_whatever_is_done(
    kind: HeaterKind, technique: str, script: list[tuple[dict, dict, float, float]], poured_ml: float
) -> None:
    terminals = Terminals()
    cavity = CavityParameters(technique="open" if technique == "open" else "closed")
    nominal = Parameters.nominal(kind)
    parameters = Parameters(heater=nominal.heater, cavity=cavity)
    plant = Plant(parameters=parameters, terminals=terminals, seed=3)
    plant.pour(poured_ml, 30.0)
    for actions, faults, seconds, dt_s in script:
        for name, value in actions.items():
            setattr(terminals, name, value)
        for name, value in {**{n: getattr(Faults(), n) for n in Faults.__slots__}, **faults}.items():
            setattr(plant.faults, name, value)
        for _ in range(int(seconds / dt_s)):
            plant.step(dt_s)
        assert plant.volume_error_ml == pytest.approx(0.0, abs=1e-5)
        assert plant.energy_error_j == pytest.approx(0.0, abs=0.5)
        assert plant.reservoir_ml >= 0.0
        assert plant.cavity_ml >= 0.0
        assert all(math.isfinite(v) for v in terminals.sensed.values() if v is not None)
    plant.empty_reservoir()
    assert plant.volume_error_ml == pytest.approx(0.0, abs=1e-5)
    assert plant.energy_error_j == pytest.approx(0.0, abs=0.5)


@settings(max_examples=60)
@given(volume_ml=st.floats(20, 1000), lpm=st.floats(0.1, 4.0), dt_s=st.floats(0.02, 0.1))
def test_a_step_in_temperature_arrives_after_volume_over_flow(volume_ml: float, lpm: float, dt_s: float) -> None:
    line = Line(volume_ml=volume_ml, loss_w_per_k_ml=0.0, room_c=20.0)
    ml = lpm * 1000.0 / 60.0 * dt_s
    time_s = 0.0
    while line.push(ml, 40.0) < 30.0:
        time_s += dt_s
        assert time_s < 2.0 * volume_ml / (ml / dt_s) + 1.0
    assert time_s == pytest.approx(volume_ml / (ml / dt_s), abs=1.5 * max(dt_s, 0.5 * dt_s / ml))


@settings(max_examples=40)
@given(flows_ml=st.lists(st.floats(0.05, 8.0), min_size=200, max_size=400))
def test_delay_follows_volume_when_flow_changes_underway(flows_ml: list[float]) -> None:
    line = Line(volume_ml=213.0, loss_w_per_k_ml=0.0, room_c=20.0)
    passed_ml = 0.0
    for ml in flows_ml:
        leaving_c = line.push(ml, 40.0)
        passed_ml += ml
        if passed_ml < 213.0 - 1.0:
            assert leaving_c == pytest.approx(20.0)
        if passed_ml > 213.0 + 1.0 + ml:
            assert leaving_c == pytest.approx(40.0)
        assert line.volume_ml == pytest.approx(213.0)


@pytest.mark.parametrize("lpm", [0.5, 1.0, 2.0])
def test_a_line_cools_its_fluid_by_its_time_in_the_room(lpm: float) -> None:
    line = Line(volume_ml=213.0, loss_w_per_k_ml=0.38 / 71.0, room_c=21.0)
    ml_s = lpm * 1000.0 / 60.0
    for _ in range(int(2 * 213.0 / ml_s / 0.1)):
        line.cool(0.1)
        leaving_c = line.push(ml_s * 0.1, 44.0)
    expected_c = 21.0 + 23.0 * math.exp(-0.38 * 3.0 / (ml_s * FLUID_J_PER_ML_K))
    assert leaving_c == pytest.approx(expected_c, abs=0.01)


def test_a_line_that_stands_for_a_day_reaches_room_temperature_and_still_counts_its_heat() -> None:
    line = Line(volume_ml=213.0, loss_w_per_k_ml=0.38 / 71.0, room_c=21.0)
    for _ in range(100):
        line.push(2.5, 44.0)
    before_j = line.heat_j
    for _ in range(86_400):
        line.cool(1.0)
    assert line.far_end_c == pytest.approx(21.0, abs=1e-6)
    assert before_j - line.heat_j == pytest.approx(line.lost_j, rel=1e-6)


def test_reversed_flow_brings_back_what_went_in_last() -> None:
    line = Line(volume_ml=100.0, loss_w_per_k_ml=0.0, room_c=20.0)
    line.push(60.0, 30.0)
    line.push(40.0, 40.0)
    assert line.pull(40.0, 10.0) == pytest.approx(40.0)
    assert line.pull(60.0, 10.0) == pytest.approx(30.0)
    assert line.near_end_c == pytest.approx(10.0)


def _treated(dt_s: float, kind: HeaterKind) -> dict[str, float]:
    terminals = Terminals(pump_enabled=True, contactor_closed=True, bath_on=True, bath_circulating=True)
    plant = Plant(parameters=Parameters.nominal(kind), terminals=terminals, seed=1)
    plant.pour(6000.0, 36.0)
    terminals.pump_rpm_command = 156.25
    terminals.bath_setpoint_c = 44.0
    terminals.element_fraction = 0.2
    terminals.inflow_open = terminals.outflow_closed = True
    _run(plant, 110.0, dt_s)
    terminals.outflow_closed = False
    _run(plant, 400.0, dt_s)
    terminals.pump_rpm_command = 100.0
    _run(plant, 310.0, dt_s)
    c1, c2, c3 = plant.cavity_c
    return {
        "outlet": plant.outlet_c,
        "inflow": plant.inflow_c,
        "c1": c1,
        "c2": c2,
        "c3": c3,
        "core": plant.core_c,
        "tissue": plant.tissue_c,
        "reservoir": plant.reservoir_c,
        "volume": plant.cavity_ml / 1000.0,
    }


def _run(plant: Plant, seconds: float, dt_s: float) -> None:
    for _ in range(round(seconds / dt_s)):
        plant.step(dt_s)


@pytest.mark.parametrize("kind", ["bath", "inline"])
def test_halving_the_step_halves_an_already_small_error(kind: HeaterKind) -> None:
    coarse, middle, fine = (_treated(dt_s, kind) for dt_s in (0.1, 0.05, 0.025))
    first = max(abs(coarse[name] - middle[name]) for name in coarse)
    second = max(abs(middle[name] - fine[name]) for name in coarse)
    print(f"\n{kind}: largest change 0.1 -> 0.05 s {first:.5f}, 0.05 -> 0.025 s {second:.5f}")
    assert first < 0.01
    assert second < 0.7 * first


State = tuple[float, ...]


def _rk4(f: Callable[[State], State], y: State, h: float) -> State:
    k1 = f(y)
    k2 = f(tuple(a + h / 2 * b for a, b in zip(y, k1, strict=True)))
    k3 = f(tuple(a + h / 2 * b for a, b in zip(y, k2, strict=True)))
    k4 = f(tuple(a + h * b for a, b in zip(y, k3, strict=True)))
    return tuple(a + h / 6 * (b1 + 2 * b2 + 2 * b3 + b4) for a, b1, b2, b3, b4 in zip(y, k1, k2, k3, k4, strict=True))


def test_cavity_and_body_agree_with_an_independent_runge_kutta_solution() -> None:
    """The same patient as ordinary differential equations, written here a second time, over half an hour."""
    parameters = Parameters.nominal("bath")
    patient, cavity, circuit = parameters.patient, parameters.cavity, parameters.circuit
    body_j = patient.weight_kg * patient.body_j_per_kg_k
    film, deep = patient.ua_w_per_k / patient.film_share, patient.ua_w_per_k / (1 - patient.film_share)
    q_ml_s, in_c, shares_in, shares_out = 25.0, 43.5, cavity.inflow_shares, cavity.outflow_shares

    def slopes(y: State) -> State:
        volume, c, tissue, core, rim = y[0], y[1:4], y[4], y[5], y[6]
        drive = circuit.drain_head_mmhg + max(0.0, volume - cavity.free_ml) / cavity.compliance_ml_per_mmhg
        out = drive / circuit.drain_resistance_mmhg_per_lpm * 1000 / 60
        absorbed = cavity.absorption_ml_min / 60
        swell = (q_ml_s - out) / 3
        runs = [shares_in[i] * q_ml_s - shares_out[i] * out - swell for i in (0, 1)]
        heat = [shares_in[i] * q_ml_s * (in_c - c[i]) for i in range(3)]
        for i in (0, 1):  # a run brings what is not there already
            if runs[i] > 0:
                heat[2] += runs[i] * (c[i] - c[2])
            else:
                heat[i] += -runs[i] * (c[2] - c[i])
        for i in range(3):
            heat[i] += cavity.mixing_per_s * volume * (sum(c) - 3 * c[i])
            heat[i] -= film / 3 * (c[i] - tissue) / FLUID_J_PER_ML_K
        cavity_w = film * (sum(c) / 3 - tissue)
        cooling = patient.cooling_w * min(1.0, max(0.0, core - patient.cooling_from_c))
        made = patient.metabolism_w * (1 + patient.metabolism_per_k * (core - 37)) + (
            absorbed * FLUID_J_PER_ML_K * sum(c) / 3
        )
        lost = patient.room_loss_w_per_k * (rim - circuit.room_c) + cooling
        return (
            q_ml_s - out - absorbed,
            *(3 * x / volume for x in heat),
            (cavity_w - deep * (tissue - core)) / (body_j * patient.tissue_share),
            (deep * (tissue - core) + made - patient.periphery_w_per_k * (core - rim)) / (body_j * patient.core_share),
            (patient.periphery_w_per_k * (core - rim) - lost)
            / (body_j * (1 - patient.tissue_share - patient.core_share)),
        )

    plant = Plant(parameters=parameters, terminals=Terminals(), seed=1)
    inside, body = plant._cavity, plant._body
    inside.ml = 2000.0
    inside.c1, inside.c2, inside.c3 = 40.0, 39.5, 39.0
    y: State = (2000.0, 40.0, 39.5, 39.0, body.tissue_c, body.core_c, body.periphery_c)
    for _ in range(1800):
        for _ in range(10):
            inside.step(0.1, q_ml_s * 0.1, in_c, True, body.tissue_c)
            body.step(0.1, inside.patient_heat_w, inside.absorbed_j)
        y = _rk4(slopes, y, 1.0)
    ours = (inside.ml, inside.c1, inside.c2, inside.c3, body.tissue_c, body.core_c, body.periphery_c)
    print(f"\nours {[round(x, 3) for x in ours]}\nRK4  {[round(x, 3) for x in y]}")
    assert ours[0] == pytest.approx(y[0], abs=0.5)
    assert ours[1:] == pytest.approx(y[1:], abs=0.01)
