"""A person at the console who is slow, careless, or changes their mind: the same console acts, drawn by a seed.

Looks only at what the console shows. What they want on top of the treatment (`whims`) and what they do about a trip
(`Conduct`) are data, so that a shrunk case can take either away. Not responsible for the bedside (`sim.plant`).
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.core.exchange import Act, Order
from controller.core.state import CycleState
from controller.core.steps import Step
from sim.operator import begins


@dataclass(frozen=True, slots=True, kw_only=True)
class Whim:
    """An act asked for at a time (seconds after the fork) for no reason of the treatment's."""

    at_s: float
    act: str
    value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """How somebody behaves. Times in seconds; `reset_after_s` None never resets; a whim outside `whims_in` passes."""

    kind: str = "prompt"
    reaction_s: float = 5.0
    reset_after_s: float | None = None
    resume_after_s: float = 5.0
    tries: int = 3
    whims: tuple[Whim, ...] = ()
    whims_in: tuple[str, ...] = ()  # steps; none: in all of them


class Person:
    """Give it each state once a second; it answers with orders, mostly none. `begun_s` is when its whims count from."""

    def __init__(self, *, conduct: Conduct, begun_s: float) -> None:
        self.conduct = conduct
        self._begun_s = begun_s
        self._whims = sorted(conduct.whims, key=lambda whim: whim.at_s)
        self._waits_for = ""
        self._open_since_s = 0.0
        self._next_reset_s: float | None = None
        self._resets = 0
        self._next_resume_s: float | None = None
        self._resumes = 0

    @property
    def done(self) -> bool:
        """Whether nothing more is to be expected of them but the treatment's own acts."""
        conduct = self.conduct
        recovers = conduct.reset_after_s is not None and self._resets < conduct.tries and self._resumes < conduct.tries
        return not self._whims and not recovers

    def look(self, state: CycleState, step: Step, *, has_drug: bool) -> tuple[Order, ...]:
        """Return the orders of this moment."""
        now_s = state.now_s
        whims: list[Order] = []
        while self._whims and now_s - self._begun_s >= self._whims[0].at_s:
            whim = self._whims.pop(0)
            if self.conduct.whims_in and step.name not in self.conduct.whims_in:
                continue
            whims.append(Order(Act(whim.act), who="simulated person", value=whim.value))
        due = self._recovery(state) or self._treatment(state, step, has_drug)
        return (*whims, *due)

    def _recovery(self, state: CycleState) -> tuple[Order, ...]:
        conduct, now_s = self.conduct, state.now_s
        if conduct.reset_after_s is None:
            return ()
        if state.latch.tripped:
            self._next_resume_s = None
            if self._next_reset_s is None:
                self._next_reset_s = now_s + conduct.reset_after_s
            if now_s < self._next_reset_s or self._resets >= conduct.tries:
                return ()
            self._resets += 1
            self._next_reset_s = now_s + max(3.0, conduct.reset_after_s)
            return (Order(Act.RESET, who="simulated person"),)
        self._next_reset_s = None
        if not state.walk.hold:
            self._next_resume_s = None
            return ()
        if self._next_resume_s is None:
            self._next_resume_s = now_s + conduct.resume_after_s
        if now_s < self._next_resume_s or self._resumes >= conduct.tries:
            return ()
        self._resumes += 1
        self._next_resume_s = now_s + max(3.0, conduct.resume_after_s)
        return (Order(Act.RESUME, who="simulated person"),)

    def _treatment(self, state: CycleState, step: Step, has_drug: bool) -> tuple[Order, ...]:
        act = _due(state, step, has_drug)
        if act is None or act.value != self._waits_for:
            self._waits_for = "" if act is None else act.value
            self._open_since_s = state.now_s
            return ()
        if state.now_s - self._open_since_s < self.conduct.reaction_s:
            return ()
        self._waits_for = ""
        return (Order(act, who="simulated person", text="lot SIM" if act is Act.DOSE else ""),)


def _due(state: CycleState, step: Step, has_drug: bool) -> Act | None:
    """What the treatment itself waits for."""
    if state.walk.hold or state.latch.tripped:
        return None
    if step.name == "standby":
        return begins(state)
    if "agitate" in state.alarms.active:
        return Act.AGITATED
    if step.name == "perfuse":
        return Act.DOSE if "dose_due" in state.alarms.active else None
    if state.gate or not step.asks:
        return None
    return Act.DOSE if step.asks == "dose" and has_drug else Act.CONFIRM
