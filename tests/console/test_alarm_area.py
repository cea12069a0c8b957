"""The alarm line and the list of alarms in a real browser: every word can be read, and which came first."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

from at_the_page import MARKS, Bedside, at_every_size, open_page
from playwright.sync_api import Browser, expect
from staging import State, alarm, staged

from controller.core.interlocks import TABLE
from controller.core.signals import CAVITY, by_name

pytestmark = MARKS
Make = Callable[..., Bedside]
CLIPPED = Path(__file__).with_name("clipped.js").read_text()
TREATMENT = "mitomycin_90"
ROWS = {row.id: row for row in TABLE}


def real(id_: str, text: str, **more: object) -> State:
    row = ROWS[id_]
    return alarm(id=id_, title=row.title, text=text, advice=row.advice, **more)


# The longest that a row says of the bench, and the longest advice; see `tests/core/interlock_cases`.
NO_PROBE = "no cavity probe is valid: " + "; ".join(f"{by_name()[name].label}: open circuit" for name in CAVITY)
LONGEST = [
    real("cavity_lost", NO_PROBE, latched=True, present=False, acknowledged=True),
    real("twins_apart", "Heater outlet 44.20 °C and Heater outlet (protective) 42.17 °C differ by more than 2 °C"),
    real("swapped", "Inflow warmed by 1 °C before Heater outlet: the plug of Inflow sits at the heater outlet"),
    real("disconnected", "Line pressure fell by 63 % within 2 s at an unchanged flow"),
    real("unheated", "36.9 °C at 1.50 L/min for 30 s", first=True),
]
WHOLE = """() => [...document.querySelectorAll('.alarm .bar b, .alarm .bar .text span, .alarm .side button')]
    .filter((node) => node.checkVisibility())
    .filter((node) => node.scrollHeight > node.clientHeight + parseFloat(getComputedStyle(node).fontSize) / 2
        || node.scrollWidth > node.clientWidth + 1)
    .map((node) => node.textContent)"""
MARK = """() => {
    const [mark, flag] = ['.flag .mark', '.flag'].map((each) => document.querySelector(each));
    const size = parseFloat(getComputedStyle(mark).fontSize);
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    return [size / rem, flag.getBoundingClientRect().height / size];
}"""
FRAME = """() => ['alarm', 'main', 'acts'].map((id) => {
    const box = document.getElementById(id).getBoundingClientRect();
    return [Math.round(box.top), Math.round(box.height)];
})"""


def test_the_longest_texts_of_the_table_stand_whole_in_the_alarm_line(browser: Browser, bedside: Make) -> None:
    shown: list[State] = []
    paused = [0.0]

    def change(state: State) -> None:
        state["alarms"], state["audio_paused_s"] = list(shown), paused[0]

    page = staged(browser, bedside(speed=10, treatment=TREATMENT), change)
    for size in at_every_size(page):
        shown.clear()
        paused[0] = 0.0
        expect(page.locator("#alarm")).to_contain_text("No alarm")
        frame = page.evaluate(FRAME)
        for paused[0], first in product((0.0, 119.0), LONGEST):
            shown[:] = [first, *(each for each in LONGEST if each is not first)]
            expect(page.locator(".alarm .text b")).to_have_text(f"{first['title']}: {first['text']}")
            expect(page.locator("#paused")).to_be_visible(visible=bool(paused[0]))
            expect(page.locator("#alarm")).to_contain_text("FIRST")
            assert page.evaluate(WHOLE) == []
            mark, room = page.evaluate(MARK)
            assert mark >= 2.5, "40 px at 1280 x 800"
            assert room >= 0.75, "as high as the letters are"
            assert page.evaluate(CLIPPED) == [], size
            assert page.evaluate(FRAME) == frame, "what lies below does not move"
    page.close()


def test_every_active_alarm_stands_in_the_list_with_its_advice_and_its_state(browser: Browser, bedside: Make) -> None:
    shown = [
        real("cavity_lost", NO_PROBE, latched=True),
        real("stop", "by operator", latched=True, present=False, acknowledged=True),
        real("line_pressure_high", "Line pressure 201 mmHg > 200 mmHg", priority="MEDIUM", first=True),
        real("cavity_cool", "40.7 °C", priority="LOW", because="cavity_lost"),
    ]
    rig = bedside(speed=10, treatment=TREATMENT)
    page = staged(browser, rig, lambda state: state.update(alarms=list(shown), now_s=61.0))
    expect(page.locator(".alarm .more")).to_have_text("+ 3 more · FIRST: Line pressure high")
    expect(page.locator(".alarm .state")).to_have_text("latched")
    page.click(".alarm .more")
    lines = page.locator("#alarm-list li:visible")
    expect(lines).to_have_count(4)
    for line, said in zip(lines.all(), shown, strict=True):
        expect(line).to_contain_text(f"{said['title']}: {said['text']}")
        expect(line).to_contain_text(said["advice"])
        expect(line.locator(f".chip.{said['priority']}")).to_have_text(said["priority"])
    states = page.locator("#alarm-list li .state").all_inner_texts()
    assert states == [
        "latched · not acknowledged · for 1:00",
        "acknowledged · cause gone, latched · for 1:00",
        "FIRST · not acknowledged · for 1:00",
        "comes with: No cavity temperature · for 1:00",
    ]
    expect(page.locator("#stop")).to_be_enabled()
    del shown[1:]
    expect(lines).to_have_count(1)
    shown.clear()
    expect(page.locator("#alarm-list h2")).to_have_text("No active alarm")
    page.keyboard.press("Escape")
    expect(page.locator("#alarm-list")).to_be_hidden()
    page.close()


def test_a_list_longer_than_the_page_scrolls_and_leaves_the_acts_free(browser: Browser, bedside: Make) -> None:
    many = [real(row.id, NO_PROBE) for row in TABLE[:20]]
    page = staged(browser, bedside(speed=10, treatment=TREATMENT), lambda state: state.update(alarms=many))
    page.click(".alarm .more")
    expect(page.locator("#alarm-list li:visible")).to_have_count(20)
    for size in at_every_size(page):
        assert page.evaluate(CLIPPED) == [], size
        page.locator("#alarm-list li").nth(0).scroll_into_view_if_needed()
        page.locator("#alarm-list li").nth(19).scroll_into_view_if_needed()
        page.wait_for_timeout(600)  # states that come on do not scroll it back
        expect(page.locator("#alarm-list li").nth(19)).to_be_in_viewport(ratio=0.9)
        page.click("#stop", trial=True)
    page.click("#stop")
    expect(page.locator("#stop")).to_contain_text("stopped")
    page.close()


def test_an_audio_pause_is_ended_by_the_press_that_says_so(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=1)
    page = open_page(browser, rig)
    page.click("#stop")
    page.click("#pause")
    expect(page.locator("#paused")).to_contain_text("AUDIO PAUSED")
    assert rig.state()["audio_paused_s"] > 60.0
    page.click("#paused")
    expect(page.locator("#said")).to_have_text("Sound on: done")
    expect(page.locator("#paused")).to_be_hidden()
    assert rig.state()["sounding"] == "HIGH"
    page.close()
