"""The mains go and come back, on a rig that has an input for them and on one that has none."""

from __future__ import annotations

import msgspec
import pytest
from preheating import preheating

from config.loading import load_pair
from config.schema import Device, Rig, Source
from controller.core.exchange import Act, Event, Order
from controller.core.state import CycleState
from controller.core.steps import Step
from sim.cosim import CYCLE_S, Cosim
from sim.operator import Operator

HEATING_S = 200.0  # preheating in the bypass


class Waiting(Operator):
    """Does what the treatment asks for, and resets and resumes when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.say: list[Act] = []

    def look(self, state: CycleState, step: Step, *, has_drug: bool) -> tuple[Order, ...]:
        """Orders of this look."""
        if self.say:
            return (Order(self.say.pop(0)),)
        return super().look(state, step, has_drug=has_drug)


def with_input(rig: Rig) -> Rig:
    register = {"channel": "mains_ok", "table": "discrete", "type": "bit", "address": 0}
    device = msgspec.convert(
        {"family": "registers", "port": rig.devices["relays"].port, "address": 99, "registers": [register]}, Device
    )
    return msgspec.structs.replace(
        rig,
        devices={**rig.devices, "inputs": device},
        signals={**rig.signals, "mains_ok": Source(device="inputs", channel="mains_ok")},
    )


def struck(rig: Rig, person: Operator, *, for_s: float) -> tuple[Cosim, list[Event]]:
    fault = f"mains_lost@{HEATING_S:g}+{for_s:g}"
    cosim, events = preheating(rig, fault=fault, for_s=HEATING_S, operator=person)
    assert cosim.state.walk.step == "preheat"
    return cosim, events


def advance(cosim: Cosim, seconds: float) -> None:
    until_s = cosim.now_s + seconds - CYCLE_S / 2
    while cosim.now_s < until_s:
        cosim.advance()


@pytest.mark.parametrize("name", ["bench", "modbus"])
def test_h38_mains_that_come_back_find_the_heat_commanded_off_until_somebody_resumes(name: str) -> None:
    person = Waiting()
    cosim, events = struck(with_input(load_pair(name, "saline_rehearsal")[0]), person, for_s=60.0)
    advance(cosim, 1.0)
    assert cosim.terminals.heater_power_w == 0.0
    assert [trip.id for trip in cosim.state.latch.trips] == ["mains_lost"]
    assert not cosim.outputs.heat_on
    assert cosim.outputs.pump_enable  # on its battery: the flow cools what is hot
    advance(cosim, 60.0)  # and here they are again
    assert "on_battery" in {event.name for event in events if event.kind == "alarm"}
    assert cosim.terminals.sensed["mains_ok"] == 1.0
    assert not cosim.outputs.heat_on
    assert cosim.terminals.heater_power_w == 0.0
    person.say = [Act.RESET, Act.RESUME]
    advance(cosim, 60.0)
    assert cosim.outputs.heat_on
    assert cosim.terminals.heater_power_w > 0.0


def test_h05_without_that_input_a_heater_without_mains_is_said_to_be_not_heating() -> None:
    cosim, events = struck(load_pair("bench", "saline_rehearsal")[0], Waiting(), for_s=150.0)
    advance(cosim, 120.0)
    assert cosim.terminals.heater_power_w == 0.0
    assert "not_heating" in {event.name for event in events if event.kind == "alarm"}
