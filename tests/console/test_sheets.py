"""Sheets in a real browser: what is confirmed is what was ticked, and nobody is left without the way back."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable
from typing import Any

import pytest
from at_the_page import MARKS, SOON_MS, Bedside, fill_in, hold, open_page, press, reach
from playwright.sync_api import Browser, Locator, Page, Route, expect
from staging import State, alarm, staged

pytestmark = MARKS
Make = Callable[..., Bedside]
HAS_FOCUS = "(id) => document.activeElement?.id === id"
SECOND_DOSE_DUE = {"phase": "PERFUSE", "step": "perfuse", "next_dose_min": 1.0, "contact_min": 1.0, "doses": 1}


def trip(id_: str, text: str, at_s: float = 1.0) -> State:
    return {"id": id_, "at_s": at_s, "response": "R1", "text": text}


def filled_in(page: Page) -> Locator:
    """The open sheet with every tick made; its button."""
    fill_in(page)
    button = page.locator("#sheet-do")
    expect(button).to_be_enabled()
    return button


def sent(page: Page, act: Callable[[], Any]) -> dict[str, Any]:
    """What the page sends to the controller because of `act`."""
    with page.expect_request("**/command") as request:
        act()
    found: dict[str, Any] = json.loads(request.value.post_data or "{}")
    return found


def test_h41_a_sheet_for_one_step_closes_when_another_page_has_confirmed_it(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=20)
    page, other = open_page(browser, rig), open_page(browser, rig)
    reach(page, "PRIME")
    page.click("#next", timeout=SOON_MS)
    expect(page.locator("#sheet-title")).to_have_text("Confirm: PRIME")
    filled_in(page)
    other.click("#next")
    fill_in(other)
    assert sent(other, lambda: hold(other))["text"] == "prime"
    expect(page.locator("#sheet")).to_be_hidden(timeout=5000)
    expect(page.locator("#said")).to_contain_text("The sheet was closed: ")
    page.click("#next", timeout=SOON_MS)
    expect(page.locator("#sheet-title")).to_have_text("Confirm: PREHEAT")
    assert [box.is_checked() for box in page.locator("#sheet input").all()] == [False] * 3
    page.close()
    other.close()


def test_h41_a_sheet_for_one_step_does_not_stand_for_the_next_that_asks_the_same(
    browser: Browser, bedside: Make
) -> None:
    shown = {"phase": "PRIME", "step": "prime", "asks": "confirm", "gate": ""}
    page = staged(browser, bedside(speed=10), lambda state: state.update(shown))
    page.click("#next")
    filled_in(page)
    press(page, "#sheet-do")
    shown |= {"phase": "PREHEAT", "step": "preheat"}
    expect(page.locator("#sheet")).to_be_hidden(timeout=900)  # before the hold is over
    page.mouse.up()
    expect(page.locator("#said")).to_have_text("The sheet was closed: the step has changed. Look again.")
    page.close()


def test_h50_a_dose_that_another_page_has_entered_closes_the_sheet_for_it(browser: Browser, bedside: Make) -> None:
    shown: dict[str, Any] = dict(SECOND_DOSE_DUE)
    page = staged(browser, bedside(speed=10, treatment="mitomycin_90"), lambda state: state.update(shown))
    page.click("#next")
    expect(page.locator("#sheet")).to_contain_text("dose 2 of 3")
    filled_in(page)
    shown["doses"] = 2
    expect(page.locator("#sheet")).to_be_hidden()
    expect(page.locator("#said")).to_have_text("The sheet was closed: a dose has been given. Look again.")
    page.click("#next")
    expect(page.locator("#sheet")).to_contain_text("dose 3 of 3")
    assert page.input_value("#lot") == "", "the lot of another dose"
    page.close()


def test_h41_a_page_that_goes_blind_closes_what_it_asked_and_keeps_what_was_typed(
    browser: Browser, bedside: Make
) -> None:
    shown: dict[str, Any] = dict(SECOND_DOSE_DUE)
    rig = bedside(speed=10, treatment="mitomycin_90")
    page = staged(browser, rig, lambda state: state.update(shown))
    page.click("#next")
    filled_in(page)
    rig.rig.send_signal(signal.SIGSTOP)
    expect(page.locator("#sheet")).to_be_hidden(timeout=5000)
    expect(page.locator("#said")).to_have_text("The sheet was closed: no data. Look again.")
    rig.rig.send_signal(signal.SIGCONT)
    page.click("#next", timeout=SOON_MS)
    assert page.input_value("#lot") == "A1234"
    page.click("#sheet-cancel")
    page.click("#next")
    assert page.input_value("#lot") == ""
    page.close()


def test_h49_a_reset_names_the_trips_that_were_shown_and_closes_when_there_are_others(
    browser: Browser, bedside: Make
) -> None:
    trips = [trip("air", "Air in the line"), trip("no_flow", "No flow")]
    page = staged(browser, bedside(speed=10), lambda state: state.update(trips=list(trips)))
    page.click("#next")
    filled_in(page)
    trips.append(trip("core_trip", "Core too hot", at_s=2.0))
    expect(page.locator("#sheet")).to_be_hidden()
    expect(page.locator("#said")).to_have_text("The sheet was closed: the trips have changed. Look again.")
    page.click("#next")
    expect(page.locator("#sheet")).to_contain_text("Core too hot")
    expect(page.locator("#sheet-do")).to_be_disabled()
    filled_in(page)
    press(page, "#sheet-do")
    asked = sent(page, lambda: page.wait_for_timeout(1500))
    page.mouse.up()
    assert (asked["act"], asked["text"]) == ("reset", "air,no_flow,core_trip")
    page.close()


def test_h49_what_is_resumed_is_what_was_held_when_it_was_ticked(browser: Browser, bedside: Make) -> None:
    shown = {"phase": "PRIME", "step": "prime", "hold": "held by operator"}
    page = staged(browser, bedside(speed=10), lambda state: state.update(shown))
    page.click("#next")
    filled_in(page)
    shown["hold"] = "tripped: Air in the line"
    expect(page.locator("#sheet")).to_be_hidden()
    expect(page.locator("#said")).to_have_text("The sheet was closed: what is held has changed. Look again.")
    page.close()


def test_a_refused_act_keeps_its_sheet_with_what_was_typed_and_says_why(browser: Browser, bedside: Make) -> None:
    shown: dict[str, Any] = dict(SECOND_DOSE_DUE)
    page = staged(browser, bedside(speed=10, treatment="mitomycin_90"), lambda state: state.update(shown))
    page.click("#next")
    filled_in(page)
    press(page, "#sheet-do")  # the rig is in STANDBY, whatever this page is told
    expect(page.locator("#sheet-why")).to_contain_text("no drug in STANDBY", timeout=5000)
    page.mouse.up()
    assert (page.input_value("#lot"), page.input_value("#who")) == ("A1234", "Weber")
    expect(page.locator("#sheet-do")).to_be_enabled()
    page.close()


def test_the_list_of_alarms_is_read_and_closed_over_an_open_sheet(browser: Browser, bedside: Make) -> None:
    said = [alarm(id=f"a{n}", title=f"Alarm {n}") for n in range(4)]
    page = staged(browser, bedside(speed=10), lambda state: state.update(alarms=said))
    page.click("#next")
    box = page.locator("#sheet input").first
    box.check()
    page.click(".alarm .more")
    expect(page.locator("#alarm-list-close")).to_be_focused()
    for line in page.locator("#alarm-list li").all():
        line.click(trial=True)  # nothing lies over it
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("!document.activeElement.closest('#sheet')"), "what is covered is not reached by keys"
    page.click("#alarm-list-close")
    expect(page.locator("#alarm-list")).to_be_hidden()
    expect(page.locator(".alarm .more")).to_be_focused()
    expect(box).to_be_checked()
    page.click(".alarm .more")
    page.click("#who-am-i")  # and a sheet that is opened later lies over the list
    page.locator("#sheet-cancel").click()
    expect(page.locator("#alarm-list")).to_be_visible()
    page.click(".alarm .more")
    expect(page.locator("#alarm-list")).to_be_hidden()
    page.close()


def test_escape_closes_what_lies_on_top_and_the_focus_goes_back_to_what_opened_it(
    browser: Browser, bedside: Make
) -> None:
    page = staged(browser, bedside(speed=10), lambda state: state.update(alarms=[alarm()]))
    page.focus("#next")
    page.keyboard.press("Enter")
    expect(page.locator("#sound-test")).to_be_focused()  # and is not skipped
    page.focus(".alarm .more")
    page.keyboard.press("Enter")
    expect(page.locator("#alarm-list-close")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#alarm-list")).to_be_hidden()
    expect(page.locator(".alarm .more")).to_be_focused()
    expect(page.locator("#sheet")).to_be_visible()
    page.focus("#sheet input")
    page.keyboard.press("Escape")
    expect(page.locator("#sheet")).to_be_hidden()
    expect(page.locator("#next")).to_be_focused()
    page.keyboard.press("Escape")
    page.close()


def test_a_sheet_whose_opener_has_gone_gives_the_focus_to_the_view(browser: Browser, bedside: Make) -> None:
    shown = {"phase": "PRIME", "step": "prime", "asks": "confirm", "gate": ""}
    page = staged(browser, bedside(speed=10), lambda state: state.update(shown))
    page.click("#next")
    shown["gate"] = "no bubbles"
    expect(page.locator("#sheet")).to_be_hidden()
    expect(page.locator("#said")).to_have_text("The sheet was closed: this is not asked for now. Look again.")
    expect(page.locator("#next")).to_be_hidden()
    expect(page.locator("#main")).to_be_focused()
    page.close()


CLICK = "document.getElementById('sheet-do').click()"


def test_a_click_without_a_pointer_acts_when_it_comes_again_within_three_seconds(
    browser: Browser, bedside: Make
) -> None:
    asked: list[str] = []

    def take(route: Route) -> None:
        asked.append(json.loads(route.request.post_data or "{}")["act"])
        route.fulfill(json={"ok": True})

    page = open_page(browser, bedside(speed=10))
    page.route("**/command", take)
    page.click("#next")
    button = filled_in(page)
    page.evaluate(f"{CLICK}; {CLICK}")  # a bounce is one click
    expect(button).to_contain_text("press again")
    expect(page.locator("#said")).to_have_text("Start: press again within 3 s.")
    expect(button).to_contain_text("hold", timeout=5000)  # too late
    page.evaluate(CLICK)
    expect(button).to_contain_text("press again")
    assert asked == []
    page.wait_for_timeout(500)
    page.evaluate(CLICK)
    expect(page.locator("#sheet")).to_be_hidden()
    assert asked == ["start"]
    page.close()


@pytest.mark.parametrize("how", ["click", "Enter", "Space"])
def test_two_short_presses_by_hand_are_no_hold(browser: Browser, bedside: Make, how: str) -> None:
    rig = bedside(speed=10)
    page = open_page(browser, rig)
    page.click("#next")
    button = filled_in(page)
    for _ in range(3):
        if how == "click":
            button.click()
        else:
            button.press(how)
        page.wait_for_timeout(500)
    expect(button).to_contain_text("hold")
    assert rig.state()["step"] == "standby"
    expect(page.locator("#sheet-title")).to_have_text(re.compile("Start"))
    page.close()
