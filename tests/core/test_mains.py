"""The mains go, where the rig has an input that says so: heat off, flow on, and a person when they are back."""

from __future__ import annotations

import msgspec
import pytest
from interlock_breakings import reads
from make import World, make_cycle, make_treatment, world_in

from controller.core.cycle import Cycle
from controller.core.exchange import Act
from controller.core.interlocks import Priority


def test_h38_heat_that_went_with_the_mains_waits_for_reset_and_resume_though_they_are_back() -> None:
    world = world_in("perfuse", settle_s=20.0)
    reads(mains_ok=0.0)(world)
    took_s = world.until(lambda w: not w.outputs.heat_on, within_s=1.0)
    assert took_s <= 0.8
    assert world.trips == ("mains_lost",)
    assert world.outputs.pump_enable
    assert world.outputs.inflow_open
    world.step(Act.RESET)
    world.run(3.0)
    assert "Mains 0 < 1" in "; ".join(trip.text for trip in world.state.latch.trips)
    reads(mains_ok=1.0)(world)
    world.run(30.0)
    assert not world.outputs.heat_on
    world.step(Act.RESET)
    world.run(5.0)
    assert not world.trips
    assert not world.outputs.heat_on
    world.step(Act.RESUME)
    world.run(3.0)
    assert world.outputs.heat_on


@pytest.mark.parametrize("step", ["standby", "prime", "drain"])
def test_h05_on_battery_is_medium_at_once_comes_back_after_it_was_acknowledged_and_is_high_after_five_minutes(
    step: str,
) -> None:
    world = world_in(step)
    world.bent["mains_ok"] = 0.0
    world.until(lambda w: "on_battery" in w.state.alarms.active, within_s=0.5)
    assert world.state.alarms.active["on_battery"].priority is Priority.MEDIUM
    assert "heat is off" in world.state.alarms.active["on_battery"].text
    world.step(Act.ACKNOWLEDGE)
    assert world.state.alarms.active["on_battery"].acknowledged
    world.run(119.0, dt_s=0.5)
    assert world.state.alarms.active["on_battery"].acknowledged
    world.run(3.0, dt_s=0.5)
    assert not world.state.alarms.active["on_battery"].acknowledged
    world.run(180.0, dt_s=0.5)
    assert world.state.alarms.active["on_battery"].priority is Priority.HIGH
    assert "mains_lost" not in world.trips


def test_a_rig_without_that_input_says_nothing_of_mains() -> None:
    rig = make_cycle().rig
    signals = {name: source for name, source in rig.signals.items() if name != "mains_ok"}
    plain = make_cycle()
    world = World(
        Cycle(rig=msgspec.structs.replace(rig, signals=signals), treatment=make_treatment(), patient=plain.patient)
    )
    world.step(Act.START)
    world.bent["mains_ok"] = 0.0
    world.run(20.0)
    assert world.step_name != "standby"
    assert not {"on_battery", "mains_lost"} & set(world.state.alarms.active)
