"""Set-up, limits and the reminder to agitate in a real browser, with the real core, record and api behind the page."""

from __future__ import annotations

import re
from collections.abc import Callable

import at_the_page as parts
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

pytestmark = parts.MARKS
Make = Callable[..., parts.Bedside]


def tighten(page: Page, label: str, row: Locator, wanted: str) -> None:
    for _ in range(100):
        if wanted in (row.text_content() or ""):
            return
        page.get_by_label(f"{label}: less").click()
    raise AssertionError(f"{wanted} is not reached: {row.text_content()}")


def test_h41_treatment_and_patient_are_set_up_from_the_page_after_the_doses_were_shown(
    browser: Browser, bedside: Make
) -> None:
    rig = bedside(speed=2)
    page = parts.open_page(browser, rig)
    page.click("#setup")
    page.select_option("#set-treatment", "mitomycin_90")
    page.fill("#set-pseudonym", "P-0042")
    page.fill("#set-height", "17")
    expect(page.locator("#set-plan")).to_contain_text("Height, cm = 17.0: allowed is a number from 100")
    page.fill("#set-height", "1,82")
    expect(page.locator("#set-plan")).to_contain_text("Height: a number such as 170")
    page.fill("#set-height", "182")
    page.fill("#set-weight", "91.5")
    expect(page.locator("#set-plan")).to_contain_text("2.15 m²")
    expect(page.locator("#set-plan")).to_contain_text("Dose 2 of 3, 30 min17.5 mg")
    expect(page.locator("#sheet-do")).to_be_disabled()
    parts.fill_in(page)
    assert rig.state()["patient"] == "BENCH"
    parts.hold(page)
    expect(page.locator("#said")).to_contain_text("Set up P-0042: done", timeout=parts.SOON_MS)
    state = rig.state()
    assert (state["treatment"], state["patient"], state["phase"]) == ("mitomycin_90", "P-0042", "STANDBY")
    expect(page.locator("#patient")).to_have_text("P-0042")
    assert sorted(path.name.split("_SIM")[0].split("_", 2)[2] for path in (rig.run_dir / "data").glob("*.sqlite")) == [
        "mitomycin_90_P-0042",
        "short_rehearsal_BENCH",
    ]
    parts.do_next(page)
    expect(page.locator("#setup")).to_be_hidden(timeout=parts.SOON_MS)
    page.close()


def test_h39_a_limit_is_tightened_in_two_steps_and_marked_wherever_it_is_shown(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=1)
    page = parts.open_page(browser, rig)
    page.click("[data-view=limits]")
    row = page.locator("[data-limit=core_warn_c]")
    expect(row).to_contain_text("38.5")
    tighten(page, "Core warm", row, "38.5 → 36.5")
    page.get_by_label("Core warm: less").click()
    expect(row).to_contain_text("38.5 → 36.5")
    page.get_by_label("Core warm: more").click()
    page.click("#tighten-core_warn_c")
    expect(page.locator("#sheet")).to_contain_text("Core warning 38.5 -> 36.6 °C", timeout=parts.SOON_MS)
    assert rig.state()["tightened"] == {}
    parts.fill_in(page)
    parts.hold(page)
    expect(page.locator("#tightened")).to_contain_text("1 LIMIT TIGHTENED", timeout=parts.SOON_MS)
    assert rig.state()["tightened"] == {"core_warn_c": pytest.approx(36.6)}
    expect(row).to_contain_text("36.6 * (38.5)")
    page.click("[data-view=main]")
    expect(page.locator("[data-tile=core_c]")).to_contain_text("36.6*")
    page.close()


def test_h04_the_reminder_counts_down_and_begins_anew_when_it_is_entered(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=60, treatment="saline_rehearsal")
    page = parts.open_page(browser, rig)
    parts.reach(page, "PERFUSE")
    expect(page.locator("#agitated")).to_contain_text("due now", timeout=parts.SOON_MS)
    expect(page.locator("#alarm")).to_contain_text("Shake and turn the abdomen")
    page.click("#agitated")
    expect(page.locator("#agitated")).to_contain_text("due in", timeout=parts.SOON_MS)
    expect(page.locator("#said")).to_have_text("Agitated: done")
    page.route("**/command", lambda route: route.fulfill(json={"ok": True}))  # it goes no further
    page.click("#agitated")  # before it is due
    expect(page.locator("#said")).to_have_text(re.compile("^Agitated: taken, but not seen to be done"), timeout=10_000)
    page.close()
