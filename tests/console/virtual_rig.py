"""A rig without pseudo-terminals: the real cycle, api and simulated plant in one process, at a chosen pace.

`python tests/console/virtual_rig.py --run-dir DIR --speed N [--treatment T] [--fault TEXT] [--drain-stalls]
[--operator]` serves DIR/control.sock until SIGTERM. What a real loop does on deadlines is done here as fast as the
pace asks; nothing else is different.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

from config.loading import load_pair, treatments_for
from config.schema import Patient
from controller.core.exchange import Act, Event, Order, Outputs
from controller.core.state import CycleState
from controller.core.steps import Step
from controller.records.opening import open_recorder
from controller.runtime.api import ApiServer
from controller.runtime.commands import StopFlag
from controller.runtime.control import core_of
from controller.runtime.desk import Desk, Ticket
from controller.runtime.loop_parts import Core
from controller.runtime.setting_up import SetUps
from controller.runtime.settings import Settings
from controller.runtime.told import Told
from sim.cosim import CYCLE_S, PROTECTIVE, Cosim
from sim.faults import check, parse
from sim.operator import Operator
from sim.plant.parameters import parameters_for

STALLS_S = 20.0  # of the drain: some has run out, and much is left


class AtTheDesk(Operator):
    """Whoever is at the api, in the place of the simulated operator or, with `helped`, beside them."""

    def __init__(self, desk: Desk, *, helped: bool) -> None:
        super().__init__()
        self.desk = desk
        self.helped = helped
        self.ticket: Ticket | None = None
        self.stops = 0

    def look(self, state: CycleState, step: Step, *, has_drug: bool) -> tuple[Order, ...]:
        self.stops = self.desk.stop.requested
        orders = (Order(Act.STOP),) if self.stops != self.desk.stop.handled else ()
        self.ticket = self.desk.take()
        if self.ticket is not None:
            return (*orders, self.ticket.order)
        return (*orders, *super().look(state, step, has_drug=has_drug)) if self.helped else orders


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--run-dir", type=Path, required=True)
    parser.add_argument("--speed", type=float, default=10.0)
    parser.add_argument("--rig", default="bench")
    parser.add_argument("--treatment", default="saline_rehearsal")
    parser.add_argument("--fault", action="append", default=[])
    parser.add_argument("--drain-stalls", action="store_true", help=f"the drain is blocked after {STALLS_S:g} s")
    parser.add_argument("--operator", action="store_true", help="the simulated operator does what is to be done")
    parser.add_argument("--show-s", type=float, default=0.1, help="wall seconds between two states")
    given = parser.parse_args()
    given.run_dir.mkdir(parents=True, exist_ok=True)
    rig, treatment = load_pair(given.rig, given.treatment)
    patient = Patient()
    faults = [parse(text) for text in given.fault]
    for fault in faults:
        check(fault, signals=list(rig.signals), devices=[*rig.devices, PROTECTIVE], ports=list(rig.ports))
    settings = Settings(
        rig=rig,
        treatment=treatment,
        patient=patient,
        run_dir=given.run_dir,
        data_dir=given.run_dir / "data",
        speed=given.speed,
        simulated=True,
        restarts=0,
    )
    desk = Desk(stop=StopFlag())
    people = AtTheDesk(desk, helped=given.operator)

    def make(asked: Settings) -> Core:
        return core_of(asked, asked.rig, open_recorder(asked))

    core = make(settings)
    setups = SetUps(settings=settings, choices=treatments_for(rig), desk=desk, make=make)
    setups.start()

    def sink(state: CycleState, outputs: Outputs, events: tuple[Event, ...]) -> None:
        if people.ticket is not None:
            refusals = [e.text for e in events if e.kind == "refused"]
            desk.answer(people.ticket, refusals[0] if refusals else "")
            people.ticket = None
        desk.stop.handled = people.stops
        for event in events:
            core.recorder.event(event)
            told.add(event)
        nonlocal shown_s, seq
        seq += 1
        if given.drain_stalls and state.walk.step == "drain" and state.now_s - state.walk.entered_s > STALLS_S:
            cosim.plant.faults.occlusion_out = 1.0
        if events or time.monotonic() - shown_s >= 0.95 * given.show_s:
            shown_s = time.monotonic()
            raw = {
                n: (r.value, state.now_s - r.at_s, r.quality.value, r.detail) for n, r in cosim.inputs.readings.items()
            }
            runtime = {
                **core.about,
                "seq": seq,
                "at_s": state.now_s,
                "failure": "",
                "lateness": {},
                "links": [],
                "raw": raw,
                "events": told.view(),
            }
            runtime["wall_ms"] = time.time() * 1000.0
            view = cosim.cycle.view(state)
            core.recorder.sample(state.now_s, cosim.inputs, outputs, view)
            desk.show({**view, "runtime": runtime})

    def change_over() -> None:
        nonlocal core
        if (ready := setups.take()) is None:
            return
        asker, new = ready
        if why := cosim.cycle.in_the_way(cosim.state):
            setups.retire(new.recorder, goes_on=core.recorder)
            desk.answer(asker, why)
            return
        setups.retire(core.recorder, goes_on=new.recorder)
        core, known = new, cosim.cycle.passed_on(cosim.state)
        cosim.cycle, cosim.state = new.cycle, new.cycle.initial(cosim.now_s, known)  # type: ignore[assignment]
        desk.answer(asker, "")

    shown_s, seq, told = 0.0, 0, Told(began_s=time.monotonic())
    cosim = Cosim(
        rig=rig,
        treatment=treatment,
        patient=patient,
        parameters=parameters_for(rig, None, treatment.technique),
        seed=0,
        faults=faults,
        sink=sink,
        operator=people,
        look_s=CYCLE_S,
    )
    ending = []
    signal.signal(signal.SIGTERM, lambda *_: ending.append(True))
    cosim.advance()
    api = ApiServer(path=given.run_dir / "control.sock", desk=desk, setups=setups)
    api.start()
    due_s = time.monotonic()
    try:
        while not ending:
            change_over()
            cosim.advance()
            due_s = max(due_s + CYCLE_S / given.speed, time.monotonic() - 0.05)
            time.sleep(max(0.0, due_s - time.monotonic()))
    finally:
        api.end()
        setups.close()
        core.recorder.close()


if __name__ == "__main__":
    sys.exit(main())
