"""`hipec run` as it is shipped, from its first start, and nobody but a person at the page."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from at_the_page import MARKS, SOON_MS, Shipped, downloaded, hold, reach
from playwright.sync_api import Browser, Page, expect

pytestmark = MARKS
Make = Callable[..., Shipped]

TREATMENT = Path(__file__).with_name("page_treatment.toml")
SPEED = 4  # what two rigs side by side keep on a machine with two processors, as tests/hil has it
UNHURRIED = 2  # where an answer that the machine delayed would be an alarm of its own, before the one that is meant
PHASES = ("SELF TEST", "PRIME", "PREHEAT", "FILL", "WARM UP", "PERFUSE", "DRAIN", "RINSE", "COMPLETE")
WRITE_DOWN = """
window.said = [];
addEventListener('DOMContentLoaded', () => new MutationObserver(() => {
    const shown = document.documentElement.dataset.blind === 'true'
        ? document.getElementById('blind-why').textContent : document.getElementById('phase')?.textContent;
    if (window.said.at(-1) !== shown) window.said.push(shown);
}).observe(document.documentElement, {subtree: true, childList: true, characterData: true, attributes: true}));
"""
# The self-test of the first start, then why there is nothing to be seen, then the controller that stays.
BEGUN = """() => {
    const tested = window.said.findIndex((text) => text.endsWith('SELF TEST'));
    const between = window.said.slice(tested + 1).findIndex((text) => text.includes('no controller answers there'));
    return tested >= 0 && between >= 0 && window.said.at(-1) === 'STANDBY';
}"""


def standby(browser: Browser, rig: Shipped) -> Page:
    """The page from the moment it is served until the first start's self-test is over."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.add_init_script(WRITE_DOWN)
    page.goto(rig.url)
    expect(page.locator("html")).to_have_attribute("data-ready", "true", timeout=SOON_MS)
    page.wait_for_function(BEGUN, timeout=60_000)
    return page


@pytest.mark.timeout(600)
def test_a_treatment_is_done_from_the_first_start_to_its_report_by_a_person_at_the_page(
    browser: Browser, shipped: Make, tmp_path: Path
) -> None:
    rig = shipped(speed=SPEED, treatment=TREATMENT)
    page = standby(browser, rig)
    for phase in PHASES:
        reach(page, phase, for_s=180.0)
    state = rig.state()
    assert (state["phase"], state["trips"], state["doses"]) == ("COMPLETE", [], 2)
    shown = [text for text in page.evaluate("window.said") if text in PHASES]
    assert list(dict.fromkeys(shown[shown.index("PRIME") :])) == list(PHASES[1:])
    page.click("#to-report")
    expect(page.locator("#record")).to_contain_text("The treatment is over.")
    expect(page.locator("#session-selftest")).to_contain_text("contactor opens without its lease", timeout=SOON_MS)
    report = downloaded(page, "html", tmp_path).read_text()
    assert "every row is as it was written" in report
    assert report.count("lot A1234, by Weber") >= 2
    assert "agitated (operator at the console)" in report
    assert "SIMULATED" in report
    rows = list(csv.DictReader(downloaded(page, "csv", tmp_path).read_text().splitlines()))
    assert {row["step"] for row in rows} >= {"self_test", "perfuse", "rinse_dwell", "complete"}
    assert max(float(row["cavity_mean_c"] or 0.0) for row in rows) > 38.5
    page.close()


def test_h43_a_fault_of_the_bench_is_an_alarm_in_full_and_what_came_first_stays_on_top(
    browser: Browser, shipped: Make
) -> None:
    rig = shipped(speed=UNHURRIED, treatment=TREATMENT)
    page = standby(browser, rig)
    page.click("#who-am-i")
    page.select_option("#role", "engineer")
    hold(page)
    reach(page, "PRIME")
    page.click("[data-view=engineer]")
    # A quiet line, or the stall would not be the first of its burst.
    expect(page.locator(".alarm .flag")).to_have_attribute("data-priority", "")
    page.select_option("#fault-name", "stall")
    page.click("#fault-begin")
    flag = page.locator(".alarm .flag.loud")
    expect(flag).to_have_text("!!!HIGH", timeout=SOON_MS)
    line = page.locator(".alarm .text")
    expect(line.locator("b")).to_have_text(
        re.compile(r"^Pump does not deliver: Flow \S+ L/min < 0\.5 L/min at set .+$")
    )
    expect(line.locator("span")).to_have_text("Look for a kink.")
    state = page.locator(".alarm .state")
    expect(state).to_have_text("latched")
    page.click("#stop")
    expect(page.locator(".alarm .more")).to_have_text("+ 1 more")
    expect(line).to_have_text(re.compile(r"^Pump does not deliver: "))
    expect(state).to_have_text(re.compile(r"^FIRST · .*latched$"))
    expect(page.locator("#phase")).to_have_text("TRIPPED · PRIME")
    page.click(".alarm .more")
    expect(page.locator("#alarm-list")).to_contain_text("STOP pressed: ")
    page.click("#alarm-list-log")
    expect(page.locator("#view-log")).to_contain_text("STOP by operator")
    assert [trip["id"] for trip in rig.state()["trips"]] == ["stalled", "stop"]
    page.close()
