"""What pages are told: newest first, one message at a time, and honestly when there is nothing to tell."""

import asyncio
import json
import math
import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from controller.console import fields
from controller.console.chronicle import ENTRIES_MAX, Chronicle, Line
from controller.console.history import NAMES, PER_BUCKET, POINTS, History
from controller.console.hub import LEAST_S, Hub, Page
from controller.console.missed import Missed, Unread
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


def test_a_controller_that_has_made_no_cycle_yet_has_no_state_to_show() -> None:
    async def run() -> dict[str, Any]:
        hub, page = Hub(), Page()
        hub.begin()
        await settled(hub, {})
        answer: dict[str, Any] = json.loads(await hub.next_message(page, 0.0) or b"")
        return answer

    assert asyncio.run(run())["kind"] == "lost"


def test_the_host_counts_on_a_console_only_while_a_page_answers() -> None:
    hub, page = Hub(), Page()
    assert not hub.attended
    hub.pages.add(page)
    assert hub.attended
    page.answered_s -= 10.0
    assert not hub.attended


def test_a_gap_stays_a_gap_and_an_extreme_stays_an_extreme_in_a_long_look() -> None:
    history = History()
    for second in range(27 * POINTS):
        value = None if 5000 <= second < 5100 else 43.9 if second == 7777 else 42.0
        history.add(float(second), {"inflow_c": value})
    whole = history.whole()
    column = whole["columns"]["inflow_c"]
    assert len(column) == len(whole["at_s"]) <= PER_BUCKET * POINTS
    assert max(v for v in column if v is not None) == 43.9
    missing = [at for at, v in zip(whole["at_s"], column, strict=True) if v is None]
    assert missing
    assert all(4980 <= at <= 5120 for at in missing)


def test_a_time_without_states_is_a_gap_however_short_and_rows_far_apart_are_none() -> None:
    async def run() -> Hub:
        hub = Hub()
        hub.begin()
        for second in (0.0, 40.0, 80.0):  # of a fast rig
            await settled(hub, state(1, now_s=second, values={"inflow_c": 42.0}))
        hub._arrived_s -= 2.0
        for second in (80.5, 81.5):
            await settled(hub, state(1, now_s=second, values={"inflow_c": 42.0}))
        await settled(hub, state(1, now_s=82.0, failed=True))
        await settled(hub, state(1, now_s=84.0, values={"inflow_c": 42.0}))
        return hub

    shown = asyncio.run(run()).history.last(math.inf)
    known = [(at_s, value is not None) for at_s, value in zip(shown["at_s"], shown["columns"]["inflow_c"], strict=True)]
    assert known == [
        (0.0, True), (40.0, True), (80.0, True), (80.25, False), (81.5, True), (82.75, False), (84.0, True),
    ]  # fmt: skip


def test_a_time_that_a_record_knows_nothing_of_is_a_gap() -> None:
    history = History()
    history.add(300.0, {"inflow_c": 42.0})
    at_s = [*map(float, range(100)), *map(float, range(200, 299))]
    history.precede(at_s, {"inflow_c": [42.0] * len(at_s)})
    shown = history.last(math.inf)
    unknown = [at for at, value in zip(shown["at_s"], shown["columns"]["inflow_c"], strict=True) if value is None]
    assert unknown == [149.5]


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


def test_an_extreme_beside_a_value_that_is_not_known_is_kept_with_the_gap() -> None:
    history = History()
    for second in range(20 * POINTS):
        spike = {5005: 43.9, 5007: 30.1}.get(second, 42.0)
        history.add(float(second), {"inflow_c": None if second == 5003 else spike})
    column = history.whole()["columns"]["inflow_c"]
    assert {43.9, 30.1} <= set(column)
    assert column.count(None) == 1


def told(*lines: tuple[str, str, str] | tuple[str, str, str, str], began_s: float = 1.0, first: int = 1) -> Any:
    """The events of a state: each is kind, name, text and perhaps a priority."""
    numbered = [
        Line(first + at, 100.0 + first + at, 0.0, kind, name, text, *(more or [""]))
        for at, (kind, name, text, *more) in enumerate(lines)
    ]
    return {"seq": 1, "events": {"began_s": began_s, "lines": numbered}}


