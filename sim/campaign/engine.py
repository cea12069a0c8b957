"""What a campaign needs of a way to run the controller against the plant, and the moment that monitors look at.

Two engines have this shape: values (`value_engine`) and bytes (`byte_engine`). Not responsible for judging a moment.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from config.schema import Rig, Treatment
from controller.core.cycle import Cycle
from controller.core.exchange import Event, Inputs, Outputs, ProtectiveStatus
from controller.core.state import CycleState
from sim.campaign.person import Person
from sim.faults import Fault
from sim.plant.plant import Plant

PERIOD_S = 0.1


class Engine(Protocol):
    """One bench under one controller, advanced cycle by cycle. After `advance` everything here is of one time."""

    @property
    def rig(self) -> Rig:
        """The bench."""

    @property
    def treatment(self) -> Treatment:
        """What is done on it."""

    @property
    def cycle(self) -> Cycle:
        """The controller."""

    @property
    def plant(self) -> Plant:
        """The truth."""

    @property
    def state(self) -> CycleState:
        """What the controller remembers."""

    @property
    def before(self) -> CycleState:
        """What it remembered before this period."""

    @property
    def inputs(self) -> Inputs:
        """What the last cycle was told."""

    @property
    def outputs(self) -> Outputs:
        """What the last cycle wanted."""

    @property
    def events(self) -> tuple[Event, ...]:
        """What happened in this period."""

    @property
    def cycled(self) -> bool:
        """Whether a cycle was completed in this period."""

    @property
    def now_s(self) -> float:
        """Time of the cycle."""

    @property
    def status(self) -> ProtectiveStatus | None:
        """What the protective channel last said."""

    def begin(self, faults: Sequence[Fault], person: Person) -> None:
        """From here on: this person, and these faults, their times counted from now."""

    def advance(self) -> None:
        """One period: faults, plant, both channels, outputs."""


class Moment(NamedTuple):
    """One period, true and reported. Temperatures in °C, volumes in mL, pressures in mmHg, power in W."""

    at_s: float
    cycled: bool  # whether a control cycle was completed in this period
    before: CycleState
    state: CycleState
    outputs: Outputs
    inputs: Inputs
    events: tuple[Event, ...]
    status: ProtectiveStatus | None
    # true
    power_w: float
    flow_lpm: float
    outlet_c: float
    inflow_c: float
    entering_c: float
    entered_ml: float
    cavity_c: float
    cavity_ml: float
    core_c: float
    cavity_mmhg: float
    line_mmhg: float
    bubble_mm: float
    reservoir_ml: float
    source_c: float
    contactor: bool
    bath_on: bool
    bath_setpoint_c: float
    element: float
    inflow_open: bool
    pump_rpm: float
    taken_up_ml: float  # of the fluid that left the cavity by the peritoneum


class Watcher:
    """Makes a moment of each period of an engine, and hashes the trace: two equal hashes are two equal runs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._infused_ml = engine.plant.infused_ml
        self._hash = hashlib.sha256()

    @property
    def trace_hash(self) -> str:
        """SHA-256 of every moment so far."""
        return self._hash.hexdigest()

    def look(self) -> Moment:
        """The moment after `advance`."""
        engine = self._engine
        plant = engine.plant
        terminals = plant.terminals
        infused_ml = plant.infused_ml
        entered_ml = infused_ml - self._infused_ml
        self._infused_ml = infused_ml
        cavity_c = plant.cavity_c
        moment = Moment(
            engine.now_s,
            engine.cycled,
            engine.before,
            engine.state,
            engine.outputs,
            engine.inputs,
            engine.events,
            engine.status,
            plant.heater_power_w,
            plant.flow_lpm,
            plant.outlet_c,
            plant.inflow_c,
            plant.entering_cavity_c,
            entered_ml,
            max(cavity_c),
            plant.cavity_ml,
            plant.core_c,
            plant.cavity_pressure_mmhg,
            plant.line_pressure_mmhg,
            plant.bubble_mm,
            plant.reservoir_ml,
            plant.bath_c,
            terminals.contactor_closed,
            terminals.bath_on,
            terminals.bath_setpoint_c,
            terminals.element_fraction,
            terminals.inflow_open,
            terminals.pump_rpm,
            plant.absorbed_ml,
        )
        self._fold(moment)
        return moment

    def _fold(self, moment: Moment) -> None:
        outputs = moment.outputs
        self._hash.update(
            struct.pack(
                "<16d?????",
                moment.at_s,
                moment.power_w,
                moment.flow_lpm,
                moment.outlet_c,
                moment.inflow_c,
                moment.cavity_c,
                moment.core_c,
                moment.cavity_ml,
                moment.cavity_mmhg,
                moment.line_mmhg,
                moment.reservoir_ml,
                moment.source_c,
                moment.pump_rpm,
                outputs.bath_setpoint_c,
                outputs.heater_fraction,
                outputs.pump_lpm,
                outputs.heat_on,
                outputs.inflow_open,
                outputs.outflow_closed,
                moment.contactor,
                moment.cycled,
            )
        )
        if moment.events:
            self._hash.update(repr(moment.events).encode())
