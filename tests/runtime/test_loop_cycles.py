from __future__ import annotations

import gc
from collections.abc import Callable, Mapping

import pytest
from runtime_fakes import FakeBench, FakeCycle, FakeLink, FakeRecorder

from controller.core.exchange import SAFE, Act, Event, Inputs, Order, Outputs
from controller.runtime.commands import StopFlag
from controller.runtime.desk import ORDERS_MAX, Desk, Ticket
from controller.runtime.lateness import Lateness
from controller.runtime.loop import Loop
from controller.runtime.ports import PortNote
from sim.memory import VirtualClock


class Rigged:
    """A loop over fakes, in virtual time."""

    def __init__(self) -> None:
        self.clock = VirtualClock(1000.0)
        self.cycle, self.bench, self.link, self.recorder = FakeCycle(), FakeBench(), FakeLink(), FakeRecorder()
        self.stop = StopFlag()
        self.desk = Desk(stop=self.stop)
        self.loop = Loop(
            cycle=self.cycle,
            bench=self.bench,
            link=self.link,
            recorder=self.recorder,
            desk=self.desk,
            clock=self.clock,
            about={"simulated": True},
        )

    def once(self, late_s: float = 0.0) -> Outputs:
        self.clock.sleep(0.1)
        return self.loop.once(self.clock.now(), late_s).outputs

    def run(self, cycles: int, at_cycle: Callable[[int], None] = lambda number: None) -> None:
        def ending() -> bool:
            return len(self.cycle.seen) >= cycles

        step = self.cycle.step

        def stepping(state, inputs, now_s):
            at_cycle(len(self.cycle.seen))
            return step(state, inputs, now_s)

        self.cycle.step = stepping  # type: ignore[method-assign]
        self.loop.run(ending)


def test_a_completed_cycle_publishes_then_beats_then_shows_and_keeps() -> None:
    rig = Rigged()
    outputs = rig.once()
    assert outputs.heat_on
    assert rig.bench.published == [(outputs, rig.clock.now())]
    assert rig.link.beats == [(1, rig.clock.now(), True, 0)]
    assert rig.desk.state["phase"] == "STANDBY"
    assert rig.desk.state["runtime"]["simulated"] is True
    assert rig.recorder.samples == [rig.clock.now()]


def test_an_alarm_is_given_to_the_record_before_anybody_is_shown_it() -> None:
    rig = Rigged()
    order: list[str] = []
    step, event, show = rig.cycle.step, rig.recorder.event, rig.desk.show

    def stepping(state: int, inputs: Inputs, now_s: float) -> tuple[int, Outputs, tuple[Event, ...]]:
        state, outputs, _ = step(state, inputs, now_s)
        return state, outputs, (Event(now_s, "alarm", "air", "Air in the line", "HIGH"),)

    def recording(said: Event) -> None:
        order.append(f"record {said.name}")
        event(said)

    def showing(state: Mapping[str, object]) -> None:
        order.append("show")
        show(state)

    rig.cycle.step = stepping  # type: ignore[method-assign]
    rig.recorder.event = recording  # type: ignore[method-assign]
    rig.desk.show = showing  # type: ignore[method-assign]
    rig.once()
    assert order == ["record air", "show"]


def test_deadlines_are_absolute_so_that_the_time_a_cycle_takes_does_not_add_up() -> None:
    rig = Rigged()
    rig.run(50, lambda number: rig.clock.sleep(0.07))
    times = [at_s for _, at_s in rig.bench.published]
    assert times == pytest.approx([1000.1 + 0.1 * n for n in range(50)])
    assert rig.loop.lateness.missed == 0


def test_missed_cycles_are_skipped_and_not_made_up_for() -> None:
    rig = Rigged()
    rig.run(6, lambda number: rig.clock.sleep(0.35 if number == 2 else 0.0))
    times = [at_s for _, at_s in rig.bench.published]
    assert times == pytest.approx([1000.1, 1000.2, 1000.3, 1000.65, 1000.7, 1000.8])
    assert rig.loop.lateness.missed == 2
    late = rig.cycle.seen[3]
    assert late.overrun_s == pytest.approx(0.25)
    assert late.host_faults == ("loop 0.25 s late",)
    assert rig.cycle.seen[4].host_faults == ()


