"""Walk the table of the treatment: look at a step's gate; enter the next when it is open and, where asked, confirmed.

Not responsible for the table (`treatment`) or for whether energy is allowed (`interlocks`).
"""

from __future__ import annotations

from collections.abc import Mapping

from config.schema import Limits, Treatment
from controller.core.exchange import Event
from controller.core.gates import drain_short_ml, too_warm
from controller.core.state import CycleState
from controller.core.steps import Scene, Step
from controller.core.treatment import enter, on_entry

BEGUN = "just begun"  # a gate that nobody has looked at yet is not open


class Walker:
    """The steps of one treatment. Stateless: the walk goes in and comes out with the state."""

    def __init__(
        self, *, steps: Mapping[str, Step], limits: Limits, treatment: Treatment, fill_ml: float, clamped: bool
    ) -> None:
        self._steps = steps
        self._limits = limits
        self._treatment = treatment
        self._fill_ml = fill_ml
        self._clamped = clamped  # the protective channel has a relay in series with the clamp's

    def step(
        self, state: CycleState, step: Step, scene: Scene, goto: str, now_s: float
    ) -> tuple[CycleState, tuple[Event, ...]]:
        """Look at the gate; enter the next step when it has been open long enough and confirmed where it asks.

        What changes the scene changes the walk with it.
        """
        walk = state.walk
        if goto:
            return self._enter(state, self._steps[goto], now_s)
        missing = step.gate(scene)
        if walk.hold or state.latch.trips:
            return state._replace(gate=walk.hold or "reset"), ()
        if walk.confirmed:
            # Taken at an open gate; a drug that is in does not come out when the gate closes in the next instant.
            return self._enter(state, self._steps[self._after(step, state)], now_s)
        if missing:
            if missing == state.gate and walk.gate_since_s is None:
                return state, ()
            return state._replace(gate=missing, walk=walk._replace(gate_since_s=None)), ()
        if walk.gate_since_s is None:
            walk = walk._replace(gate_since_s=now_s)
        since_s = now_s if walk.gate_since_s is None else walk.gate_since_s
        left_s = step.steady_s - (now_s - since_s)
        if left_s > 0:
            return state._replace(gate=f"steady for another {left_s:.0f} s", walk=walk), ()
        if step.name == "warm_up" and walk.ready_s is None:
            walk = walk._replace(ready_s=now_s)
        if step.asks:
            return state._replace(gate="", walk=walk), ()
        return self._enter(state._replace(walk=walk), self._steps[self._after(step, state)], now_s)

    def scene(self, state: CycleState, step: Step, now_s: float) -> Scene:
        """What a gate and a step's flow may look at."""
        failed: tuple[str, ...] = ()
        if step.name == "self_test":
            failed = tuple(f"{c.name}: {c.measured} ({c.allowed})" for c in state.checks if not c.passed)
        return Scene(
            state.walk,
            state.sensed,
            state.volumes,
            self._limits,
            self._treatment,
            self._fill_ml,
            failed,
            now_s,
            drain_short_ml(step, state.walk, state.volumes, now_s),
            state.identity.proved,
            self._clamped and not state.permitted,
            too_warm(step, state.identity, state.sensed.good, self._treatment.preheat_c, heating=state.outputs.heat_on),
        )

    def _after(self, step: Step, state: CycleState) -> str:
        if step.name == "self_test" and state.walk.testing:
            return "standby"
        return step.then if step.then in self._steps else "complete"

    def _enter(self, state: CycleState, step: Step, now_s: float) -> tuple[CycleState, tuple[Event, ...]]:
        walk = enter(state.walk, step, now_s)
        if step.name == "standby":
            state = state._replace(latch=state.latch._replace(armed=False))
        state = state._replace(walk=walk, volumes=on_entry(step, state.volumes), gate=BEGUN)
        return state, (Event(now_s, "phase", step.name, f"{step.phase.value}: {step.doing}"),)
