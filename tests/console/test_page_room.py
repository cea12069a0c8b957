"""Everything on the page has its room in a real browser: the longest texts, times and names that it is ever told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from at_the_page import MARKS, Bedside, at_every_size, open_page
from playwright.sync_api import Browser, Route, expect
from staging import State, stage, staged

from config.loading import list_treatments, load_treatment

pytestmark = MARKS
Make = Callable[..., Bedside]
CLIPPED = Path(__file__).with_name("clipped.js").read_text()
TREATMENT = "mitomycin_90"
HELD = "tripped: Device lost: reservoir_level: bus: no reply within 0.18 s to 04 03 02 02 00 02 64 26, at once"
UNPROVEN = (
    "core_c: open circuit (a valid reading); signals: 17 valid (all valid); contactor closes when asked: unknown "
    "(0 to 1 s); contactor opens without its lease: unknown (0 to 1.2 s); contactor opens when released: unknown "
    "(0 to 0.6 s); cavity_1_c: open circuit (a valid reading); cavity_2_c: open circuit (a valid reading)"
)
FLOW_WAITS = "Flow comes down to 0.70 L/min below 45.6 °C: the outlet is at 45.7 °C."
TITLES = [load_treatment(name).title for name in list_treatments()]
BADGES = ("simulated", "remote", "unheard", "tightened")
LONG_NAME = "P-0123456789_0123456789_0123456789.01234"  # as long as the page takes


def reached_from_elsewhere(route: Route) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, json={**answer.json(), "remote": True})


def test_a_long_reason_scrolls_in_its_place_and_cuts_off_neither_the_states_nor_the_button(
    browser: Browser, bedside: Make
) -> None:
    waits = [HELD]

    def change(state: State) -> None:
        state.update(hold=waits[0], step="prime", phase="PRIME", trips=[])

    page = staged(browser, bedside(speed=10, treatment=TREATMENT), change)
    for size in at_every_size(page):
        for waits[0] in (HELD, UNPROVEN):
            expect(page.locator("#next")).to_have_text("Resume …")
            expect(page.locator(".say .waits")).to_have_text(waits[0])
            assert page.evaluate(CLIPPED) == [], size
            for selector in ("#next", ".states li >> nth=0", ".say .you"):
                expect(page.locator(selector)).to_be_in_viewport(ratio=1.0)
            page.locator(".say .waits").evaluate("(node) => node.scrollTo(0, node.scrollHeight)")
            shown = page.locator(".say .waits").evaluate(
                "(node) => node.clientHeight / parseFloat(getComputedStyle(node).fontSize)"
            )
            assert shown >= 1.1, "a line of it at least"
    page.close()


def test_why_the_flow_waits_stands_whole_in_the_place_of_what_the_machine_does(browser: Browser, bedside: Make) -> None:
    def change(state: State) -> None:
        state.update(flow_waits=FLOW_WAITS, step="perfuse", phase="PERFUSE", hold="", trips=[])

    page = staged(browser, bedside(speed=10, treatment=TREATMENT), change)
    for size in at_every_size(page):
        expect(page.locator(".say dd >> nth=0")).to_have_text(FLOW_WAITS)
        assert page.evaluate(CLIPPED) == [], size
        for selector in (".say dd >> nth=0", "#next", ".states li >> nth=0", ".say .you"):
            expect(page.locator(selector)).to_be_in_viewport(ratio=1.0)
    page.close()


def test_the_clocks_of_four_hours_stand_beside_one_another(browser: Browser, bedside: Make) -> None:
    def change(state: State) -> None:
        state.update(contact_min=240.0, duration_min=480.0, in_step_s=240 * 60.0)
        state["dose"] |= {"min_41": 240.0, "min_42": 240.0, "cem43_min": 240.0}

    page = staged(browser, bedside(speed=10, treatment=TREATMENT), change)
    for size in at_every_size(page):
        for clock in ("contact", "left", "step"):
            expect(page.locator(f"[data-clock={clock}]")).to_have_text("240:00")
        assert page.evaluate(CLIPPED) == [], size
    page.close()


def test_every_shipped_title_stands_whole_beside_all_badges_and_the_longest_name(
    browser: Browser, bedside: Make
) -> None:
    title = [""]

    def change(state: State) -> None:
        tight = {name: state["runtime"]["limits"][name] for name in ("core_warn_c", "core_alarm_c")}
        state.update(treatment_title=title[0], patient=LONG_NAME, tightened=tight)

    page = browser.new_page()
    page.route("**/session", reached_from_elsewhere)
    stage(page, change)
    page.goto(bedside(speed=10, treatment=TREATMENT).url)
    for size in at_every_size(page):
        for title[0] in TITLES:
            expect(page.locator("#title")).to_have_text(title[0])
            for badge in BADGES:
                expect(page.locator(f"#{badge}")).to_be_in_viewport(ratio=1.0)
            assert page.evaluate(CLIPPED) == [], size
    expect(page.locator("#patient")).to_have_attribute("title", LONG_NAME)
    page.close()


def test_a_refused_set_up_is_told_whole_and_by_the_names_of_its_fields(browser: Browser, bedside: Make) -> None:
    page = open_page(browser, bedside(speed=10))
    page.click("#setup")
    page.fill("#set-pseudonym", "<b>X&Y</b> 0123456789-abcdefghij-klmnop")
    page.fill("#set-height", "17")
    page.fill("#set-weight", "1")
    told = page.locator("#set-plan .wrong")
    expect(told).to_have_count(3)
    expect(told).to_contain_text(["Pseudonym = ", "Height, cm = 17.0: allowed", "Weight, kg = 1.0: allowed"])
    for size in at_every_size(page):
        assert page.evaluate(CLIPPED) == [], size
    page.close()
