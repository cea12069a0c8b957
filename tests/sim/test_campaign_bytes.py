"""The byte-level engine: seated on a moment of a treatment it goes on as the treatment did, and breaks as it should."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from controller.runtime import desk, loop
from sim.campaign.byte_engine import ByteEngine
from sim.campaign.engine import Watcher
from sim.campaign.lockstep import Lockstep
from sim.campaign.person import Conduct, Person
from sim.campaign.runner import Treated
from sim.campaign.scenario import base_of
from sim.faults import parse

pytestmark = pytest.mark.timeout(600)
DRIVEN = ("pump_enabled", "inflow_open", "clamp_allowed", "outflow_closed", "contactor_closed", "bath_on")


@pytest.fixture(scope="module", params=[0, 1], ids=["modbus", "bench"])
def treated(request: pytest.FixtureRequest) -> Treated:
    return Treated(base_of(request.param))


@contextmanager
def _seated(treated: Treated, step: str) -> Iterator[ByteEngine]:
    kept = treated.kept[step]
    engine = ByteEngine(treated.resume(kept[len(kept) // 2]))
    try:
        yield engine
    finally:
        engine.close()


def _advance(engine: ByteEngine, seconds: float) -> None:
    for _ in range(round(seconds / 0.1)):
        engine.advance()


def test_it_stands_where_the_values_stood_and_goes_on_without_a_trip(treated: Treated) -> None:
    kept = treated.kept["warm_up"]
    source = treated.resume(kept[len(kept) // 2])
    before = {name: getattr(source.plant.terminals, name) for name in DRIVEN}
    with _seated(treated, "warm_up") as engine:
        assert {name: getattr(engine.plant.terminals, name) for name in DRIVEN} == before
        assert before["contactor_closed"]
        assert engine.now_s == pytest.approx(source.now_s)
        engine.begin((), Person(conduct=Conduct(), begun_s=engine.now_s))
        _advance(engine, 5.0)
        assert engine.outputs.heat_on
        assert engine.plant.heater_power_w > 0.0
        assert not engine.state.latch.tripped
        assert engine.state.sensed.bad == {}


@pytest.mark.parametrize("step", ["warm_up", "perfuse"])
def test_warm_fluid_that_flowed_into_the_patient_flows_on_through_the_second_clamp(treated: Treated, step: str) -> None:
    with _seated(treated, step) as engine:
        assert engine.plant.outlet_c > 43.0, "a channel that starts now would hold it back"
        watcher = Watcher(engine)
        engine.begin((), Person(conduct=Conduct(), begun_s=engine.now_s))
        for _ in range(50):
            engine.advance()
            assert watcher.look().entered_ml > 0.0


@pytest.mark.parametrize("fault", ["garbled", "silent"])
def test_h29_one_answer_that_is_lost_or_damaged_is_late_and_trips_nothing(treated: Treated, fault: str) -> None:
    # The bath's manual asks for 1 s of patience, which is longer than the outlet's value may be old: that one trips.
    for device in sorted({*treated.rig.devices} - {"bath"}):
        with _seated(treated, "perfuse") as engine:
            struck = parse(f"{fault}:{device}@1+0.12")
            engine.begin([struck], Person(conduct=Conduct(), begun_s=engine.now_s))
            late = 0
            for _ in range(50):
                engine.advance()
                late += device in {link.device for link in engine.inputs.link_faults}
            assert engine.state.latch.trips == (), device
            assert late, device


def test_h29_an_answer_of_the_probes_may_be_lost_at_any_moment_of_their_turn(treated: Treated) -> None:
    with _seated(treated, "perfuse") as engine:
        faults = [parse(f"silent:probes@{1.0 + 2.05 * lost:.2f}+0.12") for lost in range(8)]
        engine.begin(faults, Person(conduct=Conduct(), begun_s=engine.now_s))
        late = 0
        for _ in range(180):
            engine.advance()
            late += "probes" in {link.device for link in engine.inputs.link_faults}
        assert engine.state.latch.trips == ()
        assert late > len(faults)


def test_a_host_that_stands_still_for_a_minute_changes_nothing_in_a_run(
    treated: Treated, monkeypatch: pytest.MonkeyPatch
) -> None:
    traces = []
    for clock in (time, SimpleNamespace(**{**vars(time), "monotonic": _Leaping(60.0), "time": _Leaping(90.0)})):
        monkeypatch.setitem(desk.Desk.__init__.__kwdefaults__, "monotonic", clock.monotonic)
        monkeypatch.setattr(loop, "time", clock)
        with _seated(treated, "perfuse") as engine:
            engine.begin([parse("stall@3")], Person(conduct=Conduct(), begun_s=engine.now_s))
            watcher = Watcher(engine)
            for _ in range(150):
                engine.advance()
                watcher.look()
            traces.append(watcher.trace_hash)
    assert traces[0] == traces[1]


class _Leaping:
    """A clock that leaps at every look."""

    def __init__(self, by_s: float) -> None:
        self._by_s = by_s
        self._now_s = 0.0

    def __call__(self) -> float:
        self._now_s += self._by_s
        return self._now_s


@pytest.mark.parametrize(
    "fault",
    [
        "stall@1",
        "unplugged:heater@1",
        "silent:protect@1",
        "kill:control@1+3",
        "stop:control@1+3",
        "kill:protective@1+3",
    ],
)
def test_a_fault_takes_the_power_away_down_to_the_bytes(treated: Treated, fault: str) -> None:
    with _seated(treated, "warm_up") as engine:
        engine.begin([parse(fault)], Person(conduct=Conduct(), begun_s=engine.now_s))
        _advance(engine, 0.9)
        assert engine.plant.heater_power_w > 0.0
        _advance(engine, 1.3)
        assert engine.plant.heater_power_w == 0.0
        _advance(engine, 5.0)
        assert engine.plant.heater_power_w == 0.0
        assert not engine.outputs.heat_on


def test_it_replays_bit_for_bit(treated: Treated) -> None:
    hashes = []
    for _ in range(2):
        with _seated(treated, "fill") as engine:
            engine.begin([parse("garbled:probes@0.5+2=0.5")], Person(conduct=Conduct(), begun_s=engine.now_s))
            watcher = Watcher(engine)
            for _ in range(40):
                engine.advance()
                watcher.look()
            hashes.append(watcher.trace_hash)
    assert hashes[0] == hashes[1]


def test_tasks_run_in_the_order_of_their_time_and_a_frozen_one_does_not() -> None:
    clock = Lockstep(0.0)
    said: list[tuple[str, float]] = []

    def live(name: str, every_s: float) -> None:
        while True:
            said.append((name, round(clock.now(), 3)))
            clock.sleep(every_s)

    clock.begin("a", lambda: live("a", 0.3))
    slow = clock.begin("b", lambda: live("b", 0.25))
    clock.run_until(0.65)
    assert said == [("a", 0.0), ("b", 0.0), ("b", 0.25), ("a", 0.3), ("b", 0.5), ("a", 0.6)]
    slow.frozen = True
    said.clear()
    clock.run_until(1.25)
    assert said == [("a", 0.9), ("a", 1.2)]
    clock.thaw(slow)
    clock.run_until(1.3)
    assert said[-1] == ("b", 1.25)
    clock.close()


def test_what_fails_in_a_task_is_raised_where_time_is_driven() -> None:
    clock = Lockstep(0.0)

    def fail() -> None:
        raise LookupError("a defect")

    clock.begin("broken", fail)
    with pytest.raises(LookupError, match="a defect"):
        clock.run_until(1.0)
