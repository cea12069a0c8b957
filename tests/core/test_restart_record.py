"""After a crash: the trips that were latched are latched again and shown, heat and phase are not, and it says so."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from make import World, make_cycle, world_in

from config.schema import Patient, Rig, Treatment
from controller.core.exchange import Act, Event, Order
from controller.core.interlocks import Latch
from controller.core.restart import Restored
from controller.records.header import Started, header_row
from controller.records.last_run import last_run
from controller.records.opening import latest_of
from controller.records.reader import END
from controller.records.rows import Sample, event_row, sample_rows
from controller.records.store import Store

WALL_S = 1_700_000_000.0


@dataclass(frozen=True, kw_only=True)
class Place:
    """What the record of a run is told of it."""

    rig: Rig
    treatment: Treatment
    data_dir: Path
    patient: Patient = field(default_factory=Patient)
    speed: float = 1.0
    simulated: bool = False


class Recorded:
    """A world whose every cycle is written to a real record, until it is cut off."""

    def __init__(self, world: World, folder: Path, *, stamp: str = "20231114T221320Z-000000") -> None:
        self.world = world
        rig, treatment = world.cycle.rig, world.cycle.treatment
        self.place = Place(rig=rig, treatment=treatment, data_dir=folder)
        self.path = folder / f"{stamp}_{rig.name}_{treatment.name}_BENCH.sqlite"
        started = Started(at_s=world.now_s, wall_s=WALL_S)
        header = header_row(
            rig=rig, treatment=treatment, patient=Patient(), simulated=False, speed=1.0, started=started
        )
        self._store = Store(self.path, header)

    def step(self, *acts: Act, sampled: bool = True) -> None:
        world = self.world
        inputs = world.inputs()
        world.step(*acts)
        rows = [event_row(event, WALL_S) for event in world.events]
        if sampled:
            view = world.cycle.view(world.state)
            rows += sample_rows(Sample(world.now_s, WALL_S, inputs, world.outputs, view))
        self._store.append(rows)

    def run(self, cycles: int) -> None:
        for _ in range(cycles):
            self.step()

    def crash(self) -> Restored:
        """The file as it is when the process is gone, read by the next one."""
        self._store.close()
        return last_run(self.place)

    def end(self) -> Restored:
        self._store.append([event_row(Event(self.world.now_s, *END), WALL_S)])
        return self.crash()


def begun(restored: Restored) -> World:
    world = World(make_cycle())
    world.state = world.cycle.initial(world.now_s, restored)
    world.restarted = restored.text
    world.step()
    world.restarted = ""
    return world


def test_h38_a_crash_in_perfusion_is_latched_and_says_phase_contact_time_and_doses(tmp_path: Path) -> None:
    run = Recorded(world_in("perfuse", settle_s=20.0), tmp_path)
    run.run(5)
    assert run.world.outputs.heat_on
    restored = run.crash()
    assert restored.text.startswith("control ended without a goodbye at 2023-11-14T22:13:20Z in PERFUSE, 0.")
    assert restored.text.endswith("min of contact, 1 doses given")
    world = begun(restored)
    assert (world.step_name, world.trips) == ("standby", ("restart",))
    assert restored.text in world.state.alarms.active["restart"].text


def test_h38_a7_latched_trips_and_their_alarms_come_back_and_heat_does_not(tmp_path: Path) -> None:
    run = Recorded(world_in("perfuse", settle_s=20.0), tmp_path)
    run.world.bent["bubble_mm"] = 8.0
    run.run(5)
    run.step(Act.ACKNOWLEDGE)
    run.world.bent = {}
    run.run(15)
    world = begun(run.crash())
    assert world.trips == ("air", "restart")
    assert "Air in the line" in world.state.alarms.active["restart"].text
    alarm = world.state.alarms.active["air"]
    assert (alarm.latched, alarm.acknowledged, alarm.present) == (True, False, False)
    out = world.outputs
    assert (out.heat_on, out.pump_enable, out.inflow_open, world.state.latch.armed) == (False, False, False, False)
    world.step(Act.START)
    assert "reset first" in world.refused()
    world.run(30.0)
    assert world.trips == ("air", "restart")
    world.step(Act.RESET)
    assert world.trips == ()
    assert not world.state.alarms.active or all(a.latched is False for a in world.state.alarms.active.values())
    world.run(5.0)
    assert not world.outputs.heat_on


def test_a_trip_that_came_after_the_last_sample_is_restored_from_its_event(tmp_path: Path) -> None:
    run = Recorded(world_in("perfuse", settle_s=20.0), tmp_path)
    run.run(3)
    run.step(Act.STOP, sampled=False)
    assert [id_ for id_, _, _ in run.crash().trips] == ["stop"]


def test_a_trip_that_was_reset_after_the_last_sample_stays_reset(tmp_path: Path) -> None:
    run = Recorded(world_in("standby"), tmp_path)
    run.step(Act.STOP)
    run.step(Act.RESET, sampled=False)
    assert run.crash().trips == ()


def test_a_run_that_ended_in_order_or_did_nothing_leaves_nothing_behind(tmp_path: Path) -> None:
    ended = Recorded(world_in("perfuse", settle_s=20.0), tmp_path / "ended")
    ended.step(Act.STOP)
    left_ended = ended.end()
    assert left_ended == Restored(broken_off=left_ended.broken_off)  # a goodbye takes nothing out of the patient
    idle = Recorded(world_in("standby"), tmp_path / "idle")
    idle.run(3)
    left = idle.crash()
    assert (left.text, left.trips, left.limits) == ("", (), ())
    assert (left.treatment, left.patient) == (idle.world.cycle.treatment, Patient())
    assert begun(Restored()).trips == ()
    assert begun(Restored()).state.latch == Latch()


def test_h41_tightened_limits_come_back_after_a_crash_for_the_same_patient_only(tmp_path: Path) -> None:
    run = Recorded(world_in("perfuse", settle_s=20.0), tmp_path)
    run.world.step(Order(Act.LIMIT, value=37.5, text="core_warn_c"))
    run.world.step(Act.LIMIT_CONFIRM)
    run.run(3)
    restored = run.crash()
    assert restored.limits == (("core_warn_c", 37.5),)
    world = World(run.world.cycle)
    assert world.cycle.initial(world.now_s, restored).limits.now.core_warn_c == 37.5
    other = restored._replace(patient=Patient(pseudonym="SOMEBODY-ELSE"))
    assert world.cycle.initial(world.now_s, other).limits.now == world.cycle.rig.limits


def test_h16_flow_that_runs_down_after_a_restart_is_no_runaway_and_flow_that_goes_on_is() -> None:
    runs_down = begun(Restored())
    for tenths in range(15, -1, -1):
        runs_down.bent["flow_lpm"] = tenths / 10.0
        runs_down.run(0.2)
    runs_down.run(5.0)
    assert runs_down.trips == ()
    goes_on = begun(Restored())
    goes_on.bent["flow_lpm"] = 1.5
    assert goes_on.until(lambda w: bool(w.trips), within_s=5.0) >= 3.0
    assert goes_on.trips == ("runaway",)


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path) -> None:
    for name in ("ended", "idle", "other"):
        (tmp_path / name).mkdir()


def test_a_second_crash_before_anybody_looked_keeps_what_the_first_one_said(tmp_path: Path) -> None:
    first = Recorded(world_in("perfuse", settle_s=20.0), tmp_path)
    first.step(Act.STOP)
    second = Recorded(begun(first.crash()), tmp_path, stamp="20231114T221420Z-000000")
    second.run(2)
    third = begun(second.crash())
    assert third.trips == ("stop", "restart")
    assert "in STANDBY" in third.state.alarms.active["restart"].text
    assert "in PERFUSE" in third.state.alarms.active["restart"].text


def test_only_the_newest_record_of_this_rig_and_kind_counts(tmp_path: Path) -> None:
    old = Recorded(world_in("perfuse", settle_s=20.0), tmp_path)
    old.run(2)
    old.crash()
    new = Recorded(world_in("standby"), tmp_path, stamp="20231114T221420Z-000000")
    new.run(2)
    assert new.end() == Restored()
    elsewhere = Place(rig=new.place.rig, treatment=new.place.treatment, data_dir=tmp_path, simulated=True)
    assert last_run(elsewhere) == Restored()
    assert last_run(Place(rig=new.place.rig, treatment=new.place.treatment, data_dir=tmp_path / "none")) == Restored()


def test_h38_the_record_begun_last_counts_though_the_clock_was_set_back_since(tmp_path: Path) -> None:
    ahead = Recorded(world_in("standby"), tmp_path, stamp="20991114T221420Z-000000")
    ahead.run(2)
    ahead.end()
    crashed = Recorded(world_in("perfuse", settle_s=20.0), tmp_path)
    latest_of(crashed.place).write_text(crashed.path.name)
    crashed.run(2)
    assert "PERFUSE" in crashed.crash().text
    latest_of(crashed.place).write_text("gone.sqlite")
    assert last_run(crashed.place) == Restored()


def damaged(run: Recorded, sql: str) -> Restored:
    run.crash()
    with sqlite3.connect(run.path) as connection:
        connection.execute(sql)
    connection.close()
    return last_run(run.place)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE samples SET state = replace(state, 'PERFUSE', 'STANDBY')",
        "UPDATE samples SET state = '{' WHERE seq = (SELECT max(seq) FROM samples)",
        "DELETE FROM samples WHERE seq = (SELECT max(seq) - 2 FROM samples)",
        "DROP TABLE events",
        "UPDATE run SET rig = 'another'",
    ],
)
def test_h46_a_damaged_record_is_named_and_begins_with_a_latched_trip(tmp_path: Path, sql: str) -> None:
    run = Recorded(world_in("perfuse", settle_s=20.0), tmp_path)
    run.run(8)
    restored = damaged(run, sql)
    assert restored.text.startswith(f"the record of the run before cannot be believed, {run.path.name}: ")
    assert begun(restored).trips == ("restart",)


@pytest.mark.parametrize("content", [b"", b"no database at all", b"SQLite format 3\x00" + b"\xff" * 5000])
def test_h46_a_file_that_is_no_record_begins_with_a_latched_trip(tmp_path: Path, content: bytes) -> None:
    world = world_in("standby")
    place = Place(rig=world.cycle.rig, treatment=world.cycle.treatment, data_dir=tmp_path)
    (tmp_path / f"20231114T221320Z-000000_{place.rig.name}_x_BENCH.sqlite").write_bytes(content)
    assert begun(last_run(place)).trips == ("restart",)


def test_a_trip_that_this_version_does_not_know_is_latched_with_the_strongest_response() -> None:
    world = begun(Restored("what was", (("from_the_future", "R9", "From the future: 1 > 0"),)))
    assert world.trips == ("from_the_future", "restart")
    assert world.state.latch.trips[0].response.name == "R3"
    assert world.state.alarms.active["from_the_future"].priority.name == "HIGH"
