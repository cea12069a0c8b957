"""What pages are told: newest first, one message at a time, and honestly when there is nothing to tell."""

import asyncio
import json
import math
import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from controller.console import fields
from controller.console.chronicle import ENTRIES_MAX, Chronicle
from controller.console.history import NAMES, POINTS, History
from controller.console.hub import LEAST_S, Hub, Page
from controller.core.signals import TABLE
from controller.sounds.bursts import plain


def state(seq: int, **more: Any) -> dict[str, Any]:
    whole = {
        "now_s": 100.0 + seq,
        "values": {},
        "step": "standby",
        "phase": "STANDBY",
        "doing": "Everything off.",
        "target_c": 42.0,
        "flow_lpm": 1.5,
        "doses": 0,
        "dose_plan": [],
        "hold": "",
        "heat_on": False,
        "trips": [],
        "alarms": [],
        "runtime": {"seq": seq},
    }
    return {**whole, **more}


async def settled(hub: Hub, *states: dict[str, Any]) -> None:
    for each in states:
        hub.arrived(each, time.monotonic())
    await asyncio.sleep(0)
    await asyncio.sleep(0)


def test_a_page_that_was_slow_gets_the_newest_state_and_not_those_between() -> None:
    async def run() -> list[int]:
        hub, page = Hub(), Page()
        hub.begin()
        await settled(hub, state(1))
        first = json.loads(await hub.next_message(page, 0.0) or b"")
        await settled(hub, *(state(n) for n in range(2, 50)))
        page.acknowledge(1.0)
        second = json.loads(await hub.next_message(page, 0.0) or b"")
        return [first["seq"], second["seq"]]

    assert asyncio.run(run()) == [1, 49]


def test_a_page_that_does_not_answer_holds_one_message_and_gets_no_second() -> None:
    async def run() -> bool:
        hub, page = Hub(), Page()
        hub.begin()
        await settled(hub, state(1))
        await hub.next_message(page, 0.0)
        await settled(hub, state(2))
        waiting = asyncio.ensure_future(hub.next_message(page, 0.0))
        await asyncio.sleep(3 * LEAST_S)
        done = waiting.done()
        waiting.cancel()
        return done

    assert not asyncio.run(run())


def test_without_a_state_pages_are_told_why_and_never_the_old_one_again() -> None:
    async def run() -> dict[str, Any]:
        hub, page = Hub(), Page()
        hub.begin()
        await settled(hub, state(1))
        await hub.next_message(page, 0.0)
        page.acknowledge(5.0)
        hub.lost("nobody answers")
        answer: dict[str, Any] = json.loads(await hub.next_message(page, 0.0) or b"")
        return answer

    said = asyncio.run(run())
    assert said["kind"] == "lost"
    assert said["body"] == "nobody answers"
    assert said["echo_ms"] == 5.0


def test_the_host_counts_on_a_console_only_while_a_page_answers() -> None:
    hub, page = Hub(), Page()
    assert not hub.attended
    hub.pages.add(page)
    assert hub.attended
    page.answered_s -= 10.0
    assert not hub.attended


def test_a_gap_stays_a_gap_and_an_extreme_stays_an_extreme_in_a_long_look() -> None:
    history = History()
    for second in range(20 * POINTS):
        value = None if 5000 <= second < 5100 else 43.9 if second == 7777 else 42.0
        history.add(float(second), {"inflow_c": value})
    whole = history.whole()
    column = whole["columns"]["inflow_c"]
    assert len(column) == len(whole["at_s"]) <= 2 * POINTS
    assert max(v for v in column if v is not None) == 43.9
    missing = [at for at, v in zip(whole["at_s"], column, strict=True) if v is None]
    assert missing
    assert all(4980 <= at <= 5120 for at in missing)


