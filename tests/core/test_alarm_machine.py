"""Any sequence of faults, acknowledgements, pauses, resets and waits: what the alarm system promises always holds.

The promises are A1 to A6, A8, A10 and A11 of the alarm engine; a latched trip that survives a restart (A7) and the tone
of a dead host (A9) have tests of their own. The test keeps its own book of what the log says.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from make import World, world_in

from controller.core import alarms as engine
from controller.core.alarms import AUDIO_PAUSE_MAX_S, Alarms
from controller.core.exchange import Act, LinkFault, Order
from controller.core.interlocks import TABLE, Priority

PAUSE_MOST_S = 120.0
REPEAT_MOST_S = 15.0
FAULTS: dict[str, Callable[[World], None]] = {
    "air": lambda w: w.bent.update(bubble_mm=8.0),
    "core": lambda w: w.bent.update(core_c=38.7),
    "pressure": lambda w: w.bent.update(line_pressure_mmhg=320.0),
    "warning": lambda w: w.bent.update(line_pressure_mmhg=220.0),
    "probe": lambda w: w.bent.update(inflow_c=None),
    "cavity": lambda w: w.bent.update(cavity_1_c=None, cavity_2_c=None, cavity_3_c=None),
    "disk": lambda w: setattr(w, "host_faults", ("recorder: disk full",)),
    "link": lambda w: setattr(w, "link_faults", (LinkFault("pump", w.now_s, "does not answer"),)),
    "late": lambda w: setattr(w, "overrun_s", 0.3),
    "protective": lambda w: setattr(w, "status", {"trip": "outlet 46.1 °C", "permit": False}),
}
ABOUT_SOUND = (Act.ACKNOWLEDGE, Act.AUDIO_PAUSE, Act.AUDIO_RESUME)


class AlarmMachine(RuleBasedStateMachine):
    """One treatment that is broken, answered and mended at random."""

    def __init__(self) -> None:
        super().__init__()
        self.world: World
        self.listed: set[str] = set()  # by the log alone
        self.paused_at_s: float | None = None  # by the test's own clock

    @initialize(step=st.sampled_from(("standby", "preheat", "warm_up", "perfuse", "drain")))
    def begin(self, step: str) -> None:
        self.world = world_in(step, settle_s=20.0 if step == "perfuse" else 0.0)
        self.listed = set(self.world.state.alarms.active)

    @rule(name=st.sampled_from(sorted(FAULTS)))
    def breaks(self, name: str) -> None:
        FAULTS[name](self.world)
        self.passes(8)

    @rule()
    def mends(self) -> None:
        world = self.world
        world.bent, world.link_faults, world.host_faults, world.overrun_s, world.status = {}, (), (), 0.0, {}
        self.passes(20)

    @rule(act=st.sampled_from(ABOUT_SOUND))
    def answers(self, act: Act) -> None:
        """A4: the same cycle with and without the act gives the same latch and, but for the tone, the same outputs."""
        without = self.world.copy()
        self.step(Order(act))
        without.step()
        assert self.world.state.latch == without.state.latch
        assert self.world.outputs._replace(quiet=False) == without.outputs._replace(quiet=False)
        assert set(self.world.state.alarms.active) == set(without.state.alarms.active)

    @rule(act=st.sampled_from((Act.RESET, Act.RESUME, Act.HOLD, Act.STOP, Act.CONFIRM, Act.START)))
    def acts(self, act: Act) -> None:
        self.step(Order(act))
        self.passes(3)

    @rule(seconds=st.sampled_from((1, 14, 31, 125)))
    def waits(self, seconds: int) -> None:
        self.passes(seconds, dt_s=1.0)

    def passes(self, cycles: int, *, dt_s: float = 0.1) -> None:
        for _ in range(cycles):
            self.step(dt_s=dt_s)

    def step(self, *orders: Order, dt_s: float = 0.1) -> None:
        world = self.world
        tripped = bool(world.trips)
        world.step(*orders, dt_s=dt_s)
        taken = {event.name for event in world.events if event.kind == "order"}
        alarms = world.state.alarms
        for event in world.events:
            if event.kind == "alarm":
                self.listed.add(event.name)
            elif event.kind == "alarm_end":
                self.listed.discard(event.name)
        if "audio_pause" in taken:
            self.paused_at_s = world.now_s
        new_high = [
            event for event in world.events
            if event.kind == "alarm" and event.priority == "HIGH" and not alarms.active[event.name].because
        ]  # fmt: skip
        if new_high:  # A5
            self.paused_at_s = None
            assert alarms.sounding(world.now_s) is Priority.HIGH
        if tripped and "reset" not in taken and world.trips:  # A11
            assert not world.outputs.heat_on

    @invariant()
    def a1_a8_what_is_listed_is_what_the_log_says(self) -> None:
        if hasattr(self, "world"):
            shown = self.world.cycle.view(self.world.state)["alarms"]
            assert isinstance(shown, list)
            assert {line["id"] for line in shown} == self.listed == set(self.world.state.alarms.active)
            assert set(self.world.trips) <= self.listed

    @invariant()
    def a2_a3_a6_what_sounds_is_the_highest_that_is_not_answered(self) -> None:
        if not hasattr(self, "world"):
            return
        alarms, now_s = self.world.state.alarms, self.world.now_s
        loud = [a.priority for a in alarms.active.values() if not a.acknowledged and not a.because]
        heard = alarms.sounding(now_s)
        paused = self.paused_at_s is not None and now_s - self.paused_at_s < PAUSE_MOST_S
        assert heard in ((max(loud) if loud else None), None)
        if loud and not paused:
            assert heard is max(loud)
            assert alarms.stage(now_s).repeat_s <= REPEAT_MOST_S
        ranks = [a.priority for a in alarms.ranked()]
        assert ranks == sorted(ranks, reverse=True)

    @invariant()
    def a11_no_heat_with_a_high_trip_that_is_not_reset(self) -> None:
        if hasattr(self, "world") and self.world.trips:
            assert not self.world.outputs.heat_on
            assert not self.world.state.latch.armed


AlarmMachine.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=20,
    report_multiple_bugs=False,
)
TestTheAlarmSystemKeepsItsPromises = AlarmMachine.TestCase


def test_h36_a10_alarm_times_are_differences_only_so_that_no_clock_step_moves_one() -> None:
    """The same story a day earlier or later on the clock: same sounds, same log."""
    rows = {row.id: row for row in TABLE}
    told = []
    for shift_s in (0.0, 86400.0, -86400.0, 1e9):
        alarms, log = Alarms(), []
        for second in range(400):
            now_s = shift_s + second
            ids = [id_ for id_, span in {"air": (5, 9), "heat_off": (20, 390)}.items() if span[0] <= second < span[1]]
            present = [(rows[id_], "so") for id_ in ids]
            alarms, events = engine.step(alarms, present, ["air"] if 5 <= second < 200 else [], now_s)
            if second == 30:
                alarms = alarms._replace(paused_until_s=now_s + AUDIO_PAUSE_MAX_S, paused=True)
            heard = alarms.sounding(now_s)
            said = [(event.kind, event.name, event.text, event.at_s - shift_s) for event in events]
            log.append((heard, alarms.stage(now_s).after_s, said))
        told.append(log)
    assert all(log == told[0] for log in told[1:])
    assert {heard for heard, _, _ in told[0]} == {None, Priority.MEDIUM, Priority.HIGH}
