"""Faults of the host, struck at a running rig and judged by what the twin's heater really did.

A strike kills (SIGKILL) or stops (SIGSTOP, SIGCONT after a while) one process, or control and supervisor together, or
takes the processor away from one (`host_hogs`), in PREHEAT, FILL, WARM_UP or PERFUSE. Times are the rig's seconds.
Demanded of each: heater power is gone within 1.0 s when the victim belongs to the heat's chain, the contactor is open
in time, and no power flows again before a person has reset and resumed, however the victim comes back. Supervisor (when
it is only stopped) and console are not of that chain: the treatment goes on. What a starved channel owes says
`host_hogs.judge_starved`.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Sequence
from typing import Literal, NamedTuple

from host_hogs import stays_off, watch_starved
from host_rig import START_WALL_S, Rig, Sample, alive, children, until, wake

HEAT_OFF_S = 1.0
CONTACTOR_S = 2.0  # after control, or control and supervisor, are gone
LEASE_S = 2.3  # after protective is gone nobody opens it: the board's lease of 2.0 s runs out, seen in steps of 0.05 s
WATCH_S = 3.0
AWAKE_S = 2.5
END_WALL_S = 12.0
HOST_WALL_S = 0.1  # what the host's scheduling may cost; where the rig runs faster than the wall, this does not
PHASES = ("preheat", "fill", "warm_up", "perfuse")


How = Literal["KILL", "STOP", "HOG"]


class Plan(NamedTuple):
    """What is to be struck: `victim` is a process or two joined by +, `for_s` how long it stays stopped or starved."""

    victim: str
    how: How
    for_s: float = 0.0
    phase: str = "preheat"

    @property
    def kill(self) -> bool:
        """Killed: another one is started in its place."""
        return self.how == "KILL"

    @property
    def lethal(self) -> bool:
        """The treatment is over: another begins in STANDBY."""
        return self.kill and self.victim not in ("protective", "console")

    @property
    def beside(self) -> bool:
        """Nothing of the heat depends on it: the treatment has to go on."""
        return self.victim == "console" or (self.victim == "supervisor" and not self.kill)


class Outcome(NamedTuple):
    """One struck fault. Times in seconds from the strike; None where there was nothing to go off."""

    plan: Plan
    step: str
    power_w: float
    heat_off_s: float | None
    contactor_s: float | None
    wrong: tuple[str, ...]
    said: str
    speed: float

    @property
    def demanded(self) -> bool:
        """Was the heat to go off at once? A stop that is too short, or of the supervisor alone, need not be seen."""
        plan = self.plan
        if plan.victim == "sim" or plan.beside or plan.how == "HOG":
            return False  # nobody could measure it; nothing has to go off; or only if it was starved of a cycle
        return plan.kill or plan.for_s > HEAT_OFF_S + HOST_WALL_S * (self.speed - 1.0)


# Shares of a batch. Whoever stops can go on with the same treatment; whoever is killed begins another.
SHARES: tuple[tuple[str, How, int], ...] = (
    ("control", "KILL", 5),
    ("control", "STOP", 8),
    ("control", "HOG", 4),
    ("protective", "KILL", 6),
    ("protective", "STOP", 8),
    ("protective", "HOG", 4),
    ("console", "KILL", 3),
    ("console", "STOP", 3),
    ("supervisor", "KILL", 2),
    ("supervisor", "STOP", 4),
    ("control+supervisor", "KILL", 2),
    ("sim", "STOP", 4),
    ("sim", "KILL", 1),
)


def plans(rng: random.Random, count: int, phases: Sequence[str] = PHASES) -> list[Plan]:
    """A seeded batch; never more than two kills of one process in a row, which the supervisor would give up on."""
    chosen: list[Plan] = []
    while len(chosen) < count:
        victim, how, _ = rng.choices(SHARES, [share for *_, share in SHARES])[0]
        kill = how == "KILL"
        if kill and sum(plan.kill and plan.victim == victim for plan in chosen[-3:]) >= 2:
            continue
        for_s = 0.0 if kill else rng.choice((rng.uniform(0.2, 1.0), rng.uniform(1.2, 5.0), rng.uniform(1.2, 5.0)))
        for_s = rng.uniform(2.0, 5.0) if how == "HOG" else for_s
        chosen.append(Plan(victim, how, for_s, phases[len(chosen) % len(phases)]))
    return in_treatments(chosen)


def in_treatments(chosen: Sequence[Plan]) -> list[Plan]:
    """The same plans in as few treatments as possible: each ends with what a treatment does not outlive."""
    last = [plan for plan in chosen if plan.lethal]
    left = [plan for plan in chosen if not plan.lethal]
    ordered: list[Plan] = []
    for number, end in enumerate(last):
        fitting = [plan for plan in left if PHASES.index(plan.phase) <= PHASES.index(end.phase)]
        share = fitting[: -(-len(left) // (len(last) - number + 1))]
        ordered += [*sorted(share, key=lambda plan: PHASES.index(plan.phase)), end]
        left = [plan for plan in left if not any(plan is one for one in share)]
    return ordered + sorted(left, key=lambda plan: PHASES.index(plan.phase))


def strike(rig: Rig, plan: Plan, rng: random.Random) -> Outcome:
    """Bring the rig to heating, wait for a random moment, strike, watch, and see what comes back by itself."""
    rig.heat(step=plan.phase)
    rig.attend_for(rng.uniform(0.0, 8.0))
    rig.spare(plan.victim, kill=plan.kill)
    power_w = 0.0
    while not power_w > 0.0:  # a bath at its set-point heats now and then
        state = rig.heat(step=plan.phase)
        before = rig.said()
        pids = {name: rig.pid(name) for name in plan.victim.split("+")}
        left = [rig.pid("supervisor"), *children(rig.pid("supervisor"))]
        power_w = rig.sim.sample().power_w
    began_s = rig.now_s()
    if plan.how == "HOG":
        wrong = watch_starved(rig, pids[plan.victim], plan.for_s)
        return Outcome(plan, state["step"], power_w, None, None, tuple(wrong), _said(rig, before, plan), rig.speed)
    for pid in pids.values():
        os.kill(pid, signal.SIGKILL if plan.kill else signal.SIGSTOP)
    if plan.victim == "sim":
        return _without_simulator(rig, plan, state["step"], power_w, pids["sim"], left)
    seen = _watch_stopped(rig, plan, list(pids.values())) if not plan.kill else rig.watch(WATCH_S)
    wrong = [*_judge(plan, seen, began_s, _more_s(rig)), *_comes_back(rig, plan, pids, left)]
    return Outcome(
        plan, state["step"], power_w, _last(seen, began_s, heat=True), _last(seen, began_s, heat=False), tuple(wrong),
        _said(rig, before, plan), rig.speed,
    )  # fmt: skip


def _watch_stopped(rig: Rig, plan: Plan, pids: list[int]) -> list[Sample]:
    """The truth while it stands, and after it was woken."""
    try:
        seen = rig.watch(plan.for_s)
    finally:
        for pid in pids:
            wake(pid)
    return [*seen, *rig.watch(AWAKE_S)]


def _judge(plan: Plan, seen: list[Sample], began_s: float, more_s: float) -> list[str]:
    """What was not as it has to be."""
    heat_s, contactor_s = _last(seen, began_s, heat=True), _last(seen, began_s, heat=False)
    if plan.beside:
        return []  # that the treatment goes on is looked at afterwards
    if not plan.kill and plan.for_s < HEAT_OFF_S + more_s:
        return []  # too short to have to be noticed; whether heat came back by itself is looked at afterwards
    wrong = [f"heat off after {heat_s:.2f} s"] if not (heat_s <= HEAT_OFF_S + more_s) else []
    allowed_s = (LEASE_S if plan.victim == "protective" else CONTACTOR_S) + more_s
    if not (contactor_s <= allowed_s) and (plan.kill or plan.for_s > allowed_s):
        wrong.append(f"contactor open after {contactor_s:.2f} s")
    return wrong


def _comes_back(rig: Rig, plan: Plan, pids: dict[str, int], left: list[int]) -> list[str]:
    """What stands after the strike: no heat without a person, a new process where one was killed, or nobody at all."""
    if "supervisor" in pids and plan.kill:
        try:
            until(lambda: not any(alive(pid) for pid in left), END_WALL_S, "the end of every process")
        except AssertionError as error:
            return [str(error)]
        return stays_off(rig) + _start_again(rig)
    if plan.kill:
        try:
            until(lambda: rig.pid(plan.victim) not in (0, pids[plan.victim]), START_WALL_S, f"a new {plan.victim}")
            if plan.victim == "control":
                rig.wait_for_control(but_not=pids["control"])
        except AssertionError as error:
            return [str(error)]
    if plan.victim == "console":
        try:
            until(rig.console_answers, START_WALL_S, "a console that answers")
        except AssertionError as error:
            return [str(error)]
    state = rig.state()
    if plan.victim == "control" and plan.kill and state.get("step") != "standby":
        return [f"a new control begins in {state.get('step')}"]
    if plan.beside:
        trips = [trip["text"] for trip in state.get("trips", ())]
        return [f"the treatment did not go on: {trips}"] if trips else []
    if state.get("trips") or state.get("hold") or state.get("step") == "standby":
        return stays_off(rig)
    return ["nothing tripped"] if plan.kill or plan.for_s > HEAT_OFF_S + _more_s(rig) else []


def _more_s(rig: Rig) -> float:
    return HOST_WALL_S * (rig.speed - 1.0)


def _start_again(rig: Rig) -> list[str]:
    rig.supervisor.end()
    rig.supervisor = None
    rig.start()
    step = rig.state().get("step")
    return [] if step == "standby" else [f"a new control begins in {step}"]


def _without_simulator(rig: Rig, plan: Plan, step: str, power_w: float, pid: int, left: list[int]) -> Outcome:
    """The whole bench falls silent, as when a hub dies. The truth is told again when it is back."""
    before = rig.said()
    wrong: list[str] = []
    heat_s = contactor_s = None
    if plan.kill:
        tripped = _trips(rig, WATCH_S)
        if not tripped or rig.state().get("heat_on"):
            wrong.append("control did not notice that every device is gone")
        rig.end_supervisor()
        rig.new_simulator()
        rig.start()
        wrong += stays_off(rig)
    else:
        rig.rest(plan.for_s)
        woken_s = rig.now_s()
        wake(pid)
        seen = rig.watch(AWAKE_S)
        heat_s, contactor_s = _last(seen, woken_s, heat=True), _last(seen, woken_s, heat=False)
        if plan.for_s > HEAT_OFF_S + _more_s(rig):
            if not rig.state().get("trips"):
                wrong.append("nothing tripped")
            if not (heat_s <= HEAT_OFF_S + _more_s(rig)):
                wrong.append(f"heat off {heat_s:.2f} s after the bench was back")
        if rig.state().get("trips"):
            wrong += stays_off(rig)
    return Outcome(plan, step, power_w, heat_s, contactor_s, tuple(wrong), _said(rig, before, plan), rig.speed)


def _trips(rig: Rig, for_s: float) -> list[str]:
    until_s = time.monotonic() + for_s
    while time.monotonic() < until_s:
        trips = [trip["id"] for trip in rig.state().get("trips", ())]
        if trips:
            return trips
        time.sleep(0.05)
    return []


def _last(seen: list[Sample], began_s: float, *, heat: bool) -> float:
    """Seconds from the strike to the last moment with power (or with the contactor closed); 0 if there was none."""
    on = [sample.at_s for sample in seen if (sample.power_w > 0.0 if heat else sample.contactor_closed)]
    return max(0.0, on[-1] - began_s) if on else 0.0


def _said(rig: Rig, before: str, plan: Plan) -> str:
    """Who said what: trips of control, and the newest line of a log."""
    state = rig.state()
    trips = ", ".join(trip["id"] for trip in state.get("trips", ()))
    new = [line for line in rig.said().splitlines() if line not in before]
    return trips or (new[-1][:70] if new else "")