@given(st.lists(st.one_of(st.none(), st.floats(-50, 150)), min_size=1, max_size=3000))
def test_no_value_is_made_up_by_thinning(values: list[float | None]) -> None:
    history = History(rows_max=2500)
    for second, value in enumerate(values):
        history.add(float(second), {"inflow_c": value})
    told = {v for v in history.whole()["columns"]["inflow_c"] if v is not None}
    assert told <= {round(v, 3) for v in values if v is not None}
    assert not any(math.isnan(v) for v in told)


def test_memory_is_bounded_and_time_that_goes_back_begins_anew() -> None:
    history = History(rows_max=1000)
    for second in range(5000):
        history.add(float(second), {})
    assert len(history.last(math.inf)["at_s"]) <= 1000
    history.add(3.0, {"inflow_c": 40.0})
    assert history.last(math.inf)["at_s"] == [3.0]


def test_what_happened_is_told_once_in_words() -> None:
    chronicle = Chronicle()
    alarm = alarm_line(text="6 mm", advice="Clamp.")
    seen = [
        state(1),
        state(2, step="prime", phase="PRIME", doing="Circulating."),
        state(3, step="prime", target_c=42.3, alarms=[alarm]),
        state(4, step="prime", target_c=42.3, alarms=[{**alarm, "acknowledged": True}]),
        state(5, step="prime", target_c=42.3),
    ]
    for each in seen:
        chronicle.look(each, utc_ms=0.0)
        chronicle.look(each, utc_ms=0.0)
    assert [entry["text"] for entry in chronicle.since(1)] == [
        "PRIME: Circulating.",
        "Target 42.0 -> 42.3 °C",
        "Air: 6 mm. Clamp.",
        "Air: acknowledged",
        "Air: over",
    ]


def test_an_alarm_that_begins_anew_or_is_raised_is_told_again_and_one_whose_number_ticks_is_not() -> None:
    chronicle = Chronicle()
    for alarm in (
        alarm_line(text="6 mm", priority="MEDIUM"),
        alarm_line(text="7 mm", priority="MEDIUM"),
        alarm_line(text="7 mm"),
        alarm_line(text="8 mm", since_s=5.0),
    ):
        chronicle.look(state(1, alarms=[alarm]), utc_ms=0.0)
    assert [(entry["text"], entry["priority"]) for entry in chronicle.since(1)] == [
        ("Air: HIGH now, 7 mm", "HIGH"),
        ("Air: 8 mm. Clamp.", "HIGH"),
    ]


def alarm_line(**more: Any) -> dict[str, Any]:
    line = {"id": "a", "title": "Air", "text": "6 mm", "advice": "Clamp.", "priority": "HIGH", "since_s": 1.0}
    return {**line, "acknowledged": False, **more}


def test_the_list_of_events_is_bounded_and_numbered_on() -> None:
    chronicle = Chronicle()
    for n in range(ENTRIES_MAX + 500):
        chronicle.note("order", str(n), at_s=0.0, utc_ms=0.0)
    assert len(chronicle.since(0)) == ENTRIES_MAX
    assert [entry["text"] for entry in chronicle.since(chronicle.count - 2)] == ["2498", "2499"]


def test_a_controller_that_failed_is_an_entry_and_no_value_is_kept_of_it() -> None:
    async def run() -> Hub:
        hub = Hub()
        hub.begin()
        failed = {"phase": "FAILED", "failed": True, "runtime": {"failure": "cycle 7: boom"}}
        await settled(hub, state(1), failed)
        return hub

    hub = asyncio.run(run())
    assert len(hub.history.last(math.inf)["at_s"]) == 1
    assert "cycle 7: boom" in hub.chronicle.since(0)[-1]["text"]


def test_every_number_of_the_page_has_its_unit_and_decimals_from_the_table() -> None:
    table = fields.table()
    for signal in TABLE:
        field = table["fields"][signal.name]
        assert (field["label"], field["unit"], field["decimals"]) == (signal.label, signal.unit, signal.decimals)
        assert field["glance"] <= signal.decimals
    assert set(NAMES) <= set(table["fields"])


def test_the_page_plays_the_table_from_which_the_sound_files_are_made() -> None:
    assert list(fields.table()["sounds"].values()) == plain()
