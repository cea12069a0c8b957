"""Whole treatments of the shipped rigs in virtual time, and what was seen on the way.

The plant's true values count here, not only what the probes made of them. A run can be copied midway and broken.
"""

from __future__ import annotations

import copy
from typing import NamedTuple, Self

from config.loading import load_pair
from config.schema import Patient
from controller.core.exchange import Act, Event, Order, Outputs
from controller.core.state import CycleState
from controller.core.steps import Step
from sim.cosim import CYCLE_S, START_S, Cosim
from sim.faults import parse
from sim.operator import Operator
from sim.plant.parameters import Parameters, parameters_for

RIGS = {"bath": "bench", "inline": "modbus"}
MIDWAY_S = 180.0  # into PERFUSE
PEAKS_EVERY = 5  # cycles; nothing true changes faster than that matters
GIVE_UP_S = 4 * 3600.0


class Hands(Operator):
    """The simulated operator, with acts that a test asks of him before his own."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Act | Order] = []

    def look(self, state: CycleState, step: Step, *, has_drug: bool) -> tuple[Order, ...]:
        asked, self.asked = tuple(act if isinstance(act, Order) else Order(act) for act in self.asked), []
        return asked or super().look(state, step, has_drug=has_drug)


class Run:
    """A simulated treatment with its events and peaks. `heat_off_s`: since when no electric power flows."""

    def __init__(
        self,
        kind: str,
        *,
        parameters: Parameters | None = None,
        faults: tuple[str, ...] = (),
        treatment: str = "mitomycin_90",
    ) -> None:
        rig, plan = load_pair(RIGS[kind], treatment)
        self.events: list[Event] = []
        self.hands = Hands()
        self.hottest_inflow_c = self.hottest_cavity_c = self.hottest_core_c = 0.0
        self.coldest_perfused_c = 99.0
        self.powered_at_s = START_S
        self._cycles = 0
        self.cosim = Cosim(
            rig=rig,
            treatment=plan,
            patient=Patient(),
            parameters=parameters or parameters_for(rig, None, plan.technique),
            seed=1,
            operator=self.hands,
            sink=self.see,
            faults=[parse(text) for text in faults],
        )

    def see(self, state: CycleState, outputs: Outputs, events: tuple[Event, ...]) -> None:
        if events:
            self.events.extend(events)
        if self.cosim.terminals.heater_power_w > 0.0:
            self.powered_at_s = state.now_s
        self._cycles += 1
        if self._cycles % PEAKS_EVERY:
            return
        plant = self.cosim.plant
        if self.cosim.terminals.inflow_open:
            self.hottest_inflow_c = max(self.hottest_inflow_c, plant.entering_cavity_c)
        cavity_c = plant.cavity_c
        self.hottest_cavity_c = max(self.hottest_cavity_c, *cavity_c)
        self.hottest_core_c = max(self.hottest_core_c, plant.core_c)
        if state.walk.step == "perfuse":
            self.coldest_perfused_c = min(self.coldest_perfused_c, sum(cavity_c) / 3.0)

    @property
    def state(self) -> CycleState:
        return self.cosim.state

    @property
    def step_name(self) -> str:
        return self.state.walk.step

    @property
    def trips(self) -> list[str]:
        return [event.name for event in self.events if event.kind == "trip"]

    def alarms(self, *priorities: str) -> list[str]:
        return [event.name for event in self.events if event.kind == "alarm" and event.priority in priorities]

    @property
    def volume_error_ml(self) -> float:
        """What the controller believes is in the patient or lost, minus what is."""
        plant, volumes = self.cosim.plant, self.state.volumes
        believed_ml = volumes.carried_ml if volumes.in_patient_ml is None else volumes.in_patient_ml
        return believed_ml - (plant.cavity_ml + plant.absorbed_ml + plant.evaporated_ml + plant.leaked_ml)

    def copy(self) -> Self:
        frozen = self.cosim.plant.parameters.probes  # a mapping proxy cannot be copied and need not be
        return copy.deepcopy(self, {id(frozen): frozen})

    def advance(self, seconds: float) -> None:
        for _ in range(round(seconds / CYCLE_S)):
            self.cosim.advance()

    def reach(self, step: str) -> None:
        while self.step_name != step:
            for _ in range(10):
                self.cosim.advance()
            assert not self.trips, self.events[-3:]
            assert self.state.now_s - START_S < GIVE_UP_S, f"stuck in {self.step_name}: {self.state.gate}"

    def ask(self, *acts: Act | Order) -> None:
        """Let the operator do this at his next look, within a second."""
        self.hands.asked.extend(acts)
        self.advance(1.0)

    def strike(self, text: str, *, within_s: float) -> float:
        """Let a fault come now and wait for a trip; return the seconds from fault to trip."""
        began_s = self.state.now_s
        name, _, value = text.partition("=")
        self.cosim.schedule.add(parse(f"{name}@{began_s - START_S:.1f}" + (f"={value}" if value else "")))
        while not self.trips:
            self.cosim.advance()
            assert self.state.now_s - began_s <= within_s + 1e-6, f"no trip within {within_s} s"
        return self.state.now_s - began_s


class Nominal(NamedTuple):
    """A treatment of the nominal patient that stands in the middle of PERFUSE. Look, or copy."""

    kind: str
    midway: Run
