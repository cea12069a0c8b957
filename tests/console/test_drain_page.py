"""Draining at the page: a drain that stalls is gone on from by a person, and a rinse is ended before its time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from at_the_page import MARKS, SOON_MS, Bedside, fill_in, hold, open_page, press, reach
from playwright.sync_api import Browser, expect
from staging import staged

RINSED = str(Path(__file__).with_name("page_treatment.toml"))
Make = Callable[..., Bedside]

pytestmark = MARKS


def test_h11_a_drain_that_stalls_half_way_is_gone_on_from_at_the_page(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=60, more=("--drain-stalls",))
    page = open_page(browser, rig)
    reach(page, "DRAIN")
    expect(page.locator("#next")).to_have_text("Confirm …", timeout=SOON_MS)
    expect(page.get_by_label("Step", exact=True)).to_contain_text("Free the drain. If no more comes, confirm.")
    page.click("#next")
    expect(page.locator("#sheet-title")).to_have_text(re.compile(r"^\d{3,4} mL still in the patient$"))
    expect(page.locator("#sheet-do")).to_be_disabled()
    fill_in(page)
    hold(page)
    expect(page.locator("#phase")).to_have_text("COMPLETE", timeout=SOON_MS)
    assert rig.state()["carried_ml"] > 300.0
    page.close()


def test_a_rinse_is_ended_by_its_drain_from_the_page(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=60, treatment=RINSED)
    page = open_page(browser, rig)
    reach(page, "RINSE", for_s=100.0)
    assert rig.state()["step"] == "rinse_ready"
    page.click("#drain")
    fill_in(page)
    hold(page)
    expect(page.locator("#said")).to_have_text("Drain: done", timeout=5000)
    assert rig.state()["step"] in ("rinse_drain", "complete")
    page.close()


def test_h41_what_a_broken_off_run_left_in_the_patient_is_confirmed_at_the_page_before_a_start(
    browser: Browser, bedside: Make
) -> None:
    text = "the run before ended in PERFUSE with 2479 mL in patient BENCH; given: 31.8 mg mitomycin at 0 min"
    before = {"text": text, "given": "31.8 mg mitomycin at 0 min", "accounted": False}
    shown = {"asks": "confirm", "person": "Let the cavity drain.", "broken_off": before}
    page = staged(browser, bedside(speed=10), lambda state: state.update(shown))
    expect(page.locator("#next")).to_have_text("Confirm …")
    page.click("#next")
    expect(page.locator("#sheet-title")).to_have_text("In the patient, not accounted for")
    expect(page.locator("#sheet")).to_contain_text(text[0].upper() + text[1:])
    expect(page.locator("#sheet-do")).to_be_disabled()
    fill_in(page)
    with page.expect_request("**/command") as request:
        press(page, "#sheet-do")
    said = json.loads(request.value.post_data or "{}")
    assert (said["act"], said["text"]) == ("confirm", "standby")
    page.mouse.up()
    page.close()
