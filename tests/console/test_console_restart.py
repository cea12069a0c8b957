"""A console that was started again in the middle of a run shows what the one before it showed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from at_the_page import MARKS, SOON_MS, Bedside, open_page
from playwright.sync_api import Browser, Page, expect

pytestmark = MARKS
Make = Callable[..., Bedside]
TREND = "async () => (await fetch('/trend?span=whole')).json()"


def trend(page: Page) -> dict[str, Any]:
    return dict(page.evaluate(TREND))


def test_the_trend_and_the_log_from_before_are_there_again(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=10)
    page = open_page(browser, rig)
    page.click("[data-view=log]")
    page.click("#stop")
    expect(page.locator("#view-log")).to_contain_text("STOP by operator", timeout=SOON_MS)
    page.wait_for_timeout(2000)
    before = trend(page)
    rig.console.kill()
    rig.console.wait()
    rig.start_console()
    page = open_page(browser, rig)
    page.click("[data-view=log]")
    expect(page.locator("#view-log")).to_contain_text("STOP by operator", timeout=SOON_MS)
    after = trend(page)
    shared = len(before["at_s"]) - 3  # the newest may not have been committed
    assert shared > 5
    assert after["at_s"][0] <= before["at_s"][0] + 1.0
    assert set(before["columns"]) == set(after["columns"])
    recorded = dict(zip(after["at_s"], after["columns"]["inflow_c"], strict=True))
    assert all(value is None or 15.0 < value < 50.0 for value in recorded.values())
    assert len([at for at in recorded if at < before["at_s"][-1]]) >= shared / 2
    entries = page.evaluate("async () => (await fetch('/log?after=0')).json()")
    lines = [(entry["at_s"], entry["text"]) for entry in entries]  # one press goes two ways: two orders may be true
    assert len(lines) == len(set(lines)), "nothing is told twice"
    page.close()