def texts(chronicle: Chronicle) -> list[str]:
    return [entry["text"] for entry in chronicle.since(0)]


EVENTS = (
    ("phase", "prime", "WARM_UP: Circulating."),
    ("order", "target", "target 42.0 -> 42.3 °C (Weber)"),
    ("alarm", "air", "Air: 6 mm. Clamp.", "HIGH"),
    ("order", "audio_pause", "audio paused for 120 s (operator at the console)"),
    ("limit", "core_warn_c", "not confirmed: Core warm 38.5 -> 38.2 °C"),
    ("order", "agitated", "agitated (operator at the console)"),
    ("order", "setup", "cisplatin_90, P7 (engineer at the console)"),
    ("order", "dose", "dose 1 (operator)"),
    ("alarm_again", "air", "Air: 6 mm, 300 s after it was acknowledged", "HIGH"),
    ("alarm_end", "air", "Air: over after 12.0 s"),
)


def test_what_happened_is_told_once_with_who_did_it() -> None:
    chronicle = Chronicle()
    for count in (1, 4, 4, len(EVENTS)):
        chronicle.look(state(1, runtime=told(*EVENTS[:count])), utc_ms=0.0)
    assert texts(chronicle) == [
        "WARM UP: Circulating.",
        "Target 42.0 -> 42.3 °C (Weber)",
        "Air: 6 mm. Clamp.",
        "Audio paused for 120 s (operator at the console)",
        "Not confirmed: Core warm 38.5 -> 38.2 °C",
        "Agitated (operator at the console)",
        "Cisplatin_90, P7 (engineer at the console)",
        "Dose 1 (operator)",
        "Air: 6 mm, 300 s after it was acknowledged",
        "Air: over after 12.0 s",
    ]
    kinds = [(entry["kind"], entry["priority"]) for entry in chronicle.since(0)]
    assert kinds == [
        ("phase", ""), ("order", ""), ("alarm", "HIGH"), ("order", ""), ("order", ""), ("order", ""), ("order", ""),
        ("dose", ""), ("alarm", ""), ("alarm", ""),
    ]  # fmt: skip


def test_lines_that_came_too_fast_are_said_to_be_missing_and_a_new_run_counts_anew() -> None:
    chronicle = Chronicle()
    chronicle.look(state(1, runtime=told(*EVENTS[:2])), utc_ms=0.0)
    chronicle.look(state(2, runtime=told(EVENTS[9], first=10)), utc_ms=0.0)
    chronicle.look(state(3, runtime=told(EVENTS[5], began_s=2.0)), utc_ms=0.0)
    assert texts(chronicle)[2:] == [
        "7 lines are missing here; the record has them",
        "Air: over after 12.0 s",
        "Agitated (operator at the console)",
    ]


def test_the_name_of_a_device_is_read_as_words() -> None:
    chronicle = Chronicle()
    line = (1, 1.0, 0.0, "note", "reservoir_level", "reservoir_level: answers again", "")
    chronicle.look(state(1, runtime={"events": {"began_s": 1.0, "lines": [line]}}), utc_ms=0.0)
    assert texts(chronicle) == ["Reservoir level: answers again"]


def test_the_heat_is_told_though_it_is_no_event() -> None:
    chronicle = Chronicle()
    for on in (False, True, True, False):
        chronicle.look(state(1, heat_on=on), utc_ms=0.0)
    assert texts(chronicle) == ["STANDBY: Everything off.", "Heat on", "Heat off"]


def test_pages_are_not_sent_the_events_that_they_ask_for_when_there_are_more() -> None:
    async def run() -> dict[str, Any]:
        hub, page = Hub(), Page()
        hub.begin()
        await settled(hub, state(1, runtime=told(*EVENTS)))
        answer: dict[str, Any] = json.loads(await hub.next_message(page, 0.0) or b"")
        return answer

    said = asyncio.run(run())
    assert said["entries"] == len(EVENTS)
    assert said["body"]["runtime"] == {"seq": 1}


