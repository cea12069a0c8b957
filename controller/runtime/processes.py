"""Starts the processes of a rig, watches them, restarts control and protective within reason, and ends them all.

A restarted control begins in STANDBY with everything off; a restarted protective channel begins without a permit.
When this process dies the kernel ends the others (SIGTERM); each of them then makes its devices safe by itself.
Not responsible for safety: nothing here has to work for the heat to go off.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from config.schema import Patient, Rig
from controller.runtime import certificate, stage
from controller.runtime import settings as command_line
from controller.runtime.children import Child
from controller.runtime.exits import FAILED, REFUSED, TRIPPED
from controller.runtime.loading import load_pair
from controller.runtime.preflight import missing_ports
from controller.runtime.rundir import CONTROL_SOCKET, SIM_SOCKET, ControlLock, make_run_dir, usable

RESTARTS_MAX = 3
WITHIN_S = 60.0
SIM_READY_S = 30.0
CONSOLE_AGAIN_S = (0.0, 1.0, 5.0, 20.0)  # waits before each new start of a console that keeps ending
MODULES = {
    "control": "controller.runtime",
    "protective": "controller.protective",
    "sim": "sim",
    "console": "controller.console",
    "selftest": "controller.commandline",
}
PRIORITIES = {"protective": 55}  # above control's 50: a control that never rests must not keep the contactor closed
ENDED_IN_ORDER = ("selftest", "control", "protective", "sim", "console")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to run. `ports` override paths of the rig; `log_dir` keeps what the processes say off the terminal.

    `certify`: the session self-test comes first unless a certificate of one is still valid.
    """

    rig: str
    treatment: str
    run_dir: Path
    data_dir: Path
    patient: Patient = field(default_factory=Patient)
    simulated: bool = False
    sim_elsewhere: bool = False  # the ports of a simulated rig are served already, by a simulator that is not our child
    speed: float = 1.0
    seed: int = 0
    ports: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    log_dir: Path | None = None
    certify: bool = False
    console: tuple[str, ...] | None = None  # arguments of the console, None for none


