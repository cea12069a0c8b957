"""One cycle: `step(state, inputs, now) -> (state, outputs, events)`, pure.

readings -> sensing -> treatment -> regulation (what we would like) -> interlocks (what is allowed) -> outputs, with
alarms, dose and volumes beside it. The same function runs at the bench, in virtual time and in replay.
Not responsible for time, files or devices: the caller brings `now_s` (monotonic seconds) and carries the outputs out.
"""

from __future__ import annotations

from config.schema import Patient, Rig, Treatment
from controller.core import (
    alarm_limits,
    broken_off,
    conditions_energy,
    interlocks,
    jog,
    observing,
    orders,
    probe_identity,
    restart,
    selftest,
    view,
)
from controller.core import alarms as alarm_engine
from controller.core.alarms import Alarms
from controller.core.balance import Balance
from controller.core.core_watch import CoreWatch
from controller.core.dose import Dose
from controller.core.exchange import Event, Inputs, Outputs, ProtectiveStatus
from controller.core.frozen import Frozen
from controller.core.gates import RUN_ON_S, drain_short_ml, draining
from controller.core.interlocks import Interlock, Latch, Priority
from controller.core.jog import Jog
from controller.core.line_model import LineModel
from controller.core.probe_identity import Identity
from controller.core.regulation import Regulation
from controller.core.restart import Restored
from controller.core.selftest import Proof
from controller.core.sensing import Sensed, Sensing
from controller.core.state import CycleState, remember
from controller.core.steps import BESIDE_THE_PATIENT, Step, Walk
from controller.core.task import Task
from controller.core.walker import Walker
from controller.core.wishes import Wishes

DT_MAX_S = 1.0
RESET_WINDOW_S = 2.0
ALONE_S = 2.0  # without a page that could sound, a HIGH alarm is for the annunciator at once


