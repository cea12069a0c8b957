"""Another treatment or patient, before the fill or after the end: judged, shown, and made ready beside the loop.

The configuration of a core never changes: a set-up is a new core with a record of its own. Both are made on a thread
here, since a record is a file; the loop changes over between two cycles, or refuses (`loop`).
What may be chosen was read and judged when control began: no file is read for whoever asks.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import platform
import queue
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from config.doses import dose_plan
from config.loading import build_patient, effective_sha256
from config.problems import ConfigError, Problem, shown
from config.schema import Treatment
from controller.core import limit_table
from controller.core.cycle import Cycle
from controller.runtime.certificate import Certificate
from controller.runtime.desk import Desk
from controller.runtime.loop_parts import Core, RecorderLike
from controller.runtime.messages import SetUp
from controller.runtime.settings import Settings

WAITING_MAX = 2
VERSIONS = ("hipec", "pymodbus", "pyserial", "simple-pid", "msgspec")  # of what a command passes on its way to a device
END_WITHIN_S = 12.0


class SetUpTicket(NamedTuple):
    """A set-up, who asked for it, and whom to answer: the api's client and request numbers."""

    setup: SetUp
    who: str
    client: int
    request: int


class Retired(NamedTuple):
    """A record that nothing is added to any more; `goes_on`: the one which the next start reads in its place."""

    recorder: RecorderLike
    goes_on: RecorderLike | None = None


