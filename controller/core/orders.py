"""What a person may ask for, and when it is refused. One function per act, in a table.

A refusal changes nothing and says what is allowed. Not responsible for who the person is (roles are checked outside).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from config.doses import DosePlan
from config.schema import Limits, Treatment
from controller.core import alarm_acts, alarm_limits, broken_off, jog
from controller.core.alarm_limits import AlarmLimits, RefusedLimit
from controller.core.alarms import Alarms
from controller.core.exchange import Act, Event, Order
from controller.core.interlocks import Latch
from controller.core.jog import Bounds, Hold, Jog, RefusedJog
from controller.core.steps import Step, Walk, agitate_in_s, contact_min, next_dose_min

DOSE_EARLY_MIN = 2.0
TARGET_LEAST_C = 39.0
FLOW_LEAST_LPM = 0.4
TARGET_BELOW_WARN_C = 0.2
START_FREE_MB = 1000.0  # a treatment of three hours writes about half of it
DRAINS_TO = {
    **dict.fromkeys(("fill", "warm_up", "perfuse"), ("drain", "perfusion ended, draining")),
    **dict.fromkeys(("rinse_ready", "rinse_fill", "rinse_dwell"), ("rinse_drain", "rinse ended, draining")),
}


def allowed(treatment: Treatment, limits: Limits) -> dict[str, tuple[float, float]]:
    """Lowest and highest set-point that a person may ask for: target in °C, flow in L/min."""
    return {
        "target_c": (TARGET_LEAST_C, treatment.cavity_warn_c - TARGET_BELOW_WARN_C),
        "flow_lpm": (FLOW_LEAST_LPM, limits.flow_max_lpm),
    }


class Desk(NamedTuple):
    """What orders can change, and what they look at."""

    walk: Walk
    latch: Latch
    alarms: Alarms
    demoted: bool  # cavity control fell back to inflow control
    step: Step
    gate: str  # what the gate misses, "" when it is open
    treatment: Treatment
    plan: DosePlan
    limits: Limits
    now_s: float
    alarm_limits: AlarmLimits
    goto: str = ""  # step to enter
    reset_asked: bool = False
    stop_asked: str = ""
    short_ml: float = 0.0  # the drain left that much behind
    session: str = ""  # why no treatment may start
    disk_free_mb: float | None = None
    jog: Jog = Jog()
    jog_allowed: Mapping[str, Bounds] = {}
    permitted: bool = False  # by the protective channel
    patient: str = ""  # pseudonym
    draining: str = ""  # why an open drain is not at its end


class RefusedOrder(Exception):
    """The act is not possible now; the text says why and what is."""


def apply(desk: Desk, orders: tuple[Order, ...]) -> tuple[Desk, tuple[Event, ...]]:
    """Carry out the orders in turn; return the desk and an event for each, done or refused."""
    events: list[Event] = []
    for order in orders:
        try:
            desk, said = _HANDLERS[order.act](desk, order)
        except (RefusedOrder, RefusedLimit, RefusedJog) as refusal:
            events.append(Event(desk.now_s, "refused", order.act.value, f"{order.act.value} refused: {refusal}"))
            continue
        if said:  # the refreshes of a held button would fill the record
            events.append(Event(desk.now_s, "order", order.act.value, f"{said} ({order.who})"))
    return desk, tuple(events)


def _start(desk: Desk, order: Order) -> tuple[Desk, str]:
    if desk.step.name != "standby":
        raise RefusedOrder(f"a treatment is in {desk.step.phase.value}; start is allowed in STANDBY")
    _untripped(desk)
    if text := broken_off.waiting(desk.walk.broken_off):
        raise RefusedOrder(f"{text}; {broken_off.WHAT_TO_DO}")
    if desk.session:
        raise RefusedOrder(desk.session)
    if desk.disk_free_mb is None or not desk.disk_free_mb >= START_FREE_MB:
        free = "an unknown number of" if desk.disk_free_mb is None else f"{desk.disk_free_mb:.0f}"
        raise RefusedOrder(f"the data directory has {free} MB free and needs {START_FREE_MB:g} MB: make room there")
    walk = desk.walk._replace(started_s=desk.now_s, hold="", testing=False)
    limits = desk.alarm_limits._replace(pending=None)
    tighter = ", ".join(f"{name} {value:g}" for name, value in alarm_limits.changed(limits).items())
    return desk._replace(
        walk=walk, latch=desk.latch._replace(armed=True, still=False), goto="self_test", alarm_limits=limits
    ), f"treatment started, alarm limits {f'tightened: {tighter}' if tighter else 'at their defaults'}"


def _self_test(desk: Desk, order: Order) -> tuple[Desk, str]:
    if desk.step.name != "standby":
        raise RefusedOrder(f"a treatment is in {desk.step.phase.value}; the self-test is allowed in STANDBY")
    _untripped(desk)
    latch = desk.latch._replace(armed=True, still=False)
    return desk._replace(walk=desk.walk._replace(hold="", testing=True), latch=latch, goto="self_test"), "self-test"


def _confirm(desk: Desk, order: Order) -> tuple[Desk, str]:
    asks = desk.step.asks
    if order.text and order.text != desk.step.name:
        raise RefusedOrder(f"it was meant for {order.text.replace('_', ' ')}; now it is {desk.step.phase.value}")
    before = desk.walk.broken_off
    if before is not None and not before.accounted and desk.step.name == "standby":
        _untripped(desk)
        if desk.draining:
            raise RefusedOrder(desk.draining)
        walk = desk.walk._replace(broken_off=replace(before, accounted=True))
        return desk._replace(walk=walk), f"accounted for, the cavity was let drain and seen empty: {before.text}"
    if desk.short_ml and not desk.walk.short_accepted:
        _untripped(desk)  # a drain lets go of the hold, not of the trip
        if desk.walk.hold:
            raise RefusedOrder(f"{desk.walk.hold}; resume first")
        walk = desk.walk._replace(short_accepted=True)
        return desk._replace(walk=walk), f"going on with {desk.short_ml:.0f} mL left in the patient"
    needed = "confirm" if asks == "dose" and desk.treatment.drug is None else asks
    if needed != "confirm":
        raise RefusedOrder(f"nothing waits for a confirmation in {desk.step.phase.value}")
    _gate_open(desk)
    walk = desk.walk._replace(confirmed=True)
    if asks == "dose":
        walk = walk._replace(first_dose_s=desk.now_s)
    latch = desk.latch._replace(still=False)  # no trip is latched, or the gate would not be open
    return desk._replace(walk=walk, latch=latch), f"{desk.step.phase.value} confirmed"


def _dose(desk: Desk, order: Order) -> tuple[Desk, str]:
    drug = desk.treatment.drug
    if drug is None:
        raise RefusedOrder("this treatment has no drug; confirm instead")
    walk = desk.walk
    if desk.step.name == "warm_up":
        _gate_open(desk)
        walk = walk._replace(confirmed=True, first_dose_s=desk.now_s, doses=1)
    elif desk.step.name == "perfuse":
        due = next_dose_min(walk, desk.treatment)
        if due is None:
            raise RefusedOrder("every fraction has been given")
        if contact_min(walk, desk.now_s) < due - DOSE_EARLY_MIN:
            raise RefusedOrder(f"the next fraction is due at {due:g} min")
        walk = walk._replace(doses=walk.doses + 1)
    else:
        raise RefusedOrder(f"no drug in {desk.step.phase.value}: it goes in at temperature")
    fraction = desk.plan.fractions[walk.doses - 1]
    said = f"dose {walk.doses} of {len(desk.plan.fractions)}: {fraction.mg:.1f} mg {drug.name}"
    if walk.broken_off is not None and (given := walk.broken_off.given_to(desk.patient)):
        said += f", beside what was given before: {given}"
    return desk._replace(walk=walk), said + (f", {order.text}" if order.text else "")


def _hold(desk: Desk, order: Order) -> tuple[Desk, str]:
    if desk.step.name in ("standby", "complete"):
        raise RefusedOrder("there is nothing to hold")
    return desk._replace(walk=desk.walk._replace(hold=f"held by {order.who}", gate_since_s=None)), "held, heat off"


def _resume(desk: Desk, order: Order) -> tuple[Desk, str]:
    if desk.latch.tripped:
        raise RefusedOrder("a trip is latched; remove its cause and reset first")
    if not desk.walk.hold and not desk.demoted:
        raise RefusedOrder("nothing is held")
    walk = desk.walk._replace(hold="")
    return desk._replace(
        walk=walk, latch=desk.latch._replace(armed=True, still=False), demoted=False
    ), "resumed and re-armed"


def _stop(desk: Desk, order: Order) -> tuple[Desk, str]:
    return desk._replace(stop_asked=order.who or "somebody"), "STOP"


def _reset(desk: Desk, order: Order) -> tuple[Desk, str]:
    if not desk.latch.tripped:
        raise RefusedOrder("no trip is latched")
    unseen = [trip.text for trip in desk.latch.trips if trip.id not in order.text.split(",")]
    if order.text and unseen:
        raise RefusedOrder(f"another trip has come since: {'; '.join(unseen)}")
    return desk._replace(reset_asked=True), "reset"


def _drain(desk: Desk, order: Order) -> tuple[Desk, str]:
    if desk.step.name not in DRAINS_TO:
        raise RefusedOrder(f"there is nothing to drain in {desk.step.phase.value}")
    goto, said = DRAINS_TO[desk.step.name]
    latch = desk.latch._replace(still=desk.latch.still and desk.latch.tripped)
    return desk._replace(goto=goto, latch=latch, walk=desk.walk._replace(hold="")), said


def _agitated(desk: Desk, order: Order) -> tuple[Desk, str]:
    if agitate_in_s(desk.step, desk.walk, desk.treatment, desk.now_s) is None:
        raise RefusedOrder(f"no agitation is asked for in {desk.step.phase.value} of this treatment")
    return desk._replace(walk=desk.walk._replace(agitated_s=desk.now_s)), "agitated"


def _acknowledge(desk: Desk, order: Order) -> tuple[Desk, str]:
    if order.text and order.text not in desk.alarms.active:
        raise RefusedOrder(f"{order.text!r} is no alarm now; there are: {', '.join(desk.alarms.active) or 'none'}")
    alarms, titles = alarm_acts.acknowledge(desk.alarms, desk.now_s, order.text)
    if not titles:
        raise RefusedOrder("every alarm is acknowledged already")
    return desk._replace(alarms=alarms), f"acknowledged: {', '.join(titles)}"


def _audio_pause(desk: Desk, order: Order) -> tuple[Desk, str]:
    alarms = alarm_acts.pause_audio(desk.alarms, desk.now_s)
    return desk._replace(alarms=alarms), f"audio paused for {alarms.paused_until_s - desk.now_s:.0f} s"


def _audio_resume(desk: Desk, order: Order) -> tuple[Desk, str]:
    if not desk.alarms.paused:
        raise RefusedOrder("the audio is not paused")
    return desk._replace(alarms=alarm_acts.resume_audio(desk.alarms, desk.now_s)), "audio pause ended"


def _target(desk: Desk, order: Order) -> tuple[Desk, str]:
    value = _number(order.value, *allowed(desk.treatment, desk.limits)["target_c"], "°C")
    said = f"target {desk.walk.target_c:.1f} -> {value:.1f} °C"
    return desk._replace(walk=desk.walk._replace(target_c=value)), said


def _flow(desk: Desk, order: Order) -> tuple[Desk, str]:
    value = _number(order.value, *allowed(desk.treatment, desk.limits)["flow_lpm"], "L/min")
    said = f"flow {desk.walk.flow_lpm:.2f} -> {value:.2f} L/min"
    return desk._replace(walk=desk.walk._replace(flow_lpm=value)), said


def _limit(desk: Desk, order: Order) -> tuple[Desk, str]:
    limits = alarm_limits.propose(desk.alarm_limits, order.text, order.value, order.who, desk.now_s)
    low, high = alarm_limits.allowed(limits, order.text)
    waits = "" if limits.pending is None else limits.pending.text
    return desk._replace(alarm_limits=limits), f"{waits} proposed, allowed {low:g} to {high:g}; confirm within 60 s"


def _limit_confirm(desk: Desk, order: Order) -> tuple[Desk, str]:
    limits, change = alarm_limits.confirm(desk.alarm_limits, desk.now_s)
    return desk._replace(alarm_limits=limits), f"{change.text}, proposed by {change.who}, confirmed"


def _jog_pump(desk: Desk, order: Order) -> tuple[Desk, str]:
    hold, said = _jog(desk, order, desk.jog.pump)
    return _held(desk, desk.jog._replace(pump=hold)), said and f"pump {said}"


def _jog_heat(desk: Desk, order: Order) -> tuple[Desk, str]:
    if desk.session:
        raise RefusedOrder(f"no heat before the session self-test: {desk.session}")
    if not desk.jog.pump.press:
        raise RefusedJog("heat is jogged while the pump's button is held")
    hold, said = _jog(desk, order, desk.jog.heat)
    return _held(desk, desk.jog._replace(heat=hold)), said and f"heat {said}"


def _jog(desk: Desk, order: Order, hold: Hold) -> tuple[Hold, str]:
    if why_not := jog.refusal(desk.step.name, tripped=desk.latch.tripped, permitted=desk.permitted):
        raise RefusedOrder(why_not)
    return jog.ask(hold, order.value, order.text, desk.jog_allowed[order.act.value], desk.now_s)


def _held(desk: Desk, held: Jog) -> Desk:
    """A first press arms, as START does; what arms a held button is disarmed with it (`cycle`)."""
    pressed = held.active and not desk.jog.active
    latch = desk.latch._replace(armed=True, still=False) if pressed else desk.latch
    return desk._replace(jog=held, latch=latch)


def _number(value: float | None, low: float, high: float, unit: str) -> float:
    if value is None or not math.isfinite(value) or not (low <= value <= high):
        raise RefusedOrder(f"{value} is not allowed: {low:g} to {high:g} {unit}")
    return value


def _untripped(desk: Desk) -> None:
    if desk.latch.tripped:
        raise RefusedOrder("a trip is latched; reset first")


def _gate_open(desk: Desk) -> None:
    _untripped(desk)
    if desk.walk.hold:
        raise RefusedOrder(f"{desk.walk.hold}; resume first")
    if desk.gate:
        raise RefusedOrder(f"the gate waits for: {desk.gate}")


_HANDLERS: Mapping[Act, Callable[[Desk, Order], tuple[Desk, str]]] = {
    Act.START: _start,
    Act.SELF_TEST: _self_test,
    Act.CONFIRM: _confirm,
    Act.DOSE: _dose,
    Act.HOLD: _hold,
    Act.RESUME: _resume,
    Act.STOP: _stop,
    Act.RESET: _reset,
    Act.AGITATED: _agitated,
    Act.DRAIN: _drain,
    Act.ACKNOWLEDGE: _acknowledge,
    Act.AUDIO_PAUSE: _audio_pause,
    Act.AUDIO_RESUME: _audio_resume,
    Act.TARGET: _target,
    Act.FLOW: _flow,
    Act.LIMIT: _limit,
    Act.LIMIT_CONFIRM: _limit_confirm,
    Act.JOG_PUMP: _jog_pump,
    Act.JOG_HEAT: _jog_heat,
}
