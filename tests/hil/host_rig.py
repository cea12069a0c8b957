"""A simulated bench that outlives its controllers: the simulator on its own, and the shipped supervisor over its ports.

The supervisor is started as on a real bench (`--port NAME=PATH`, no `--simulate`), so the simulator is nobody's child
but ours: whatever is killed above it, the twin goes on and says what the heater really did. Speed is 1.
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

from certified import certify

from controller.core.exchange import Act
from controller.records.reader import Record
from controller.runtime.children import Child
from controller.runtime.client import Client, Refusal, Unreachable
from controller.runtime.rundir import CONTROL_SOCKET

HOT_W = 200.0
SHORT = Path(__file__).parent / "short_treatment.toml"
MODULES = {"control": "controller.runtime", "protective": "controller.protective"}


class Sample(NamedTuple):
    """The truth at one moment (monotonic seconds)."""

    at_s: float
    power_w: float
    contactor_closed: bool


class Simulator:
    """The simulator as our own child, and a connection to its control socket."""

    def __init__(self, folder: Path, *, rig: str, seed: int) -> None:
        self.socket_path = folder / "sim.sock"
        arguments = ["--rig", rig, "--json", "--socket", str(self.socket_path), "--seed", str(seed)]
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
    """Simulator and supervisor in a folder of their own. Both may be started again after they were killed."""

    def __init__(self, folder: Path, *, name: str = "bench", seed: int = 0) -> None:
        self.name = name
        self.run_dir = folder / "run"
        self.data_dir = folder / "data"
        self.run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._seed = seed
        self.sim = Simulator(self.run_dir, rig=self.name, seed=self._seed)
        self.supervisor: Child | None = None

    @property
    def supervisor_log(self) -> Path:
        """What the supervisor says."""
        return self.run_dir / "logs" / "supervisor.log"

    def start(self) -> None:
        """Start the supervisor and wait for a controller that answers."""
        ports = [word for name, path in self.sim.ports.items() for word in ("--port", f"{name}={path}")]
        places = ["--run-dir", str(self.run_dir), "--log-dir", str(self.run_dir / "logs")]
        data = ["--data-dir", str(self.data_dir)]
        certify(self.data_dir, self.name, simulated=False)
        self.supervisor = Child(
            name="supervisor",
            module="controller.runtime.supervisor",
            arguments=["--rig", self.name, "--treatment", str(SHORT), *ports, *places, *data],
            log=self.run_dir / "supervisor.out",
            piped=False,
        )
        self.wait_for_control(but_not=0)

    def new_simulator(self) -> None:
        """Another one in the place of one that was killed. The ports are others."""
        with contextlib.suppress(OSError):
            self.sim.close()
        (self.run_dir / "sim.sock").unlink(missing_ok=True)
        self.sim = Simulator(self.run_dir, rig=self.name, seed=self._seed)

    def wait_for_control(self, *, but_not: int) -> None:
        """Until a controller other than `but_not` serves its socket and has made a cycle."""
        until(lambda: self.pid("control") not in (0, but_not), 20.0, "a controller")
        until(lambda: "phase" in self.state(), 20.0, "a controller that answers")

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
        """What the controller shows; empty when nobody answers."""
        try:
            with Client(self.run_dir / CONTROL_SOCKET) as client:
                return client.state()
        except Unreachable:
            return {}

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
            self.press(Act.START)
        elif state.get("asks") and not state.get("gate"):
            self.press(Act(state["asks"]))

    def heat(self, *, for_s: float = 400.0) -> dict[str, Any]:
        """From wherever it stands to power in the heater. Returns the state of that moment."""
        until_s = time.monotonic() + for_s
        state: dict[str, Any] = {}
        while time.monotonic() < until_s:
            state = self.state()
            if state.get("heat_on") and self.sim.sample().power_w > HOT_W:
                return state
            if state.get("step") == "complete":
                self.restart()
            self.attend(state)
            time.sleep(0.1)
        seen = {key: state.get(key) for key in ("step", "gate", "hold", "trips", "bad", "checks")}
        raise AssertionError(f"no heat within {for_s:g} s: {seen}")

    def attend_for(self, seconds: float) -> dict[str, Any]:
        """Go on with the treatment for so long. Returns the last state."""
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            self.attend(self.state())
            time.sleep(min(0.2, left_s))
        return self.state()

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
        until_s = time.monotonic() + seconds
        seen = [self.sim.sample()]
        while time.monotonic() < until_s:
            time.sleep(0.02)
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
        for name in ("control", "protective", "supervisor", "sim"):
            if pid := self.pid(name):
                wake(pid)


@contextlib.contextmanager
def rig_in(folder: Path, *, name: str = "bench", seed: int = 0) -> Iterator[Rig]:
    """A rig for as long as the block lasts; not yet started."""
    rig = Rig(folder, name=name, seed=seed)
    try:
        yield rig
    finally:
        rig.close()


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
