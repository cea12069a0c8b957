"""The control process: everything of one rig put together, run, and taken down safely.

Exit codes: 0 ended by a signal, 1 the controller failed, 2 bad configuration, port, directory or second controller,
3 ended with a trip latched. Not responsible for restarting itself (`processes`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence

import msgspec

from config.loading import effective_sha256, treatments_for
from config.problems import ConfigError
from config.schema import Rig
from controller.core import jog, orders
from controller.core.cycle import Cycle
from controller.core.exchange import SAFE, Event
from controller.core.restart import Restored
from controller.records.store import RecordError
from controller.runtime import certificate
from controller.runtime import settings as command_line
from controller.runtime.api import ApiServer
from controller.runtime.bench import BadRig, Bench
from controller.runtime.clock import RunClock
from controller.runtime.commands import StopFlag
from controller.runtime.desk import Desk
from controller.runtime.exits import DONE, FAILED, REFUSED, TRIPPED
from controller.runtime.loop import Loop
from controller.runtime.loop_parts import Core, Filed, RecorderLike
from controller.runtime.protective_link import ProtectiveLink
from controller.runtime.realtime import ask_for_realtime
from controller.runtime.rundir import CONTROL_SOCKET, ControlLock, InUse, make_run_dir
from controller.runtime.setting_up import SetUps, words
from controller.runtime.settings import BadSetting, Settings, with_slack
from drivers.catalogue import families
from drivers.roles import LinkLost

FIRST_ROUND_S = 5.0  # wall seconds that every device may take to be tried once before the first cycle
SLACK_WALL_S = 0.05  # how much later a reply may come when a simulated clock runs faster than the wall's

OpenRecorder = Callable[[Settings], Filed]
"""Begin a record. Raises RecordError when the data directory cannot be used."""

LastRun = Callable[[Settings], Restored]
"""What the run before left behind, from its record. Asked before a new record begins; never raises for a bad file."""


def main(arguments: Sequence[str] | None, *, open_recorder: OpenRecorder, last_run: LastRun) -> int:
    """Run until SIGTERM or SIGINT. Returns the exit code. Raises what nobody foresaw: it is no refusal."""
    ending = Ending()
    try:
        settings = command_line.read(arguments)
        with ending:
            return Control(settings=settings, open_recorder=open_recorder, last_run=last_run).run(ending)
    except (ConfigError, BadSetting, BadRig, InUse, LinkLost, RecordError) as error:
        _say(str(error))
        return REFUSED


class Ending:
    """True once SIGTERM or SIGINT has come; the handlers are put back on leaving."""

    def __init__(self) -> None:
        self.by = ""
        self._before: dict[int, object] = {}

    def __call__(self) -> bool:
        return bool(self.by)

    def __enter__(self) -> Ending:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *details: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _ask(self, number: int, frame: object) -> None:
        self.by = signal.Signals(number).name


class Control:
    """One run. Whatever was begun is ended in reverse, devices first made safe."""

    def __init__(self, *, settings: Settings, open_recorder: OpenRecorder, last_run: LastRun) -> None:
        self._settings = settings
        self._open_recorder = open_recorder
        self._last_run = last_run
        self._made: Loop | None = None
        self._tested: certificate.Certificate | None = None  # read once: whoever makes another has this control ended
        self._stop = StopFlag()
        self._desk = Desk(stop=self._stop)
        self._clock = RunClock(speed=settings.speed)

    def run(self, ending: Ending) -> int:
        """Open, serve until `ending()`, close. Raises what cannot be opened, with everything closed again."""
        make_run_dir(self._settings.run_dir)
        with ControlLock(run_dir=self._settings.run_dir):
            restored = self._last_run(self._settings)
            settings = self._settings = continued(self._settings, restored)
            self._tested = certificate.read(
                certificate.place(settings.data_dir, settings.rig, simulated=settings.simulated)
            )
            setups = SetUps(
                settings=settings,
                choices=treatments_for(settings.rig),
                desk=self._desk,
                make=self._core,
                tested=self._tested,
            )
            not_granted = ask_for_realtime()
            slack_s = self._slack_s()
            bench = Bench(rig=settings.rig, families=families(), clock=self._clock, stop=self._stop, slack_s=slack_s)
            bench.open()
            try:
                core = self._core(settings)
            except BaseException:
                bench.end()
                raise
            code = FAILED
            try:
                code = self._serve(bench, core, setups, not_granted, ending, restored)
            finally:
                recorder = core.recorder if self._made is None else self._made.recorder
                code = self._end_record(recorder, code, complete=ending())
            return code

    def _serve(
        self,
        bench: Bench,
        core: Core,
        setups: SetUps,
        not_granted: tuple[str, ...],
        ending: Ending,
        restored: Restored,
    ) -> int:
        settings = self._settings
        with contextlib.ExitStack() as stack:
            stack.callback(bench.end)
            link = ProtectiveLink(run_dir=settings.run_dir)
            stack.callback(link.close)
            setups.start()
            stack.callback(setups.close)
            loop = self._made = self._loop(bench, link, core, setups, restored)
            self._begin(core.recorder, not_granted, restored)
            bench.start()
            self._wait_first_round(bench, ending)
            loop.once(self._clock.now())  # before anybody can ask, so that there is always a state to be shown
            api = ApiServer(path=settings.run_dir / CONTROL_SOCKET, desk=self._desk, setups=setups)
            api.start()
            stack.callback(api.end)
            stack.callback(bench.end)  # on any way out the devices are made safe before anything else is closed
            loop.run(lambda: ending() or not api.alive)
            silent = f"the end of its socket ({self._desk.api_fault or 'its thread hangs'})"
            self._take_down(bench, loop, ending.by or silent)
        if loop.failure or not ending():
            return FAILED
        return TRIPPED if self._desk.state.get("trips") else DONE

    def _end_record(self, recorder: RecorderLike, code: int, *, complete: bool) -> int:
        try:
            recorder.close(complete=complete)
            recorder.claim()  # a set-up that nobody has taken may have begun one since
        except OSError as error:
            # Not a refusal: the run took place, and its record is not complete.
            _say(f"the record is not complete: {error}")
            return FAILED
        return code

    def _slack_s(self) -> float:
        """What the host's scheduling may cost when simulated time runs faster than the wall's; 0 on a real rig."""
        return SLACK_WALL_S * self._settings.speed if self._settings.speed > 1.0 else 0.0

    def _core(self, settings: Settings) -> Core:
        """The core of one configuration, and its record begun. Raises RecordError."""
        return core_of(settings, with_slack(settings.rig, self._slack_s()), self._open_recorder(settings))

    def _loop(self, bench: Bench, link: ProtectiveLink, core: Core, setups: SetUps, restored: Restored) -> Loop:
        return Loop(
            cycle=core.cycle,
            bench=bench,
            link=link,
            recorder=core.recorder,
            desk=self._desk,
            clock=self._clock,
            about=core.about,
            restored=restored,
            session=self._session(bench),
            setups=setups,
        )

    def _session(self, bench: Bench) -> Callable[[], str]:
        """Why no treatment may start, asked at each order."""
        settings = self._settings

        def session() -> str:
            return certificate.refusal(
                self._tested, settings.rig, simulated=settings.simulated, wall_s=time.time(), devices=bench.identities()
            )

        return session

    def _begin(self, recorder: RecorderLike, not_granted: tuple[str, ...], restored: Restored) -> None:
        settings, now_s = self._settings, self._clock.now()
        label = "SIMULATED " if settings.simulated else ""
        text = f"{label}control of rig {settings.rig.name}, treatment {settings.treatment.name}"
        _say(f"{text}, on {settings.run_dir / CONTROL_SOCKET}")
        recorder.event(Event(now_s, "note", "control", f"begin: {text}"))
        for line in not_granted:
            recorder.event(Event(now_s, "note", "host", f"not granted: {line}"))
        if settings.restarts:
            again = f"control was restarted ({settings.restarts} times); it begins in STANDBY with everything off"
            recorder.event(Event(now_s, "fault", "control", again, "HIGH"))
        for id_, _, said in restored.trips:
            recorder.event(Event(now_s, "alarm", id_, f"latched again after a restart: {said}", "HIGH"))
        if (before := restored.broken_off) is not None:
            asked = Event(now_s, "alarm", "broken_off", before.text, "MEDIUM")
            recorder.event(asked._replace(kind="note", priority="") if before.accounted else asked)
        for name, value in restored.limits:
            recorder.event(Event(now_s, "limit", name, f"tightened before the restart, and again now: {value:g}"))

    def _wait_first_round(self, bench: Bench, ending: Ending) -> None:
        until_s = self._clock.now() + FIRST_ROUND_S * self._settings.speed
        while not bench.tried and not ending() and self._clock.now() < until_s:
            self._clock.sleep(0.02 * self._settings.speed)

    def _take_down(self, bench: Bench, loop: Loop, by: str) -> None:
        recorder = loop.recorder
        bench.publish(SAFE, self._clock.now())
        late = bench.end()
        now_s = self._clock.now()
        for note in bench.notes():
            recorder.event(Event(note.at_s, note.kind, note.device, note.text))
        for port in late:
            recorder.event(Event(now_s, "fault", port, f"port {port} did not end; its devices' leases run out"))
        for line in bench.statistics():
            text = f"{line.exchanges} exchanges, {line.errors} errors, longest {line.latency_max_s * 1000:.0f} ms"
            recorder.event(Event(now_s, "note", line.device, text))
        recorder.event(Event(now_s, "note", "loop", f"ended by {by}; lateness {loop.lateness.summary()}"))
        _say(f"ended by {by}")


def _say(text: str) -> None:
    print(f"control: {text}", file=sys.stderr)  # noqa: T201


def continued(settings: Settings, restored: Restored) -> Settings:
    """After a restart by the supervisor: the treatment and patient that were set up, not those of the command line."""
    if not settings.restarts or restored.treatment is None or restored.patient is None:
        return settings
    return dataclasses.replace(settings, treatment=restored.treatment, patient=restored.patient)


def core_of(settings: Settings, rig: Rig, recorder: Filed) -> Core:
    """The core of these settings on `rig`, which may be slower to grow stale than theirs."""
    cycle = Cycle(rig=rig, treatment=settings.treatment, patient=settings.patient)
    said = {**about(settings), "record": str(recorder.path)}
    return Core(cycle, said, recorder, words(cycle, str(said["config_sha256"])))


def about(settings: Settings) -> Mapping[str, object]:
    """What every state says of the run, under `runtime`."""
    rig, treatment, patient = settings.rig, settings.treatment, settings.patient
    return {
        "simulated": settings.simulated,
        "speed": settings.speed,
        "rig": rig.name,
        "treatment": treatment.name,
        "patient": patient.pseudonym,
        "restarts": settings.restarts,
        "heater": msgspec.structs.asdict(rig.heater),
        "limits": msgspec.structs.asdict(rig.limits),
        "protocol": msgspec.to_builtins(treatment),
        "body": {"height_cm": patient.height_cm, "weight_kg": patient.weight_kg, "bsa_m2": patient.bsa_m2},
        "allowed": orders.allowed(treatment, rig.limits),
        "jog": {name: bounds._asdict() for name, bounds in jog.allowed(rig.limits, rig.heater).items()},
        "wiring": {name: device.port for name, device in rig.devices.items()},
        "version": importlib.metadata.version("hipec"),
        "config_sha256": effective_sha256(rig=rig, treatment=treatment, patient=patient),
    }
