"""What a cycle remembers, and how the next state is made from what it decided.

Not responsible for any decision (`cycle`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from config.schema import Rig
from controller.core import dose
from controller.core.alarm_limits import AlarmLimits
from controller.core.alarms import Alarms
from controller.core.balance import Balance
from controller.core.conditions_flow import RPM_LEAST
from controller.core.core_watch import CoreWatch
from controller.core.dose import Dose
from controller.core.exchange import Outputs
from controller.core.frozen import Frozen
from controller.core.interlocks import Latch
from controller.core.jog import Jog
from controller.core.line_model import LineModel
from controller.core.probe_identity import Identity
from controller.core.regulation import Regulation
from controller.core.selftest import Check, Proof
from controller.core.sensing import Sensed, Track
from controller.core.steps import Heat, Step, Walk

STEADY_LPM = 0.05
NEAR_TARGET_C = 2.0
RISE_C = 0.3


class CycleState(NamedTuple):
    """All that a cycle remembers. No defaults: `remember` says of every field what becomes of it."""

    now_s: float
    tracks: Mapping[str, Track]
    sensed: Sensed
    walk: Walk
    latch: Latch
    alarms: Alarms
    dose: Dose
    volumes: Balance
    regulation: Regulation
    outputs: Outputs
    checks: tuple[Check, ...]
    gate: str
    demoted: bool
    permitted: bool  # the protective channel would let the heat on
    pump_reference_lpm: float
    pump_changed_s: float
    flow_since_s: float | None
    heat_on_since_s: float | None
    heat_off_since_s: float
    line: LineModel
    gained: tuple[float, float]  # inflow °C and time of the last rise while heating
    reset_asked_s: float | None
    limits: AlarmLimits
    proof: Proof  # of the contactor, in SELF_TEST
    identity: Identity  # of the probes, in PREHEAT
    frozen: Frozen
    core: CoreWatch
    late_cycles: int
    jog: Jog


def remember(
    rig: Rig,
    state: CycleState,
    step: Step,
    outputs: Outputs,
    regulation: Regulation,
    latch: Latch,
    alarms: Alarms,
    reset_asked_s: float | None,
    dt_s: float,
) -> CycleState:
    """The state that the next cycle begins with."""
    sensed, now_s = state.sensed, state.now_s
    good = sensed.good
    reference, changed_s = state.pump_reference_lpm, state.pump_changed_s
    last = state.outputs
    clamped = outputs.inflow_open is not last.inflow_open or outputs.outflow_closed is not last.outflow_closed
    if clamped or abs(outputs.pump_lpm - reference) > STEADY_LPM:
        reference, changed_s = outputs.pump_lpm, now_s
    flow = good.get("flow_lpm")
    proven = flow is not None and flow >= rig.limits.heat_flow_min_lpm and abs(good.get("pump_rpm", 0.0)) >= RPM_LEAST
    flow_since_s = (state.flow_since_s if state.flow_since_s is not None else now_s) if proven else None
    heat_on_since_s, heat_off_since_s = state.heat_on_since_s, state.heat_off_since_s
    if outputs.heat_on:
        heat_on_since_s = now_s if heat_on_since_s is None else heat_on_since_s
    elif heat_on_since_s is not None:
        heat_on_since_s, heat_off_since_s = None, now_s
    inflow_c, target_c = good.get("inflow_c"), regulation.inflow_target_c
    gained = state.gained
    if not outputs.heat_on or inflow_c is None or target_c is None or inflow_c >= target_c - NEAR_TARGET_C:
        gained = (0.0, now_s)
    elif inflow_c >= gained[0] + RISE_C or gained[0] == 0.0:
        gained = (inflow_c, now_s)
    taken = state.dose
    if step.inflow_open and step.heat is Heat.CAVITY:
        taken = dose.step(
            taken,
            dt_s=dt_s,
            cavity_mean_c=sensed.cavity_mean_c,
            cavity_max_c=sensed.cavity_max_c,
            inflow_c=good.get("inflow_c"),
            core_c=good.get("core_c"),
            perfusing=step.name == "perfuse",
        )
    return CycleState(
        now_s,
        state.tracks,
        sensed,
        state.walk,
        latch,
        alarms,
        taken,
        state.volumes,
        regulation,
        outputs,
        state.checks,
        state.gate,
        state.demoted,
        state.permitted,
        reference,
        changed_s,
        flow_since_s,
        heat_on_since_s,
        heat_off_since_s,
        state.line,
        gained,
        reset_asked_s,
        state.limits,
        state.proof,
        state.identity,
        state.frozen,
        state.core,
        state.late_cycles,
        state.jog,
    )
