"""The self-test's proof of the contactor, the probes' agreement in PRIME, and which probe is which, in virtual time."""

from __future__ import annotations

import itertools

import pytest
from make import World, world_in
from runs import RIGS, Run

from config.loading import load_rig
from controller.core.exchange import Act, Inputs, Order
from controller.core.gates import preheated
from controller.core.probe_identity import ALL, Identity, step
from sim.cosim import START_S
from sim.faults import parse
from sim.plant.sampler import sample

SWAPS = [places for places in itertools.permutations(ALL) if places != ALL]


def in_self_test(**status: object) -> World:
    world = world_in("standby")
    world.status = status
    world.step(Act.START)
    return world


def checks(world: World) -> dict[str, tuple[str, bool]]:
    return {check.name: (check.measured, check.passed) for check in world.state.checks}


def test_the_contactor_is_proved_with_the_heater_off_and_every_step_is_measured() -> None:
    world = in_self_test()
    asked = heated = 0
    while world.step_name == "self_test":
        world.step()
        asked += world.outputs.prove_contactor
        heated += world.outputs.heat_on
        assert world.now_s < 1030.0, world.state.gate
    assert 1 <= asked <= 60
    assert heated == 0
    said = checks(world)
    for name in ("contactor closes when asked", "contactor opens without its lease", "contactor opens when released"):
        assert said[name][1], said[name]
        assert said[name][0].endswith(" s")


@pytest.mark.parametrize(
    ("status", "fails"),
    [
        ({"contactor_closed": False}, "contactor closes when asked"),
        ({"lapse_s": None}, "contactor opens without its lease"),
        ({"lapse_s": 3.0}, "contactor opens without its lease"),
        ({"contactor_closed": True}, "contactor"),
        ({"permit": False}, "contactor closes when asked"),
        ({"limits": {}}, "protective limits"),
        ({"limits": {"outlet_trip_c": 45.9, "inflow_trip_c": 46.0}}, "protective limits"),
        ({"limits": {"outlet_trip_c": float("nan"), "inflow_trip_c": 46.0}}, "protective limits"),
    ],
)
def test_a_step_that_fails_keeps_the_treatment_in_the_self_test(status: dict[str, object], fails: str) -> None:
    world = in_self_test(**status)
    world.run(30.0)
    assert world.step_name == "self_test"
    assert not checks(world)[fails][1]
    assert fails in world.state.gate
    assert not world.outputs.prove_contactor, "a proof that fails is not asked for for ever"


def test_a_contactor_that_does_not_open_when_released_is_found() -> None:
    world = in_self_test()
    world.until(lambda w: w.state.proof.released_s is not None, within_s=10.0)
    world.status = {"contactor_closed": True}
    world.run(20.0)
    assert world.step_name == "self_test"
    assert not checks(world)["contactor opens when released"][1]


def test_h25_a_heater_that_is_stuck_on_heats_once_through_the_proof_and_is_named() -> None:
    world = in_self_test()
    closings = closed = 0
    for _ in range(600):
        was = world.outputs.prove_contactor
        world.bent["heater_power_w"] = 2000.0 if was else 0.0
        world.step()
        closings += world.outputs.prove_contactor and not was
        closed += world.outputs.prove_contactor
    assert (closings, closed) == (1, 1), "cycles in which power could flow"
    assert world.step_name == "self_test"
    assert checks(world)["heater power through the proof"] == ("2000.00 W", False)
    world.step(Act.STOP)
    del world.bent["heater_power_w"]
    world.step(Act.RESET)
    world.run(3.0)
    world.step(Act.RESUME)
    world.until(lambda w: w.step_name == "prime", within_s=20.0)


def test_stop_ends_the_proof_and_a_resume_begins_it_anew() -> None:
    world = in_self_test()
    world.until(lambda w: w.outputs.prove_contactor, within_s=5.0)
    world.step(Act.STOP)
    assert not world.outputs.prove_contactor
    world.run(1.0)
    world.step(Act.RESET)
    world.run(3.0)
    assert not world.outputs.prove_contactor
    world.step(Act.RESUME)
    world.until(lambda w: w.step_name == "prime", within_s=20.0)


@pytest.mark.parametrize("name", ["heater_outlet_c", "inflow_c"])
def test_probes_that_differ_in_the_bypass_keep_the_treatment_in_prime(name: str) -> None:
    world = in_self_test()
    world.until(lambda w: w.step_name == "prime", within_s=20.0)
    world.bent[name] = 41.95
    world.run(60.0)
    assert "probes within 0.6 °C" in world.state.gate
    world.step(Act.CONFIRM)
    assert "refused" in world.refused()
    del world.bent[name]
    world.until(lambda w: not w.state.gate, within_s=40.0)


def exchange(run: Run, places: tuple[str, ...]) -> None:
    """Put the plugs elsewhere now: each name reads the probe at the same place in `places`."""
    for name, plug in zip(ALL, places, strict=True):
        if name != plug:
            run.cosim.schedule.add(parse(f"swapped:{name}@{run.state.now_s - START_S:.1f}={plug}"))


@pytest.mark.parametrize("kind", ["bath", "inline"])
@pytest.mark.parametrize("places", SWAPS)
def test_plugs_exchanged_from_the_beginning_never_get_as_far_as_the_patient(kind: str, places: tuple[str, ...]) -> None:
    faults = tuple(f"swapped:{at}@0={plug}" for at, plug in zip(ALL, places, strict=True) if at != plug)
    run = Run(kind, faults=faults)
    while not run.trips and run.state.now_s < START_S + 300.0:
        run.advance(1.0)
        assert not run.cosim.outputs.inflow_open
    assert run.trips == ["swapped"] or "probes within" in run.state.gate or run.step_name == "self_test"


