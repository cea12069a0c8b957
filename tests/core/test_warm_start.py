"""A circuit that is warm already: PREHEAT waits with the heat until the probes can be seen to warm, then goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from make import World, world_in
from runs import RIGS, Nominal, Run

from config.loading import load_pair
from controller.core.exchange import Act
from controller.core.gates import PREHEAT_WITHIN_C, too_warm
from controller.core.probe_identity import ALL, ORDER, ROSE_C, Identity, step
from sim.cosim import START_S
from sim.faults import parse
from sim.plant.parameters import parameters_for

PREWARMED_C = 42.5
LONGEST_S = 1500.0
WARM = {"heater_outlet_c": 41.8, "inflow_c": 41.7}


def to_fill(run: Run) -> float:
    """Walk on to FILL by the simulated person alone; return for how many seconds the heat waited in PREHEAT."""
    waited_s, began_s = 0.0, run.state.now_s
    while run.step_name != "fill":
        assert run.state.now_s - began_s < LONGEST_S, f"stuck in {run.step_name}: {run.state.gate}"
        run.advance(1.0)
        if run.state.gate.startswith("heat waits"):
            waited_s += 1.0
            assert not run.cosim.outputs.heat_on
            assert run.cosim.outputs.pump_lpm > 0.0
    return waited_s


def test_h23_after_a_restart_in_perfusion_a_warm_circuit_is_preheated_and_proved_by_itself(nominal: Nominal) -> None:
    run = nominal.midway.copy()
    run.cosim.schedule.add(parse(f"kill:control@{run.state.now_s - START_S:.1f}+4"))
    run.advance(10.0)
    run.ask(Act.RESET)
    run.events.clear()
    waited_s = to_fill(run)
    assert run.state.identity.risen == ALL[:2]
    assert run.trips == []
    assert run.alarms("HIGH", "MEDIUM") == []
    assert (waited_s > 60.0) == (nominal.kind == "bath")  # the element has no water of its own: cool enough at once


@pytest.mark.parametrize("kind", ["bath", "inline"])
def test_h23_a_reservoir_that_was_prewarmed_is_waited_for_without_an_alarm_then_heated_and_proved(kind: str) -> None:
    rig, plan = load_pair(RIGS[kind], "saline_rehearsal")
    parameters = parameters_for(rig, None, plan.technique)
    circuit = replace(parameters.circuit, carrier_c=PREWARMED_C)
    run = Run(kind, parameters=replace(parameters, circuit=circuit), treatment="saline_rehearsal")
    assert (to_fill(run) > 60.0) == (kind == "inline")  # a bath that is cold takes the fluid's heat by itself
    assert run.state.identity.risen == ALL[:2]
    assert run.trips == []
    assert run.alarms("HIGH", "MEDIUM") == []


def warmed() -> World:
    """In PREHEAT with warm fluid, nothing proved, held and resumed."""
    world = world_in("preheat")
    world.step(Act.HOLD)
    world.state = world.state._replace(identity=Identity())
    world.bent |= WARM
    world.status = {"outlet_b_c": WARM["heater_outlet_c"], "inflow_b_c": WARM["inflow_c"]}
    world.step(Act.RESUME)
    return world


def test_h23_the_wait_says_until_when_and_where_it_stands_and_ends_by_itself() -> None:
    world = warmed()
    world.run(65.0)
    assert world.state.gate.startswith("heat waits until outlet and inflow are below 40.5 °C (now 41.8): ")
    assert "cooler carrier" in world.state.gate
    assert not world.outputs.heat_on
    assert "heat_off" not in world.state.alarms.active
    world.bent |= {"heater_outlet_c": 40.4, "inflow_c": 40.4}
    world.status = {"outlet_b_c": 40.4, "inflow_b_c": 40.4}
    assert world.until(lambda w: w.outputs.heat_on, within_s=2.0) <= 2.0
    world.bent |= {"heater_outlet_c": 41.0, "inflow_c": 41.0}
    world.status = {"outlet_b_c": 41.0, "inflow_b_c": 41.0}
    world.run(2.0)
    assert world.outputs.heat_on  # what has begun goes on


def test_h05_a_hold_is_said_though_the_heat_would_have_to_wait() -> None:
    world = warmed()
    world.step(Act.HOLD)
    world.run(65.0)
    assert "heat_off" in world.state.alarms.active


def test_h23_heat_waits_only_in_preheat_without_the_proof_and_for_every_reading_that_is_missing() -> None:
    steps = world_in("preheat").cycle.steps
    from_c = 42.0 - PREHEAT_WITHIN_C - ROSE_C
    cool = dict.fromkeys(WARM, from_c)
    proved = Identity({}, ALL[:2])

    def waits(step: str, identity: Identity, good: dict[str, float], *, heating: bool = False) -> bool:
        return too_warm(steps[step], identity, good, 42.0, heating=heating) != ""

    assert waits("preheat", Identity(), WARM)
    assert not waits("preheat", Identity(), cool)
    assert not waits("preheat", Identity(), WARM, heating=True)
    assert not waits("preheat", proved, WARM)
    assert not waits("preheat", Identity(cool), WARM)  # it began from cool enough, and was held since
    assert not waits("fill", Identity(), WARM)
    for name in WARM:
        assert waits("preheat", Identity(), {**cool, name: from_c + 0.1})
        assert waits("preheat", Identity(), {other: from_c for other in WARM if other != name})
    assert "now unknown" in too_warm(steps["preheat"], Identity(), {}, 42.0, heating=False)


def shown(*rises_c: tuple[float, float], outlet_c: float = 32.0, inflow_c: float = 31.5) -> Identity:
    """What the rises of outlet and inflow, one after the other from these readings, make of who is who."""
    identity = Identity()
    for outlet, inflow in ((0.0, 0.0), *rises_c):
        good = {"heater_outlet_c": outlet_c + outlet, "inflow_c": inflow_c + inflow, "outflow_c": 21.0}
        identity = step(identity, good)
    return identity


def test_h23_an_inflow_that_drifts_a_little_ahead_of_a_warmer_outlet_is_no_exchange() -> None:
    before = shown((0.5, 0.55), (0.9, 1.02))
    assert (before.risen, before.wrong) == ((), "")
    after = shown((0.5, 0.55), (0.9, 1.02), (1.02, 1.15))
    assert after.risen == ORDER
    assert after.proved


def test_h23_an_inflow_that_is_first_by_much_or_is_the_warmer_one_is_an_exchange_at_once() -> None:
    assert "the plug of Inflow sits at the heater outlet" in shown((0.5, 1.02), inflow_c=31.0).wrong
    assert "the plug of Inflow sits at the heater outlet" in shown((0.9, 1.02), inflow_c=32.2).wrong
    assert not shown((0.9, 1.02), (0.9, 1.6)).proved  # it waits for the outlet, however long
    all_three = step(
        Identity({"heater_outlet_c": 31.3, "inflow_c": 31.0, "outflow_c": 31.0}),
        {"heater_outlet_c": 32.2, "inflow_c": 32.1, "outflow_c": 32.1},
    )
    assert all_three.wrong
    unseen = step(Identity({"heater_outlet_c": 32.0, "inflow_c": 31.5}), {"inflow_c": 32.6})
    assert unseen.wrong
