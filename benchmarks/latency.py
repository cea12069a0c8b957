"""How punctual the control loop is on this machine: `python -m benchmarks.latency [SECONDS] [--load]`.

The shipped loop and cycle run on the wall's clock over a bench that answers from memory. `--load` adds one busy
process per core. Prints only; nothing is asserted.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from config.loading import load_pair
from config.schema import Patient
from controller.core.cycle import Cycle
from controller.core.exchange import Event, Inputs, LinkFault, Outputs
from controller.core.signals import Reading, by_name
from controller.runtime.clock import RunClock
from controller.runtime.commands import StopFlag
from controller.runtime.desk import Desk
from controller.runtime.loop import Loop
from controller.runtime.ports import PortNote
from controller.runtime.protective_link import ProtectiveLink
from controller.runtime.realtime import ask_for_realtime
from controller.runtime.slot import LinkStatistics


class MemoryBench:
    """Every signal of the rig in the middle of its range, measured just now."""

    def __init__(self, signals: tuple[str, ...]) -> None:
        table = by_name()
        self._values = {name: (table[name].low + table[name].high) / 2 for name in signals}

    def inputs(self, now_s: float) -> Mapping[str, Reading]:
        return {name: Reading(value, now_s) for name, value in self._values.items()}

    def publish(self, outputs: Outputs, now_s: float) -> None:
        return None

    def link_faults(self) -> tuple[LinkFault, ...]:
        return ()

    def notes(self) -> list[PortNote]:
        return []

    def statistics(self) -> list[LinkStatistics]:
        return []


class MemoryRecorder:
    """Keeps nothing."""

    fault = ""
    free_mb = 100_000.0

    def sample(self, at_s: float, inputs: Inputs, outputs: Outputs, view: Mapping[str, object]) -> None:
        return None

    def event(self, event: Event) -> None:
        return None

    def claim(self) -> None:
        return None

    def close(self, *, complete: bool = True) -> None:
        return None


def burn(until_s: float) -> None:
    """Keep one core busy."""
    while time.monotonic() < until_s:
        sum(range(10_000))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=float, nargs="?", default=30.0)
    parser.add_argument("--load", action="store_true", help="one busy process per core")
    given = parser.parse_args()
    until_s = time.monotonic() + given.seconds
    burners = [multiprocessing.Process(target=burn, args=(until_s,)) for _ in range(os.cpu_count() or 1)]
    for burner in burners if given.load else []:
        burner.start()
    for line in ask_for_realtime():
        print(f"not granted: {line}")
    print_lateness(until_s, loaded=given.load)
    for burner in burners if given.load else []:
        burner.join()


def print_lateness(until_s: float, *, loaded: bool) -> None:
    """Run the loop until then and print what it measured of itself."""
    rig, treatment = load_pair("bench", "mitomycin_90")
    with tempfile.TemporaryDirectory() as folder:
        link = ProtectiveLink(run_dir=Path(folder))
        loop = Loop(
            cycle=Cycle(rig=rig, treatment=treatment, patient=Patient()),
            bench=MemoryBench(tuple(rig.signals)),
            link=link,
            recorder=MemoryRecorder(),
            desk=Desk(stop=StopFlag()),
            clock=RunClock(),
            about={},
        )
        cpu_s = time.thread_time()
        loop.run(lambda: time.monotonic() >= until_s)
        cpu_s = time.thread_time() - cpu_s
        link.close()
    found = loop.lateness.summary()
    machine = "loaded" if loaded else "idle"
    print(f"loop at 10 Hz, {machine} machine, {found['cycles']} cycles, {loop.failure or 'no failure'}")
    print(f"lateness  p50 {found['p50_ms']:.2f} ms   p99 {found['p99_ms']:.2f} ms   max {found['max_ms']:.2f} ms")
    print(f"missed    {found['missed']} cycles")
    print(f"cpu       {cpu_s / max(1, loop.lateness.cycles) * 1000:.2f} ms a cycle")


if __name__ == "__main__":
    main()
