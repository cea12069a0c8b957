"""The page in a real browser, in front of the real console and api, and a treatment in virtual time behind them."""

import json
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from at_the_page import MARKS, SIZES, SOON_MS, Bedside, downloaded, fill_in, hold, open_page, reach
from playwright.sync_api import Browser, Page, expect

VIEWS = ("main", "trends", "guide", "limits", "log", "engineer")
CLIPPED = Path(__file__).with_name("clipped.js").read_text()
Make = Callable[..., Bedside]

pytestmark = MARKS


def test_a_whole_treatment_is_done_through_the_page_alone_and_ends_with_its_report(
    browser: Browser, bedside: Make, tmp_path: Path
) -> None:
    rig = bedside(speed=60)
    page = open_page(browser, rig)
    seen = []
    for phase in ("PRIME", "PREHEAT", "FILL", "WARM UP", "PERFUSE", "COMPLETE"):
        reach(page, phase)
        seen.append(phase)
    assert rig.state()["phase"] == "COMPLETE"
    assert rig.state()["trips"] == []
    page.click("[data-view=log]")
    expect(page.locator("#view-log")).to_contain_text("PERFUSE: Holding the cavity at target")
    page.click("[data-view=trends]")
    page.click("[data-span=whole]")
    expect(page.frame_locator("#plot").locator(".trace").first).to_be_attached(timeout=SOON_MS)
    page.click("[data-view=main]")
    page.click("#to-report")
    expect(page.locator("#record.over")).to_contain_text(re.compile(r"over\. −?\d+ mL stay in the patient"))
    reckoned = re.compile(r"Perfusate\d+ mL in, \d+ mL drained, −?\d+ mL left")
    expect(page.locator("#view-guide")).to_contain_text(reckoned)
    found = json.loads(downloaded(page, "json", tmp_path).read_text())
    assert (found["phase"], found["proof"]["bad"]) == ("COMPLETE", None)
    assert "every row is as it was written" in downloaded(page, "html", tmp_path).read_text()
    page.click("#guide-setup")
    page.fill("#set-pseudonym", "P-NEXT")
    fill_in(page)
    hold(page)
    expect(page.locator("#said")).to_contain_text("Set up P-NEXT: done", timeout=SOON_MS)
    assert (rig.state()["phase"], rig.state()["patient"]) == ("STANDBY", "P-NEXT")
    page.close()


def test_a_dead_or_frozen_server_is_seen_and_a_new_one_is_found_again(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=20)
    page = open_page(browser, rig)
    blind = page.locator("html[data-blind=true]")
    rig.console.send_signal(signal.SIGSTOP)
    frozen_s = time.monotonic()
    expect(blind).to_be_attached(timeout=5000)
    assert time.monotonic() - frozen_s < 3.0
    expect(page.locator("[data-value=inflow_c]")).to_contain_text("– –")
    expect(page.locator("#blind")).to_contain_text("NO DATA")
    expect(page.locator("#stop")).to_be_enabled()
    expect(page.locator("#target-more")).to_be_disabled()
    expect(page.locator("#hold")).to_be_disabled()
    rig.console.send_signal(signal.SIGCONT)
    expect(blind).not_to_be_attached(timeout=SOON_MS)
    expect(page.locator("[data-value=inflow_c]")).to_contain_text(re.compile(r"\d"))
    rig.console.kill()
    rig.console.wait()
    expect(blind).to_be_attached(timeout=5000)
    rig.start_console()
    expect(blind).not_to_be_attached(timeout=SOON_MS)
    rig.rig.send_signal(signal.SIGSTOP)
    expect(blind).to_be_attached(timeout=5000)
    rig.rig.send_signal(signal.SIGCONT)
    expect(blind).not_to_be_attached(timeout=SOON_MS)
    page.close()


def test_two_pages_see_the_same_and_a_set_point_is_set_in_two_steps(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=10)
    page, other = open_page(browser, rig), open_page(browser, rig)
    for _ in range(3):
        page.click("#target-more")
    expect(page.locator("#acts")).to_contain_text("41.0 → 41.3")
    assert rig.state()["target_c"] == 41.0
    page.click("#target-set")
    expect(page.locator("#said")).to_contain_text("done", timeout=5000)
    assert rig.state()["target_c"] == pytest.approx(41.3)
    expect(other.locator("#acts")).to_contain_text("41.3")
    for _ in range(60):
        other.click("#target-more")
    expect(other.locator("#acts")).to_contain_text("41.3 → 42.8")
    other.click("#target-cancel")
    assert rig.state()["target_c"] == pytest.approx(41.3)
    page.close()
    other.close()


