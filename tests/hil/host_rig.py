"""A simulated bench that outlives its controllers: the simulator on its own, and the shipped supervisor over its ports.

The supervisor gets the ports as on a real bench (`--port NAME=PATH`, no `--simulate`), so the simulator is nobody's
child but ours: whatever is killed above it, the twin goes on and says what the heater really did. Times called `_s` are
the rig's seconds, `speed` of them in one on the wall; what is waited for while processes start is on the wall.
Not responsible for what is broken (`host_faults`).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import urlopen

from certified import certify

from controller.core.exchange import Act
from controller.records.reader import Record
from controller.runtime.children import Child
from controller.runtime.client import Client, Refusal, Unreachable
from controller.runtime.processes import RESTARTS_MAX, WITHIN_S
from controller.runtime.rundir import CONTROL_SOCKET

HOT_W = 200.0
STEPS = ("standby", "self_test", "prime", "preheat", "fill", "warm_up", "perfuse", "drain", "complete")
START_WALL_S = 60.0  # python imports: 1 s on a quiet machine, 8 s were seen on a busy one
STRUCK = Path(__file__).parent / "struck_treatment.toml"
MODULES = {"control": "controller.runtime", "protective": "controller.protective", "console": "controller.console"}
CONSOLE_WALL_S = 2.0  # a page that takes longer does not answer


class Sample(NamedTuple):
    """The truth at one moment of the rig's clock."""

    at_s: float
    power_w: float
    contactor_closed: bool


class Simulator:
    """The simulator as our own child, and a connection to its control socket."""

    def __init__(self, folder: Path, *, rig: str, seed: int, speed: float) -> None:
        self.socket_path = folder / "sim.sock"
        arguments = ["--rig", rig, "--json", "--socket", str(self.socket_path), "--seed", str(seed)]
        arguments += ["--speed", str(speed)]
        self.child = Child(name="sim", module="sim", arguments=arguments, log=None, piped=True)
        wake = os.eventfd(0, os.EFD_CLOEXEC)
        try:
            line = self.child.first_line(30.0, wake=wake)
            self.ports: dict[str, str] = json.loads(line)["ports"]
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(20.0)
            self._socket.connect(str(self.socket_path))
        except BaseException:
            self.child.end()
            raise
        finally:
            os.close(wake)
        self._file = self._socket.makefile("rw")

    def ask(self, **asked: object) -> dict[str, Any]:
        """One request, one answer."""
        self._file.write(json.dumps(asked) + "\n")
        self._file.flush()
        answer: dict[str, Any] = json.loads(self._file.readline())
        assert answer["ok"], answer
        return answer

    def sample(self) -> Sample:
        """Heater power and contactor now."""
        truth = self.ask(do="truth")
        return Sample(truth["at"], truth["heater_power_w"], truth["terminals"]["contactor_closed"])

    def close(self) -> None:
        """Hang up and end it."""
        self._file.close()
        self._socket.close()
        self.child.end()


