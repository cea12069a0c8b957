"""The controller's socket, used at random by several clients, in front of the real core in virtual time."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from config.loading import load_pair
from config.schema import HEAT_EXPIRY_S, Patient
from controller.core.exchange import Act, Event, Order, Outputs
from controller.core.state import CycleState
from controller.core.steps import Step
from controller.runtime.api import CLIENTS_MAX, ApiServer
from controller.runtime.commands import StopFlag
from controller.runtime.desk import ORDERS_MAX, Desk, Ticket
from controller.runtime.messages import ACTS, WITH_VALUE, Request, pack, unpack
from sim.cosim import CYCLE_S, Cosim
from sim.operator import Operator
from sim.plant.parameters import parameters_for

ANSWER_S = 5.0  # wall; an answer comes in microseconds, or a busy machine is slow
LOOK_CYCLES = 11  # the simulated loop takes an order every second
SHOWN_EVERY = 5  # cycles; and every one with an event
ON_MOST_CYCLES = round(HEAT_EXPIRY_S / CYCLE_S) + 1


class AtTheDesk(Operator):
    """Whoever is at the api, in the place of the simulated operator; STOP first."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk, self.ticket, self.stops = desk, None, 0
        self.ticket: Ticket | None

    def look(self, state: CycleState, step: Step, *, has_drug: bool) -> tuple[Order, ...]:
        self.stops = self.desk.stop.requested
        orders = (Order(Act.STOP),) if self.stops != self.desk.stop.handled else ()
        self.ticket = self.desk.take()
        return orders if self.ticket is None else (*orders, self.ticket.order)


