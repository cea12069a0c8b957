"""Properties of one cycle against a changed copy of itself: the cycle is pure, so it can be asked twice.

P19: what is worse known, later, or broken never turns heat on that was off, and keeps on for no longer than its own
delay what better readings would have taken in this cycle. P20: the order in which things that happen
at once are told changes nothing. Asked now and then in every run. Not responsible for what a run shows by itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.core.cycle import Cycle
from controller.core.exchange import Act, Inputs, LinkFault, Order
from controller.core.signals import Quality, Reading
from controller.core.state import CycleState
from sim.campaign.engine import PERIOD_S, Moment

KEPT_S = 1.0
# Their loss is said, and takes heat late or not at all: what they would have shown beside it is a second fault.
SAID = ("core_c", "source_c", "heater_setpoint_c", "heater_power_w")
EVERY_CYCLES = 41  # a prime: it strikes every phase of whatever goes in rounds


class Metamorphic:
    """One run's; deterministic, it takes the next degradation each time."""

    name = "P19 P20 a worse or reordered input"

    def __init__(self, cycle: Cycle) -> None:
        self._cycle = cycle
        self._count = 0
        self._round = 0

    def see(self, m: Moment) -> str:
        """Judge one moment."""
        if not m.cycled:
            return ""
        self._count += 1
        if self._count % EVERY_CYCLES or m.before.now_s >= m.at_s or m.before.walk.started_s != m.state.walk.started_s:
            return ""
        return self._ask_again(m.before, m)

    def _ask_again(self, before: CycleState, m: Moment) -> str:
        worse = list(_degraded(m.inputs, m.at_s))
        what, inputs = worse[self._round % len(worse)]
        self._round += 1
        _, outputs, _ = self._cycle.step(before, inputs, m.at_s)
        if outputs.heat_on and not m.outputs.heat_on:
            if not before.outputs.heat_on:
                return f"heat is off, and {what} turns it on"
            if not what.startswith(SAID) and self._stays_on(before, inputs, m.at_s):
                return f"heat goes off, and {what} keeps it on"
        _, same, _ = self._cycle.step(before, _reordered(m.inputs), m.at_s)
        if same != m.outputs:
            return f"told in another order: {same} instead of {m.outputs}"
        stop = Order(Act.STOP)
        for orders in ((stop, Order(Act.RESUME)), (Order(Act.RESUME), stop)):
            _, stopped, _ = self._cycle.step(before, m.inputs._replace(orders=orders), m.at_s)
            if stopped.heat_on or stopped.pump_lpm or stopped.inflow_open:
                return f"STOP in {[order.act.value for order in orders]} leaves {stopped}"
        return ""

    def _stays_on(self, state: CycleState, inputs: Inputs, at_s: float) -> bool:
        """Whether heat is still on when everything has been said again and again for KEPT_S, as bad as it was."""
        cycles = round(KEPT_S / PERIOD_S)
        for now_s in (at_s + count * PERIOD_S for count in range(cycles + 1)):
            state, outputs, _ = self._cycle.step(state, _said_at(inputs, now_s - at_s), now_s)
        return outputs.heat_on


def _said_at(inputs: Inputs, later_s: float) -> Inputs:
    """The same, later; without orders, and what was not heard stays as old as it was."""
    readings = {name: reading._replace(at_s=reading.at_s + later_s) for name, reading in inputs.readings.items()}
    said = inputs.protective
    said = None if said is None else said._replace(at_s=said.at_s + later_s)
    return inputs._replace(readings=readings, protective=said, orders=inputs.orders if later_s == 0.0 else ())


def _degraded(inputs: Inputs, now_s: float) -> Iterator[tuple[str, Inputs]]:
    """The same inputs, each time with one thing worse, and its words."""
    readings = inputs.readings
    for name, reading in readings.items():
        yield f"{name} missing", inputs._replace(readings={k: v for k, v in readings.items() if k != name})
        broken = Reading(None, now_s, Quality.FAULT, "open circuit")
        yield f"{name} broken", inputs._replace(readings={**readings, name: broken})
        old = Reading(reading.value, now_s - 10.0, reading.quality, reading.detail)
        yield f"{name} ten seconds old", inputs._replace(readings={**readings, name: old})
    yield "the protective channel unheard", inputs._replace(protective=None)
    if inputs.protective is not None:
        refused = inputs.protective._replace(permit=False, trip="tripped")
        yield "the protective channel tripped", inputs._replace(protective=refused)
    lost = LinkFault("heater", now_s - 1.5, "does not answer")
    yield "a device lost", inputs._replace(link_faults=(*inputs.link_faults, lost))
    yield "a late cycle", inputs._replace(overrun_s=0.5)
    yield "a console lost", inputs._replace(attended_s=61.0)
    yield "a wall clock set", inputs._replace(wall_jump_s=-86400.0)
    yield "a fault of the host", inputs._replace(host_faults=(*inputs.host_faults, "recorder: disk full"))


def _reordered(inputs: Inputs) -> Inputs:
    readings = dict(reversed(list(inputs.readings.items())))
    return inputs._replace(readings=readings, link_faults=inputs.link_faults[::-1])
