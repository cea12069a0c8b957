"""What a cycle knows before it decides: both channels' readings, volumes, line, and the picture for the interlocks.

Not responsible for whether a value is believed (`sensing`) or for any decision (`cycle`).
"""

from __future__ import annotations

from collections.abc import Mapping

from controller.core import balance, conditions_energy, conditions_host, core_watch, frozen, line_model
from controller.core.balance import Balance
from controller.core.core_watch import CoreWatch
from controller.core.exchange import Inputs, Outputs, ProtectiveStatus
from controller.core.frozen import Frozen
from controller.core.gates import drain_short_ml
from controller.core.line_model import LineModel
from controller.core.regulation import Regulation
from controller.core.sensing import Sensed, Track
from controller.core.signals import Reading
from controller.core.situation import Situation
from controller.core.state import CycleState
from controller.core.steps import Step, contact_min, next_dose_min
from controller.core.task import Task

SETTLING_S = 300.0  # after a change of the flow or the clamp a large cavity has found its level
MOVES_SHARE = 0.5  # of what the pump is set to
LATE_S = 0.1  # a cycle that comes later than the next was due
PAUSE_S = 1.0  # without a cycle: clamp and pump have let go meanwhile


def readings(inputs: Inputs) -> Mapping[str, Reading]:
    """The readings of both channels."""
    status = inputs.protective
    if status is None:
        return inputs.readings
    both = dict(inputs.readings)
    if status.outlet_b_c is not None:
        both["outlet_b_c"] = Reading(status.outlet_b_c, status.at_s)
    if status.inflow_b_c is not None:
        both["inflow_b_c"] = Reading(status.inflow_b_c, status.at_s)
    return both


def seen(
    task: Task,
    state: CycleState,
    step: Step,
    inputs: Inputs,
    tracks: Mapping[str, Track],
    sensed: Sensed,
    dt_s: float,
    now_s: float,
) -> CycleState:
    """The state with this cycle's readings in it; nothing is decided yet."""
    return CycleState(
        now_s,
        tracks,
        sensed,
        state.walk,
        state.latch,
        state.alarms,
        state.dose,
        volumes(state, sensed, step, inputs.protective, dt_s, now_s),
        state.regulation,
        state.outputs,
        state.checks,
        state.gate,
        state.demoted,
        permits(inputs.protective, now_s),
        state.pump_reference_lpm,
        state.pump_changed_s,
        state.flow_since_s,
        state.heat_on_since_s,
        state.heat_off_since_s,
        line(state, sensed.good, dt_s, now_s),
        state.gained,
        state.reset_asked_s,
        state.limits,
        state.proof,
        state.identity,
        standing_still(state, sensed, now_s),
        core(task, state, sensed.good, dt_s),
        state.late_cycles + 1 if inputs.overrun_s > LATE_S else 0,
        state.jog,
    )


def volumes(
    state: CycleState, sensed: Sensed, step: Step, status: ProtectiveStatus | None, dt_s: float, now_s: float
) -> Balance:
    """The balance of volumes with this cycle's level and flow in it."""
    last, before = state.outputs, state.volumes
    through = step.name in ("warm_up", "perfuse") and _goes_through(state, sensed, status, now_s)
    since_s = now_s if before.through_since_s is None else before.through_since_s
    long = now_s - max(state.pump_changed_s, since_s) > SETTLING_S
    steady = long and not balance.refilling(before)
    return balance.step(
        before,
        dt_s=dt_s,
        now_s=now_s,
        reservoir_ml=sensed.good.get("reservoir_ml"),
        flow_lpm=sensed.good.get("flow_lpm"),
        filling=last.inflow_open and last.outflow_closed,
        drain_open=not last.outflow_closed,
        circulating=through and steady,
        settling=through and not steady,
        paused=now_s - state.now_s > PAUSE_S,
        asked_lpm=state.walk.flow_lpm,
    )


def _goes_through(state: CycleState, sensed: Sensed, status: ProtectiveStatus | None, now_s: float) -> bool:
    """Fluid is seen to go through the patient: asked for, moving, let in by the other channel, and without a pause."""
    last, flow_lpm = state.outputs, sensed.good.get("flow_lpm")
    stands = flow_lpm is not None and flow_lpm < MOVES_SHARE * last.pump_lpm
    return last.inflow_open and not stands and not clamped(status, now_s) and now_s - state.now_s <= PAUSE_S