def test_h42_a_flash_keeps_its_rhythm_while_the_words_beside_it_change(browser: Browser, bedside: Make) -> None:
    page = open_page(browser, bedside(speed=10))
    page.click("#stop")
    expect(page.locator(".flag.loud")).to_be_visible(timeout=5000)
    page.click("#pause")  # its countdown changes each second
    expect(page.locator("#paused")).to_be_visible(timeout=5000)
    begun = "document.querySelector('.flag.loud').getAnimations().map((flash) => flash.startTime)"
    first, words = page.evaluate(begun), page.locator("#paused").inner_text()
    assert len(first) == 1
    for _ in range(3):
        expect(page.locator("#paused")).not_to_have_text(words)
        assert page.evaluate(begun) == first
        words = page.locator("#paused").inner_text()
    page.close()


def test_a_screen_reader_is_told_an_alarm_at_its_onset_and_when_it_rises_and_not_at_each_number(
    browser: Browser, bedside: Make
) -> None:
    page = browser.new_page()
    page.add_init_script(
        """addEventListener('DOMContentLoaded', () => {
            window.told = [];
            window.words = [];
            const watch = (selector, into, of) => new MutationObserver(() => {
                const text = of(document.querySelector(selector));
                if (text && into[into.length - 1] !== text) into.push(text);
            }).observe(document.querySelector(selector), {subtree: true, childList: true, characterData: true});
            watch('#onset', window.told, (node) => node.innerText);
            watch('#alarm', window.words, (node) => node.querySelector('.text b')?.innerText);
        })"""
    )
    rig = bedside(speed=10, faults=("drift:core_c@60=6",))
    page.goto(rig.url)
    reach(page, "PRIME")
    ticks = "() => window.words.filter((text) => text.startsWith('Core dangerously hot')).length > 9"
    page.wait_for_function(ticks, timeout=SOON_MS)
    told = "\n".join(page.evaluate("window.told")).split("\n")
    titles = [line.split(":")[0] for line in told if line]
    assert titles == ["HIGH alarm. Core hot", "HIGH alarm. Core too hot", "HIGH alarm. Core dangerously hot"]
    roles = "[...document.querySelectorAll('#alarm [role=alert], #alarm [aria-live]')].length"
    assert page.evaluate(roles) == 0
    page.focus(".alarm .more")
    page.wait_for_timeout(1000)
    assert page.evaluate("document.activeElement.className") == "more"
    page.click("#stop")
    expect(page.locator("#onset")).to_have_text(re.compile("^HIGH alarm. STOP pressed: "), timeout=5000)
    page.click("#acknowledge")
    expect(page.locator("#onset")).to_be_empty()
    expect(page.locator("#alarm .state")).to_contain_text("acknowledged")
    assert "STOP" in page.evaluate("window.told").pop()
    page.close()


def test_alarms_flash_at_the_rates_of_the_standard_and_their_words_do_not(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=10)
    page = open_page(browser, rig)
    page.click("#stop")
    flag = page.locator(".flag.loud[data-priority=HIGH]")
    expect(flag).to_be_visible(timeout=5000)
    colours = page.evaluate(
        """() => {
            const node = document.querySelector('.flag.loud[data-priority=HIGH]');
            const flash = node.getAnimations();
            const seen = [];
            for (const one of flash) one.pause();
            for (let at = 0; at < 3000; at += 5) {
                for (const one of flash) one.currentTime = at;
                seen.push([at, getComputedStyle(node).backgroundColor]);
            }
            for (const one of flash) one.play();
            return seen;
        }"""
    )
    red = "rgb(176, 0, 0)"
    on = [colour == red for _, colour in colours]
    rises = [colours[i][0] for i in range(1, len(on)) if on[i] and not on[i - 1]]
    rate_hz = (len(rises) - 1) / (rises[-1] - rises[0]) * 1000.0
    assert rate_hz == pytest.approx(2.0, abs=0.05)
    falls = [colours[i][0] for i in range(1, len(on)) if on[i - 1] and not on[i] and colours[i][0] > rises[0]]
    lit_ms = [fall - rise for rise, fall in zip(rises, falls, strict=False)]
    assert sum(lit_ms) / len(lit_ms) == pytest.approx(250.0, abs=10.0)
    still = "getComputedStyle(document.querySelector('.alarm .text')).animationName"
    assert page.evaluate(still) == "none"
    page.click("#acknowledge")
    expect(page.locator(".flag.loud")).to_have_count(0)
    expect(page.locator(".flag[data-priority=HIGH]")).to_be_visible()
    page.close()