class Cycle:
    """The controller of one rig, treatment and patient. Holds configuration only; the state goes in and comes out."""

    def __init__(self, *, rig: Rig, treatment: Treatment, patient: Patient) -> None:
        self._task = task = Task.of(rig=rig, treatment=treatment, patient=patient)
        self.rig, self.treatment, self.patient = rig, treatment, patient
        self.plan, self.steps, self.fill_ml = task.plan, task.steps, task.fill_ml
        self._jog_allowed = jog.allowed(rig.limits, rig.heater)
        self._sensing = Sensing(rig=rig)
        self._wishes = Wishes(rig=rig, treatment=treatment)
        clamped = rig.protective.clamp_channel is not None
        self._walker = Walker(
            steps=self.steps, limits=rig.limits, treatment=treatment, fill_ml=self.fill_ml, clamped=clamped
        )

    def initial(self, now_s: float, restored: Restored = Restored()) -> CycleState:  # noqa: B008 (frozen)
        """Everything off, nothing armed; `restored` trips are latched, what is in the patient waits for a person."""
        walk = Walk(
            entered_s=now_s,
            target_c=self.treatment.target_c,
            flow_lpm=self.treatment.flow_lpm,
            broken_off=restored.broken_off,
        )
        sensed = Sensed({}, {}, None, None, None, 0, "")
        return CycleState(
            now_s=now_s,
            tracks={},
            sensed=sensed,
            walk=walk,
            latch=restart.latch_of(restored, now_s),
            alarms=restart.alarms_of(restored, now_s),
            dose=Dose(),
            volumes=Balance(),
            regulation=Regulation(),
            outputs=Outputs(),
            checks=(),
            gate="start",
            demoted=False,
            permitted=False,
            pump_reference_lpm=0.0,
            pump_changed_s=now_s,  # what a pump was told before may still run down
            flow_since_s=None,
            heat_on_since_s=None,
            heat_off_since_s=now_s,
            line=LineModel(),
            gained=(0.0, 0.0),
            reset_asked_s=None,
            limits=alarm_limits.tightened(self.rig.limits, self._limits_of(restored)),
            proof=Proof(),
            identity=Identity(),
            frozen=Frozen(),
            core=CoreWatch(),
            late_cycles=0,
            jog=Jog(),
        )

    def step(self, state: CycleState, inputs: Inputs, now_s: float) -> tuple[CycleState, Outputs, tuple[Event, ...]]:
        """Run one cycle. Raises only on a defect; the caller then ends safe."""
        dt_s = min(max(now_s - state.now_s, 0.0), DT_MAX_S)
        tracks, sensed = self._sensing.step(state.tracks, observing.readings(inputs), now_s)
        step = self.steps[state.walk.step]
        state = observing.seen(self._task, state, step, inputs, tracks, sensed, dt_s, now_s)
        if step.name == "self_test":
            state = self._self_test(state, inputs.protective)
        elif step.name == "preheat" and state.outputs.heat_on:
            state = state._replace(identity=probe_identity.step(state.identity, sensed.good))
        elif step.name in ("standby", "prime") or (state.latch.trips and state.identity.wrong):
            state = state._replace(proof=Proof(), identity=Identity())
        events: tuple[Event, ...] = ()
        stop_asked, goto, jogging = "", "", state.jog.active
        if inputs.orders:
            state, events, stop_asked, goto = self._obey(state, step, inputs, now_s)
        if state.limits.pending is not None:
            limits, lapsed = alarm_limits.lapse(state.limits, now_s)
            state, events = state._replace(limits=limits), events + lapsed
        scene = self._walker.scene(state, step, now_s)
        state, walked = self._walker.step(state, step, scene, goto, now_s)
        if state.walk is not scene.walk:
            step = self.steps[state.walk.step]
            scene = self._walker.scene(state, step, now_s)
        wanted, regulation = self._wishes.step(state, step, scene, dt_s, now_s)
        if jogging or state.jog.active:
            state, wanted, jogged = self._jogged(state, step, wanted, dt_s)
            events += jogged
        if step.name == "self_test" and state.proof.asks(now_s):
            wanted = wanted._replace(prove_contactor=True)
        situation = observing.situation(self._task, state, step, wanted, regulation, inputs, stop_asked, now_s)
        held_in_bypass = conditions_energy.slug(situation)
        if held_in_bypass:
            wanted = wanted._replace(inflow_open=False, heat_on=False, heater_fraction=0.0)
            regulation = Regulation(setback_c=regulation.setback_c)  # or it winds up against heat that is withheld
        latch, active = interlocks.evaluate(state.latch, situation)
        if latch.trips is not state.latch.trips:
            events += tuple(
                Event(now_s, "trip", trip.id, f"{trip.text}. {trip.advice}", "HIGH")
                for trip in latch.trips[len(state.latch.trips) :]
            )
            if step.name not in ("standby", "complete"):
                state = state._replace(
                    walk=state.walk._replace(hold=f"tripped: {latch.trips[-1].text}", gate_since_s=None)
                )
        reset_events: tuple[Event, ...] = ()
        reset_asked_s = state.reset_asked_s
        if reset_asked_s is not None and latch.trips is not state.latch.trips:
            # What tripped after the reset was asked for is not what it was asked for.
            reset_events = (Event(now_s, "refused", "reset", f"reset refused, new trip: {latch.trips[-1].text}"),)
            reset_asked_s = None
        elif reset_asked_s is not None:
            latch, reset_events, reset_asked_s = _reset(latch, active, reset_asked_s, now_s)
        if latch.trips or not latch.armed:
            regulation = Regulation(setback_c=regulation.setback_c)
        outputs = interlocks.permit(wanted, latch)
        alarms = state.alarms
        if active or alarms.active or alarms.paused:
            alarms, said = alarm_engine.step(alarms, active, [trip.id for trip in latch.trips], now_s)
            events += said
        if alarms.active and (alarms.stage(now_s).external or _unheard(alarms, inputs.attended_s, now_s)):
            outputs = outputs._replace(quiet=False)
        if active and any(row.id == "cavity_few" for row, _ in active):
            state = state._replace(demoted=True)
        state = remember(self.rig, state, step, outputs, regulation, latch, alarms, reset_asked_s, dt_s)
        return state, outputs, events + walked + reset_events

    def in_the_way(self, state: CycleState) -> str:
        """Why no core of another configuration may take this one's place now; "" before the fill and after the end."""
        step = self.steps[state.walk.step]
        if step.name not in BESIDE_THE_PATIENT:
            return f"a treatment is in {step.phase.value}; set-up is allowed before FILL and in COMPLETE"
        if state.jog.active:
            return "the pump is jogged; let its button go first"
        if state.latch.trips:
            return "a trip is latched; reset first"
        if text := broken_off.waiting(state.walk.broken_off):
            return f"{text}; {broken_off.WHAT_TO_DO}"
        return _still_hot(state) if step.name == "preheat" else ""

    def passed_on(self, state: CycleState) -> Restored:
        """What is known to the core that takes this one's place, and told if it is its patient's."""
        walk = state.walk
        return Restored(broken_off=restart.passed_on(walk.step, self.patient.pseudonym, walk.broken_off))

    def view(self, state: CycleState) -> dict[str, object]:
        """What people are shown of a state."""
        step = self.steps[state.walk.step]
        waits = self._wishes.flow_waits(state, step.flow(self._walker.scene(state, step, state.now_s)))
        return {**view.snapshot(self._task, state), "set_up_refused": self.in_the_way(state), "flow_waits": waits}

    def _limits_of(self, restored: Restored) -> tuple[tuple[str, float], ...]:
        """Those of the run before, if it was for the same patient and treatment."""
        same = (restored.treatment, restored.patient) == (self.treatment, self.patient)
        return restored.limits if same else ()

    # --- stages ----------------------------------------------------------------------------------------------------

    def _self_test(self, state: CycleState, protective: ProtectiveStatus | None) -> CycleState:
        at_rest = selftest.checks(
            self.rig, state.sensed, state.volumes, protective, self.fill_ml, state.now_s, proving=state.proof.running
        )
        undisturbed = not state.walk.hold and not state.latch.trips
        proof = selftest.felt(state.proof, state.sensed.good.get("heater_power_w"))
        if not (undisturbed and proof.heats):
            passed = undisturbed and all(check.passed for check in at_rest)
            proof = selftest.prove(proof, protective, state.now_s) if passed and protective is not None else Proof()
        return state._replace(proof=proof, checks=at_rest + selftest.proofs(proof, protective))

    def _jogged(
        self, state: CycleState, step: Step, wanted: Outputs, dt_s: float
    ) -> tuple[CycleState, Outputs, tuple[Event, ...]]:
        """What held buttons make of the wishes of STANDBY. With the last one let go the latch is disarmed again."""
        why_not = jog.refusal(step.name, tripped=state.latch.tripped, permitted=state.permitted)
        held, events = jog.step(state.jog, state.now_s, why_not)
        state = state._replace(jog=held)
        if step.name != "standby":
            return state, wanted, events
        if not held.active:
            return state._replace(latch=state.latch._replace(armed=False)), wanted, events
        flowing_s = 0.0 if state.flow_since_s is None else state.now_s - state.flow_since_s
        return state, jog.wanted(held, self.rig, state.outputs, flowing_s, dt_s), events

    def _obey(
        self, state: CycleState, step: Step, inputs: Inputs, now_s: float
    ) -> tuple[CycleState, tuple[Event, ...], str, str]:
        desk = orders.Desk(
            state.walk,
            state.latch,
            state.alarms,
            state.demoted,
            step,
            state.gate,
            self.treatment,
            self.plan,
            self.rig.limits,
            now_s,
            state.limits,
            short_ml=drain_short_ml(step, state.walk, state.volumes, now_s),
            session=inputs.session,
            disk_free_mb=inputs.disk_free_mb,
            jog=state.jog,
            jog_allowed=self._jog_allowed,
            permitted=state.permitted,
            patient=self.patient.pseudonym,
            draining=draining(state.volumes),
        )
        desk, events = orders.apply(desk, inputs.orders)
        outputs = state.outputs
        reset_asked_s = state.reset_asked_s
        if desk.reset_asked:
            outputs = outputs._replace(protective_reset=outputs.protective_reset + 1)
            reset_asked_s = now_s
        state = state._replace(
            walk=desk.walk,
            latch=desk.latch,
            alarms=desk.alarms,
            demoted=desk.demoted,
            outputs=outputs,
            reset_asked_s=reset_asked_s,
            limits=desk.alarm_limits,
            jog=desk.jog,
        )
        return state, events, desk.stop_asked, desk.goto


