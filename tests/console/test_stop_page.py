"""STOP in a real browser: in every phase, over an open dialog, from the keyboard, and when nobody takes it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from at_the_page import MARKS, SHORT, Bedside, do_next, open_page, reach
from playwright.sync_api import Browser, Page, expect

RINSED = Path(__file__).with_name("page_treatment.toml")
NOT_TAKEN_MS = 15_000  # two tries at the controller, and then the word
Make = Callable[..., Bedside]

pytestmark = MARKS


def stopped(page: Page, rig: Bedside) -> None:
    expect(page.locator("#stop")).to_contain_text("stopped: heat is off", timeout=5000)
    state = rig.state()
    assert [trip["id"] for trip in state["trips"]] == ["stop"]
    assert not state["heat_on"]
    assert state["pump_lpm"] == 0.0


def over_a_dialog(page: Page, rig: Bedside) -> None:
    page.click("#who-am-i")  # the one dialog that is to be had in every phase, and that no phase takes away
    expect(page.locator("#sheet")).to_be_visible()
    page.click("#stop")
    stopped(page, rig)
    page.close()


@pytest.mark.parametrize(
    "phase", ["STANDBY", "PRIME", "PREHEAT", "FILL", "WARM UP", "PERFUSE", "DRAIN", "RINSE", "COMPLETE"]
)
def test_stop_works_in_every_phase_and_while_a_dialog_waits(browser: Browser, bedside: Make, phase: str) -> None:
    rig = bedside(speed=60, treatment=str(RINSED if phase == "RINSE" else SHORT))
    page = open_page(browser, rig)
    reach(page, phase)
    over_a_dialog(page, rig)


def test_stop_works_while_the_self_test_runs(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=1)
    page = open_page(browser, rig)
    do_next(page)
    expect(page.locator("#phase")).to_have_text("SELF TEST", timeout=5000)
    over_a_dialog(page, rig)


def test_stop_works_while_held(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=20)
    page = open_page(browser, rig)
    reach(page, "PRIME")
    page.click("#hold")
    expect(page.locator("#phase")).to_have_text("HELD · PRIME", timeout=5000)
    over_a_dialog(page, rig)


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_stop_works_from_the_keyboard(browser: Browser, bedside: Make, key: str) -> None:
    rig = bedside(speed=10)
    page = open_page(browser, rig)
    page.focus("#stop")
    page.keyboard.down(key)
    stopped(page, rig)  # on the way down
    page.keyboard.up(key)
    page.close()


def test_a_stop_that_nobody_takes_is_said_and_the_next_one_is_taken(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=5)
    page = open_page(browser, rig)
    rig.rig.send_signal(signal.SIGSTOP)  # it accepts, and does not answer; the page's websocket is open all the time
    page.click("#stop")
    expect(page.locator("#stop")).to_contain_text("NOT TAKEN: use the emergency stop", timeout=NOT_TAKEN_MS)
    expect(page.locator("#said")).to_contain_text("STOP was not taken by the controller.")
    rig.rig.send_signal(signal.SIGCONT)
    with page.expect_response("**/stop") as answer:
        page.click("#stop")
    assert answer.value.status == 200
    stopped(page, rig)
    page.close()