@pytest.mark.parametrize("error", [ValueError("defect"), ZeroDivisionError(), RecursionError(), MemoryError()])
def test_any_exception_in_a_cycle_publishes_safe_for_good(error: Exception) -> None:
    rig = Rigged()
    rig.once()
    rig.cycle.error = error
    assert rig.once() == SAFE
    rig.cycle.error = None
    for _ in range(30):
        assert rig.once() == SAFE
    assert {outputs for outputs, _ in rig.bench.published[1:]} == {SAFE}
    assert rig.bench.published[-1][1] == rig.clock.now()  # refreshed, not left to stand
    assert len(rig.link.beats) == 1  # no heartbeat without a completed cycle
    assert type(error).__name__ in rig.desk.state["runtime"]["failure"]
    assert rig.desk.state["phase"] == "FAILED"
    faults = [event for event in rig.recorder.events if event.kind == "fault"]
    assert len(faults) == 1


def test_outputs_that_the_bench_refuses_end_in_safe() -> None:
    rig = Rigged()

    def refuse(outputs: Outputs) -> None:
        if outputs != SAFE:
            raise ValueError("pump at nan")

    rig.bench.refuse = refuse
    assert rig.once() == SAFE
    assert rig.bench.published == [(SAFE, rig.clock.now())]
    assert rig.link.beats == []


def test_a_recorder_that_breaks_does_not_keep_safe_from_being_published() -> None:
    rig = Rigged()
    rig.recorder.failing = RuntimeError("disk on fire")
    rig.cycle.error = ValueError("defect")
    for _ in range(3):
        assert rig.once() == SAFE
    assert len(rig.bench.published) == 3
    assert rig.desk.state["phase"] == "FAILED"


def test_no_value_of_the_last_state_is_shown_after_a_failure() -> None:
    rig = Rigged()
    rig.once()
    rig.cycle.error = ValueError("defect")
    rig.once()
    assert set(rig.desk.state) == {"phase", "failed", "runtime"}


def test_stop_comes_before_a_queued_order_and_is_handled_only_once_published() -> None:
    rig = Rigged()
    rig.desk.submit(Ticket(Order(Act.RESUME), 1, 1))
    rig.stop.request()
    pending: list[bool] = []
    rig.bench.refuse = lambda outputs: pending.append(rig.stop.pending)
    outputs = rig.once()
    assert [order.act for order in rig.cycle.seen[0].orders] == [Act.STOP, Act.RESUME]
    assert pending == [True]
    assert not rig.stop.pending
    assert not outputs.heat_on
    assert rig.once() is not None
    assert rig.cycle.seen[1].orders == ()


def test_a_stop_that_comes_during_a_cycle_is_given_to_the_next_one() -> None:
    rig = Rigged()
    rig.bench.refuse = lambda outputs: rig.stop.request() if not rig.bench.published else None
    rig.once()
    assert rig.stop.pending
    rig.once()
    assert rig.cycle.seen[1].orders == (Order(Act.STOP),)
    assert not rig.stop.pending


def test_orders_are_taken_one_in_a_cycle_and_answered_with_the_refusal() -> None:
    rig = Rigged()
    for number, act in enumerate((Act.START, Act.DOSE, Act.HOLD)):
        assert rig.desk.submit(Ticket(Order(act), 7, number)) == ""
    answers = []
    for _ in range(3):
        rig.once()
        answers += [(answer.ticket.request, answer.refusal) for answer in rig.desk.answers()]
    assert answers == [(0, ""), (1, "not now"), (2, "")]


