"""What the browser is told to sound, against the table of bursts; a page that was frozen shows no old value."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

import at_the_page as parts
import pytest
from playwright.sync_api import Browser, Page, expect
from staging import State, stage

pytestmark = parts.MARKS
Make = Callable[..., parts.Bedside]

WRITE_DOWN = """
window.tones = [];
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (at) {
    window.tones.push([at, this.frequency.value]);
    return start.call(this, at);
};
"""


def pulses(tones: list[list[float]]) -> dict[float, list[float]]:
    """When each pulse begins on the audio clock, s, with its frequencies in Hz."""
    found: dict[float, list[float]] = {}
    for at_s, frequency_hz in tones:
        found.setdefault(round(at_s, 4), []).append(frequency_hz)
    return dict(sorted(found.items()))


def planned(sound: dict[str, Any]) -> list[float]:
    """From the first onset to each, s."""
    at_s = [0.0]
    for gap_s in sound["gaps_s"]:
        at_s.append(at_s[-1] + sound["pulse_s"] + gap_s)
    return at_s


def judge(found: dict[float, list[float]], sound: dict[str, Any]) -> None:
    first = next(iter(found))
    assert [at - first for at in found] == pytest.approx(planned(sound), abs=0.002)
    for frequencies in found.values():
        steps = range(1, len(sound["harmonics_db"]) + 1)
        assert sorted(frequencies) == pytest.approx([sound["fundamental_hz"] * step for step in steps], rel=1e-4)


def test_h42_the_browser_sounds_the_pulses_pauses_and_tones_of_the_table(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=1)
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.add_init_script(WRITE_DOWN)
    page.goto(rig.url)
    expect(page.locator("html")).to_have_attribute("data-blind", "false", timeout=parts.SOON_MS)
    sounds = page.evaluate("fetch('fields').then((answer) => answer.json())")["sounds"]
    page.click("#next")
    page.click("#sound-test")
    page.wait_for_timeout(300)
    medium = pulses(page.evaluate("window.tones"))
    assert len(medium) == 3
    judge(medium, sounds["medium"])
    page.wait_for_timeout(2200)
    page.click("#stop")
    expect(page.locator("#stop")).to_contain_text("stopped: heat is off", timeout=parts.SOON_MS)
    page.evaluate("window.tones = []")  # what repeats now is the burst of one lasting alarm
    until_s = time.monotonic() + 30.0
    while page.evaluate("window.tones.length") < 100 and time.monotonic() < until_s:  # two bursts of ten pulses
        page.wait_for_timeout(200)
    page.click("#acknowledge")
    tones = page.evaluate("window.tones")
    size = 10 * len(sounds["high"]["harmonics_db"])
    bursts = [pulses(tones[at : at + size]) for at in range(0, len(tones) - size + 1, size)]
    for burst in bursts:
        judge(burst, sounds["high"])
    last, first = max(bursts[-2]) + sounds["high"]["pulse_s"], min(bursts[-1])
    assert 2.5 <= first - last <= 15.0
    page.close()


def test_h42_a_high_alarm_that_nobody_answers_is_heard_more_often_and_no_burst_of_it_is_cut(
    browser: Browser, bedside: Make
) -> None:
    stages = {"answered soon": {"after_s": 0.0, "repeat_s": 5.0}, "unanswered": {"after_s": 15.0, "repeat_s": 2.5}}
    now = [stages["answered soon"]]
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.add_init_script(WRITE_DOWN)

    def change(state: State) -> None:
        state.update(sounding="HIGH", escalation={**now[0], "external": False})

    stage(page, change)
    page.goto(bedside(speed=1).url)
    expect(page.locator("html[data-blind=false]")).to_be_attached(timeout=parts.SOON_MS)
    sounds = page.evaluate("fetch('fields').then((answer) => answer.json())")["sounds"]
    page.click("#unheard")
    page.wait_for_timeout(2500)  # the test sound
    high = sounds["high"]
    size = 10 * len(high["harmonics_db"])
    page.evaluate("window.tones = []")
    wait_for_tones(page, 2 * size)
    now[0] = stages["unanswered"]  # in the middle of the second
    wait_for_tones(page, 4 * size)
    tones = page.evaluate("window.tones")
    bursts = [pulses(tones[at : at + size]) for at in range(0, 4 * size, size)]
    for burst in bursts:
        judge(burst, high)
    ends_s = [max(burst) + high["pulse_s"] for burst in bursts]
    pauses_s = [min(after) - end_s for after, end_s in zip(bursts[1:], ends_s[:-1], strict=True)]
    slow_s, fast_s = high["repeat_s"], sounds["high_unanswered"]["repeat_s"]
    assert pauses_s == pytest.approx([slow_s, fast_s, fast_s], abs=1.0)
    assert min(pauses_s) >= 2.499
    page.close()


def wait_for_tones(page: Page, count: int) -> None:
    page.wait_for_function(f"() => window.tones.length >= {count}", timeout=parts.SOON_MS)


def test_h44_a_page_that_was_frozen_shows_no_data_within_a_second_of_waking(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=5)
    page = parts.open_page(browser, rig)
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    session.send("Page.setWebLifecycleState", {"state": "frozen"})
    rig.console.send_signal(signal.SIGSTOP)
    time.sleep(3.0)
    session.send("Page.setWebLifecycleState", {"state": "active"})
    expect(page.locator("html[data-blind=true]")).to_be_attached(timeout=1000)
    expect(page.locator("[data-value=inflow_c]")).to_contain_text("– –")
    rig.console.send_signal(signal.SIGCONT)
    expect(page.locator("html[data-blind=false]")).to_be_attached(timeout=parts.SOON_MS)
    page.close()


def test_h44_a_page_without_data_sounds_as_a_high_alarm_until_there_is_some(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=1)
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.add_init_script(WRITE_DOWN)
    page.goto(rig.url)
    expect(page.locator("html[data-blind=false]")).to_be_attached(timeout=parts.SOON_MS)
    sounds = page.evaluate("fetch('fields').then((answer) => answer.json())")["sounds"]
    page.click("#unheard")
    page.wait_for_timeout(2500)  # the test sound
    page.evaluate("window.tones = []")
    rig.console.send_signal(signal.SIGSTOP)
    page.wait_for_timeout(2000)  # a busy page may have been blind for a moment before: by now it is, and stays so
    size = 10 * len(sounds["high"]["harmonics_db"])
    page.wait_for_function(f"() => window.tones.length >= {size}", timeout=parts.SOON_MS)
    judge(pulses(page.evaluate("window.tones")[-size:]), sounds["high"])
    rig.console.send_signal(signal.SIGCONT)
    assert any(silent_for(page, 4000) for _ in range(5))  # longer than the pause between two bursts
    page.close()


def silent_for(page: Page, span_ms: float) -> bool:
    """Whether nothing sounds for so long from when there are data; on a busy machine they may fail again."""
    expect(page.locator("html[data-blind=false]")).to_be_attached(timeout=parts.SOON_MS)
    page.evaluate("window.tones = []")
    page.wait_for_timeout(span_ms)
    return bool(page.evaluate("window.tones.length") == 0)
