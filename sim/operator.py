"""The person at the console of a simulated treatment: starts, confirms each gate, gives each dose on time.

Acts only on what the console shows, a few seconds after it shows it. Never resets a trip: a treatment that trips is
left where it is. Not responsible for the bedside (`sim.plant.attendant`).
"""

from __future__ import annotations

from typing import Protocol

from controller.core.broken_off import waiting
from controller.core.exchange import Act, Order
from controller.core.gates import DRAINED_ML_PER_WINDOW
from controller.core.state import CycleState
from controller.core.steps import Step

REACTION_S = 5.0
PLUG_TRIED_S = 60.0  # for so long somebody tries to bring a probe back, then the rinse is ended without it


class AtConsole(Protocol):
    """Whoever sits at the console."""

    def look(self, state: CycleState, step: Step, *, has_drug: bool) -> tuple[Order, ...]:
        """Return the orders of this moment, mostly none."""


def begins(state: CycleState) -> Act | None:
    """START; after a run that was broken off the drain first, which stands open, and the word that it is empty."""
    if not waiting(state.walk.broken_off):
        return Act.START
    rise_ml = state.volumes.settled_ml
    return Act.CONFIRM if rise_ml is not None and abs(rise_ml) < DRAINED_ML_PER_WINDOW else None


class Operator:
    """Give it each state; it answers with what it asks for."""

    def __init__(self, *, who: str = "simulated operator") -> None:
        self._who = who
        self._open_since_s: float | None = None
        self._waits_for = ""

    def look(self, state: CycleState, step: Step, *, has_drug: bool) -> tuple[Order, ...]:
        """Return the orders of this moment, mostly none."""
        due = self._due(state, step, has_drug)
        if due is None or due.value != self._waits_for:
            self._waits_for = "" if due is None else due.value
            self._open_since_s = state.now_s
            return ()
        if self._open_since_s is None or state.now_s - self._open_since_s < REACTION_S:
            return ()
        self._open_since_s = None
        self._waits_for = ""
        return (Order(due, who=self._who, text="lot SIM" if due is Act.DOSE else ""),)

    def _due(self, state: CycleState, step: Step, has_drug: bool) -> Act | None:
        if state.walk.hold or state.latch.tripped:
            return None
        if step.name == "standby":
            return begins(state)
        if "agitate" in state.alarms.active:
            return Act.AGITATED
        if step.name == "perfuse":
            return Act.DOSE if "dose_due" in state.alarms.active else None
        unseen = state.alarms.active.get("inflow_unseen")
        if unseen is not None and state.now_s - unseen.since_s >= PLUG_TRIED_S:
            return Act.DRAIN
        if state.gate or not step.asks:
            return None
        return Act.DOSE if step.asks == "dose" and has_drug else Act.CONFIRM
