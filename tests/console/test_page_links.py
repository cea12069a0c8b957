"""What lies between page and server, and inside the page: tabs, restarts, dead sockets, painters that fail."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from at_the_page import MARKS, SOON_MS, Bedside, fill_in, open_page
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

Make = Callable[..., Bedside]
HELD_MS = 1500  # longer than a button has to be held

pytestmark = MARKS


def set_target(page: Page, key: str = "more") -> None:
    page.click(f"#target-{key}")
    page.click("#target-set")
    expect(page.locator("#said")).to_contain_text("done", timeout=5000)


def test_two_tabs_of_one_browser_both_command(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=10)
    context = browser.new_context()
    tabs = [context.new_page() for _ in range(2)]
    for tab in tabs:
        tab.goto(rig.url)
        expect(tab.locator("html")).to_have_attribute("data-blind", "false", timeout=SOON_MS)
    for tab in (tabs[0], tabs[1], tabs[0]):
        set_target(tab)
    assert rig.state()["target_c"] == pytest.approx(41.3)
    context.close()


def test_a_hold_ends_with_its_sheet(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=10)
    page = open_page(browser, rig)
    page.click("#next")
    fill_in(page)
    expect(page.locator("#sheet-do")).to_be_enabled()
    page.dispatch_event("#sheet-do", "pointerdown")  # and no browser that says that the finger has left what is gone
    page.evaluate("document.getElementById('sheet-cancel').click()")
    page.wait_for_timeout(HELD_MS)
    assert rig.state()["step"] == "standby"
    page.close()


def test_a_painter_that_fails_makes_the_page_blind_and_says_so(browser: Browser, bedside: Make) -> None:
    page = open_page(browser, bedside(speed=10))
    page.evaluate(
        """() => import('/js/store.js').then(({ onChange }) => {
            window.torn = true;
            onChange(() => { if (window.torn) throw new Error('torn'); });
        })"""
    )
    expect(page.locator("html")).to_have_attribute("data-blind", "true", timeout=2000)
    expect(page.locator("[data-value=inflow_c]")).to_contain_text("– –")
    expect(page.locator("#blind-why")).to_contain_text("The page has failed: Error: torn. Load it again.")
    page.click("#stop")
    page.evaluate("window.torn = false")
    expect(page.locator("html")).to_have_attribute("data-blind", "false", timeout=5000)
    expect(page.locator("[data-value=inflow_c]")).to_contain_text(re.compile(r"\d"))
    expect(page.locator("#stop")).to_contain_text("stopped: heat is off")
    page.close()


def test_a_page_outlives_a_server_and_can_still_sound_and_command(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=10)
    page = open_page(browser, rig)
    page.click("#unheard")
    expect(page.locator("#unheard")).to_be_hidden()
    page.evaluate("window.same = true")
    rig.console.kill()
    rig.console.wait()
    expect(page.locator("html")).to_have_attribute("data-blind", "true", timeout=5000)
    rig.start_console()
    expect(page.locator("html")).to_have_attribute("data-blind", "false", timeout=SOON_MS)
    assert page.evaluate("window.same") is True
    expect(page.locator("#unheard")).to_be_hidden()
    set_target(page)
    page.close()


def test_a_socket_that_is_open_at_this_end_only_is_given_up_for_another(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=10)
    page = browser.new_page()
    opened: list[WebSocketRoute] = []

    def between(route: WebSocketRoute) -> None:
        opened.append(route)
        if len(opened) > 1:
            route.connect_to_server()

    page.route_web_socket("**/telemetry", between)
    page.goto(rig.url)
    expect(page.locator("html")).to_have_attribute("data-ready", "true", timeout=SOON_MS)
    expect(page.locator("html")).to_have_attribute("data-blind", "false", timeout=SOON_MS)
    assert len(opened) >= 2
    page.close()


def test_the_first_message_is_as_old_as_its_socket_may_have_made_it(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=10)
    page = browser.new_page()
    came: list[str] = []
    late: list[WebSocketRoute] = []

    def between(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def keep(message: str | bytes) -> None:
            if not came:
                came.append(str(message))

        server.on_message(keep)
        late.append(route)

    page.route_web_socket("**/telemetry", between)
    page.goto(rig.url)
    expect(page.locator("html")).to_have_attribute("data-ready", "true", timeout=SOON_MS)
    page.wait_for_timeout(2000)
    late[0].send(came[0])
    page.wait_for_timeout(400)
    assert page.evaluate("import('/js/store.js').then(({ now }) => now.state.phase)") == "STANDBY"
    expect(page.locator("html")).to_have_attribute("data-blind", "true", timeout=100)
    page.close()
