"""The control loop: one cycle every 0.1 s on absolute deadlines, and SAFE for good after the first exception.

Nothing on this thread waits for a file, a network, a log or a client. A cycle that comes too late is not made up for:
the missed ones are skipped and the lateness is measured and told to the cycle.
Not responsible for any decision (`controller.core.cycle`) or any byte (`ports`).
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from controller.core.exchange import SAFE, Act, Event, Inputs, Order, Outputs, ProtectiveStatus
from controller.core.restart import Restored
from controller.core.signals import Reading
from controller.runtime.desk import Desk
from controller.runtime.lateness import Lateness
from controller.runtime.loop_parts import BenchLike, Core, CycleLike, LinkLike, RecorderLike, SetUpsLike
from controller.runtime.told import Told
from drivers.port import Clock

PERIOD_S = 0.1
LATE_TOLD_WALL_S = 0.2  # wall seconds; later than this is told to the cycle as a fault of the host
SHOW_EVERY_WALL_S = 0.1  # however fast the clock runs, people are shown ten states a second,
SAMPLE_EVERY_S = 1.0  # and the record has one sample for each of its seconds at least
WAIT_AT_MOST_S = 0.5


def _wall_offset() -> float:
    """The wall clock minus the monotonic one, s."""
    return time.time() - time.monotonic()


class Cycled(NamedTuple):
    """What one turn of the loop left behind, for tests and for the state that is shown."""

    seq: int
    outputs: Outputs
    failure: str


class Loop:
    """Made once, run once. `once` is one cycle at a given time: the whole loop can be tested in virtual time."""

    def __init__(
        self,
        *,
        cycle: CycleLike,
        bench: BenchLike,
        link: LinkLike,
        recorder: RecorderLike,
        desk: Desk,
        clock: Clock,
        about: Mapping[str, object],
        restored: Restored | None = None,
        session: Callable[[], str] = lambda: "no session self-test is known",
        setups: SetUpsLike | None = None,
        period_s: float = PERIOD_S,
        wall_offset: Callable[[], float] = _wall_offset,
    ) -> None:
        self.lateness = Lateness()
        self.failure = ""
        self._cycle = cycle
        self._bench = bench
        self._link = link
        self._recorder = recorder
        self._desk = desk
        self._clock = clock
        self._about = about
        self._period_s = period_s
        self._session = session
        self._setups = setups
        self._status: ProtectiveStatus | None = None
        self._wall_offset = wall_offset
        self._wall_offset_s = wall_offset()
        self._restarted = "" if restored is None else restored.text
        self._state = cycle.initial(clock.now()) if restored is None else cycle.initial(clock.now(), restored)
        self._told = Told(began_s=clock.now())
        self._seq = 0
        self._reported = False
        self._show_every_s = min(SHOW_EVERY_WALL_S / clock.wall_s(1.0), SAMPLE_EVERY_S)
        self._show_at_s = clock.now()

    @property
    def recorder(self) -> RecorderLike:
        """The record that is being written: a set-up begins another."""
        return self._recorder

    def run(self, ending: Callable[[], bool]) -> None:
        """Cycle until `ending()` is true. The garbage collector runs only in the slack of a cycle."""
        gc.collect()
        gc.freeze()
        gc.disable()
        try:
            deadline_s = self._clock.now() + self._period_s
            while not ending():
                self._wait_until(deadline_s, ending)
                now_s = self._clock.now()
                late_s = max(0.0, now_s - deadline_s)
                missed = int(late_s / self._period_s)
                self.lateness.add(self._clock.wall_s(late_s), missed)
                self.once(now_s, late_s)
                deadline_s += (missed + 1) * self._period_s
                gc.collect(0)
        finally:
            gc.enable()
            gc.unfreeze()

    def once(self, now_s: float, late_s: float = 0.0) -> Cycled:
        """One cycle. After the first exception: SAFE, again and again, until the program is restarted."""
        stop = self._desk.stop.requested
        outputs = SAFE
        if not self.failure:
            try:
                outputs = self._complete(now_s, late_s, stop != self._desk.stop.handled)
            except Exception as error:
                # Any exception: nothing is known any more but that SAFE is safe. Latched until a restart.
                self.failure = f"cycle {self._seq}: {type(error).__name__}: {error}"
        if self.failure:
            outputs = SAFE
            self._bench.publish(SAFE, now_s)
        self._desk.stop.handled = stop
        if self.failure:
            self._tell_failure(now_s)
        return Cycled(self._seq, outputs, self.failure)

    def _complete(self, now_s: float, late_s: float, stopped: bool) -> Outputs:
        self._seq += 1
        if self._setups is not None and (ready := self._setups.take()) is not None:
            self._set_up(self._setups, *ready, now_s=now_s)
        ticket = self._desk.take()
        orders = (Order(Act.STOP),) if stopped else ()
        if ticket is not None:
            orders = (*orders, ticket.order)
        self._status = self._link.status()
        inputs = Inputs(
            readings=self._bench.inputs(now_s),
            orders=orders,
            protective=self._status,
            link_faults=self._bench.link_faults(),
            host_faults=self._host_faults(late_s),
            # Wall seconds: the punctuality of the host does not get better when a simulated clock runs faster.
            overrun_s=self._clock.wall_s(late_s),
            session=self._session() if orders else "",  # only an order asks
            restarted=self._restarted,
            attended_s=self._desk.attended_s(),
            wall_jump_s=self._wall_jump_s(),
            disk_free_mb=self._recorder.free_mb,
        )
        self._restarted = ""
        try:
            self._state, outputs, events = self._cycle.step(self._state, inputs, now_s)
            self._bench.publish(outputs, now_s)
        except BaseException as error:
            if ticket is not None:
                self._desk.answer(ticket, f"the controller failed: {type(error).__name__}: {error}")
            raise
        heat = outputs.heat_on or outputs.prove_contactor
        self._link.heartbeat(seq=self._seq, at_s=now_s, heat=heat, reset=outputs.protective_reset)
        if ticket is not None:
            self._desk.answer(ticket, _refusal(events, ticket.order.act))
        self._keep(now_s, inputs, outputs, events)
        return outputs

    def _set_up(self, setups: SetUpsLike, asker: Any, core: Core, *, now_s: float) -> None:
        """Change over to another core. It begins as a started controller does: in STANDBY with everything off."""
        if why := self._cycle.in_the_way(self._state):
            core.recorder.event(Event(now_s, "refused", "setup", f"setup refused: {why}"))
            setups.retire(core.recorder, goes_on=self._recorder)
            self._desk.answer(asker, f"setup refused: {why}")
            return
        said = f"{core.text} ({asker.who})"
        self._recorder.event(Event(now_s, "order", "setup", f"{said}; another record goes on"))
        setups.retire(self._recorder, goes_on=core.recorder)
        known = self._cycle.passed_on(self._state)
        self._cycle, self._about, self._recorder, _ = core
        self._state = self._cycle.initial(now_s, known)
        self._show_at_s = now_s  # or the new record would know nothing until then
        self._tell(Event(now_s, "order", "setup", said))
        self._desk.answer(asker, "")

    def _keep(self, now_s: float, inputs: Inputs, outputs: Outputs, events: Sequence[Event]) -> None:
        for note in self._bench.notes():
            self._tell(Event(note.at_s, note.kind, note.device, note.text))
        for event in events:
            self._tell(event)
        if now_s < self._show_at_s and not events:
            return
        self._show_at_s = now_s + self._show_every_s - self._period_s / 2
        view = self._cycle.view(self._state)
        self._recorder.sample(now_s, inputs, outputs, view)
        self._desk.show({**view, "runtime": {**self._runtime(now_s), "raw": _raw(inputs.readings, now_s)}})

    def _tell(self, event: Event) -> None:
        self._recorder.event(event)
        self._told.add(event)

    def _tell_failure(self, now_s: float) -> None:
        try:
            self._report_failure(now_s)
        except Exception as error:
            # What is broken may be what reports; SAFE is published all the same, and people are told this much.
            also = f"{type(error).__name__}: {error}"
            known = {"at_s": now_s, "failure": self.failure, "also": also}
            self._desk.show({"phase": "FAILED", "failed": True, "runtime": known})

    def _report_failure(self, now_s: float) -> None:
        failed = f"the controller has failed and holds SAFE; restart it ({self.failure})"
        while (ticket := self._desk.take()) is not None:
            self._desk.answer(ticket, failed)
        if self._setups is not None and (ready := self._setups.take()) is not None:
            self._setups.retire(ready[1].recorder, goes_on=self._recorder)
            self._desk.answer(ready[0], failed)
        if not self._reported:
            self._reported = True
            self._tell(Event(now_s, "fault", "controller", self.failure, "HIGH"))
        # No value of the last state is shown: it would look like one of now.
        self._desk.show({"phase": "FAILED", "failed": True, "runtime": self._runtime(now_s)})

    def _runtime(self, now_s: float) -> dict[str, object]:
        return {
            **self._about,
            "at_s": now_s,
            "seq": self._seq,
            "failure": self.failure,
            "protective": None if self._status is None else self._status._asdict(),
            "lateness": {**self.lateness.summary(), "histogram": self.lateness.histogram()},
            "links": [line._asdict() for line in self._bench.statistics()],
            "events": self._told.view(),
        }

    def _host_faults(self, late_s: float) -> tuple[str, ...]:
        faults = []
        if self._recorder.fault:
            faults.append(f"recorder: {self._recorder.fault}")
        if self._setups is not None and self._setups.fault:
            faults.append(f"set-up: {self._setups.fault}")
        if self._desk.api_fault:
            faults.append(self._desk.api_fault)
        late_wall_s = self._clock.wall_s(late_s)
        if not (late_wall_s <= LATE_TOLD_WALL_S):
            faults.append(f"loop {late_wall_s:.2f} s late")
        return tuple(faults)

    def _wall_jump_s(self) -> float:
        """By how much the wall clock has run away from the monotonic one since the cycle before."""
        before, self._wall_offset_s = self._wall_offset_s, self._wall_offset()
        return self._wall_offset_s - before

    def _wait_until(self, deadline_s: float, ending: Callable[[], bool]) -> None:
        while not ending():
            left_s = deadline_s - self._clock.now()
            if left_s <= 0:
                return
            self._clock.sleep(min(left_s, WAIT_AT_MOST_S))


def _raw(readings: Mapping[str, Reading], now_s: float) -> dict[str, tuple[float | None, float, str, str]]:
    """Each reading as it came: value, age in seconds, quality, what is wrong."""
    return {name: (r.value, round(now_s - r.at_s, 3), r.quality.value, r.detail) for name, r in readings.items()}


def _refusal(events: Sequence[Event], act: Act) -> str:
    """Why the cycle refused the act; "" if it did not. One order at a time makes the answer unmistakable."""
    for event in events:
        if event.kind == "refused" and event.name in (act.value, act.name, ""):
            return event.text
    return ""
