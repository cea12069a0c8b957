"""The person of a nuisance run changes things, the same for a number for ever, and only what the console allows."""

from __future__ import annotations

import pytest

from controller.core.exchange import Act, Event, Order
from controller.core.interlocks import Response, Trip
from controller.core.orders import allowed
from controller.core.state import CycleState
from controller.core.steps import Step
from sim.campaign.busy import busy_conduct
from sim.campaign.engine import Watcher
from sim.campaign.justified import RESUMED_S, Judge
from sim.campaign.nuisance import run_quiet
from sim.campaign.person import Person
from sim.campaign.runner import Prepared
from sim.campaign.scenario import base_of


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    return Prepared(base_of(1))


def test_one_number_is_one_person_and_every_act_and_value_is_an_allowed_one(prepared: Prepared) -> None:
    setting = prepared.setting
    ranges = allowed(setting.treatment, setting.rig.limits)
    kinds = set()
    for number in range(200):
        conduct = busy_conduct(number, setting, 2.0)
        assert conduct == busy_conduct(number, setting, 2.0)
        assert 2 <= len(conduct.whims) <= 8
        kinds |= {whim.act for whim in conduct.whims}
        for whim in conduct.whims:
            if whim.act in ("flow", "target"):
                low, high = ranges["flow_lpm" if whim.act == "flow" else "target_c"]
                assert whim.value is not None
                assert low <= whim.value <= high
    assert kinds == {"flow", "target", "hold", "stop"}
    assert len({busy_conduct(number, setting, 2.0) for number in range(200)}) == 200


def test_the_person_changes_their_mind_while_the_patient_is_perfused_and_not_in_the_drain(prepared: Prepared) -> None:
    engine = prepared.fresh()
    engine.advance()
    for name, asks in (("warm_up", True), ("perfuse", True), ("drain", False), ("rinse_fill", False)):
        person = Person(conduct=busy_conduct(7, prepared.setting, 2.0), begun_s=engine.now_s - 1e6)
        assert bool(person.look(engine.state, engine.cycle.steps[name], has_drug=False)) is asks


def test_after_stop_the_person_resets_and_resumes_and_the_judge_knows_that_it_was_asked_for(prepared: Prepared) -> None:
    engine = prepared.fresh()
    judge, watcher = Judge(prepared.setting, ()), Watcher(engine)
    acts: list[str] = []
    trips: list[Trip] = []

    def run(seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            engine.advance()
            moment = watcher.look()
            judge.see(moment)
            acts.extend(event.name for event in moment.events if event.kind == "order")
            for trip in [trip for trip in engine.state.latch.trips if trip not in trips]:
                trips.append(trip)
                assert not judge.unjustified(trip)

    while engine.state.walk.step != "warm_up":
        run(1.0)
    heat_off = Event(engine.now_s, "alarm", "heat_off", "HEAT OFF", "MEDIUM")
    assert judge.false_alarm(heat_off)
    busy = busy_conduct(7, prepared.setting, 2.0)

    class Stops(Person):
        def look(self, state: CycleState, step: Step, *, has_drug: bool) -> tuple[Order, ...]:
            return super().look(state, step, has_drug=has_drug) if "stop" in acts else (Order(Act.STOP),)

    engine.begin((), Stops(conduct=busy, begun_s=engine.now_s + 1e6))
    run(4.0)
    assert [trip.id for trip in trips] == ["stop"]
    assert not judge.false_alarm(heat_off._replace(at_s=engine.now_s))
    run(150.0)
    assert acts.count("reset") == acts.count("resume") == 1
    assert not engine.state.latch.trips
    run(30.0)
    assert judge.false_alarm(heat_off._replace(at_s=engine.now_s + RESUMED_S))
    assert judge.unjustified(Trip("stop", engine.now_s, Response.R3, "STOP"))


def test_what_a_change_of_flow_really_does_calls_for_its_alarm_and_nothing_else_does(prepared: Prepared) -> None:
    engine = prepared.fresh()
    watcher = Watcher(engine)
    engine.advance()
    fill_ml = prepared.setting.fill_ml
    well = watcher.look()._replace(cavity_ml=fill_ml, inflow_c=43.0)
    true_of = {
        "overfilled": well._replace(cavity_ml=fill_ml + 180.0, taken_up_ml=60.0),
        "cavity_empties": well._replace(cavity_ml=0.5 * fill_ml),
        "outflow_differs": well._replace(cavity_ml=0.2 * fill_ml),
        "cold_inflow": well._replace(inflow_c=38.0),
    }
    for row, moment in true_of.items():
        event = Event(well.at_s, "alarm", row, "words", "MEDIUM")
        for seen, called in ((well, False), (moment, True)):
            judge = Judge(prepared.setting, ())
            judge.see(seen)
            assert bool(judge.false_alarm(event)) is not called, row


def test_h01_a_person_who_lowers_the_flow_while_the_bath_is_at_its_hottest_trips_nothing() -> None:
    quiet = run_quiet(19)
    assert quiet.completed
    assert quiet.trips == ()
