"""The frame of the plots in a real browser: it holds up nothing, reaches nothing, and draws what the page says."""

from __future__ import annotations

from collections.abc import Callable

import at_the_page as parts
import pytest
from playwright.sync_api import Browser, Frame, Page, Route, expect

pytestmark = parts.MARKS
Make = Callable[..., parts.Bedside]

# A library that is slow to read and slow to draw, three times longer than a page may be without fresh values.
STALLS = """
window.stall = () => { const until = performance.now() + 3000; while (performance.now() < until); };
window.stall();
const react = Plotly.react;
Plotly.react = (...all) => { window.stall(); return react(...all); };
"""
COUNT_BLIND = """
window.blinded = 0;
new MutationObserver(() => { window.blinded += document.documentElement.dataset.blind === 'true'; })
    .observe(document.documentElement, {attributeFilter: ['data-blind']});
"""


def plots(page: Page) -> Frame:
    found = next(frame for frame in page.frames if frame.url.endswith("/plot.html"))
    found.wait_for_function("() => typeof Plotly === 'object'", timeout=parts.SOON_MS)
    return found


def drawn(page: Page) -> int:
    return int(page.locator("#plot").get_attribute("data-drawn") or 0)


def draws_again(page: Page) -> None:
    before = drawn(page)
    page.wait_for_function("(before) => Number(document.getElementById('plot').dataset.drawn) > before", arg=before)


def test_h44_a_stall_of_the_plots_makes_no_page_blind_and_no_stop_late(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=2)
    page = browser.new_page()

    def slowly(route: Route) -> None:
        route.fulfill(response=(answer := route.fetch()), body=answer.text() + STALLS)

    page.route("**/vendor/plotly.min.js", slowly)
    page.goto(rig.url)
    expect(page.locator("html")).to_have_attribute("data-blind", "false", timeout=parts.SOON_MS)
    page.evaluate(COUNT_BLIND)
    page.click("[data-view=trends]")
    draws_again(page)
    assert page.evaluate("window.blinded") == 0, "while it was read and drawn"
    before = drawn(page)
    page.click("[data-span=whole]")
    page.click("#stop")
    expect(page.locator("#stop")).to_contain_text("stopped: heat is off")
    assert drawn(page) == before, "STOP was to be seen while the plots stalled"
    assert [trip["id"] for trip in rig.state()["trips"]] == ["stop"]
    draws_again(page)
    assert page.evaluate("window.blinded") == 0
    page.close()


def test_the_plots_ask_for_no_style_that_the_policy_forbids(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=2)
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(rig.url)
    page.click("[data-view=trends]")
    draws_again(page)
    assert [text for text in said if "Content Security Policy" in text] == []
    page.close()


@pytest.mark.parametrize("policy", ["in force", "bypassed"])
def test_h45_the_frame_of_the_plots_reaches_neither_the_page_nor_the_session_nor_an_act(
    browser: Browser, bedside: Make, policy: str
) -> None:
    rig = bedside(speed=2)
    context = browser.new_context(bypass_csp=policy == "bypassed")
    page = context.new_page()
    page.goto(rig.url)
    page.click("[data-view=trends]")
    draws_again(page)
    told = plots(page).evaluate(
        """async () => {
            const tries = {
                page: () => parent.document.title,
                cookie: () => document.cookie,
                storage: () => localStorage.length,
                away: () => { top.location = 'about:blank'; },
                session: async () => (await fetch('/session')).status,
                stop: async () => (await fetch('/stop', {method: 'POST'})).status,
                blindly: async () => { await fetch('/stop', {method: 'POST', mode: 'no-cors'}); throw Error('sent'); },
                listens: () => new Promise((taken, refused) => {
                    const socket = new WebSocket(location.origin.replace('http', 'ws') + '/telemetry');
                    socket.onmessage = taken;
                    socket.onclose = socket.onerror = () => refused(Error('closed'));
                }),
            };
            const reached = [];
            for (const [name, attempt] of Object.entries(tries))
                try { await attempt(); reached.push(name); } catch { }
            return reached;
        }"""
    )
    assert told == []
    assert page.url == rig.url
    assert rig.state()["trips"] == []
    context.close()


def test_the_plots_take_theme_unit_and_span_and_keep_what_was_zoomed_into(browser: Browser, bedside: Make) -> None:
    page = parts.open_page(browser, bedside(speed=10))
    page.click("[data-view=trends]")
    draws_again(page)
    frame = plots(page)
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    assert frame.evaluate(ground) == "rgb(255, 255, 255)"
    frame.evaluate("Plotly.relayout('plot', {'xaxis.range': [-0.5, 0]})")
    draws_again(page)
    draws_again(page)
    zoomed = frame.evaluate("document.getElementById('plot').layout.xaxis.range")
    assert zoomed == [-0.5, 0]
    page.click("#theme")
    page.get_by_role("button", name="°C").click()
    page.click("[data-span=whole]")
    fahrenheit = "() => document.getElementById('plot').layout.yaxis.title.text === '°F'"
    frame.wait_for_function(fahrenheit, timeout=parts.SOON_MS)
    assert frame.evaluate(ground) == "rgb(19, 27, 35)"
    assert frame.evaluate("document.getElementById('plot').layout.xaxis.range") != zoomed
    page.close()