class Supervisor:
    """Run once. The thread that calls `run` has to live as long as the children: the kernel ends them with it."""

    def __init__(self, plan: Plan) -> None:
        command_line.check_speed(plan.speed, simulated=plan.simulated)
        own = plan.simulated and not plan.sim_elsewhere
        command_line.check_simulator(own=own, seed=plan.seed, faults=plan.faults)
        rig, _ = load_pair(plan.rig, plan.treatment)
        self.failure = ""
        self._plan = plan
        self._rig: Rig = command_line.with_ports(rig, plan.ports)
        self._paths = dict(plan.ports)
        self._children: dict[str, Child] = {}
        self._restarted_s: dict[str, deque[float]] = {"control": deque(), "protective": deque()}
        self._restarts = 0
        self._console_ended_s: deque[float] = deque()
        self._console_due_s: float | None = None
        self._ending, self._why = False, ""
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def ask_to_end(self, why: str = "") -> None:
        """End everything soon, for a reason that is logged. For signal handlers and any thread, until `close`."""
        self._ending, self._why = True, why
        os.eventfd_write(self._wake, 1)

    def run(self) -> int:
        """Start everything and watch it until asked to end, or until control ends. Returns the exit code."""
        plan = self._plan
        try:
            make_run_dir(plan.run_dir)
            if plan.log_dir is not None:
                with usable(plan.log_dir):
                    plan.log_dir.mkdir(parents=True, exist_ok=True)
            ControlLock(run_dir=plan.run_dir).close()  # refused here beside another controller, nothing started yet
            self._stage("starting")
            self._start_console()  # first: so that there is a page which says what it waits for
            simulate = plan.simulated and not plan.sim_elsewhere
            if not simulate and (missing := missing_ports(self._rig)):
                self._fail(missing)
                return REFUSED
            if (code := self._certified()) is not None:
                return code
            self._stage("starting the simulator" if simulate else "starting the protective channel")
            if simulate and not self._start_sim():
                return REFUSED
            self._start("protective", self._protective_arguments())
            self._stage("control is starting")
            self._start("control", self._control_arguments())
            return self._watch() or 0
        finally:
            self._end_all()
            stage.clear(plan.run_dir)

    def close(self) -> None:
        """Give back what is left, after `run`."""
        os.close(self._wake)

    def _certified(self) -> int | None:
        """Run the self-test where one is wanted and none is valid. None when the run may go on, else its exit code.

        It has the run's own sockets: the page and the terminal show it as it goes.
        """
        plan = self._plan
        found = certificate.read(certificate.place(plan.data_dir, self._rig, simulated=plan.simulated))
        why = certificate.refusal(found, self._rig, simulated=plan.simulated, wall_s=time.time())
        if not plan.certify or not why:
            return None
        self._stage("the session self-test is starting")
        self._say(f"{why.partition(';')[0]}: running it now, a quarter of a minute")
        self._start("selftest", ["selftest", *self._selftest_arguments()])
        code = self._watch(until="selftest")
        if code is not None:
            return code
        test = self._children.pop("selftest")
        if passed := test.end():
            ended = "was refused" if passed == REFUSED else "did not pass"
            self._fail(f"the session self-test {ended}: {test.last_words()}")
        return passed or None

    def _watch(self, *, until: str = "") -> int | None:
        """Until the child `until` has ended (None), or until everything is to end: its exit code."""
        while True:
            wait_s = self._until_console_s()
            handles = {child.handle: child for child in self._children.values()}
            ready, _, _ = select.select([self._wake, *handles], [], [], wait_s)
            if self._ending:
                self._say(self._why or "ended")
                return self._children["control"].end() if "control" in self._children else 0
            for handle in ready:
                if handles[handle].name == until:
                    return None
                code = self._ended(handles[handle])
                if code is not None:
                    return code

    def _ended(self, child: Child) -> int | None:
        """A child ended by itself: None when it was started again, else the exit code for all."""
        code = child.end()
        if child.name == "console":
            return self._console_ended(child, code)
        if child.name == "control" and code in (0, TRIPPED):
            self._say(f"control ended with code {code}: {child.last_words()}")
            return code
        if code == REFUSED or child.name not in self._restarted_s:
            self._fail(f"{child.name} ended with code {code}: {child.last_words()}")
            return REFUSED if code == REFUSED else FAILED
        times = self._restarted_s[child.name]
        now_s = time.monotonic()
        while times and now_s - times[0] > WITHIN_S:
            times.popleft()
        if len(times) >= RESTARTS_MAX:
            self._fail(f"{child.name} ended {RESTARTS_MAX + 1} times within {WITHIN_S:.0f} s, given up")
            return FAILED
        times.append(now_s)
        said = f"{child.name} ended with code {code}, started again with everything off"
        self._say(f"{said}: {child.last_words()}")
        self._stage(said)
        self._restarts += child.name == "control"
        again = self._control_arguments() if child.name == "control" else self._protective_arguments()
        self._start(child.name, again)
        return None

    def _start_console(self) -> None:
        plan = self._plan
        if plan.console is not None:
            simulator = ["--simulator", str(plan.run_dir / SIM_SOCKET)] if plan.simulated else []
            self._start("console", ["--socket", str(plan.run_dir / CONTROL_SOCKET), *simulator, *plan.console])

    def _until_console_s(self) -> float | None:
        """Start the console again when it is due; else how long until then."""
        if self._console_due_s is None:
            return None
        left_s = self._console_due_s - time.monotonic()
        if left_s > 0:
            return left_s
        self._console_due_s = None
        self._start_console()
        return None

    def _console_ended(self, child: Child, code: int) -> int | None:
        """A console that cannot begin at all ends the run; one that ends later never does: it is started again."""
        del self._children["console"]
        times, now_s = self._console_ended_s, time.monotonic()
        if code == REFUSED and not times:
            self._fail(f"console refused to start: {child.last_words()}")
            return REFUSED
        while times and now_s - times[0] > WITHIN_S:
            times.popleft()
        wait_s = CONSOLE_AGAIN_S[min(len(times), len(CONSOLE_AGAIN_S) - 1)]
        times.append(now_s)
        self._console_due_s = now_s + wait_s
        self._say(f"console ended with code {code}, started again in {wait_s:g} s: {child.last_words()}")
        return None

    def _start(self, name: str, arguments: Sequence[str]) -> None:
        log_dir = self._plan.log_dir
        log = log_dir / f"{name}.log" if log_dir else None
        self._children[name] = Child(
            name=name,
            module=MODULES[name],
            arguments=arguments,
            log=log,
            piped=name == "sim",
            priority=PRIORITIES.get(name, 0),
        )

    def _start_sim(self) -> bool:
        plan = self._plan
        arguments = ["--rig", plan.rig, "--json", "--socket", str(plan.run_dir / SIM_SOCKET)]
        arguments += ["--speed", str(plan.speed), "--seed", str(plan.seed), *_port_arguments(plan.ports)]
        for fault in plan.faults:
            arguments += ["--fault", fault]
        self._start("sim", arguments)
        sim = self._children["sim"]
        line = sim.first_line(SIM_READY_S, wake=self._wake)
        if line:
            self._paths.update(json.loads(line)["ports"])
            return True
        if not self._ending:
            self._fail(f"sim did not start (code {sim.end()}): {sim.last_words()}")
        return False

    def _selftest_arguments(self) -> list[str]:
        plan = self._plan
        arguments = ["--rig", plan.rig, "--run-dir", str(plan.run_dir), "--data", str(plan.data_dir)]
        return [*arguments, *_port_arguments(plan.ports), *(["--simulate"] if plan.simulated else [])]

    def _control_arguments(self) -> list[str]:
        plan, patient = self._plan, self._plan.patient
        who = f"{patient.pseudonym}:{patient.height_cm:g}:{patient.weight_kg:g}"
        arguments = ["--rig", plan.rig, "--treatment", plan.treatment, "--patient", who]
        arguments += ["--run-dir", str(plan.run_dir), "--data-dir", str(plan.data_dir)]
        arguments += ["--speed", str(plan.speed), "--restarts", str(self._restarts), *_port_arguments(self._paths)]
        return [*arguments, "--simulated"] if plan.simulated else arguments

    def _protective_arguments(self) -> list[str]:
        wired = self._rig.protective
        port = self._rig.ports[wired.port]
        path = self._paths.get(wired.port, port.path)
        arguments = ["--run-dir", str(self._plan.run_dir), "--speed", str(self._plan.speed)]
        arguments += ["--port", path, "--baud", str(port.baud), "--frame", port.frame]
        for name in ("probe_unit", "relay_unit", "outlet_channel", "inflow_channel", "contactor_channel"):
            arguments += ["--" + name.replace("_", "-"), str(getattr(wired, name))]
        for name in ("clamp_channel", "tone_channel", "outlet_trip_c", "inflow_trip_c"):
            if (value := getattr(wired, name)) is not None:
                arguments += ["--" + name.replace("_", "-"), str(value)]
        return arguments

    def _end_all(self) -> None:
        for name in ENDED_IN_ORDER:
            if name in self._children:
                self._children[name].end()

    def _stage(self, text: str) -> None:
        with contextlib.suppress(OSError):  # as in `_say`
            stage.tell(self._plan.run_dir, text)

    def _fail(self, text: str) -> None:
        self.failure = text

    def _say(self, text: str) -> None:
        if self._plan.log_dir is None:
            print(f"supervisor: {text}", file=sys.stderr)  # noqa: T201
            return
        with contextlib.suppress(OSError), (self._plan.log_dir / "supervisor.log").open("a") as log:
            log.write(f"{text}\n")  # a full disk has an alarm of its own, and must not end the run


def _port_arguments(paths: Mapping[str, str]) -> list[str]:
    return [word for name, path in paths.items() for word in ("--port", f"{name}={path}")]
