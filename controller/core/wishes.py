"""What the treatment would like of pump, clamps and heat in this cycle, were everything allowed.

Not responsible for whether it is allowed (`interlocks`) or for the loops themselves (`regulation`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from config.schema import Rig, Treatment
from controller.core.exchange import Outputs
from controller.core.jog import FLOW_UP_LPM_PER_S
from controller.core.regulation import CAVITY, OFF, Measured, Mode, Regulation, Regulator
from controller.core.sensing import Sensed
from controller.core.state import CycleState
from controller.core.steps import Heat, Scene, Step

FLOW_DOWN_LPM_PER_S = 0.05  # less flow means hotter fluid: the heat has to come down first,
OUTLET_FREE_C = 0.4  # and so long as the outlet is nearer to its trip than this the flow stands where it is,
LESS_FLOW = frozenset({"line_pressure_high", "cavity_pressure_high", "overfilled", "accumulating"})  # but not for these
HEAT_READY_S = 1.0  # flow has to stand for so long before heat is asked for
FALLBACK_INFLOW_C = 43.0
NO_HEAT, PREHEAT = Heat.OFF, Heat.PREHEAT  # for every cycle: a member costs a call in Python 3.11


class Wishes:
    """The wishes of one rig and treatment. Stateless."""

    def __init__(self, *, rig: Rig, treatment: Treatment) -> None:
        self._treatment = treatment
        trip_c = min(rig.limits.outlet_trip_c, rig.protective.outlet_trip_c)
        self._lower_below_c = trip_c - OUTLET_FREE_C
        self._regulator = Regulator(rig=rig)

    def step(
        self, state: CycleState, step: Step, scene: Scene, dt_s: float, now_s: float
    ) -> tuple[Outputs, Regulation]:
        """What the treatment would like, were everything allowed."""
        last, walk, good = state.outputs, state.walk, state.sensed.good
        held = bool(walk.hold)
        asked_lpm = 0.0 if held and not step.pump_in_hold else step.flow(scene)
        stopped = asked_lpm <= 0.0
        fall_lpm = 0.0 if self.flow_waits(state, asked_lpm) else FLOW_DOWN_LPM_PER_S * dt_s
        least_lpm = last.pump_lpm - fall_lpm
        most_lpm = last.pump_lpm + FLOW_UP_LPM_PER_S * dt_s
        pump_lpm = 0.0 if stopped else min(max(asked_lpm, least_lpm), most_lpm)
        mode, target_c = self._mode(state, step, held or scene.too_warm != "", now_s)
        regulation = state.regulation
        measured = _measured(good, state.sensed, last.inflow_open)
        few = mode is CAVITY and state.sensed.cavity_valid < 2
        if mode is OFF or measured is None or few or dt_s <= 0.0:
            # With a probe missing the demand stands still for the moment it takes its row to come.
            regulation = Regulation(setback_c=regulation.setback_c) if mode is OFF else regulation
        else:
            regulation = self._regulator.step(
                regulation,
                measured,
                mode=mode,
                target_c=target_c,
                cavity_warn_c=self._treatment.cavity_warn_c,
                dt_s=dt_s,
            )
        on = regulation.mode is not OFF
        # A hold leaves the line to the patient as it is or shuts it; only a person who resumes opens it again.
        inflow_open = step.inflow_open and not (held and (stopped or not last.inflow_open))
        wanted = Outputs(
            on,
            regulation.bath_setpoint_c,
            regulation.fraction if on else 0.0,
            pump_lpm,
            not stopped,
            inflow_open,
            step.outflow_closed,
            last.protective_reset,
            True,
        )
        return wanted, regulation

    def flow_waits(self, state: CycleState, asked_lpm: float) -> str:
        """Why the flow is not lowered yet to `asked_lpm`, in words; "" when nothing is in the way."""
        good, last = state.sensed.good, state.outputs
        if asked_lpm >= last.pump_lpm or not last.heat_on or not LESS_FLOW.isdisjoint(state.latch.since):
            return ""
        hottest_c = max(good.get("heater_outlet_c", math.inf), good.get("outlet_b_c", -math.inf))
        if hottest_c < self._lower_below_c:
            return ""
        at = f"at {hottest_c:.1f} °C" if hottest_c < math.inf else "not known"
        return f"Flow comes down to {asked_lpm:.2f} L/min below {self._lower_below_c:.1f} °C: the outlet is {at}."

    def _mode(self, state: CycleState, step: Step, withheld: bool, now_s: float) -> tuple[Mode, float]:
        walk = state.walk
        if withheld or step.heat is NO_HEAT or state.latch.trips or not state.latch.armed:
            return OFF, 0.0
        flowing = state.flow_since_s is not None and now_s - state.flow_since_s >= HEAT_READY_S
        if not state.outputs.heat_on and not (flowing and state.permitted):
            return OFF, 0.0
        if step.heat is PREHEAT:
            return Mode.INFLOW, self._treatment.preheat_c
        if state.demoted or (state.sensed.cavity_valid < 2 and state.regulation.mode is not CAVITY):
            last_c = state.regulation.inflow_target_c
            safe_c = FALLBACK_INFLOW_C if last_c is None else min(last_c, FALLBACK_INFLOW_C)
            return Mode.INFLOW, safe_c
        return CAVITY, walk.target_c


def _measured(good: Mapping[str, float], sensed: Sensed, circulating: bool) -> Measured | None:
    """The values that regulation needs, or None when one of them is not believed."""
    flow, outlet, inflow = good.get("flow_lpm"), good.get("heater_outlet_c"), good.get("inflow_c")
    back = good.get("outflow_c") if circulating else inflow
    if flow is None or outlet is None or inflow is None or back is None:
        return None
    return Measured(flow, outlet, inflow, back, sensed.cavity_mean_c, sensed.cavity_max_c, good.get("core_c"))