def clamped(status: ProtectiveStatus | None, now_s: float) -> bool:
    """Whether the other channel's clamp, in series, is shut: under a trip it lets in what has cooled at its probe.

    One that is not heard any more does not hold it open any more.
    """
    if status is None:
        return False
    if not conditions_host.is_fresh(status, now_s):
        return True
    if not status.trip:
        return False
    return status.outlet_b_c is None or not (status.outlet_b_c < conditions_energy.SLUG_C)


def line(state: CycleState, good: Mapping[str, float], dt_s: float, now_s: float) -> LineModel:
    """The model of the inflow line with this cycle's pressure in it."""
    last = state.outputs
    return line_model.step(
        state.line,
        dt_s=dt_s,
        flow_lpm=good.get("flow_lpm"),
        line_mmhg=good.get("line_pressure_mmhg"),
        cavity_mmhg=good.get("cavity_pressure_mmhg"),
        to_patient=last.inflow_open,
        pump_on=last.pump_enable,
        steady_s=now_s - state.pump_changed_s,
    )


def standing_still(state: CycleState, sensed: Sensed, now_s: float) -> Frozen:
    """Which probes and sensors have stood still while the fluid that they are in moved."""
    last = state.outputs
    pumping = last.pump_enable and last.pump_lpm > 0.0
    return frozen.step(
        state.frozen,
        sensed,
        now_s,
        circulating=pumping and last.inflow_open and not last.outflow_closed,
        pumping=pumping,
        to_patient=last.inflow_open,
    )


def core(task: Task, state: CycleState, good: Mapping[str, float], dt_s: float) -> CoreWatch:
    """Whether the core's reading can be true."""
    last = state.outputs
    taken_w = core_watch.uptake_w(
        flow_lpm=good.get("flow_lpm"), inflow_c=good.get("inflow_c"), outflow_c=good.get("outflow_c")
    )
    return core_watch.step(
        state.core,
        core_c=good.get("core_c"),
        patient_w=taken_w,
        weight_kg=task.patient.weight_kg,
        heating=last.heat_on and last.inflow_open and last.pump_lpm > 0.0,
        dt_s=dt_s,
    )


def permits(status: ProtectiveStatus | None, now_s: float) -> bool:
    """The protective channel would let the heat on, by a fresh word."""
    return status is not None and status.permit and conditions_host.is_fresh(status, now_s)


def situation(
    task: Task,
    state: CycleState,
    step: Step,
    wanted: Outputs,
    regulation: Regulation,
    inputs: Inputs,
    stop_asked: str,
    now_s: float,
) -> Situation:
    """Everything that the interlocks look at."""
    walk = state.walk
    due = ""
    due_min = next_dose_min(walk, task.treatment) if step.name == "perfuse" else None
    if due_min is not None and contact_min(walk, now_s) >= due_min:
        due = f"{task.plan.fractions[walk.doses].mg:.1f} mg {task.plan.drug}, due at {due_min:g} min"
    return Situation(
        now_s,
        step.name in ("standby", "complete") and not state.jog.active,
        state.sensed.good,
        state.sensed.bad,
        state.sensed,
        state.outputs,
        wanted,
        step,
        walk,
        state.volumes,
        regulation,
        task.rig,
        state.limits.now,
        task.treatment,
        task.fill_ml,
        inputs.protective,
        inputs.link_faults,
        inputs.host_faults,
        inputs.overrun_s,
        now_s - state.pump_changed_s,
        0.0 if state.outputs.heat_on else now_s - state.heat_off_since_s,
        0.0 if state.heat_on_since_s is None else now_s - state.heat_on_since_s,
        state.line,
        stop_asked,
        state.volumes.in_patient_ml,
        due,
        now_s - state.gained[1],
        inputs.restarted,
        drain_short_ml(step, walk, state.volumes, now_s),
        state.identity,
        state.frozen,
        state.core,
        state.late_cycles,
        inputs.attended_s,
        inputs.wall_jump_s,
        inputs.disk_free_mb,
    )
