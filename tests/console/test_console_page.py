"""The page in a real browser, in front of the real console and api, and a treatment in virtual time behind them."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from controller.runtime.client import Client

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ROOT = Path(__file__).parents[2]
SHORT = ROOT / "tests" / "hil" / "short_treatment.toml"
SIZES = [(1280, 800), (1024, 600), (1920, 1080)]
VIEWS = ("main", "trends", "guide", "limits", "log", "engineer")
SOON_MS = 30_000

pytestmark = [
    pytest.mark.hil,
    pytest.mark.timeout(120),
    # No browser is no test: where there is one to be had `make test` installs it, and elsewhere it says so.
    pytest.mark.skipif(CHROMIUM is None and "CI" not in os.environ, reason="no chromium on this machine"),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Bedside:
    """A rig in virtual time and its console, as two processes."""

    def __init__(
        self, run_dir: Path, *, speed: float, treatment: str = str(SHORT), faults: tuple[str, ...] = ()
    ) -> None:
        self.run_dir = run_dir
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        words = ["--run-dir", str(run_dir), "--speed", str(speed), "--treatment", treatment]
        words += [word for fault in faults for word in ("--fault", fault)]
        self.rig = self._start([str(Path(__file__).with_name("virtual_rig.py")), *words])
        self.console = self.start_console()

    def start_console(self) -> subprocess.Popen[bytes]:
        socket_path = str(self.run_dir / "control.sock")
        self.console = self._start(
            ["-m", "controller.console", "--socket", socket_path, "--at", f"127.0.0.1:{self.port}"]
        )
        until_s = time.monotonic() + 20.0
        while time.monotonic() < until_s:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1.0):
                return self.console
            time.sleep(0.05)
        raise AssertionError("the console did not come up")

    def state(self) -> dict[str, Any]:
        with Client.wait(self.run_dir / "control.sock", for_s=10.0) as client:
            return client.state()

    def close(self) -> None:
        for process in (self.console, self.rig):
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()

    def _start(self, words: list[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, *words], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert CHROMIUM is not None, "CI needs chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        )
        yield started
        started.close()


@pytest.fixture
def bedside(tmp_path: Path) -> Iterator[Callable[..., Bedside]]:
    made: list[Bedside] = []

    def make(**more: Any) -> Bedside:
        made.append(Bedside(tmp_path / f"run{len(made)}", **more))
        return made[-1]

    yield make
    for each in made:
        each.close()


def open_page(browser: Browser, bedside: Bedside, size: tuple[int, int] = SIZES[0]) -> Page:
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.goto(bedside.url)
    expect(page.locator("html")).to_have_attribute("data-blind", "false", timeout=SOON_MS)
    return page


def hold(page: Page, selector: str) -> None:
    box = page.locator(selector).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.wait_for_timeout(1150)
    page.mouse.up()


def do_next(page: Page) -> None:
    """Open what the page offers, fill it in as a person does, and hold."""
    if not page.locator("#sheet").is_visible():  # a hold that was let go leaves it open
        page.locator("#next").click(timeout=SOON_MS)
    fill_in(page)
    expect(page.locator("#sheet-do")).to_be_enabled()
    hold(page, "#sheet-do")


def fill_in(page: Page) -> None:
    for box in page.locator("#sheet input[type=checkbox]").all():
        box.check()
    if page.locator("#lot").count():
        page.fill("#lot", "A1234")
        page.fill("#who", "Weber")


def reach(page: Page, wanted: str) -> None:
    """Do what the page asks for until it shows the phase. A person whose order was refused asks again."""
    until_s = time.monotonic() + 60.0
    while time.monotonic() < until_s:
        if wanted in (page.locator("#phase").text_content() or ""):
            return
        if page.locator("#next").is_visible() and page.locator("#next").is_enabled():
            with contextlib.suppress(AssertionError):
                do_next(page)
        page.wait_for_timeout(100)
    raise AssertionError(f"{wanted} not reached: {page.locator('main').inner_text()[:600]}")


def test_a_whole_treatment_is_done_through_the_page_alone(browser: Browser, bedside: Callable[..., Bedside]) -> None:
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
    page.close()


@pytest.mark.parametrize("phase", ["STANDBY", "PRIME", "PREHEAT", "FILL", "WARM UP", "PERFUSE", "DRAIN"])
def test_stop_works_in_every_phase_and_while_a_dialog_waits(
    browser: Browser, bedside: Callable[..., Bedside], phase: str
) -> None:
    rig = bedside(speed=60)
    page = open_page(browser, rig)
    reach(page, phase)
    if page.locator("#next").is_visible():
        page.locator("#next").click()
        expect(page.locator("#sheet")).to_be_visible()
    page.click("#stop")
    expect(page.locator("#stop")).to_contain_text("stopped: heat is off", timeout=5000)
    state = rig.state()
    assert [trip["id"] for trip in state["trips"]] == ["stop"]
    assert not state["heat_on"]
    assert state["pump_lpm"] == 0.0
    page.close()


def test_a_dead_or_frozen_server_is_seen_and_a_new_one_is_found_again(
    browser: Browser, bedside: Callable[..., Bedside]
) -> None:
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


def test_two_pages_see_the_same_and_a_set_point_is_set_in_two_steps(
    browser: Browser, bedside: Callable[..., Bedside]
) -> None:
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


def test_alarms_flash_at_the_rates_of_the_standard_and_their_words_do_not(
    browser: Browser, bedside: Callable[..., Bedside]
) -> None:
    rig = bedside(speed=10)
    page = open_page(browser, rig)
    page.click("#stop")
    flag = page.locator(".flag.loud[data-priority=HIGH]")
    expect(flag).to_be_visible(timeout=5000)
    colours = flag.evaluate(
        """(node) => {
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
    assert page.locator(".alarm .text").evaluate("(node) => getComputedStyle(node).animationName") == "none"
    page.click("#acknowledge")
    expect(page.locator(".flag.loud")).to_have_count(0)
    expect(page.locator(".flag[data-priority=HIGH]")).to_be_visible()
    page.close()


CLIPPED = Path(__file__).with_name("clipped.js").read_text()


def test_nothing_is_clipped_or_overlaps_at_three_sizes_in_every_view(
    browser: Browser, bedside: Callable[..., Bedside]
) -> None:
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


def test_the_accessibility_check_finds_nothing_serious(browser: Browser, bedside: Callable[..., Bedside]) -> None:
    from axe_playwright_python.sync_playwright import Axe

    rig = bedside(speed=20)
    context = browser.new_context(bypass_csp=True, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(rig.url)
    expect(page.locator("html")).to_have_attribute("data-blind", "false", timeout=SOON_MS)
    serious = []
    for theme in ("light", "dark"):
        for view in VIEWS:
            page.click(f"[data-view={view}]")
            page.wait_for_timeout(200)
            found = Axe().run(page).response["violations"]
            serious += [
                (theme, view, v["id"], v["nodes"][0]["html"][:120])
                for v in found
                if v["impact"] in ("serious", "critical")
            ]
        page.click("#theme")
    assert serious == []
    context.close()


def test_every_colour_of_text_has_a_contrast_of_seven_to_one(browser: Browser, bedside: Callable[..., Bedside]) -> None:
    page = open_page(browser, bedside(speed=10))
    ratios = page.evaluate(Path(__file__).with_name("contrast.js").read_text())
    assert {name: ratio for name, ratio in ratios.items() if ratio < 7.0} == {}
    page.close()


def test_a_page_whose_script_stalls_shows_no_data_by_itself(browser: Browser, bedside: Callable[..., Bedside]) -> None:
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
