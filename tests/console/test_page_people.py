"""Who is at the page: signed in by a PIN, and what they began and left alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from at_the_page import MARKS, SOON_MS, Bedside, do_next, hold, open_page, press
from playwright.sync_api import Browser, Page, Route, expect
from staging import alarm, stage

from controller.console.pins import write_pin
from controller.console.sessions import Role

Make = Callable[..., Bedside]
CLIPPED = Path(__file__).with_name("clipped.js").read_text()
# A stepper alone, on a clock that the test turns. The whole page would be blind before its clock had been turned.
ALONE = """async () => {
    let atMs = performance.now();
    performance.now = () => atMs;
    const { stepper } = await import('/js/stepper.js');
    const { changed, now } = await import('/js/store.js');
    now.fields = (await (await fetch('/fields')).json()).fields;
    now.session = { role: 'operator', local: true };
    now.state = { target_c: 41, runtime: { allowed: { target_c: [37, 42.8] } } };
    now.blind = false;
    document.body.append(stepper({ act: 'target', key: 'target_c', field: 'target_c', step: 0.1, title: 'Target' }));
    window.pass = (seconds) => { atMs += seconds * 1000; changed(); };
}"""

pytestmark = MARKS


def type_in(page: Page, pin: str) -> None:
    for digit in pin:
        page.get_by_role("button", name=digit, exact=True).click()


def sign_in(page: Page, role: str, pin: str) -> None:
    page.click("#who-am-i")
    page.select_option("#role", role)
    type_in(page, pin)
    hold(page)


def refused(page: Page, role: str, pin: str) -> None:
    """A wrong PIN in the open sheet, which says so and asks for another."""
    page.select_option("#role", role)
    type_in(page, pin)
    press(page, "#sheet-do")
    expect(page.locator("#pin")).to_have_value("", timeout=5000)
    page.mouse.up()
    expect(page.locator("#sheet-why")).to_have_text("wrong PIN")
    expect(page.locator("#said")).to_have_text("wrong PIN")


def at_another_machine(page: Page) -> None:
    """What the server tells a page there; that it refuses its acts is the matter of `test_console_guards`."""

    def told(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "local": False, "remote": True})

    page.route("**/session", told)


def test_a_pin_makes_an_operator_of_a_viewer_at_the_page(browser: Browser, bedside: Make, tmp_path: Path) -> None:
    pins = tmp_path / "pins.json"
    write_pin(pins, Role.OPERATOR, "4711")
    rig = bedside(speed=10, console=("--pins", str(pins)))
    page = open_page(browser, rig)
    role = page.locator("#who-am-i")
    expect(role).to_have_text("viewer")
    for button in ("#next", "#target-more", "#setup"):
        expect(page.locator(button)).to_be_disabled()
    expect(page.locator("#sign-in")).to_have_text("Sign in to act …")
    page.click("#sign-in")
    expect(page.locator("#role")).to_have_value("operator")
    refused(page, "operator", "4712")
    expect(role).to_have_text("viewer")
    refused(page, "engineer", "4711")
    page.select_option("#role", "operator")
    type_in(page, "4711")
    hold(page)
    expect(role).to_have_text("operator")
    expect(page.locator("#sign-in")).to_be_hidden()
    do_next(page)
    expect(page.locator("#phase")).not_to_have_text("STANDBY", timeout=SOON_MS)
    sign_in(page, "viewer", "")
    expect(role).to_have_text("viewer")
    expect(page.locator("#hold")).to_be_disabled()
    page.click("#stop")
    expect(page.locator("#stop")).to_contain_text("stopped: heat is off", timeout=5000)
    page.close()


def test_h45_a_page_at_another_machine_offers_hold_and_stop_and_says_where_it_is(
    browser: Browser, bedside: Make
) -> None:
    rig = bedside(speed=10)
    page = browser.new_page(viewport={"width": 1024, "height": 600})
    at_another_machine(page)
    shown = {"step": "perfuse", "phase": "PERFUSE", "drains_to": "drain", "sounding": "HIGH", "alarms": [alarm()]}
    stage(page, lambda state: state.update(shown))
    page.goto(rig.url)
    expect(page.locator("#hold")).to_be_enabled(timeout=SOON_MS)
    for button in ("#pause", "#acknowledge", "#drain", "#target-more", "#flow-less"):
        expect(page.locator(button)).to_be_disabled()
    expect(page.locator("#stop")).to_be_enabled()
    expect(page.locator("#who-am-i")).to_have_text("operator, remote")
    expect(page.locator("#elsewhere")).to_have_text("From another machine: Hold and STOP only.")
    expect(page.locator("#next")).to_be_hidden()
    assert page.evaluate(CLIPPED) == []
    page.close()


@pytest.mark.parametrize("touched_s", [(), (40,)], ids=["left alone", "touched again"])
def test_a_set_point_that_was_changed_and_not_set_is_forgotten_after_a_minute(
    browser: Browser, bedside: Make, touched_s: tuple[int, ...]
) -> None:
    rig = bedside(speed=10)
    page = browser.new_page()
    page.route("**/alone", lambda route: route.fulfill(body="<!doctype html><body></body>", content_type="text/html"))
    page.goto(f"{rig.url}alone")
    page.evaluate(ALONE)
    box, pair = page.locator(".stepper .set"), page.locator(".stepper .pair")
    page.click("#target-more")
    for seconds in touched_s:
        page.evaluate(f"window.pass({seconds})")
        page.click("#target-more")
    page.evaluate("window.pass(59)")
    expect(box).to_contain_text(f"41.0 → 41.{1 + len(touched_s)}")
    expect(pair).to_be_visible()
    page.evaluate("window.pass(1.1)")
    expect(pair).to_be_hidden()
    expect(box).not_to_contain_text("→")
    expect(box).to_contain_text("41.0")
    page.close()