class Talker:
    """One client: what it was promised and what it has got."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(ANSWER_S)
        self.socket.connect(str(path))
        self.number = 0
        self.half = b""
        self.watching = 0
        self.answers: dict[int, dict[str, Any]] = {}
        self.states: list[int] = []
        self._incoming = bytearray()

    def ask(self, **asked: Any) -> int:
        """Send one request, after the rest of one that was begun. Returns its id."""
        self.number += 1
        self.socket.sendall(self.half + pack(Request(id=self.number, **asked)))
        self.half = b""
        return self.number

    def wait(self, number: int) -> dict[str, Any]:
        """The answer to a request."""
        while number not in self.answers:
            self.read()
        return self.answers[number]

    def read(self) -> None:
        """Whatever has come, at least one piece of it."""
        data = self.socket.recv(1 << 20)
        assert data, "cut off"
        self._incoming += data
        while (body := unpack(self._incoming, 1 << 20)) is not None:
            said = json.loads(body)
            if self.watching and said["id"] == self.watching:
                self.states.append(said["state"]["seq"])
            else:
                assert said["id"] not in self.answers, "answered twice"
                self.answers[said["id"]] = said


class ApiMachine(RuleBasedStateMachine):
    """Clients come, ask, watch, dawdle and go; the core goes on. Nothing of it may make heat or lose a STOP."""

    def __init__(self) -> None:
        super().__init__()
        self.threads, self.fds = set(threading.enumerate()), len(os.listdir("/proc/self/fd"))
        self.folder = tempfile.mkdtemp(prefix="api")
        self.path = Path(self.folder) / "control.sock"
        self.desk = Desk(stop=StopFlag())
        self.people = AtTheDesk(self.desk)
        self.talkers: list[Talker] = []
        self.seq = self.cycles = 0
        self.cold_cycles = 0
        self.stopped = False
        self.taken: list[tuple[Act, str]] = []

    @initialize(drug=st.booleans())
    def begin(self, drug: bool) -> None:
        rig, treatment = load_pair("bench", "mitomycin_90" if drug else "saline_rehearsal")
        plant = parameters_for(rig, None, treatment.technique)
        self.cosim = Cosim(
            rig=rig,
            treatment=treatment,
            patient=Patient(),
            parameters=plant,
            seed=0,
            sink=self._after,
            operator=self.people,
        )
        self.advance(SHOWN_EVERY)  # before anybody can ask, so that there is always a state to be shown
        self.api = ApiServer(path=self.path, desk=self.desk)
        self.api.start()

    def _after(self, state: CycleState, outputs: Outputs, events: tuple[Event, ...]) -> None:
        """What a real loop does after a cycle."""
        if (ticket := self.people.ticket) is not None:
            refusals = [event.text for event in events if event.kind == "refused"]
            self.desk.answer(ticket, refusals[0] if refusals else "")
            self.taken.append((ticket.order.act, refusals[0] if refusals else ""))
            if ticket.order.act is Act.RESET and not refusals:
                self.stopped = False
            self.people.ticket = None
        self.desk.stop.handled = self.people.stops
        self.cycles += 1
        if not events and self.cycles % SHOWN_EVERY:
            return
        self.seq += 1
        self.desk.show({**self.cosim.cycle.view(state), "seq": self.seq})

    def advance(self, cycles: int) -> None:
        for _ in range(cycles):
            self.cosim.advance()
            self.cold_cycles = 0 if self.cosim.outputs.heat_on else self.cold_cycles + 1
            self.nothing_heats_without_everything_in_order()

    @precondition(lambda self: len(self.talkers) < CLIENTS_MAX)
    @rule()
    def connect(self) -> None:
        self.talkers.append(Talker(self.path))

    @precondition(lambda self: self.talkers)
    @rule(
        data=st.data(),
        act=st.sampled_from(ACTS),
        who=st.sampled_from(["nurse", "", "ä" * 400]),
        text=st.sampled_from(["", "L1;EK", "x"]),
    )
    def act(self, data: st.DataObject, act: str, who: str, text: str) -> None:
        talker = data.draw(st.sampled_from(self.talkers))
        value = data.draw(st.floats(-1e6, 1e6)) if Act(act) in WITH_VALUE else None
        number = talker.ask(do="act", act=act, value=value, who=who, text=text)
        if act == Act.STOP.value:
            assert talker.wait(number).get("ok", True)
            self._stopped()
            return
        self._sync(talker)
        self.advance(LOOK_CYCLES * (len(self.desk._orders) + 1))
        answer = talker.wait(number)
        if not answer.get("ok", True):
            assert answer["error"]

    @precondition(lambda self: self.talkers)
    @rule(data=st.data())
    def go_on_with_the_treatment(self, data: st.DataObject) -> None:
        """What a person does next towards heat."""
        state, talker = self.desk.state, data.draw(st.sampled_from(self.talkers))
        if state["trips"]:
            wanted = Act.RESET.value
        elif state["hold"]:
            wanted = Act.RESUME.value
        else:
            wanted = Act.START.value if state["step"] == "standby" else str(state["asks"])
        if wanted:
            number = talker.ask(do="act", act=wanted, text="L1;EK")
            self._sync(talker)
            self.advance(LOOK_CYCLES)
            talker.wait(number)
        self.advance(200)

    @precondition(lambda self: self.talkers)
    @rule(data=st.data(), body=st.one_of(st.binary(min_size=1, max_size=60), st.just(b'{"id":7000000,"do":"fly"}')))
    def nonsense(self, data: st.DataObject, body: bytes) -> None:
        talker = data.draw(st.sampled_from(self.talkers))
        if talker.half:
            return
        talker.answers.pop(0, None)
        talker.answers.pop(7000000, None)
        before = self.desk.stop.requested
        talker.socket.sendall(len(body).to_bytes(4, "big") + body)
        self._sync(talker)
        assert self.desk.stop.requested == before
        talker.answers.pop(0, None)
        talker.answers.pop(7000000, None)

    @precondition(lambda self: self.talkers)
    @rule(data=st.data(), cut=st.integers(1, 20))
    def half_a_frame(self, data: st.DataObject, cut: int) -> None:
        talker = data.draw(st.sampled_from(self.talkers))
        if not talker.half:
            talker.number += 1
            frame = pack(Request(id=talker.number, do="state"))
            talker.socket.sendall(frame[:cut])
            talker.half = frame[cut:]

    @precondition(lambda self: self.talkers)
    @rule(data=st.data())
    def watch(self, data: st.DataObject) -> None:
        talker = data.draw(st.sampled_from(self.talkers))
        if not talker.watching:
            talker.watching = talker.ask(do="subscribe")

    @precondition(lambda self: any(talker.watching for talker in self.talkers))
    @rule(data=st.data())
    def a_watcher_that_reads_comes_to_the_newest_state(self, data: st.DataObject) -> None:
        talker = data.draw(st.sampled_from([talker for talker in self.talkers if talker.watching]))
        while not talker.states or talker.states[-1] != self.seq:
            talker.read()
        assert talker.states == sorted(set(talker.states))

    @precondition(lambda self: self.talkers)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        talker = data.draw(st.sampled_from(self.talkers))
        self.talkers.remove(talker)
        talker.socket.close()

    @precondition(lambda self: self.talkers)
    @rule(data=st.data(), waiting=st.integers(0, ORDERS_MAX + 2))
    def stop(self, data: st.DataObject, waiting: int) -> None:
        """STOP behind any number of orders that nobody has taken: answered at once, without a cycle."""
        talker = data.draw(st.sampled_from(self.talkers))
        numbers = [talker.ask(do="act", act="acknowledge") for _ in range(waiting)]
        assert talker.wait(talker.ask(do="stop")).get("ok", True)
        assert self.desk.stop.pending
        self._stopped()
        self.advance(LOOK_CYCLES * (waiting + 1))
        assert all(talker.wait(number) for number in numbers)

    @rule(seconds=st.integers(1, 15))
    def time_passes(self, seconds: int) -> None:
        self.advance(seconds * 10)

    def _stopped(self) -> None:
        self.advance(LOOK_CYCLES)  # the desk is looked at once in so many cycles
        self.stopped = True
        assert "stop" in [trip["id"] for trip in self.desk.state["trips"]]
        assert not self.cosim.outputs.heat_on

    def _sync(self, talker: Talker) -> None:
        """Until the api has read everything that this client has sent."""
        talker.wait(talker.ask(do="state"))

    def nothing_heats_without_everything_in_order(self) -> None:
        cosim = self.cosim
        if cosim.terminals.heater_power_w > 0.0:
            assert cosim.terminals.contactor_closed
            assert self.cold_cycles <= ON_MOST_CYCLES
        if cosim.outputs.heat_on:
            assert not self.stopped
            assert not cosim.state.latch.trips
            assert not cosim.state.walk.hold

    @invariant()
    def the_api_lives(self) -> None:
        assert self.desk.api_fault == ""

    def teardown(self) -> None:
        if hasattr(self, "api"):
            self.api.end()
        for talker in self.talkers:
            with contextlib.suppress(TimeoutError, ConnectionError, AssertionError):
                while True:
                    talker.read()  # whatever was still sent, up to the hang-up
            talker.socket.close()
        assert not self.path.exists()
        shutil.rmtree(self.folder)
        until_s = time.monotonic() + ANSWER_S
        while set(threading.enumerate()) - self.threads and time.monotonic() < until_s:
            time.sleep(0.01)
        assert set(threading.enumerate()) <= self.threads
        assert len(os.listdir("/proc/self/fd")) <= self.fds


TestNoUseOfTheSocketHeatsOrLosesAStop = pytest.mark.timeout(300)(ApiMachine.TestCase)
ApiMachine.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=20,
    report_multiple_bugs=False,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)