@pytest.mark.parametrize("kind", ["bath", "inline"])
@pytest.mark.parametrize("places", SWAPS, ids=lambda places: "-".join(name.split("_")[0] for name in places))
@pytest.mark.parametrize("seed", [None, 11])
def test_every_exchange_of_the_plugs_trips_in_preheat(kind: str, places: tuple[str, ...], seed: int | None) -> None:
    run = Run(kind, parameters=None if seed is None else sample(seed, load_rig(RIGS[kind])))
    run.reach("preheat")  # before that, outflow at room temperature would be told by its value already
    exchange(run, places)
    while not run.trips and run.state.now_s < START_S + 1200.0:
        run.advance(1.0)
    assert run.trips[:1] == ["swapped"], run.state.gate
    assert run.step_name == "preheat"
    assert "the plug of" in run.state.latch.trips[0].text
    run.advance(1.0)
    assert not run.cosim.outputs.heat_on
    assert run.cosim.outputs.pump_lpm > 0.0


@pytest.mark.parametrize("kind", ["bath", "inline"])
def test_probes_in_their_places_pass_prime_and_preheat_whatever_the_circuit(kind: str) -> None:
    for seed in range(8):
        run = Run(kind, parameters=sample(seed, load_rig(RIGS[kind])))
        run.reach("fill")
        assert run.state.identity.risen == ALL[:2]


def test_an_exchange_that_was_put_right_is_seen_at_the_next_heat() -> None:
    run = Run("inline", faults=("swapped:heater_outlet_c@0+200=inflow_c", "swapped:inflow_c@0+200=heater_outlet_c"))
    while not run.trips:
        run.advance(1.0)
    assert run.state.now_s < START_S + 190.0
    run.advance(200.0)
    run.ask(Act.RESET)
    run.advance(4.0)
    run.ask(Act.RESUME)
    run.events.clear()
    run.reach("fill")


def test_fluid_that_is_warm_already_shows_nothing() -> None:
    identity = Identity()
    for tick in range(300):
        warm = 41.5 + 0.002 * tick
        identity = step(identity, {"heater_outlet_c": warm, "inflow_c": warm, "outflow_c": 30.0})
    assert not identity.proved
    assert not identity.wrong


def test_h23_a_preheat_at_its_temperature_goes_on_until_outlet_and_inflow_were_seen_to_warm() -> None:
    world = world_in("preheat")
    world.until(lambda w: not w.state.gate, within_s=120.0)
    scene = world.cycle._walker.scene(world.state, world.cycle.steps["preheat"], world.now_s)
    assert preheated(scene) == ""
    assert "begin with cooler fluid" in preheated(scene._replace(probes_proved=False))


def test_start_is_refused_without_a_session_self_test_and_the_self_test_alone_ends_in_standby() -> None:
    world = world_in("standby")
    world.session = "there is no session self-test of this rig"
    world.step(Act.START)
    assert "no session self-test" in world.refused()
    assert world.step_name == "standby"
    world.step(Act.SELF_TEST)
    assert world.step_name == "self_test"
    world.step(Act.SELF_TEST)
    assert "allowed in STANDBY" in world.refused()
    world.until(lambda w: w.step_name == "standby", within_s=20.0)
    assert not world.trips
    assert not world.state.latch.armed
    assert all(check.passed for check in world.state.checks)
    world.step(Act.START)
    assert "no session self-test" in world.refused()


def test_inputs_that_say_nothing_of_a_self_test_start_nothing() -> None:
    world = world_in("standby")
    inputs = world.inputs(Order(Act.START))._replace(session=Inputs({}).session)
    state, _, _ = world.cycle.step(world.state, inputs, world.now_s + 0.1)
    assert state.walk.step == "standby"


@pytest.mark.parametrize(("free_mb", "said"), [(999.0, "has 999 MB"), (None, "unknown"), (float("nan"), "has nan")])
def test_h37_start_is_refused_without_room_for_the_record_and_the_message_says_how_much_is_needed(
    free_mb: float | None, said: str
) -> None:
    world = world_in("standby")
    world.disk_free_mb = free_mb
    world.step(Act.START)
    assert said in world.refused()
    assert "needs 1000 MB" in world.refused()
    assert world.step_name == "standby"
    assert not world.state.latch.armed
    world.disk_free_mb = 1001.0
    world.step(Act.START)
    assert world.step_name == "self_test"


def test_h37_inputs_that_say_nothing_of_the_disk_start_nothing() -> None:
    world = world_in("standby")
    inputs = world.inputs(Order(Act.START))._replace(disk_free_mb=Inputs({}).disk_free_mb)
    state, _, _ = world.cycle.step(world.state, inputs, world.now_s + 0.1)
    assert state.walk.step == "standby"


def test_the_self_test_is_refused_while_a_trip_is_latched() -> None:
    world = world_in("standby")
    world.step(Act.STOP)
    world.step(Act.SELF_TEST)
    assert "reset first" in world.refused()


def test_h25_the_contactor_is_released_as_soon_as_it_was_seen_to_close_again() -> None:
    world = in_self_test(lapse_s=None)
    world.until(lambda w: w.outputs.prove_contactor, within_s=5.0)
    world.run(0.5)
    assert world.outputs.prove_contactor
    world.status = {"contactor_closed": False, "lapse_s": 0.7}
    world.run(0.2)
    assert world.outputs.prove_contactor, "it has to be seen closed again"
    world.status = {"contactor_closed": True, "lapse_s": 0.7}
    assert not world.step().prove_contactor