def test_nothing_is_clipped_or_overlaps_at_three_sizes_in_every_view(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=40, treatment="mitomycin_90")
    page = open_page(browser, rig)
    reach(page, "PREHEAT")
    page.wait_for_timeout(500)
    bad = {}
    for tripped in (False, True):
        if tripped:
            page.click("#stop")
            expect(page.locator("#stop")).to_contain_text("stopped", timeout=5000)
        for size in SIZES:
            page.set_viewport_size({"width": size[0], "height": size[1]})
            for view in VIEWS if not tripped else ("main",):
                page.click(f"[data-view={view}]")
                page.wait_for_timeout(150)
                if found := page.evaluate(CLIPPED):
                    bad[(tripped, size, view)] = found
    assert bad == {}
    page.close()


def shown_anew(page: Page, shown: str) -> None:
    """A page that was blind meanwhile, as it is while axe looks at it, has closed its sheet."""
    for _ in range(2):
        page.keyboard.press("Escape")
    expect(page.locator("html")).to_have_attribute("data-blind", "false", timeout=SOON_MS)
    OPENED[shown](page)


def with_an_alarm(page: Page) -> None:
    page.click("#stop")
    expect(page.locator(".flag.loud")).to_be_visible(timeout=SOON_MS)


OPENED: dict[str, Callable[[Page], None]] = {
    **{view: lambda page, view=view: page.click(f"[data-view={view}]") for view in VIEWS},  # type: ignore[misc]
    "sheet": lambda page: (page.click("[data-view=main]"), page.click("#next"))[1],
    "set-up": lambda page: (page.click("#setup"), expect(page.locator("#set-plan table")).to_be_visible())[1],
    "HIGH": with_an_alarm,
    "alarm list": lambda page: page.click(".alarm .more"),
}


def test_the_accessibility_check_finds_nothing_serious(browser: Browser, bedside: Make) -> None:
    from axe_playwright_python.sync_playwright import Axe

    rig = bedside(speed=20)
    context = browser.new_context(bypass_csp=True, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(rig.url)
    expect(page.locator("html")).to_have_attribute("data-blind", "false", timeout=SOON_MS)
    serious = []
    for shown in OPENED:
        for theme in ("light", "dark"):
            shown_anew(page, shown)
            page.wait_for_timeout(200)
            found = Axe().run(page).response["violations"]
            serious += [
                (theme, shown, v["id"], v["nodes"][0]["html"][:120])
                for v in found
                if v["impact"] in ("serious", "critical")
            ]
            page.click("#theme")
    assert serious == []
    context.close()


def test_nothing_is_clipped_in_an_open_sheet_or_the_list_of_alarms(browser: Browser, bedside: Make) -> None:
    page = open_page(browser, bedside(speed=20, treatment="mitomycin_90"))
    bad = {}
    for shown in ("sheet", "set-up", "HIGH", "alarm list"):
        for size in SIZES:
            page.set_viewport_size({"width": size[0], "height": size[1]})
            shown_anew(page, shown)
            page.wait_for_timeout(150)
            if found := page.evaluate(CLIPPED):
                bad[(shown, size)] = found
    assert bad == {}
    page.close()


def test_every_colour_of_text_has_a_contrast_of_seven_to_one(browser: Browser, bedside: Make) -> None:
    page = open_page(browser, bedside(speed=10))
    ratios = page.evaluate(Path(__file__).with_name("contrast.js").read_text())
    assert {name: ratio for name, ratio in ratios.items() if ratio < 7.0} == {}
    page.close()


def test_a_page_whose_script_stalls_shows_no_data_by_itself(browser: Browser, bedside: Make) -> None:
    page = open_page(browser, bedside(speed=10))
    shown = page.evaluate(
        """() => {
            const [cover] = document.getElementById('blind').getAnimations();
            const timing = cover.effect.getComputedTiming();
            return {delay: timing.delay, keyframes: cover.effect.getKeyframes().map((k) => k.opacity)};
        }"""
    )
    assert 0 < shown["delay"] <= 1000
    assert shown["keyframes"] == ["0", "1"]
    page.evaluate("() => { const until = performance.now() + 1500; while (performance.now() < until); }")
    page.close()