def _still_hot(state: CycleState) -> str:
    """Why the pump may not be stopped yet: the exchanger would keep the heat and the next treatment begin with it."""
    if state.heat_off_since_s is None or not state.walk.hold:
        return "the circuit is heated; hold first"
    left_s = RUN_ON_S - (state.now_s - state.heat_off_since_s)
    return "" if left_s <= 0.0 else f"the circuit cools; set-up is allowed in {left_s:.0f} s"


def _unheard(alarms: Alarms, attended_s: float, now_s: float) -> bool:
    """A HIGH alarm sounds, and no page has been there to sound it."""
    return attended_s > ALONE_S and alarms.sounding(now_s) is Priority.HIGH


def _reset(
    latch: Latch, active: tuple[tuple[Interlock, str], ...], asked_s: float, now_s: float
) -> tuple[Latch, tuple[Event, ...], float | None]:
    """Carry a reset out. It may take a moment: the protective channel decides for itself and answers later."""
    cleared, stay = interlocks.reset(latch, active)
    if not stay:
        return cleared, (Event(now_s, "reset", "latch", "trip latch cleared; resume to re-arm"),), None
    if now_s - asked_s < RESET_WINDOW_S:
        return latch, (), asked_s
    causes = "; ".join(trip.text for trip in stay)
    return latch, (Event(now_s, "refused", "reset", f"reset refused, the cause is still there: {causes}"),), None