def test_an_order_is_answered_when_the_cycle_fails_on_it_and_after() -> None:
    rig = Rigged()
    rig.cycle.error = ValueError("defect")
    rig.desk.submit(Ticket(Order(Act.START), 7, 1))
    rig.once()
    rig.desk.submit(Ticket(Order(Act.START), 7, 2))
    rig.once()
    answers = rig.desk.answers()
    assert [answer.ticket.request for answer in answers] == [1, 2]
    assert all("fail" in answer.refusal for answer in answers)


def test_the_queue_of_orders_is_bounded() -> None:
    desk = Desk(stop=StopFlag())
    for number in range(ORDERS_MAX):
        assert desk.submit(Ticket(Order(Act.HOLD), 1, number)) == ""
    assert "waiting already" in desk.submit(Ticket(Order(Act.HOLD), 1, 99))


def test_faults_of_recorder_and_api_are_told_to_the_cycle() -> None:
    rig = Rigged()
    rig.recorder.fault = "disk full"
    rig.desk.api_fault = "api: OSError"
    rig.once()
    assert rig.cycle.seen[0].host_faults == ("recorder: disk full", "api: OSError")


@pytest.mark.parametrize("free_mb", [123.0, None])
def test_h37_the_room_that_the_recorder_has_measured_is_told_to_the_cycle(free_mb: float | None) -> None:
    rig = Rigged()
    rig.recorder.free_mb = free_mb
    rig.once()
    assert rig.cycle.seen[0].disk_free_mb == free_mb


def test_what_happens_on_the_ports_is_recorded() -> None:
    rig = Rigged()
    rig.bench.pending_notes = [PortNote(999.0, "fault", "pump", "pump: nothing")]
    rig.once()
    assert rig.recorder.events == [Event(999.0, "fault", "pump", "pump: nothing")]


def test_people_are_shown_ten_states_a_second_of_the_wall_however_fast_the_clock_runs() -> None:
    rig = Rigged()
    rig.clock.wall_s = lambda seconds: seconds / 10  # type: ignore[method-assign]
    rig.loop = Loop(
        cycle=rig.cycle,
        bench=rig.bench,
        link=rig.link,
        recorder=rig.recorder,
        desk=rig.desk,
        clock=rig.clock,
        about={},
    )
    for _ in range(100):
        rig.once()
    assert rig.desk.state_seq == pytest.approx(10, abs=1)
    assert len(rig.link.beats) == 100


def test_the_garbage_collector_is_given_back_even_after_an_error() -> None:
    rig = Rigged()
    rig.run(3)
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_lateness_keeps_quantiles_within_a_tenth_of_a_decade() -> None:
    lateness = Lateness()
    assert lateness.quantile_s(0.5) == 0.0
    for number in range(1, 1001):
        lateness.add(number / 1000, 0)
    assert lateness.quantile_s(0.5) == pytest.approx(0.5, rel=0.27)
    assert lateness.quantile_s(0.99) == pytest.approx(0.99, rel=0.27)
    assert lateness.quantile_s(1.0) == lateness.max_s == 1.0
    lateness.add(99.0, 3)
    assert lateness.quantile_s(1.0) == 99.0
    assert lateness.summary()["missed"] == 3


def test_h36_a_wall_clock_that_is_set_is_told_once_and_changes_no_deadline() -> None:
    rig = Rigged()
    offset_s = 0.0
    rig.loop._wall_offset = lambda: offset_s
    rig.loop._wall_offset_s = offset_s
    rig.once()
    offset_s = 86400.0
    rig.once()
    rig.once()
    assert [seen.wall_jump_s for seen in rig.cycle.seen] == [0.0, 86400.0, 0.0]


def test_h44_the_cycle_is_told_how_long_nobody_has_taken_a_state() -> None:
    rig = Rigged()
    rig.desk.seen_s -= 30.0
    rig.once()
    rig.desk.seen()
    rig.once()
    assert rig.cycle.seen[0].attended_s >= 30.0
    assert rig.cycle.seen[1].attended_s < 5.0
