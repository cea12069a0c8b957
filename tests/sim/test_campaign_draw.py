"""What the campaign draws: every fault that virtual time can do, and each of them does something."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sim.campaign.byte_engine import ByteEngine
from sim.campaign.drawing import UNDRAWN, draw_fault
from sim.campaign.engine import Engine, Watcher
from sim.campaign.person import Conduct, Person
from sim.campaign.runner import Prepared
from sim.campaign.scenario import base_of
from sim.campaign.value_engine import ValueEngine
from sim.fault_catalogue import CATALOGUE
from sim.faults import Fault, parse
from sim.hosts import REAL_ONLY

TARGETS = {"probe": "inflow_c", "link": "heater", "heater": "", "pump": "", "host": ""}
VALUES = {"swapped": "=outflow_c", "slow": "=0.3", "weak": "=0.1", "delayed": "=60", "drift": "=5", "leak": "=2000"}
SOON = 15.0  # the slowest of them, a lost console, is said after 10 s
DRAWN = sorted(CATALOGUE.keys() - REAL_ONLY.keys() - UNDRAWN.keys())
HOST = [name for name in DRAWN if CATALOGUE[name].kind == "host"]


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    return Prepared(base_of(1))


class Warming:
    """A bench that warms a patient up; a copy of it for each question."""

    def __init__(self, prepared: Prepared) -> None:
        self._engine = prepared.fresh()
        while not (self._engine.state.walk.step == "warm_up" and self._engine.plant.heater_power_w > 0.0):
            self._engine.advance()
        self._kept = self._engine.keep()

    def copy(self) -> ValueEngine:
        return self._engine.another(self._kept)

    @contextmanager
    def bytes(self) -> Iterator[ByteEngine]:
        engine = ByteEngine(self.copy())
        try:
            yield engine
        finally:
            engine.close()


@pytest.fixture(scope="module")
def warming(prepared: Prepared) -> Warming:
    return Warming(prepared)


def _struck(prepared: Prepared, name: str) -> tuple[Fault, ...]:
    target = prepared.rig.actuators.heater if CATALOGUE[name].kind == "link" else TARGETS[CATALOGUE[name].kind]
    target = "control" if name in ("kill", "stop") else target
    long = "+5" if name == "power_cycled" else ""
    return (parse(f"{name}{':' if target else ''}{target}@1{long}{VALUES.get(name, '')}"),)


def _trace(engine: Engine, faults: tuple[Fault, ...]) -> str:
    engine.begin(faults, Person(conduct=Conduct(), begun_s=engine.now_s))
    watcher = Watcher(engine)
    for _ in range(round(SOON / 0.1)):
        engine.advance()
        watcher.look()
    return watcher.trace_hash


def test_a_fault_is_drawn_or_it_is_said_where_real_processes_are_struck_with_it(prepared: Prepared) -> None:
    draw = random.Random(1)
    seen = [draw_fault(draw, prepared.bench, 0.0) for _ in range(5000)]
    assert {fault.name for fault in seen} == set(DRAWN)
    assert min(float(fault.value or 0.0) for fault in seen if fault.name == "occlusion_out") < 0.1


def test_two_runs_without_a_fault_leave_one_trace(warming: Warming, calm: str) -> None:
    assert _trace(warming.copy(), ()) == calm


@pytest.fixture(scope="module")
def calm(warming: Warming) -> str:
    return _trace(warming.copy(), ())


@pytest.mark.parametrize("name", DRAWN)
def test_every_drawn_fault_changes_the_trace_of_a_run(
    warming: Warming, prepared: Prepared, calm: str, name: str
) -> None:
    assert _trace(warming.copy(), _struck(prepared, name)) != calm


@pytest.fixture(scope="module")
def calm_bytes(warming: Warming) -> str:
    with warming.bytes() as engine:
        return _trace(engine, ())


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", HOST)
def test_every_drawn_host_fault_changes_the_trace_of_a_run_down_to_the_bytes(
    warming: Warming, prepared: Prepared, calm_bytes: str, name: str
) -> None:
    with warming.bytes() as engine:
        assert _trace(engine, _struck(prepared, name)) != calm_bytes
