"""A state of the cycle as plain data, for the api, the terminal, the page and the record.

Not responsible for how it looks. A value that is not believed is None, with its reason under `bad`.
"""

from __future__ import annotations

from dataclasses import asdict

from controller.core import alarm_limits, alarm_view, broken_off, jog
from controller.core.broken_off import BrokenOff
from controller.core.exchange import Outputs
from controller.core.gates import drain_short_ml
from controller.core.orders import DRAINS_TO
from controller.core.state import CycleState
from controller.core.steps import agitate_in_s, contact_min, next_dose_min
from controller.core.task import Task

ACCOUNT = "Let the cavity drain, see that it is empty; then confirm."


def snapshot(task: Task, state: CycleState) -> dict[str, object]:
    """Everything a person may want to see of `state`, JSON-able."""
    step, walk, now_s = task.steps[state.walk.step], state.walk, state.now_s
    outputs, regulation, dose = state.outputs, state.regulation, state.dose
    sounding = state.alarms.sounding(now_s)
    unaccounted = step.name == "standby" and broken_off.waiting(walk.broken_off) != ""
    return {
        "now_s": now_s,
        "rig": task.rig.name,
        "treatment": task.treatment.name,
        "treatment_title": task.treatment.title,
        "patient": task.patient.pseudonym,
        "phase": step.phase.value,
        "step": step.name,
        "in_step_s": now_s - walk.entered_s,
        "doing": step.doing,
        "person": ACCOUNT if unaccounted else step.person,
        "gate": state.gate,
        "asks": "confirm" if unaccounted or (step.asks == "dose" and task.treatment.drug is None) else step.asks,
        "next": step.then,
        "drains_to": DRAINS_TO.get(step.name, ("", ""))[0],
        "short_ml": 0.0 if walk.short_accepted else drain_short_ml(step, walk, state.volumes, now_s),
        "broken_off": _broken_off(walk.broken_off, task.patient.pseudonym),
        "hold": walk.hold,
        "armed": state.latch.armed,
        "trips": [{"id": t.id, "at_s": t.at_s, "response": t.response.name, "text": t.text} for t in state.latch.trips],
        "alarms": [alarm_view.shown(a) for a in state.alarms.ranked()],
        "suppressed": sum(bool(a.because) for a in state.alarms.active.values()),
        "not_monitored": alarm_view.not_monitored(state.sensed),
        "sounding": None if sounding is None else sounding.name,
        "audio_paused_s": max(0.0, state.alarms.paused_until_s - now_s),
        "escalation": state.alarms.stage(now_s)._asdict(),
        "values": values(task, state),
        "bad": dict(state.sensed.bad),
        "target_c": walk.target_c,
        "flow_lpm": walk.flow_lpm,
        "warn_c": task.treatment.cavity_warn_c,
        "mode": regulation.mode.value,
        "setback_c": regulation.setback_c,
        "heat_on": outputs.heat_on,
        "annunciator": _annunciator(task, outputs),
        "pump_lpm": outputs.pump_lpm,
        "inflow_open": outputs.inflow_open,
        "outflow_closed": outputs.outflow_closed,
        "fill_ml": task.fill_ml,
        "carried_ml": state.volumes.carried_ml,
        "accounts": [account._asdict() for account in state.volumes.accounts],
        "contact_min": contact_min(walk, now_s),
        "duration_min": task.treatment.duration_min,
        "doses": walk.doses,
        "dose_plan": [{"at_min": f.at_min, "mg": f.mg, "drug": task.plan.drug} for f in task.plan.fractions],
        "agitate_in_s": agitate_in_s(step, walk, task.treatment, now_s),
        "next_dose_min": next_dose_min(walk, task.treatment),
        "dose": {
            "cem43_min": dose.cem43_min,
            "min_41": dose.min_41,
            "min_42": dose.min_42,
            "min_above_43": dose.min_above_43,
            "unknown_min": dose.unknown_min,
            "cavity_mean_c": dose.mean_c if dose.n else None,
            "cavity_sd_c": dose.sd_c if dose.n > 1 else None,
            "in_band_share": dose.in_band / dose.n if dose.n else None,
            "cavity_max_c": dose.cavity_max_c,
            "inflow_max_c": dose.inflow_max_c,
            "core_max_c": dose.core_max_c,
        },
        "jog": jog.view(state.jog, jog.refusal(step.name, tripped=state.latch.tripped, permitted=state.permitted)),
        **alarm_limits.view(state.limits, now_s),
        "checks": [c._asdict() for c in state.checks],
    }


def _broken_off(before: BrokenOff | None, patient: str) -> dict[str, object] | None:
    return None if before is None else {**asdict(before), "text": before.text, "given": before.given_to(patient)}


def _annunciator(task: Task, outputs: Outputs) -> str:
    if task.rig.actuators.annunciator is None:
        return "not fitted"
    return "held silent" if outputs.quiet else "sounds"


def values(task: Task, state: CycleState) -> dict[str, float | None]:
    """Every signal of the table by name: the believed value or None."""
    good, sensed, outputs = state.sensed.good, state.sensed, state.outputs
    result: dict[str, float | None] = {name: good.get(name) for name in task.rig.signals}
    result["outlet_b_c"] = good.get("outlet_b_c")
    result["inflow_b_c"] = good.get("inflow_b_c")
    result["cavity_mean_c"] = sensed.cavity_mean_c
    result["cavity_max_c"] = sensed.cavity_max_c
    result["in_patient_ml"] = state.volumes.in_patient_ml
    result["inflow_target_c"] = state.regulation.inflow_target_c
    result["heater_demand_c"] = outputs.bath_setpoint_c if outputs.heat_on else None
    result["heater_demand_w"] = state.regulation.power_w if outputs.heat_on else 0.0
    result["flow_target_lpm"] = outputs.pump_lpm
    result["cem43_min"] = state.dose.cem43_min
    return result