class SetUps:
    """Of one control process. `make` builds the core of settings and begins its record; OSError when it cannot."""

    def __init__(
        self,
        *,
        settings: Settings,
        choices: Mapping[str, Treatment],
        desk: Desk,
        make: Callable[[Settings], Core],
        tested: Certificate | None = None,
    ) -> None:
        self.fault = ""  # why a record before this one is not complete, or why nothing can be set up any more
        self._settings = settings
        self._choices = {**choices, settings.treatment.name: settings.treatment}
        self._desk = desk
        self._tested = tested
        self._make = make
        self._jobs: queue.SimpleQueue[SetUpTicket | Retired | None] = queue.SimpleQueue()
        self._ready: deque[tuple[SetUpTicket, Core]] = deque()
        self._left: deque[Retired] = deque()  # retired after the thread has died; ended by `close`
        self._dead = ""
        self._thread = threading.Thread(target=self._run, name="setup", daemon=True)

    def start(self) -> None:
        """Begin the thread."""
        self._thread.start()

    def close(self) -> None:
        """End the thread, and the records that nobody has taken."""
        self._jobs.put(None)
        self._thread.join(END_WITHIN_S)
        if self._dead:
            self._refuse_all()
        for retired in (*self._left, *(Retired(core.recorder) for _, core in self._ready)):
            self._end(retired)

    def facts(self) -> dict[str, Any]:
        """What does not change in a run, JSON-able: treatments to choose from, where each signal is read, the alarm and
        trip limits, the rig as it is in effect, the session self-test (None: there is none that can be read; whether it
        counts is said when a treatment starts), and the versions of what runs it.
        """
        signals = self._settings.rig.signals
        return {
            "treatments": [_about(treatment) for treatment in self._choices.values()],
            "probes": {name: f"{source.device}, {source.channel}" for name, source in signals.items()},
            "limits": limit_table.lines(),
            "rig": msgspec.to_builtins(self._settings.rig),
            "session_selftest": msgspec.to_builtins(self._tested),
            "versions": _versions(),
        }

    def preview(self, setup: SetUp) -> dict[str, Any]:
        """What would be in force: doses in mg, volumes in mL, times in min, and its hash. Raises ConfigError."""
        settings = self._judged(setup)
        treatment, patient = settings.treatment, settings.patient
        plan = dose_plan(treatment, patient)
        return {
            **_about(treatment),
            "patient": msgspec.to_builtins(patient),
            "plan": dataclasses.asdict(plan),
            "sha256": effective_sha256(rig=settings.rig, treatment=treatment, patient=patient),
        }

    def ask(self, ticket: SetUpTicket) -> str:
        """Make a set-up ready. Returns "" or why it cannot be taken now; the rest is answered through the desk."""
        if not ticket.setup.sha256:
            return "its sha256 is missing: look at the preview first"
        if why := self._desk.state.get("set_up_refused"):
            return f"setup refused: {why}"  # before a record is begun for it
        if self._jobs.qsize() >= WAITING_MAX:
            return "a set-up is being made ready already"
        if self._dead:
            return self._dead
        self._jobs.put(ticket)
        if self._dead:  # it died after it was asked whether it lives
            self._refuse_all()
        return ""

    def take(self) -> tuple[SetUpTicket, Core] | None:
        """A core that is ready, for the loop."""
        return self._ready.popleft() if self._ready else None

    def retire(self, recorder: RecorderLike, *, goes_on: RecorderLike | None = None) -> None:
        """A record that nothing is added to any more, from the loop: ended here. Never waits."""
        self._jobs.put(Retired(recorder, goes_on))

    # --- the thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while (job := self._jobs.get()) is not None:
                if isinstance(job, SetUpTicket):
                    self._set_up(job)
                else:
                    self._end(job)
        except BaseException as error:
            # The loop goes on with what is set up; whoever asks now or later is told, and so is whoever watches.
            self._dead = self.fault = f"nothing can be set up until a restart: {type(error).__name__}: {error}"
            self._refuse_all()

    def _set_up(self, job: SetUpTicket) -> None:
        try:
            self._ready.append((job, self._make(self._judged(job.setup))))
        except (ConfigError, OSError) as error:
            self._desk.answer(job, str(error))
        except Exception as error:
            # Whatever it was, the treatment that is set up stays, and who asked is told.
            self._desk.answer(job, f"the set-up failed: {type(error).__name__}: {error}")
        except BaseException as error:
            self._desk.answer(job, f"the set-up failed: {type(error).__name__}: {error}")
            raise

    def _refuse_all(self) -> None:
        """Answer who still waits for a thread that has died. Any thread."""
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            if isinstance(job, SetUpTicket):
                self._desk.answer(job, self._dead)
            elif job is not None:
                self._left.append(job)

    def _end(self, retired: Retired) -> None:
        try:
            try:
                if retired.goes_on is not None:
                    retired.goes_on.claim()
            finally:
                retired.recorder.close()
        except Exception as error:
            # Of whatever kind: a record that cannot be ended must not be the end of this thread.
            self.fault = f"a record before this one is not complete: {error}"

    def _judged(self, setup: SetUp) -> Settings:
        """The settings with this treatment and patient. Raises ConfigError with every problem."""
        problems: list[Problem] = []
        treatment = self._choices.get(setup.treatment)
        if treatment is None:
            allowed = f"allowed on rig {self._settings.rig.name} is one of {', '.join(self._choices)}"
            problems.append(Problem("treatment", shown(setup.treatment), allowed))
        patient = None
        try:
            fields = {name: getattr(setup, name) for name in ("pseudonym", "height_cm", "weight_kg")}
            patient = build_patient(fields)
        except ConfigError as error:
            problems += error.problems
        if treatment is None or patient is None:
            raise ConfigError(problems)
        if setup.sha256 and setup.sha256 != effective_sha256(
            rig=self._settings.rig, treatment=treatment, patient=patient
        ):
            seen = Problem("sha256", shown(setup.sha256[:12]), "is not what would come into force; look at it again")
            raise ConfigError([seen])
        return dataclasses.replace(self._settings, treatment=treatment, patient=patient)


def words(cycle: Cycle, sha256: str) -> str:
    """A set-up in one line, for the record and the log."""
    patient, plan = cycle.patient, cycle.plan
    drug = f", {plan.drug} {plan.total_mg:.1f} mg in {len(plan.fractions)}" if plan.drug else ", no drug"
    body = f"{patient.height_cm:g} cm, {patient.weight_kg:g} kg, {patient.bsa_m2:.2f} m2"
    return (
        f"set up: {cycle.treatment.name} for {patient.pseudonym} ({body}){drug}, "
        f"fill {plan.carrier_ml:.0f} mL, configuration {sha256}"
    )


def _versions() -> dict[str, str]:
    versions = {name: importlib.metadata.version(name) for name in VERSIONS}
    return {**versions, "python": platform.python_version(), "kernel": platform.release()}


def _about(treatment: Treatment) -> dict[str, Any]:
    about: dict[str, Any] = msgspec.to_builtins(treatment)
    del about["rigs"]
    return about