class Rig:
    """Simulator and supervisor in a folder of their own. Both may be started again after they were killed.

    With `console` the supervisor serves the bedside page too. Nobody looks at it: `state` is what attends.
    """

    def __init__(
        self, folder: Path, *, name: str = "bench", seed: int = 0, speed: float = 1.0, console: bool = False
    ) -> None:
        self.name = name
        self._console_port = free_port() if console else 0
        self.speed = speed
        self.run_dir = folder / "run"
        self.data_dir = folder / "data"
        self.run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._seed = seed
        self.sim = Simulator(self.run_dir, rig=self.name, seed=self._seed, speed=self.speed)
        self.supervisor: Child | None = None
        self._killed_s: dict[str, list[float]] = {}  # on the wall, since the supervisor was started

    @property
    def supervisor_log(self) -> Path:
        """What the supervisor says."""
        return self.run_dir / "logs" / "supervisor.log"

    def start(self) -> None:
        """Start the supervisor and wait for a controller that answers."""
        ports = [word for name, path in self.sim.ports.items() for word in ("--port", f"{name}={path}")]
        places = ["--run-dir", str(self.run_dir), "--log-dir", str(self.run_dir / "logs")]
        data = ["--data-dir", str(self.data_dir)]
        simulated = self.speed != 1.0
        data += ["--simulated", "--speed", str(self.speed)] if simulated else []
        data += ["--console", f"127.0.0.1:{self._console_port}"] if self._console_port else []
        certify(self.data_dir, self.name, simulated=simulated)
        self._killed_s.clear()
        self.supervisor = Child(
            name="supervisor",
            module="controller.runtime.supervisor",
            arguments=["--rig", self.name, "--treatment", str(STRUCK), *ports, *places, *data],
            log=self.run_dir / "supervisor.out",
            piped=False,
        )
        self.wait_for_control(but_not=0)

    def new_simulator(self) -> None:
        """Another one in the place of one that was killed. The ports are others."""
        with contextlib.suppress(OSError):
            self.sim.close()
        (self.run_dir / "sim.sock").unlink(missing_ok=True)
        self.sim = Simulator(self.run_dir, rig=self.name, seed=self._seed, speed=self.speed)

    def now_s(self) -> float:
        """The rig's clock."""
        return time.monotonic() * self.speed

    def rest(self, seconds: float) -> None:
        """Let so much of the rig's time pass."""
        time.sleep(seconds / self.speed)

    def new_bench(self) -> None:
        """Another simulator with another patient, and a supervisor on it."""
        self._wake_all()
        self.end_supervisor()
        self.new_simulator()
        self.start()

    def wait_for_control(self, *, but_not: int) -> None:
        """Until a controller other than `but_not` serves its socket and has made a cycle. Not after the supervisor."""

        def there() -> bool:
            assert self.supervisor is None or not self.supervisor.over, self.last_words()
            return self.pid("control") not in (0, but_not) and "phase" in self.state()

        until(there, START_WALL_S, "a controller that answers")

    def pid(self, name: str) -> int:
        """The process number; 0 when it does not run."""
        if name == "sim":
            return self.sim.child.pid
        if self.supervisor is None:
            return 0
        if name == "supervisor":
            return self.supervisor.pid
        return next((pid for pid in children(self.supervisor.pid) if runs(pid, MODULES[name])), 0)

    def state(self) -> dict[str, Any]:
        """What the controller shows; empty when nobody answers. Subscribes, as a person's view does: it attends."""
        try:
            with Client(self.run_dir / CONTROL_SOCKET) as client, contextlib.closing(client.subscribe()) as states:
                return next(states)
        except Unreachable:
            return {}

    def console_answers(self) -> bool:
        """Whether the page is served."""
        try:
            with urlopen(f"http://127.0.0.1:{self._console_port}/", timeout=CONSOLE_WALL_S) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def press(self, act: Act) -> None:
        """An act; whether it is taken shows in the state."""
        with contextlib.suppress(Refusal, Unreachable), Client(self.run_dir / CONTROL_SOCKET) as client:
            client.act(act, text="L1;EK" if act is Act.DOSE else "")

    def attend(self, state: dict[str, Any]) -> None:
        """What a person at the console does next towards heating."""
        if state.get("trips"):
            self.press(Act.RESET)
        elif state.get("hold"):
            self.press(Act.RESUME)
        elif state.get("step") == "standby":
            self.press(Act(state["asks"] or "start"))  # after a broken-off run first the word that it is drained
        elif state.get("asks") and not state.get("gate"):
            self.press(Act(state["asks"]))

    def heat(self, *, step: str = "", for_s: float = 1500.0) -> dict[str, Any]:
        """From wherever it stands to power in the heater (in that step). Returns the state of that moment."""
        until_s = self.now_s() + for_s
        state: dict[str, Any] = {}
        while self.now_s() < until_s:
            state = self.state()
            if state.get("heat_on") and step in ("", state["step"]) and self.sim.sample().power_w > HOT_W:
                return state
            if _is_past(state.get("step", ""), step):
                self.new_bench()
            self.attend(state)
            time.sleep(0.1)
        seen = {key: state.get(key) for key in ("step", "gate", "hold", "trips", "bad", "checks")}
        raise AssertionError(f"no heat within {for_s:g} s: {seen}")

    def attend_for(self, seconds: float) -> dict[str, Any]:
        """Go on with the treatment for so long. Returns the last state."""
        until_s = self.now_s() + seconds
        while (left_s := until_s - self.now_s()) > 0:
            self.attend(self.state())
            time.sleep(min(0.2, left_s / self.speed))
        return self.state()

    def spare(self, name: str, *, kill: bool) -> None:
        """Go on heating until the supervisor would start `name` again once more, if it is to be killed."""
        times = self._killed_s.setdefault(name, [])
        while kill and len(times) >= RESTARTS_MAX and time.monotonic() < times[-RESTARTS_MAX] + WITHIN_S + 1.0:
            self.attend(self.state())
            time.sleep(0.2)
        times += [time.monotonic()] if kill else []

    def restart(self) -> None:
        """End the supervisor in order and start another: the treatment is over."""
        self._wake_all()
        self.end_supervisor()
        self.start()

    def end_supervisor(self) -> None:
        """In order, if it still runs; then nothing of it may be left."""
        if self.supervisor is not None:
            pids = [self.supervisor.pid, *children(self.supervisor.pid)]
            self.supervisor.end(30.0)
            self.supervisor = None
            until(lambda: not any(alive(pid) for pid in pids), 15.0, "the end of all processes")

    def watch(self, seconds: float) -> list[Sample]:
        """The truth for so long, every 0.02 s."""
        until_s = self.now_s() + seconds
        seen = [self.sim.sample()]
        while self.now_s() < until_s:
            self.rest(0.02)
            seen.append(self.sim.sample())
        return seen

    def said(self) -> str:
        """The logs of the processes, whole."""
        texts = [path.read_text(errors="replace") for path in sorted((self.run_dir / "logs").glob("*.log"))]
        return "\n".join(texts)

    def last_words(self) -> str:
        """What the supervisor itself said last, and who runs under it."""
        said = (self.run_dir / "supervisor.out").read_text(errors="replace")[-300:]
        return f"supervisor says {said!r}, control is process {self.pid('control')}"

    def verify_records(self) -> int:
        """How many records there are; every one's chain has to hold, whoever was killed while writing it."""
        paths = sorted(self.data_dir.glob("*.sqlite"))
        for path in paths:
            with Record(path) as record:
                verdict = record.verify()
            assert verdict.bad is None, f"{path.name}: {verdict.bad}"
        return len(paths)

    def close(self) -> None:
        """End everything, whatever state it is in."""
        self._wake_all()
        try:
            self.end_supervisor()
        finally:
            with contextlib.suppress(OSError):
                self.sim.close()

    def _wake_all(self) -> None:
        for name in ("control", "protective", "console", "supervisor", "sim"):
            if pid := self.pid(name):
                wake(pid)