def begun_late(missed: Missed | None) -> Hub:
    """A hub whose first state carries the newest events and whose record has those before."""
    asked: list[str] = []

    async def ask(path: str) -> Missed:
        asked.append(path)
        await asyncio.sleep(0.01)
        if missed is None:
            raise Unread("no such file")
        return missed

    async def run() -> Hub:
        hub = Hub(missed=ask)
        hub.begin()
        runtime = {**told(*EVENTS[2:4], first=3), "record": "run.sqlite"}
        for second in range(3):
            await settled(hub, state(10 + second, values={"inflow_c": 42.0}, runtime=runtime))
        assert (hub.chronicle.count, hub.chronicle.since(0)) == (0, []), "numbers that would change are not shown"
        await asyncio.sleep(0.05)
        await hub.end()
        return hub

    hub = asyncio.run(run())
    assert asked == ["run.sqlite"]
    return hub


def test_a_console_that_begins_in_the_middle_shows_the_trend_and_the_log_from_before() -> None:
    record = told(*EVENTS[:4])["events"]["lines"]
    before = Missed(at_s=[1.0, 2.0, 110.0], columns={"inflow_c": [37.0, None, 99.0]}, events=record)
    hub = begun_late(before)
    whole = hub.history.last(math.inf)
    assert whole["at_s"] == [1.0, 2.0, 56.0, 110.0, 111.0, 112.0]
    assert whole["columns"]["inflow_c"] == [37.0, None, None, 42.0, 42.0, 42.0]
    assert whole["columns"]["core_c"] == [None] * 6
    assert [(entry["number"], entry["text"].split(":")[0]) for entry in hub.chronicle.since(0)] == [
        (1, "WARM UP"), (2, "Target 42.0 -> 42.3 °C (Weber)"), (3, "Air"),
        (4, "Audio paused for 120 s (operator at the console)"),
    ]  # fmt: skip
    assert hub.chronicle.count == 4


def test_a_record_that_cannot_be_read_is_said_and_the_rest_is_shown() -> None:
    hub = begun_late(None)
    assert len(hub.history.last(math.inf)["at_s"]) == 3
    assert texts(hub.chronicle)[-1] == "What was before is not shown here: no such file"
    assert hub.chronicle.count == 3


def test_rows_from_before_do_not_grow_a_history_that_is_full() -> None:
    history = History(rows_max=5)
    for second in (10, 11, 12):
        history.add(float(second), {"inflow_c": 1.0})
    history.precede([float(second) for second in range(8)], {"inflow_c": [float(second) for second in range(8)]})
    assert history.last(math.inf)["at_s"] == [6.0, 7.0, 10.0, 11.0, 12.0]
    assert history.last(math.inf)["columns"]["inflow_c"] == [6.0, 7.0, 1.0, 1.0, 1.0]


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
        failed = {"phase": "FAILED", "failed": True, "runtime": {"failure": "cycle 7: boom", "at_s": 81.5}}
        await settled(hub, state(1), failed)
        return hub

    hub = asyncio.run(run())
    assert len(hub.history.last(math.inf)["at_s"]) == 1
    assert "cycle 7: boom" in hub.chronicle.since(0)[-1]["text"]
    assert hub.chronicle.since(0)[-1]["at_s"] == 81.5, "a mark of it stands in the trends"


def test_every_number_of_the_page_has_its_unit_and_decimals_from_the_table() -> None:
    table = fields.table()
    for signal in TABLE:
        field = table["fields"][signal.name]
        assert (field["label"], field["unit"], field["decimals"]) == (signal.label, signal.unit, signal.decimals)
        assert field["glance"] <= signal.decimals
    assert set(NAMES) <= set(table["fields"])


def test_the_page_plays_the_table_from_which_the_sound_files_are_made() -> None:
    assert list(fields.table()["sounds"].values()) == plain()
