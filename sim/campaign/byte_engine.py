"""The campaign's thorough engine: the shipped loop, bench, port workers, drivers and codecs, byte by byte to the twins,
and the shipped protective loop on its own port. No sockets, no files, no wall clock; every wait is virtual.

It is seated on a moment of the value-level engine: plant and cycle state are taken over, the devices are opened as
after a cold start while the plant stands still, and then time goes on. Not responsible for real processes (HIL).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from config.schema import Port, Rig, Treatment
from controller.core.exchange import Act, Event, Inputs, Order, Outputs, ProtectiveStatus
from controller.core.state import CycleState
from controller.protective import rtu
from controller.protective.limits import Limits
from controller.protective.loop import Wiring
from controller.records.header import Started
from controller.runtime.bench import Bench
from controller.runtime.commands import StopFlag
from controller.runtime.desk import Desk, Ticket
from controller.runtime.loop import PERIOD_S, Loop
from drivers.catalogue import families
from drivers.port import Line
from drivers.roles import LinkLost
from sim.assembly import PROTECTIVE_PROBE, assemble
from sim.campaign.lines import BusLine, SerialPort
from sim.campaign.lockstep import Lockstep, Task
from sim.campaign.person import Person
from sim.campaign.stand_ins import MOTIONLESS, Datagrams, FakeDisk, SeatedCycle, SeatedGuard, serving
from sim.campaign.value_engine import ValueEngine
from sim.cosim import PROTECTIVE, left_behind
from sim.devices.catalogue import twins
from sim.faults import Fault, FaultSchedule, apply_to_links, apply_to_plant
from sim.hosts import HostState, apply_to_host
from sim.plant.attendant import Attendant
from sim.plant.plant import Plant

SEAT_S = 8.0  # a cold start of every session, the protective channel's permit, and the contactor's closing
GO_ON_S = 1.0  # before that: time for the round that renews the clamp
STEP_S = 0.05


class ByteEngine:
    """Seated on `source` at its moment; use `close` when done, or its threads wait for ever."""

    def __init__(self, source: ValueEngine) -> None:
        self.cycle = source.cycle
        self.treatment: Treatment = source.treatment
        quiet = {key: msgspec.structs.replace(port, path=key) for key, port in source.rig.ports.items()}
        self.rig: Rig = msgspec.structs.replace(source.rig, ports=quiet)
        self.plant: Plant = source.plant
        self.host = HostState()
        self._let_in = self.plant.terminals.clamp_allowed
        self._attendant: Attendant = source.cosim.attendant
        self._seated_s = source.now_s
        self._clock = Lockstep(source.now_s - SEAT_S)
        self._schedule = FaultSchedule()
        self._person: Person | None = None
        self._assembled = assemble(self.rig, self.plant.terminals, twins())
        links = self._assembled.links
        self._links = {**links, PROTECTIVE: links[PROTECTIVE_PROBE]}
        self._out: set[str] = set()
        self._datagrams = Datagrams()
        self._workers: list[Task] = []
        self._boot_control(source.state)
        self._guard = self._boot_protective()
        self._sit()

    # --- as `Engine` -----------------------------------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        """Time of the cycle."""
        return self._clock.now()

    @property
    def state(self) -> CycleState:
        """What the controller remembers."""
        return self._seat.state

    @property
    def before(self) -> CycleState:
        """What it remembered before this period."""
        return self._seat.before

    @property
    def inputs(self) -> Inputs:
        """What the last cycle was told."""
        return self._seat.inputs

    @property
    def outputs(self) -> Outputs:
        """What the last cycle wanted."""
        return self._seat.outputs

    @property
    def events(self) -> tuple[Event, ...]:
        """What happened in this period."""
        return self._seat.events if self._seat.cycled else ()

    @property
    def cycled(self) -> bool:
        """Whether a cycle was completed in this period."""
        return self._seat.cycled

    @property
    def status(self) -> ProtectiveStatus | None:
        """What the protective channel last said."""
        return self._datagrams.said

    def begin(self, faults: Sequence[Fault], person: Person) -> None:
        """From here on: this person, and these faults, their times counted from now."""
        self._person = person
        for fault in faults:
            self._schedule.add(replace(fault, at_s=self.now_s + fault.at_s))

    def advance(self) -> None:
        """One period: faults, plant, both channels, outputs."""
        self._seat.cycled = False
        begun_s = self.now_s
        for half in (1, 2):
            at_s = begun_s + half * STEP_S
            if self._schedule.next_s <= at_s:
                self._strike(at_s)
            self._clock.run_until(at_s)
            self.plant.step(STEP_S)
            self._tick(at_s)
        self._attendant.step(self.now_s)
        self._control()

    def close(self) -> None:
        """End every task."""
        self._clock.close()

    # --- what it is made of ----------------------------------------------------------------------------------------

    def _boot_control(self, state: CycleState) -> None:
        self.stop = StopFlag()
        self._desk = Desk(stop=self.stop, monotonic=self._clock.now)
        self._seat = SeatedCycle(cycle=self.cycle, state=state, seated_s=self._seated_s)
        bench = Bench(rig=self.rig, families=families(), clock=self._clock, stop=self.stop, open_line=self._open_line)
        self._loop = Loop(
            cycle=self._seat,
            bench=bench,
            link=self._datagrams,
            recorder=FakeDisk(started=Started(self.now_s, 0.0), host=self.host),
            desk=self._desk,
            clock=self._clock,
            about={},
            wall_offset=lambda: self.host.wall_offset_s,
            session=lambda: "",  # a bench of twins, tested by its own tests
        )
        self._due_s = self.now_s
        self._looked_s = 0.0
        self._workers = [
            self._clock.begin(f"port {worker.name}", serving(worker, self._clock)) for worker in bench.workers
        ]

    def _boot_protective(self) -> Task:
        wired = self.rig.protective
        port = self.rig.ports[wired.port]
        clock: Any = self._clock  # both have the shape that the channel needs; it names its own classes, on purpose
        link: Any = self._datagrams

        def open_port(path: str, baud: int, frame: str, timeout_s: float) -> SerialPort:
            return SerialPort(self._assembled.buses[wired.port], self._clock, timeout_s)

        def open_master() -> rtu.Master:
            return rtu.Master(path=port.path, baud=port.baud, frame=port.frame, clock=clock, open_port=open_port)

        loop = self._guarding = SeatedGuard(
            wiring=Wiring(
                probe_unit=wired.probe_unit,
                outlet_channel=wired.outlet_channel,
                inflow_channel=wired.inflow_channel,
                relay_unit=wired.relay_unit,
                contactor_channel=wired.contactor_channel,
                clamp_channel=wired.clamp_channel,
                tone_channel=wired.tone_channel,
                limits=Limits(outlet_trip_c=wired.outlet_trip_c, inflow_trip_c=wired.inflow_trip_c),
            ),
            clock=clock,
            link=link,
            open_master=open_master,
        )

        def live() -> None:
            while True:
                loop.round()

        return self._clock.begin("protective", live)

    def _open_line(self, config: Port) -> Line:
        bus = self._assembled.buses[config.path]
        if bus.unplugged:
            raise LinkLost(f"{config.path}: there is no such device")
        return BusLine(bus, self._clock)

    def _sit(self) -> None:
        """Open everything while the plant stands still; the loop says the kept outputs again and again."""
        while self.now_s < self._seated_s - MOTIONLESS:
            if self._let_in and self.now_s >= self._seated_s - GO_ON_S - MOTIONLESS:
                self._guarding.go_on()
            at_s = self.now_s + PERIOD_S
            self._clock.run_until(at_s if at_s < self._seated_s - MOTIONLESS else self._seated_s)
            self._tick(self.now_s)
            self._loop.once(self.now_s)
        self._due_s = self.now_s + PERIOD_S

    def _control(self) -> None:
        now_s = self.now_s
        if self.host.take_rebirth("control"):
            for task in self._workers:
                self._clock.end(task)
            self._seated_s = -1.0
            self._boot_control(self.cycle.initial(now_s, left_behind(self.cycle, self.state)))
        if self.host.take_rebirth(PROTECTIVE):
            self._clock.end(self._guard)
            self._guard = self._boot_protective()
        self._freeze()
        late_s = max(0.0, now_s - self._due_s)
        if not self.host.runs("control") or late_s < self.host.late_s - MOTIONLESS:
            return
        self._ask(now_s)
        self._loop.once(now_s, late_s if late_s > 0.5 * PERIOD_S else 0.0)
        if self._loop.failure:
            raise RuntimeError(f"the loop failed: {self._loop.failure}")
        self._due_s = now_s + PERIOD_S

    def _freeze(self) -> None:
        for process, tasks in (("control", self._workers), (PROTECTIVE, [self._guard])):
            runs = self.host.runs(process)
            for task in tasks:
                if task.frozen and runs:
                    self._clock.thaw(task)
                task.frozen = not runs

    def _ask(self, now_s: float) -> None:
        """What the person wants goes the way that the api's thread would take it."""
        if self._person is None or now_s - self._looked_s < 1.0 - 0.5 * PERIOD_S or not self.host.console_there:
            return
        self._looked_s = now_s
        self._desk.seen()
        step = self.cycle.steps[self.state.walk.step]
        for order in self._person.look(self.state, step, has_drug=self.treatment.drug is not None):
            self._submit(order)

    def _submit(self, order: Order) -> None:
        if order.act is Act.STOP:
            self.stop.request()
        else:
            self._desk.submit(Ticket(order, 0, 0))

    def _strike(self, at_s: float) -> None:
        ports = self._assembled.devices_of
        for edge in self._schedule.due(at_s):
            apply_to_plant(edge, self.plant)
            apply_to_links(edge, self._links, ports)
            apply_to_host(edge, self.host)
        self._freeze()

    def _tick(self, now_s: float) -> None:
        for name, bus in self._assembled.buses.items():
            if bus.unplugged and name not in self._out:
                self._out.add(name)
                bus.drop()
            elif not bus.unplugged:
                self._out.discard(name)
            bus.tick(now_s)
