"""The alarm table: priority from harm and onset, needs, causes, delays; every row of the interlocks has its line."""

from __future__ import annotations

import pytest
from make import world_in

from controller.core import alarm_table, alarm_view
from controller.core.alarm_table import BUDGET_S, ROWS, SIGNAL_DELAY_S, Harm, Kind, Onset, row_of
from controller.core.interlocks import TABLE, Response
from controller.core.signals import by_name

INTERLOCKS = {row.id: row for row in TABLE}

# IEC 60601-1-8 table 1, written a second time: columns immediate, prompt, delayed.
TABLE_1 = {
    "death or irreversible injury": ("HIGH", "HIGH", "MEDIUM"),
    "reversible injury": ("HIGH", "MEDIUM", "LOW"),
    "minor injury or discomfort": ("MEDIUM", "LOW", "LOW"),
}
RAISED_ON_PURPOSE = {"stop": ("LOW", "HIGH")}


def test_priority_follows_from_harm_and_onset_as_in_table_1() -> None:
    for harm in Harm:
        for onset, expected in zip((Onset.IMMEDIATE, Onset.PROMPT, Onset.DELAYED), TABLE_1[harm.value], strict=True):
            assert alarm_table.PRIORITY[harm, onset].name == expected


def test_rows_that_differ_from_table_1_are_the_known_ones_and_say_why() -> None:
    differ = {}
    for id_, row in ROWS.items():
        by_table = alarm_table.PRIORITY[row.harm, row.onset]
        if row.priority is not by_table:
            differ[id_] = (by_table.name, row.priority.name)
            assert len(row.why) > 20
        else:
            assert (row.raised, row.why) == (None, "")
    assert differ == RAISED_ON_PURPOSE


def test_every_interlock_has_its_line_and_every_line_its_interlock() -> None:
    assert set(ROWS) == set(INTERLOCKS), "add the row's harm, onset, needs and causes to controller/core/alarm_table.py"


@pytest.mark.parametrize("id_", sorted(INTERLOCKS))
def test_the_priority_that_the_interlock_names_is_the_derived_one(id_: str) -> None:
    assert row_of(id_).priority is INTERLOCKS[id_].priority


def test_an_unclassified_alarm_is_high_and_stands_for_itself() -> None:
    row = row_of("nobody_has_judged_this")
    assert (row.priority.name, row.because, row.needs) == ("HIGH", (), ())


def test_what_a_row_needs_is_a_signal() -> None:
    signals = by_name()
    assert {name for row in ROWS.values() for name in row.needs} <= set(signals)


def test_causes_are_alarms_and_never_go_in_a_circle() -> None:
    def walk(id_: str, path: tuple[str, ...]) -> None:
        assert id_ not in path, f"circle: {path}"
        for cause in ROWS[id_].because:
            walk(cause, (*path, id_))

    for id_ in ROWS:
        walk(id_, ())


def test_a_cause_is_never_of_lower_priority_than_what_it_silences() -> None:
    for id_, row in ROWS.items():
        for cause in row.because:
            assert ROWS[cause].priority >= row.priority, (id_, cause)


def test_the_delay_of_each_alarm_is_within_its_budget_or_says_why_not() -> None:
    slow = set()
    for line in alarm_view.manual():
        row = row_of(str(line["id"]))
        delay_s = alarm_view.condition_delay_s(str(line["id"])) + SIGNAL_DELAY_S
        if delay_s > BUDGET_S[row.priority] + 1e-9:
            slow.add(str(line["id"]))
            assert len(str(line["delay_note"])) > 10, line
        else:
            assert line["delay_note"] == ""
    assert slow, "the budget is never exceeded: the test looks at nothing"


def test_latching_is_the_rows_property_and_nothing_else() -> None:
    latching = {line["id"] for line in alarm_view.manual() if line["latching"]}
    assert latching == {row.id for row in TABLE if row.response is not Response.R0}


def test_physiological_alarms_are_those_of_the_patient() -> None:
    assert {ROWS[id_].kind for id_ in alarm_view.physiological()} == {Kind.PHYSIOLOGICAL}
    assert {"core_trip", "cavity_over", "cavity_pressure", "accumulating"} <= set(alarm_view.physiological())
    assert {"probe_lost", "device_lost", "core_lost", "host"}.isdisjoint(alarm_view.physiological())


def not_monitored(**bent: float | None) -> dict[str, str]:
    world = world_in("perfuse", settle_s=20.0)
    world.bent = dict(bent)
    world.run(1.0)
    listed = world.cycle.view(world.state)["not_monitored"]
    assert isinstance(listed, list)
    return {line["id"]: f"{line['signal']}: {line['why']}" for line in listed}


def test_h18_with_every_probe_there_everything_is_monitored() -> None:
    assert not_monitored() == {}


def test_h18_a_failed_core_probe_is_a_technical_alarm_and_its_physiological_ones_are_not_monitored() -> None:
    listed = not_monitored(core_c=None)
    assert set(listed) == {"core_stop", "core_trip", "core_alarm", "core_warn", "core_low"}
    assert listed["core_trip"] == "core_c: open circuit"


def test_h18_one_lost_cavity_probe_leaves_the_cavity_monitored_and_all_three_do_not() -> None:
    assert not_monitored(cavity_1_c=None) == {}
    listed = not_monitored(cavity_1_c=None, cavity_2_c=None, cavity_3_c=None)
    assert {"cavity_over", "cavity_warm", "cavity_cool", "cavity_spread"} == set(listed)


def test_an_alarm_discloses_its_kind_and_both_delays() -> None:
    world = world_in("perfuse", settle_s=20.0)
    world.bent["core_c"] = 38.7
    world.run(12.0)
    view = world.cycle.view(world.state)["alarms"]
    assert isinstance(view, list)
    warned = next(line for line in view if line["id"] == "core_warn")
    assert (warned["kind"], warned["condition_delay_s"], warned["signal_delay_s"]) == ("physiological", 10.1, 0.3)
