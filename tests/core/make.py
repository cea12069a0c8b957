"""Rigs, treatments and a small scripted bench for the tests of the pure core.

`World` answers a `Cycle` with readings that fit its outputs; a test bends single values and sees what follows.
It has no physics: `sim.cosim` has them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, get_args
from unittest import mock

import msgspec

from config.schema import MeasuredSignal, Patient, Rig, Treatment
from controller.core import interlocks
from controller.core.cycle import Cycle
from controller.core.exchange import Act, Event, Inputs, LinkFault, Order, Outputs, ProtectiveStatus
from controller.core.frozen import SENSORS
from controller.core.gates import EMPTIED_ML
from controller.core.signals import Quality, Reading
from controller.core.situation import Situation
from controller.core.state import CycleState

RELAYS = ("pump_enable", "inflow_open", "outflow_closed", "annunciator")
SIGNALS: tuple[str, ...] = get_args(MeasuredSignal)
START_S = 1000.0
CYCLE_S = 0.1
COLD_C = {"heater_outlet_c": 40.3, "inflow_c": 40.2}  # before the first heat
WARMING_C = {"heater_outlet_c": 41.5, "inflow_c": 41.4}  # on the way, by less than a jump
COOLER_C = {"heater_outlet_c": 42.6, "inflow_c": 42.4}
POURED_ML = 6000.0  # of rinse fluid
RIPPLING = tuple(sensor.name for sensor in SENSORS)


def make_rig(kind: str = "bath", *, heater: Mapping[str, float] | None = None, **limits: float) -> Rig:
    relay = {f: {"device": "relay", "channel": n} for n, f in enumerate(RELAYS)}
    return msgspec.convert(
        {
            "name": "bench",
            "circuit": {},
            "heater": {"kind": kind, **(heater or {})},
            "limits": limits,
            "ports": {name: {"path": f"/dev/{name}"} for name in ("a", "b", "c", "d", "protective")},
            "devices": {
                "probes": {"family": "adam4015", "port": "a"},
                "pump": {"family": "watson_marlow", "port": "b"},
                "heater": {"family": "huber_pb", "port": "c"},
                "relay": {"family": "waveshare_relay", "port": "d"},
            },
            "signals": {name: {"device": "probes", "channel": "x"} for name in SIGNALS},
            "actuators": {"pump": "pump", "heater": "heater", **relay},
            "protective": {"port": "protective"},
        },
        Rig,
    )


def make_treatment(**changes: Any) -> Treatment:
    drug = {"name": "mitomycin", "mg_per_m2": 35.0, "max_mg": 70.0, "shares": [0.5, 0.25, 0.25], "at_min": [0, 30, 60]}
    plain = {"name": "mmc", "title": "Mitomycin 90 min", "source": "test", "carrier": "saline", "drug": drug}
    return msgspec.convert({**plain, **changes}, Treatment)


def make_cycle(
    kind: str = "bath",
    *,
    treatment: Treatment | None = None,
    heater: Mapping[str, float] | None = None,
    **limits: float,
) -> Cycle:
    return Cycle(
        rig=make_rig(kind, heater=heater, **limits), treatment=treatment or make_treatment(), patient=Patient()
    )


class World:
    """A cycle with a bench that behaves. `bent` overrides a signal: a number, None for a lost probe, or a Reading."""

    def __init__(self, cycle: Cycle) -> None:
        self.cycle = cycle
        self.now_s = START_S
        self.state: CycleState = cycle.initial(START_S)
        self.outputs = Outputs()
        self.events: tuple[Event, ...] = ()  # of the last step
        self.bent: dict[str, float | Reading | None] = {}
        self.status: Mapping[str, Any] | None = {}  # fields of the protective status; None: it says nothing
        self.link_faults: tuple[LinkFault, ...] = ()
        self.host_faults: tuple[str, ...] = ()
        self.overrun_s = 0.0
        self.session = ""  # a certificate is there
        self.restarted = ""
        self.attended_s = 0.0
        self.wall_jump_s = 0.0
        self.disk_free_mb: float | None = 100_000.0
        self.pressing: tuple[Act, ...] = ()  # for a caller that decides on orders before the step
        self.temperature_c = {
            **COOLER_C, "outflow_c": 41.5, "cavity_1_c": 42.1, "cavity_2_c": 42.0, "cavity_3_c": 41.9,
            "core_c": 37.0, "source_c": 45.0,
        }  # fmt: skip
        self.reservoir_ml = 6000.0
        self.cavity_ml = 0.0
        self.rinse_poured = False
        self._ticks = 0

    def copy(self) -> World:
        other = World.__new__(World)
        other.__dict__.update(self.__dict__)
        other.bent = dict(self.bent)
        other.temperature_c = dict(self.temperature_c)
        return other

    @property
    def step_name(self) -> str:
        return self.state.walk.step

    @property
    def trips(self) -> tuple[str, ...]:
        return tuple(trip.id for trip in self.state.latch.trips)

    def readings(self) -> dict[str, Reading]:
        out, bath = self.outputs, self.cycle.rig.heater.kind == "bath"
        flow = out.pump_lpm if out.pump_enable else 0.0
        dither = 0.01 * (self._ticks % 2)  # a real probe's last digit moves
        values: dict[str, float] = {name: value + dither for name, value in self.temperature_c.items()}
        values["flow_lpm"] = flow
        values["pump_rpm"] = out.pump_lpm * 1000.0 / self.cycle.rig.circuit.pump_ml_per_rev
        values["bubble_mm"] = 0.0
        values["mains_ok"] = 1.0
        pressed = self.bent.get("cavity_pressure_mmhg")
        values["cavity_pressure_mmhg"] = 3.0 + self.cavity_ml / 1000.0
        far = pressed if isinstance(pressed, float) else values["cavity_pressure_mmhg"]
        values["line_pressure_mmhg"] = 40.0 * flow + (far if out.inflow_open else 0.0)
        values["reservoir_ml"] = self.reservoir_ml
        values["heater_setpoint_c"] = out.bath_setpoint_c if bath else 20.0
        values["heater_power_w"] = (500.0 if bath else 2000.0 * out.heater_fraction) if out.heat_on else 0.0
        ripple = 1e-6 * (self._ticks % 3)  # of a pump with rollers
        values |= {name: values[name] + ripple for name in RIPPLING}
        readings = {name: Reading(value, self.now_s) for name, value in values.items()}
        for name, value in self.bent.items():
            if isinstance(value, Reading):
                readings[name] = value
            elif value is None:
                readings[name] = Reading(None, self.now_s, Quality.FAULT, "open circuit")
            else:
                moves = dither if name.endswith("_c") else ripple if name in RIPPLING else 0.0
                readings[name] = Reading(value + moves, self.now_s)
        return readings

    def protective(self) -> ProtectiveStatus | None:
        if self.status is None:
            return None
        seen = {n: self.temperature_c[n] for n in ("heater_outlet_c", "inflow_c")}
        said = {
            "at_s": self.now_s,
            "permit": True,
            "contactor_closed": self.outputs.heat_on or self.outputs.prove_contactor,
            "lapse_s": 0.65,
            "trip": "",
            "outlet_b_c": seen["heater_outlet_c"] + 0.01 * (self._ticks % 2),
            "inflow_b_c": seen["inflow_c"] + 0.01 * (self._ticks % 2),
            "limits": {"outlet_trip_c": 46.0, "inflow_trip_c": 46.0},
            **self.status,
        }
        for name in ("outlet_b_c", "inflow_b_c"):
            if isinstance(self.status.get(name), float):
                said[name] += 0.01 * (self._ticks % 2)
        return ProtectiveStatus(**said)

    def inputs(self, *orders: Order) -> Inputs:
        return Inputs(
            self.readings(),
            orders,
            self.protective(),
            self.link_faults,
            self.host_faults,
            self.overrun_s,
            self.session,
            self.restarted,
            self.attended_s,
            self.wall_jump_s,
            self.disk_free_mb,
        )

    def step(self, *orders: Order | Act, dt_s: float = CYCLE_S) -> Outputs:
        asked = tuple(o if isinstance(o, Order) else Order(o) for o in orders)
        self.now_s += dt_s
        self._ticks += 1
        self._flow(dt_s)
        self.state, self.outputs, self.events = self.cycle.step(self.state, self.inputs(*asked), self.now_s)
        return self.outputs

    def run(self, seconds: float, *, dt_s: float = CYCLE_S) -> None:
        for _ in range(round(seconds / dt_s)):
            self.step(dt_s=dt_s)

    def until(self, done: Callable[[World], bool], *, within_s: float, dt_s: float = CYCLE_S) -> float:
        """Step until `done`; return the seconds it took. Fails after `within_s`."""
        began_s = self.now_s
        while not done(self):
            assert self.now_s - began_s <= within_s, f"not within {within_s} s: {self.step_name} {self.state.gate}"
            self.step(dt_s=dt_s)
        return self.now_s - began_s

    def refused(self) -> str:
        """The refusals of the last step, in words."""
        return "; ".join(event.text for event in self.events if event.kind == "refused")

    def _flow(self, dt_s: float) -> None:
        out = self.outputs
        hot = self.step_name in ("warm_up", "perfuse") and out.inflow_open  # what the cavity's target asks for
        if self.step_name in ("standby", "self_test", "prime"):
            self.temperature_c |= COLD_C
        elif self.step_name == "preheat" and len(self.state.identity.risen) < 2:
            since_s = self.state.heat_on_since_s
            warmed = since_s is not None and self.now_s - since_s >= 1.0
            first = {**COLD_C, "heater_outlet_c": WARMING_C["heater_outlet_c"]} if warmed else COLD_C
            self.temperature_c |= WARMING_C if self.state.identity.risen else first
        else:
            self.temperature_c |= {"heater_outlet_c": 44.2, "inflow_c": 44.0} if hot else COOLER_C
        if self.step_name == "rinse_ready":
            self._change_the_fluid()
        ml = out.pump_lpm * 1000.0 / 60.0 * dt_s if out.pump_enable and out.inflow_open else 0.0
        if out.outflow_closed:
            self.reservoir_ml, self.cavity_ml = self.reservoir_ml - ml, self.cavity_ml + ml
        elif not out.inflow_open and self.cavity_ml > 0.0:
            back = min(self.cavity_ml, 20.0 * dt_s)
            self.reservoir_ml, self.cavity_ml = self.reservoir_ml + back, self.cavity_ml - back

    def _change_the_fluid(self) -> None:
        """The person empties the reservoir, sees that the console saw it, and pours the rinse fluid."""
        lowest_ml = self.state.volumes.lowest_ml
        if self.rinse_poured:
            return
        if lowest_ml is None or lowest_ml > EMPTIED_ML:
            self.reservoir_ml = 0.0
        else:
            self.reservoir_ml, self.rinse_poured = POURED_ML, True


def picture_of(world: World) -> Situation:
    """The picture that the conditions are shown in the next cycle; the world itself does not go on."""
    pictures: list[Situation] = []
    evaluate = interlocks.evaluate
    with mock.patch.object(
        interlocks, "evaluate", lambda latch, seen: (pictures.append(seen), evaluate(latch, seen))[1]
    ):
        world.copy().step()
    return pictures[0]


ORDER_OF_STEPS = (
    "standby", "self_test", "prime", "preheat", "fill", "warm_up", "perfuse", "drain", "rinse_ready", "rinse_fill",
    "rinse_dwell", "rinse_drain", "complete",
)  # fmt: skip


@functools.cache
def _reached(kind: str) -> Mapping[str, World]:
    """A world some seconds into each step of one treatment."""
    world = World(make_cycle(kind, treatment=make_treatment()))
    world.step()
    found = {"standby": world.copy()}
    order: Act | None = Act.START
    while world.step_name != "complete":
        before = world.step_name
        if order is not None:
            world.step(order, dt_s=0.2)
        else:
            world.step(dt_s=0.2)
        step = world.cycle.steps[world.step_name]
        if world.step_name != before:
            world.run(1.0)
            found[world.step_name] = world.copy()
        order = None
        if step.name == world.step_name and not world.state.gate and step.asks:
            order = Act.DOSE if step.asks == "dose" else Act.CONFIRM
        elif step.name == "perfuse":
            order = Act.DRAIN
        assert world.now_s - START_S < 3600.0, f"stuck in {world.step_name}: {world.state.gate} {world.trips}"
    return found


def world_in(step: str, *, kind: str = "bath", settle_s: float = 0.0) -> World:
    """A fresh copy of a world in that step; `settle_s` lets timers such as 'pump steady' run."""
    return (_settled(kind, step, settle_s) if settle_s else _reached(kind)[step]).copy()


@functools.cache
def _settled(kind: str, step: str, settle_s: float) -> World:
    world = _reached(kind)[step].copy()
    world.run(settle_s)
    return world
