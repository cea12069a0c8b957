"""How many questions a second each simulated port answers, against what its bytes and its reply time allow.

`python -m benchmarks.wire [--speed N] [--seconds S]`. The simulator runs in its own process with plant and all, the
host asks with the shipped `drivers.port`, one thread a port, as the runtime does. Rates are per simulated second.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import signal
import tempfile
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from config.schema import Baud, Rig
from config.schema import Port as PortConfig
from controller.runtime.clock import RunClock
from drivers.port import Port, SerialLine
from sim.assembly import character_s
from sim.devices.twin import Reply, Wiring
from sim.host_process import die_with_the_parent
from sim.server import Server


@dataclass(frozen=True, slots=True)
class Case:
    """One port: its speed, the length of a question and of its answer, and the device's reply time."""

    name: str
    baud: Baud
    asks: int
    answers: int
    reply_s: float


CASES = (
    Case("temps", 9600, 6, 46, 0.005),
    Case("heater", 9600, 30, 34, 0.010),
    Case("pump", 9600, 4, 40, 0.005),
    Case("relays", 9600, 8, 8, 0.003),
    Case("pressures", 9600, 8, 9, 0.005),
    Case("flow", 115200, 11, 23, 0.002),
)


class Clockwork:
    """Answers every `asks` bytes with `answers` bytes after its reply time."""

    def __init__(self, wiring: Wiring) -> None:
        self._case = next((case for case in CASES if case.name == wiring.options.get("case")), None)
        self._held = 0

    def receive(self, data: bytes, now_s: float) -> list[Reply]:
        """Count bytes; at the end of a question answer it."""
        if self._case is None:
            return []
        self._held += len(data)
        if self._held < self._case.asks:
            return []
        self._held = 0
        return [Reply(self._case.reply_s, bytes(self._case.answers))]

    def tick(self, now_s: float) -> None:
        """It has no timers."""

    def power_cycle(self, now_s: float) -> None:
        """Nothing to lose."""
        self._held = 0


def rig() -> Rig:
    """One device on each port, and a protective port that nobody asks."""
    relay = {"device": "temps", "channel": 0}
    return msgspec.convert(
        {
            "name": "wire",
            "circuit": {},
            "heater": {"kind": "bath"},
            "ports": {case.name: {"path": "unset", "baud": case.baud} for case in CASES} | {"guard": {"path": "unset"}},
            "devices": {
                case.name: {"family": "clockwork", "port": case.name, "options": {"case": case.name}} for case in CASES
            },
            "signals": {},
            "actuators": {
                "pump": "pump",
                "heater": "heater",
                "pump_enable": relay,
                "inflow_open": relay,
                "outflow_closed": relay,
            },
            "protective": {"port": "guard"},
        },
        Rig,
    )


def serve(speed: float, folder: str, tell: Connection) -> None:
    """Be the simulator's process."""
    die_with_the_parent()
    server = Server(
        rig=rig(),
        speed=speed,
        seed=0,
        ports={},
        folder=Path(folder),
        socket_path=Path(folder) / "sim.sock",
        twins=dict.fromkeys(("clockwork", "pt100_8ch", "waveshare_relay"), Clockwork),
    )
    with contextlib.closing(server):
        signal.signal(signal.SIGTERM, lambda *_: server.stop())
        tell.send(server.addresses)
        server.serve()


def poll(case: Case, config: PortConfig, path: str, clock: RunClock, seconds: float, rates: dict[str, float]) -> None:
    """Ask as fast as the port answers for `seconds` of simulated time."""
    line = SerialLine(path=path, baud=config.baud, frame=config.frame)
    port = Port(name=case.name, line=line, clock=clock, timeout_s=0.5, char_s=character_s(config))
    began_s = clock.now()
    count = 0
    while clock.now() < began_s + seconds:
        port.exchange(bytes(case.asks), lambda body: case.answers)
        count += 1
    rates[case.name] = count / (clock.now() - began_s)
    port.close()


def measure(speed: float, seconds: float) -> dict[str, float]:
    """Questions answered per simulated second on each port, all ports at once."""
    clock = RunClock(speed=speed)
    hear, tell = multiprocessing.Pipe(duplex=False)
    rates: dict[str, float] = {}
    ports = rig().ports  # not in the threads: msgspec 0.22.0 crashed when two first met a type at once
    with tempfile.TemporaryDirectory() as folder:
        simulator = multiprocessing.get_context("spawn").Process(target=serve, args=(speed, folder, tell))
        simulator.start()
        addresses = hear.recv()
        threads = [
            threading.Thread(target=poll, args=(case, ports[case.name], addresses[case.name], clock, seconds, rates))
            for case in CASES
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        simulator.terminate()
        simulator.join()
    return rates


def main() -> None:
    """Print one line per port."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--speed", type=float, nargs="+", default=[1.0, 10.0])
    parser.add_argument("--seconds", type=float, default=5.0, help="wall time for each speed")
    asked = parser.parse_args()
    for speed in asked.speed:
        rates = measure(speed, asked.seconds * speed)
        print(f"SIMULATED ports at speed {speed:g}: questions answered per simulated second")
        for case in CASES:
            allowed = 1.0 / ((case.asks + case.answers) * 10 / case.baud + case.reply_s)
            share = rates[case.name] / allowed
            print(f"  {case.name:<10} {case.baud:>6} baud  {rates[case.name]:7.1f} of {allowed:7.1f}  {share:6.1%}")


if __name__ == "__main__":
    main()