@contextlib.contextmanager
def rig_in(folder: Path, **asked: Any) -> Iterator[Rig]:
    """A rig, asked for as `Rig` is, for as long as the block lasts; not yet started."""
    rig = Rig(folder, **asked)
    try:
        yield rig
    finally:
        rig.close()


def free_port() -> int:
    """A TCP port of this machine that nobody uses now."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


def _is_past(step: str, wanted: str) -> bool:
    """Has the treatment gone by what is wanted?"""
    if not wanted or step not in STEPS:
        return step == "complete"
    return STEPS.index(step) > STEPS.index(wanted)


def until(condition: Callable[[], bool], for_s: float, what: str) -> None:
    """Wait for a condition; AssertionError when it does not come."""
    give_up_s = time.monotonic() + for_s
    while not condition():
        assert time.monotonic() < give_up_s, f"{what} did not come within {for_s:g} s"
        time.sleep(0.02)


def children(pid: int) -> list[int]:
    """Process numbers of the children of a process, by any of its threads."""
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found.extend(int(word) for word in (task / "children").read_text().split())
    return found


def runs(pid: int, module: str) -> bool:
    """Is that process `python -m module` (no longer the leash that begins it)?"""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return words[1:3] == [b"-m", module.encode()] and alive(pid)


def alive(pid: int) -> bool:
    """Does it run, or stand stopped? A zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wake(pid: int) -> None:
    """SIGCONT, if it is still there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
