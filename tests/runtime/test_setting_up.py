"""Another treatment or patient in STANDBY: judged as configuration is, made ready beside the loop, recorded."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from runtime_fakes import FakeBench, FakeLink, bench_rig

from config.loading import effective_sha256, treatments_for
from config.problems import ConfigError
from config.schema import Patient
from controller.core.broken_off import BrokenOff, Given
from controller.core.exchange import Act, Order
from controller.core.restart import Restored
from controller.records.last_run import last_run, newest
from controller.records.opening import open_recorder
from controller.records.reader import Record
from controller.runtime import certificate
from controller.runtime.api import ApiServer
from controller.runtime.client import Client, Refusal
from controller.runtime.commands import StopFlag
from controller.runtime.control import continued, core_of
from controller.runtime.desk import Desk, Ticket
from controller.runtime.loop import Loop
from controller.runtime.loop_parts import Core
from controller.runtime.messages import SetUp
from controller.runtime.setting_up import SetUps, SetUpTicket
from controller.runtime.settings import Settings
from sim.memory import VirtualClock

ASKED = SetUp(treatment="mitomycin_90", pseudonym="P-17", height_cm=182.0, weight_kg=91.0)


class Served:
    """The real core, record, desk, api and loop of one rig; devices do not answer. `cycle` lets time pass."""

    def __init__(self, folder: Path) -> None:
        self.ended = False
        rig = bench_rig()
        choices = treatments_for(rig)
        self.settings = Settings(
            rig=rig, treatment=choices["saline_rehearsal"], patient=Patient(), run_dir=folder, data_dir=folder / "data",
            speed=1.0, simulated=True, restarts=0,
        )  # fmt: skip
        self.desk = Desk(stop=StopFlag())
        self.clock = VirtualClock(1000.0)
        self.setups = SetUps(settings=self.settings, choices=choices, desk=self.desk, make=self.core)
        self.setups.start()
        self.loop = Loop(
            cycle=(core := self.core(self.settings)).cycle, about=core.about, recorder=core.recorder,
            bench=FakeBench(), link=FakeLink(), desk=self.desk, clock=self.clock, setups=self.setups,
            session=lambda: "",
        )  # fmt: skip
        self.path = folder / "control.sock"
        self.api = ApiServer(path=self.path, desk=self.desk, setups=self.setups)
        self.api.start()
        self.cycle()

    def core(self, settings: Settings) -> Core:
        return core_of(settings, settings.rig, open_recorder(settings))

    def cycle(self) -> None:
        self.clock.sleep(0.1)
        assert self.loop.once(self.clock.now()).failure == ""

    def asks(self, setup: SetUp) -> str:
        """What the controller answers, with the loop cycling meanwhile."""
        said: list[str] = []

        def ask() -> None:
            with Client(self.path) as client:
                try:
                    client.set_up(setup, who="Weber")
                    said.append("")
                except Refusal as refusal:
                    said.append(str(refusal))

        thread = threading.Thread(target=ask)
        thread.start()
        until_s = time.monotonic() + 10.0
        while thread.is_alive() and time.monotonic() < until_s:
            self.cycle()
            time.sleep(0.01)
        thread.join()
        return said[0]

    def acts(self, act: Act) -> str:
        self.desk.submit(Ticket(Order(act), 0, 0))
        self.cycle()
        return str(self.desk.state["phase"])

    def end(self) -> None:
        if self.ended:
            return
        self.ended = True
        self.api.end()
        self.setups.close()
        self.loop.recorder.close()

    def records(self) -> list[Record]:
        return [Record(path) for path in sorted((self.settings.data_dir).glob("*.sqlite"))]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path)
    yield made
    made.end()


def previewed(served: Served, asked: SetUp = ASKED) -> SetUp:
    with Client(served.path) as client:
        sha256 = client.preview(asked)["sha256"]
    return msgspec.structs.replace(asked, sha256=sha256)


def test_a_preview_shows_doses_in_mg_for_this_patient_and_changes_nothing(served: Served) -> None:
    with Client(served.path) as client:
        names = [each["name"] for each in client.facts()["treatments"]]
        found = client.preview(ASKED)
    assert set(names) == set(treatments_for(served.settings.rig))
    assert found["plan"]["bsa_m2"] == pytest.approx((182.0 * 91.0 / 3600.0) ** 0.5)
    assert found["plan"]["total_mg"] == pytest.approx(sum(each["mg"] for each in found["plan"]["fractions"]))
    served.cycle()
    assert served.desk.state["treatment"] == "saline_rehearsal"


def test_a_set_up_in_standby_begins_a_new_core_and_a_new_record_with_its_hash(served: Served) -> None:
    before = served.loop.recorder
    assert served.asks(previewed(served)) == ""
    served.cycle()
    state = served.desk.state
    assert (state["treatment"], state["patient"], state["phase"]) == ("mitomycin_90", "P-17", "STANDBY")
    plan = [round(each["mg"], 1) for each in state["dose_plan"]]
    assert plan
    assert served.loop.recorder is not before
    served.end()
    first, second = served.records()
    assert first.header["patient"] == "BENCH"
    assert "set up: mitomycin_90 for P-17" in next(e["text"] for e in first.rows("events") if e["name"] == "setup")
    assert first.verify().ended
    treatment = treatments_for(served.settings.rig)["mitomycin_90"]
    patient = Patient(pseudonym="P-17", height_cm=182.0, weight_kg=91.0)
    assert second.header["config_sha256"] == effective_sha256(
        rig=served.settings.rig, treatment=treatment, patient=patient
    )
    assert second.header["config_sha256"] == state["runtime"]["config_sha256"]
    assert "P-17" in second.path.name
    assert "(Weber)" in next(iter(second.rows("events")))["text"]
    assert second.verify().bad is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"treatment": "../../etc/passwd"}, 'treatment = "../../etc/passwd": allowed on rig bench is one of'),
        ({"height_cm": 17.0}, "height_cm = 17.0: allowed is a number from 100"),
        ({"weight_kg": 700.0}, "weight_kg = 700.0: allowed is a number from 30"),
        ({"pseudonym": "Anna Weber"}, 'pseudonym = "Anna Weber": allowed is text like'),
        ({"pseudonym": "<b>"}, "pseudonym"),
    ],
)
def test_h39_h41_what_check_refuses_is_refused_here_in_the_same_words(
    served: Served, change: dict[str, object], says: str
) -> None:
    wrong = msgspec.structs.replace(ASKED, **change, sha256="0" * 64)
    with Client(served.path) as client, pytest.raises(Refusal) as refusal:
        client.preview(wrong)
    assert says in str(refusal.value)
    assert says in served.asks(wrong)
    assert served.desk.state["treatment"] == "saline_rehearsal"


def test_the_session_self_test_is_among_the_facts_and_one_that_is_not_there_is_none(
    tmp_path: Path, served: Served
) -> None:
    assert served.setups.facts()["session_selftest"] is None
    lines = [{"name": "contactor opens", "measured": "1.96 s", "allowed": "2.3 s", "passed": True}]
    settings = served.settings
    path = certificate.write(tmp_path, settings.rig, simulated=True, devices={}, lines=lines)
    tested = certificate.read(path)
    setups = SetUps(settings=settings, choices={}, desk=served.desk, make=served.core, tested=tested)
    assert list(setups.facts()["session_selftest"]["lines"]) == lines


def test_h41_what_was_not_looked_at_or_has_changed_since_is_not_set_up(served: Served) -> None:
    assert "look at the preview first" in served.asks(ASKED)
    seen = previewed(served)
    other = SetUp(treatment="mitomycin_90", pseudonym="P-17", height_cm=182.0, weight_kg=61.0, sha256=seen.sha256)
    assert "is not what would come into force" in served.asks(other)
    assert served.desk.state["patient"] == "BENCH"


def test_h41_from_the_fill_on_nothing_is_set_up_and_the_record_goes_on(served: Served) -> None:
    setup = previewed(served)
    state = served.loop._state
    served.loop._state = state._replace(walk=state.walk._replace(step="fill"))
    record = served.loop.recorder
    assert "a treatment is in FILL; set-up is allowed before FILL and in COMPLETE" in served.asks(setup)
    assert served.loop.recorder is record
    assert served.desk.state["patient"] == "BENCH"


def test_h38_a_set_up_that_is_refused_at_once_begins_no_record(served: Served) -> None:
    setup = previewed(served)
    served.desk.stop.request()
    served.cycle()
    assert "setup refused: a trip is latched; reset first" in served.asks(setup)
    assert len(served.records()) == 1


@pytest.mark.parametrize("fails", [False, True])
def test_h38_after_a_set_up_that_came_too_late_a_crash_is_that_of_the_record_that_goes_on(
    served: Served, fails: bool
) -> None:
    setup = previewed(served)

    def meanwhile(settings: Settings) -> Core:
        state = served.loop._state
        served.loop._state = state._replace(walk=state.walk._replace(step="fill"))
        served.loop.failure = "cycle 1: broken" if fails else ""
        return served.core(settings)

    served.setups._make = meanwhile
    answered: list[str] = []
    served.desk.answer = lambda ticket, refusal: answered.append(refusal)
    assert served.setups.ask(SetUpTicket(setup, "Weber", 1, 1)) == ""
    until_s = time.monotonic() + 10.0
    while not answered and time.monotonic() < until_s:
        served.clock.sleep(0.1)
        served.loop.once(served.clock.now())
        time.sleep(0.01)
    assert ("holds SAFE" if fails else "a treatment is in FILL") in answered[0]
    served.desk.stop.request()
    served.loop.once(served.clock.now())
    served.setups.close()
    served.loop.recorder.close(complete=False)  # as far as it was written when the process was gone
    assert len(served.records()) == 2
    assert newest(served.settings) == served.loop.recorder.path
    assert fails or "in FILL" in last_run(served.settings).text


def test_h41_doses_of_before_a_restart_are_known_to_the_patient_who_is_set_up_again(served: Served) -> None:
    setup = previewed(served)
    given = (Given(drug="mitomycin", mg=35.0, at_min=0.0),)
    before = BrokenOff(phase="PERFUSE", patient="P-17", volume_ml=900.0, doses=given, accounted=True)
    state = served.loop._state
    served.loop._state = state._replace(walk=state.walk._replace(broken_off=before))
    served.cycle()
    assert served.desk.state["broken_off"]["given"] == "", "the patient is still another"
    assert served.asks(setup) == ""
    shown = served.desk.state
    assert shown["patient"] == "P-17"
    assert shown["broken_off"]["given"] == "35.0 mg mitomycin at 0 min (patient P-17)"
    served.end()
    assert last_run(served.settings).broken_off == before


def test_h41_after_a_treatment_that_is_over_the_next_one_is_set_up_and_everything_is_off(served: Served) -> None:
    setup = previewed(served)
    state = served.loop._state
    served.loop._state = state._replace(walk=state.walk._replace(step="complete"))
    assert served.asks(setup) == ""
    assert (served.desk.state["phase"], served.desk.state["armed"]) == ("STANDBY", False)
    assert served.desk.state["patient"] == setup.pseudonym


def test_h49_a_latched_trip_is_not_shaken_off_by_a_set_up(served: Served) -> None:
    setup = previewed(served)
    served.desk.stop.request()
    served.cycle()
    assert "a trip is latched; reset first" in served.asks(setup)
    assert [trip["id"] for trip in served.desk.state["trips"]] == ["stop"]


def test_a_record_that_cannot_be_begun_leaves_the_old_set_up_and_says_so(served: Served) -> None:
    setup = previewed(served)

    def full(settings: Settings) -> Core:
        raise OSError("data directory: 3 MiB free")

    served.setups._make = full
    assert "3 MiB free" in served.asks(setup)
    assert served.desk.state["treatment"] == "saline_rehearsal"


def test_h41_a_set_up_whose_thread_dies_is_refused_and_so_is_every_later_one(served: Served) -> None:
    setup = previewed(served)

    def dying(settings: Settings) -> Core:
        raise SystemExit("torn away")

    served.setups._make = dying
    assert "the set-up failed: SystemExit: torn away" in served.asks(setup)
    assert "nothing can be set up until a restart: SystemExit: torn away" in served.asks(setup)
    served.cycle()
    assert served.desk.state["treatment"] == "saline_rehearsal"
    assert served.loop.failure == ""
    served.acts(Act.START)
    served.cycle()
    assert "nothing can be set up" in next(a["text"] for a in served.desk.state["alarms"] if a["id"] == "host")


def test_who_waits_behind_a_set_up_that_kills_the_thread_is_answered_and_a_retired_record_ended(served: Served) -> None:
    setup = previewed(served)
    begun, go_on = threading.Event(), threading.Event()
    answered: dict[int, str] = {}
    served.desk.answer = lambda ticket, refusal: answered.update({ticket.request: refusal})

    def dying(settings: Settings) -> Core:
        begun.set()
        go_on.wait(10.0)
        raise SystemExit

    served.setups._make = dying
    assert served.setups.ask(SetUpTicket(setup, "Weber", 1, 1)) == ""
    assert begun.wait(10.0)
    assert served.setups.ask(SetUpTicket(setup, "Weber", 1, 2)) == ""
    retired = open_recorder(served.settings)
    served.setups.retire(retired)
    go_on.set()
    served.end()
    assert sorted(answered) == [1, 2]
    assert all("SystemExit" in refusal for refusal in answered.values())
    assert Record(retired.path).verify().ended


def test_a_record_that_cannot_be_ended_is_said_and_the_next_set_up_is_taken(served: Served) -> None:
    setup = previewed(served)
    served.loop.recorder.close()

    def broken() -> None:
        raise RuntimeError("no file")

    served.setups.retire(SimpleNamespace(close=broken))
    assert served.asks(setup) == ""
    assert "a record before this one is not complete: no file" in served.setups.fault


def test_a_set_up_that_is_ready_when_the_loop_has_failed_is_answered_and_its_record_ended(served: Served) -> None:
    setup = previewed(served)
    served.loop.failure = "cycle 1: broken"
    said = ""

    def ask() -> None:
        nonlocal said
        with Client(served.path) as client, pytest.raises(Refusal) as refusal:
            client.set_up(setup)
        said = str(refusal.value)

    thread = threading.Thread(target=ask)
    thread.start()
    until_s = time.monotonic() + 10.0
    while thread.is_alive() and time.monotonic() < until_s:
        served.loop.once(served.clock.now())
        time.sleep(0.01)
    thread.join()
    assert "holds SAFE" in said


def test_h41_after_a_restart_the_patient_who_was_set_up_goes_before_the_command_line(served: Served) -> None:
    treatment = treatments_for(served.settings.rig)["mitomycin_90"]
    patient = Patient(pseudonym="P-17", height_cm=182.0, weight_kg=91.0)
    restored = Restored("crashed", treatment=treatment, patient=patient)
    again = dataclasses.replace(served.settings, restarts=1)
    assert continued(again, restored).patient == patient
    assert continued(again, restored).treatment == treatment
    assert continued(served.settings, restored) is served.settings  # somebody has typed what to run
    assert continued(again, Restored("its record cannot be believed")) is again


def test_a_shipped_treatment_for_another_rig_is_not_offered(served: Served) -> None:
    small = bench_rig()
    slow = msgspec.structs.replace(small, limits=msgspec.structs.replace(small.limits, flow_max_lpm=0.9))
    assert set(treatments_for(slow)) < set(treatments_for(small))
    with pytest.raises(ConfigError):
        served.setups.preview(SetUp(treatment="", pseudonym="A", height_cm=170, weight_kg=70))
