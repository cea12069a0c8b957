"""A run broken off with fluid or drug in the patient: nothing goes on top of it until somebody accounts for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from make import World, make_cycle, world_in
from test_restart_record import WALL_S, Recorded, begun

from config.schema import Patient
from controller.core.balance import SETTLE_WINDOW_S
from controller.core.broken_off import UNKNOWN, BrokenOff, Given
from controller.core.exchange import Act, Event, Order
from controller.core.gates import draining
from controller.core.restart import Restored, broken_off_in
from controller.records.rows import event_row

LATER = "20231114T221420Z-000000"
LAST = "20231114T221520Z-000000"


def perfusing(folder: Path) -> Recorded:
    """A record from WARM_UP on: the dose is in it, and PERFUSE runs."""
    run = Recorded(world_in("warm_up"), folder)
    while run.world.state.gate:
        run.step()
    run.step(Order(Act.DOSE, text="lot 7"))
    run.run(5)
    assert run.world.step_name == "perfuse"
    return run


def ready(restored: Restored) -> World:
    """Started again, the trip of the restart reset, and the drain at its end."""
    world = begun(restored)
    world.step(Act.RESET)
    world.run(2.5 * SETTLE_WINDOW_S)
    assert not world.trips
    return world


def test_h38_after_a_restart_nothing_is_begun_on_top_of_what_is_in_the_patient_until_a_person_has_said_where_it_is(
    tmp_path: Path,
) -> None:
    restored = perfusing(tmp_path).crash()
    found = restored.broken_off
    assert found is not None
    assert found.volume_ml == pytest.approx(make_cycle().fill_ml, abs=60.0)
    assert found.text.startswith(f"the run before ended in PERFUSE with {found.volume_ml:.0f} mL in patient ")
    world = begun(restored)
    alarm = world.state.alarms.active["volume_unaccounted"]
    assert (alarm.priority.name, alarm.text.startswith(found.text)) == ("MEDIUM", True)
    world.step(Order(Act.CONFIRM, text="standby"))
    assert "reset first" in world.refused(), "an act of the moment of the restart is none about the cavity"
    world.step(Act.RESET)
    world.run(1.0)
    for _ in range(3):
        world.step(Act.START)
        assert found.text in world.refused()
        assert "let the cavity drain" in world.refused()
        assert found.text in world.cycle.in_the_way(world.state)
        world.run(20.0)
        assert world.step_name == "standby"
        out = world.outputs
        assert (out.heat_on, out.pump_lpm, out.inflow_open, out.outflow_closed) == (False, 0.0, False, False)
    shown = world.cycle.view(world.state)
    assert (shown["asks"], "drain" in str(shown["person"]), "accounted for" in str(shown["gate"])) == (
        "confirm", True, True,
    )  # fmt: skip
    world.step(Order(Act.CONFIRM, who="EK", text="preheat"))
    assert "it was meant for preheat" in world.refused()
    world.step(Order(Act.CONFIRM, who="EK", text="standby"))
    said = next(event for event in world.events if event.kind == "order")
    assert said.name == "confirm"
    assert found.text in said.text
    assert said.text.endswith("(EK)")
    world.run(3.0)
    assert "volume_unaccounted" not in world.state.alarms.active
    assert (world.step_name, world.outputs.heat_on, world.cycle.in_the_way(world.state)) == ("standby", False, "")
    world.step(Act.CONFIRM)
    assert "nothing waits" in world.refused()
    world.step(Act.START)
    assert (world.refused(), world.step_name) == ("", "self_test")


def test_h41_doses_of_before_a_restart_are_told_with_their_times_and_again_with_the_next_one(tmp_path: Path) -> None:
    run = perfusing(tmp_path)
    run.world.state = run.world.state._replace(
        walk=run.world.state.walk._replace(first_dose_s=run.world.now_s - 29.0 * 60.0)
    )
    run.step(Order(Act.DOSE), sampled=False)
    restored = run.crash()
    assert restored.broken_off is not None
    assert [(dose.drug, dose.at_min is not None) for dose in restored.broken_off.doses] == [("mitomycin", True)] * 2
    mg = [fraction.mg for fraction in make_cycle().plan.fractions]
    assert [dose.mg for dose in restored.broken_off.doses] == mg[:2]
    assert f"given: {mg[0]:.1f} mg mitomycin at 0 min, {mg[1]:.1f} mg mitomycin at 0 min" in restored.broken_off.text
    given = restored.broken_off.given
    world = ready(restored)
    world.step(Act.CONFIRM)
    assert world.state.walk.broken_off is not None
    assert world.state.walk.broken_off.accounted
    said = first_dose(world.state.walk.broken_off)
    assert f"dose 1 of 3: {mg[0]:.1f} mg mitomycin, beside what was given before: {given} (patient BENCH)" in said


def first_dose(before: BrokenOff | None) -> str:
    """What the record says of the first dose of BENCH, the patient of the tests."""
    world = world_in("warm_up")
    world.state = world.state._replace(walk=world.state.walk._replace(broken_off=before))
    world.until(lambda w: not w.state.gate, within_s=120.0)
    shown = world.cycle.view(world.state)["broken_off"]
    world.step(Order(Act.DOSE, text="lot 8"))
    said = next(event.text for event in world.events if event.name == "dose")
    assert isinstance(shown, dict)
    assert str(shown["given"]) in said, "the page tells what the record does"
    assert bool(shown["given"]) == ("given before" in said)
    return said


def test_h41_the_doses_of_another_patient_are_kept_told_to_nobody_else_and_added_to_nobody_elses() -> None:
    given = (Given(drug="mitomycin", mg=35.0, at_min=0.0),)
    other = BrokenOff(phase="PERFUSE", patient="P-9", volume_ml=900.0, doses=given)
    world = ready(Restored("crashed", broken_off=other))
    world.step(Act.START)
    assert "900 mL in patient P-9; given: 35.0 mg mitomycin at 0 min" in world.refused(), "it is somebody's cavity"
    world.step(Act.CONFIRM)
    kept = world.state.walk.broken_off
    assert kept == replace(other, accounted=True)
    assert "35.0 mg" not in first_dose(kept)
    mine = (Given(drug="mitomycin", mg=20.0, at_min=0.0),)
    left = broken_off_in("perfuse", "PERFUSE", "P-1", 800.0, mine, kept)
    assert left is not None
    assert (left.patient, left.given) == ("P-1", "20.0 mg mitomycin at 0 min")
    again = broken_off_in("perfuse", "PERFUSE", "P-9", 800.0, mine, kept)
    assert again is not None
    assert again.given_to("P-9") == "35.0 mg mitomycin at 0 min, 20.0 mg mitomycin at 0 min (patient P-9)"


@pytest.mark.parametrize("before", [UNKNOWN, BrokenOff(said="the run before ended in FILL with an unknown volume")])
def test_h41_what_may_have_been_given_to_nobody_knows_whom_is_told_to_everybody(before: BrokenOff) -> None:
    world = ready(Restored("crashed", broken_off=before))
    world.step(Act.CONFIRM)
    kept = world.state.walk.broken_off
    assert kept == replace(before, accounted=True)
    assert first_dose(kept).endswith(f"beside what was given before: {before.text}, lot 8 (operator)")
    mine = (Given(drug="mitomycin", mg=20.0, at_min=0.0),)
    left = broken_off_in("perfuse", "PERFUSE", "P-1", 800.0, mine, kept)
    assert left is not None
    assert left.text.endswith(f"; given: {before.text}, 20.0 mg mitomycin at 0 min")
    assert left.text.startswith("the run before ended in PERFUSE with 800 mL in patient P-1")


def test_h41_another_set_up_passes_on_what_is_known_until_a_treatment_has_come_to_its_end(tmp_path: Path) -> None:
    world = ready(perfusing(tmp_path).crash())
    world.step(Act.CONFIRM)
    assert world.cycle.in_the_way(world.state) == ""
    assert world.cycle.passed_on(world.state) == Restored(broken_off=world.state.walk.broken_off)
    over = world.state._replace(walk=world.state.walk._replace(step="complete"))
    assert world.cycle.passed_on(over) == Restored()
    other = BrokenOff(phase="PERFUSE", patient="P-9", accounted=True)
    of_another = over._replace(walk=over.walk._replace(broken_off=other))
    assert world.cycle.passed_on(of_another) == Restored(broken_off=other)


def test_h11_nobody_confirms_an_empty_cavity_while_the_reservoir_rises() -> None:
    world = begun(Restored("crashed", broken_off=UNKNOWN))
    world.step(Act.RESET)
    world.run(1.0)
    world.step(Act.CONFIRM)
    assert "the reservoir still rises: wait until the drain has ended" in world.refused()
    assert world.cycle.in_the_way(world.state) != ""
    stood = world.state.volumes
    for rise_ml, says in ((8.0, "still rises"), (-8.0, "still falls"), (7.9, ""), (-7.9, "")):
        world.state = world.state._replace(volumes=stood._replace(settled_ml=rise_ml))
        assert says in draining(world.state.volumes)
        assert bool(says) == bool(draining(world.state.volumes))
    assert draining(stood._replace(level_ml=None, settled_ml=None)) == "", "without a level the person's word is all"


@pytest.mark.parametrize(
    ("step", "volume_ml", "asked"),
    [
        ("fill", 40.0, True), ("fill", 101.0, True), ("fill", None, True), ("fill", float("nan"), True),
        ("warm_up", -300.0, True), ("perfuse", 0.0, True), ("drain", 100.0, False), ("drain", 101.0, True),
        ("drain", -100.0, False), ("drain", -101.0, True), ("drain", None, True), ("rinse_ready", 40.0, False),
        ("rinse_dwell", 40.0, True), ("rinse_drain", 40.0, False), ("rinse_drain", float("nan"), True),
        ("preheat", None, False), ("standby", None, False),
    ],
)  # fmt: skip
def test_h11_what_is_not_known_to_be_little_is_asked_for(step: str, volume_ml: float | None, asked: bool) -> None:
    found = broken_off_in(step, step.upper(), "P-1", volume_ml, (), None)
    assert (found is not None) == asked
    if found is not None and volume_ml is None:
        assert "an unknown volume" in found.text
    given = (Given(drug="mitomycin", mg=35.0, at_min=None),)
    with_drug = broken_off_in(step, step.upper(), "P-1", volume_ml, given, None)
    assert with_drug is not None
    assert "35.0 mg mitomycin at an unknown time" in with_drug.text


def test_h38_what_is_in_the_patient_outlives_further_crashes_an_orderly_end_and_a_start_that_came_to_nothing(
    tmp_path: Path,
) -> None:
    found = perfusing(tmp_path).crash().broken_off
    assert found is not None
    second = Recorded(begun(Restored("crashed", broken_off=found)), tmp_path, stamp=LATER)
    second.run(2)
    assert second.crash().broken_off == found
    third = Recorded(begun(Restored("crashed", broken_off=found)), tmp_path, stamp=LAST)
    third.run(2)
    ended = third.end()
    assert ended == Restored(broken_off=found)
    nothing = Recorded(begun(ended), tmp_path, stamp="20231114T221620Z-000000")
    nothing._store.append([event_row(Event(nothing.world.now_s, "alarm", "broken_off", found.text), WALL_S)])
    left = nothing.crash().broken_off
    assert left is not None
    assert (left.text, left.accounted) == (found.text, False)
    assert broken_off_in("standby", "STANDBY", "P-1", None, (), found) == found


def test_h38_a_fill_that_began_after_the_last_sample_is_of_unknown_volume(tmp_path: Path) -> None:
    run = Recorded(world_in("preheat"), tmp_path)
    run.run(2)
    run._store.append([event_row(Event(run.world.now_s, "phase", "fill", "FILL: Filling"), WALL_S)])
    left = run.crash().broken_off
    assert left is not None
    assert left.text.startswith("the run before ended in FILL with an unknown volume in patient ")


def test_a_record_that_cannot_be_believed_says_that_nothing_is_known_of_the_patient(tmp_path: Path) -> None:
    run = perfusing(tmp_path)
    run.crash()
    run.path.write_bytes(b"no database at all")
    world = ready(Restored("x", broken_off=run.crash().broken_off))
    world.step(Act.START)
    assert "is not known: the record cannot be believed" in world.refused()


def test_h41_a_treatment_that_is_over_asks_nothing_of_the_next_unless_it_crashed(tmp_path: Path) -> None:
    run = Recorded(world_in("complete"), tmp_path)
    run.run(2)
    assert run.end().broken_off is None
    crashed = Recorded(world_in("complete"), tmp_path, stamp=LATER)
    crashed.run(2)
    left = crashed.crash()
    assert left.text == ""
    assert left.broken_off is not None
    assert "ended in COMPLETE with" in left.broken_off.text
    assert "unknown volume" not in left.broken_off.text


def test_what_is_accounted_for_is_remembered_until_a_treatment_has_come_to_its_end(tmp_path: Path) -> None:
    given = (Given(drug="mitomycin", mg=35.0, at_min=0.0),)
    before = BrokenOff(phase="PERFUSE", patient=Patient().pseudonym, volume_ml=900.0, doses=given, accounted=True)
    run = Recorded(begun(Restored(broken_off=before)), tmp_path)
    assert "volume_unaccounted" not in run.world.state.alarms.active
    run.run(2)
    assert run.crash().broken_off == before
    again = broken_off_in("fill", "FILL", before.patient, 800.0, (), before)
    assert again is not None
    assert (again.accounted, again.doses, again.volume_ml) == (False, given, 800.0)
    ended = Recorded(begun(Restored(broken_off=before)), tmp_path, stamp=LATER)
    ended.run(2)
    assert ended.end() == Restored(broken_off=before)
    nothing = Recorded(begun(Restored(broken_off=before)), tmp_path, stamp=LAST)
    nothing._store.append([event_row(Event(nothing.world.now_s, "note", "broken_off", before.text), WALL_S)])
    assert nothing.end().broken_off == BrokenOff(said=before.text, accounted=True)
