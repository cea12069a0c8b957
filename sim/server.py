"""The simulator as a process: serves every port of a rig, steps the bench in scaled time, and answers its owner.

One thread waits for bytes until the next due time, whichever comes first: plant step or byte. `select` is used because
its time-out is in microseconds; epoll's is in milliseconds, ten simulated ones at speed 10.
Not responsible for the controller: it opens the printed ports as it would open real ones.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from config.schema import Rig
from sim.control_socket import ControlSocket
from sim.devices.catalogue import twins as all_twins
from sim.devices.twin import MakeTwin
from sim.faults import parse
from sim.host_process import die_with_the_parent, punctual
from sim.plant.parameters import PatientParameters, parameters_for
from sim.plant.plant import Plant
from sim.refusal import BadRequest
from sim.simulator import Simulator
from sim.terminals import Terminals
from sim.vocabulary import vocabulary
from sim.wire import Line, SerialEnd, Wire, open_end

IDLE_S = 0.5


def run(
    *,
    rig: Rig,
    speed: float = 1.0,
    seed: int = 0,
    ports: Mapping[str, str] | None = None,
    socket_path: Path | None = None,
    json_output: bool = False,
    faults: Sequence[str] = (),
    die_with_parent: bool = False,
    patient: PatientParameters | None = None,
    out: TextIO | None = None,
) -> int:
    """Serve `rig` until SIGTERM, SIGINT or {"do": "stop"}; return the exit code: 0 stopped, 2 refused.

    `ports` overrides where a port is served (path, or tcp:HOST:PORT); the others become pseudo-terminals in a folder
    of their own beside `socket_path`, or in the temporary folder.
    """
    if die_with_parent:
        die_with_the_parent()
    beside = socket_path.parent if socket_path else None
    with _on_signals(_leave), contextlib.ExitStack() as stack:
        try:
            folder = Path(stack.enter_context(_folder(beside)))
            server = Server(
                rig=rig,
                speed=speed,
                seed=seed,
                ports=ports or {},
                folder=folder,
                socket_path=socket_path or folder / "sim.sock",
                twins=all_twins(),
                faults=faults,
                patient=patient,
            )
        except BadRequest as error:
            print(f"SIMULATED {rig.name}: {error}", file=sys.stderr)  # noqa: T201
            return 2
        with contextlib.closing(server), _on_signals(server.stop), punctual() as refused:
            announce(server, json_output=json_output, out=out or sys.stdout, refused=refused)
            server.serve()
    return 0


class Server:
    """One bench, served. Raises BadRequest on anything that it cannot serve, naming it."""

    def __init__(
        self,
        *,
        rig: Rig,
        speed: float,
        seed: int,
        ports: Mapping[str, str],
        folder: Path,
        socket_path: Path,
        twins: Mapping[str, MakeTwin],
        faults: Sequence[str] = (),
        patient: PatientParameters | None = None,
    ) -> None:
        if not 0.01 <= speed <= 1000.0:
            raise BadRequest(f"speed {speed}; allowed: 0.01 to 1000")
        unknown = sorted(set(ports) - set(rig.ports))
        if unknown:
            raise BadRequest(f"no port {', '.join(unknown)} in rig {rig.name}; allowed: {', '.join(rig.ports)}")
        self.late_max_s = 0.0
        self._speed = speed
        self._wake_r, self._wake_w = -1, -1
        plant = Plant(parameters=parameters_for(rig, patient), terminals=Terminals(), seed=seed)
        self.simulator = Simulator(
            rig=rig,
            plant=plant,
            twins=twins,
            origin_s=self.now_s(),
            faults=tuple(parse(fault) for fault in faults),
            seed=seed,
        )
        self._wire = Wire([])
        self._control = ControlSocket(socket_path)
        try:
            self._wire = self._open_wire(rig, ports, folder)
        except BaseException:
            self._control.close()
            raise
        self._wake_r, self._wake_w = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._stopping = False

    @property
    def addresses(self) -> dict[str, str]:
        """Where each port is served."""
        return self._wire.addresses

    @property
    def socket_path(self) -> Path:
        """Where the simulator's owner reaches it."""
        return self._control.path

    def now_s(self) -> float:
        """The clock that all processes of a rig share: monotonic, scaled."""
        return time.monotonic() * self._speed

    def stop(self) -> None:
        """End `serve` soon; may be called by a signal handler or another thread."""
        self._stopping = True
        os.write(self._wake_w, b".")

    def serve(self) -> None:
        """Serve until `stop`."""
        gc.collect()
        gc.freeze()
        try:
            while not self._stopping:
                self._turn()
        finally:
            gc.unfreeze()

    def close(self) -> None:
        """Hang up everywhere; leave no path behind."""
        self._wire.close()
        self._control.close()
        for fd in (self._wake_r, self._wake_w):
            if fd >= 0:
                os.close(fd)

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Do what the owner asks. Raises ValueError saying what is allowed."""
        simulator = self.simulator
        match asked.get("do"):
            case "truth":
                return simulator.truth() | {"late_max_s": self.late_max_s}
            case "fault":
                text = str(asked.get("fault", ""))
                fault = parse(text if "@" in text else _with_time(text))
                simulator.add_fault(fault, self.now_s())
                return {"fault": str(fault), "at": self.now_s()}
            case "faults":
                return {"vocabulary": vocabulary(simulator), "active": simulator.truth()["faults"]}
            case "clear":
                simulator.clear_faults(self.now_s())
                return {"at": self.now_s()}
            case "pour":
                simulator.plant.pour(_number(asked, "volume_ml"), _number(asked, "temperature_c"))
                return {"reservoir_ml": simulator.plant.reservoir_ml}
            case "stop":
                self.stop()
                return {}
            case other:
                raise BadRequest(f"cannot do {other!r}; allowed: truth, fault, faults, clear, pour, stop")

    def _turn(self) -> None:
        lines = self._wire.fds()
        due_s = min(self._wire.due_s, self.simulator.next_s) - self.now_s()
        wait_s = min(max(0.0, due_s / self._speed), IDLE_S)
        ready, _, _ = select.select([*lines, *self._control.fds(), self._wake_r], [], [], wait_s)
        for fd in ready:
            if fd in lines:
                self._wire.hear(lines[fd], self.now_s())
            else:
                self._control.serve(fd, self.answer)
        self._pass_time(self.now_s())

    def _pass_time(self, now_s: float) -> None:
        """Everything due, in order of time, so that no twin sees a clock that goes back."""
        self.late_max_s = max(self.late_max_s, now_s - min(self._wire.due_s, self.simulator.next_s))
        self.simulator.skip_to(now_s)
        while self.simulator.next_s <= now_s:
            at_s = self.simulator.next_s
            self._wire.advance(at_s)
            self.simulator.step()
            self._wire.tick(at_s)
        self._wire.advance(now_s)

    def _open_wire(self, rig: Rig, ports: Mapping[str, str], folder: Path) -> Wire:
        lines: list[Line] = []
        try:
            for name, bus in self.simulator.bench.buses.items():
                end = open_end(ports.get(name) or str(folder / name), rig.ports[name])
                lines.append(Line(bus, end))
                if isinstance(end, SerialEnd):
                    self._leave_pacing_to_the_uart(name, line=lines[-1])
        except BadRequest as error:
            Wire(lines).close()
            raise BadRequest(f"port {bus.name}: {error}") from error
        return Wire(lines)

    def _leave_pacing_to_the_uart(self, name: str, *, line: Line) -> None:
        if self._speed != 1.0:
            raise BadRequest(f"{name} is a real serial port, which runs at speed 1 only, not {self._speed:g}")
        line.bus.char_s = 0.0


def announce(server: Server, *, json_output: bool, out: TextIO, refused: str = "") -> None:
    """Say where each port is served, and what the system refused: a table, or one JSON line."""
    rig = server.simulator.rig
    if json_output:
        where = {"simulated": True, "word": "SIMULATED", "rig": rig.name, "ports": server.addresses}
        text = json.dumps({**where, "socket": str(server.socket_path), "refused": refused})
    else:
        devices = server.simulator.bench.devices_of
        width = max(map(len, server.addresses), default=0)
        rows = [f"  {name:<{width}}  {at}  ({', '.join(devices[name])})" for name, at in server.addresses.items()]
        text = "\n".join([f"SIMULATED bench {rig.name!r}, ports:", *rows, f"  control: {server.socket_path}"])
        text += f"\n  {refused}: replies may be late under load" if refused else ""
    print(text, file=out, flush=True)


def _folder(beside: Path | None) -> tempfile.TemporaryDirectory[str]:
    """Where pseudo-terminals are linked. Raises BadRequest."""
    try:
        return tempfile.TemporaryDirectory(prefix="hipec-sim-", dir=beside)
    except OSError as error:
        where = beside or tempfile.gettempdir()
        raise BadRequest(f"{where}: {error.strerror}; allowed: a folder that can be written") from error


@contextlib.contextmanager
def _on_signals(act: Callable[[], None]) -> Iterator[None]:
    before = {number: signal.signal(number, lambda *_: act()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave() -> None:
    """Told to stop before there was anything to serve: unwind, so that nothing is left behind."""
    raise SystemExit(0)


def _with_time(text: str) -> str:
    """Now, when the owner gives no time."""
    name, equals, value = text.partition("=")
    name, plus, duration = name.partition("+")
    return f"{name}@0{plus}{duration}{equals}{value}"


def _number(asked: dict[str, Any], name: str) -> float:
    value = asked.get(name)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise BadRequest(f"{name} is {value!r}; allowed: a number")
    return float(value)
