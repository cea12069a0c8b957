"""How the memory of the page, and of its plots, grows over a long treatment.

`python -m benchmarks.page_memory [--minutes 240] [--speed 25]`. The rig's time runs faster, and all that a page does
as time passes comes faster in proportion: states five times in a second of the rig, plots every two seconds, orders,
doses and alarms as they happen. What came of that on this machine is printed, for a busy one does less. Every reading
is taken after a collection; the first one after a warm-up in which the browser compiles what runs often. Nothing is
asserted.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Frame, Page, sync_playwright

from benchmarks.serving import ROOT, served
from controller.runtime.client import Client

TREATMENT = ROOT / "config" / "treatments" / "mitomycin_90.toml"
LASTS_MIN = 120.0  # with filling, warm-up, rinse and drain more than three hours
SHOW_S = 0.1
STATE_S = 0.2
PLOT_S = 2.0
ALARM_EVERY_S = 1200.0
READINGS = 8
SETTLED_S = 0.5
APART_S = 0.3
TIMES = 6
COUNT = """async (plotMs) => {
    const { now, onChange } = await import('/js/store.js');
    const { entries } = await import('/js/log.js');
    window.seen = { states: 0, entries, still: false };
    let last = null;
    onChange(() => {
        if (now.seq !== last) window.seen.states += 1;
        last = now.seq;
    });
    setInterval(() => window.seen.still || document.querySelector('[data-span=recent]').click(), plotMs);
}"""
STILL = "(still) => { window.seen.still = still; }"


class Reading(NamedTuple):
    """After a collection."""

    heap_mb: float
    nodes: int
    listeners: int


def main() -> None:
    """Measure and print, one line for each reading."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=240.0, help="of the treatment, after the warm-up")
    parser.add_argument("--warm-up", type=float, default=20.0, help="minutes of the treatment")
    parser.add_argument("--speed", type=float, default=25.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        treatment = Path(folder) / "long.toml"
        treatment.write_text(lengthened(TREATMENT.read_text()))
        last_s = 60.0 * (given.minutes + given.warm_up)
        more = ["--operator", "--show-s", str(SHOW_S / given.speed), "--treatment", str(treatment)]
        for at_s in range(int(ALARM_EVERY_S), int(last_s), int(ALARM_EVERY_S)):
            more += ["--fault", f"bias:cavity_2_c@{at_s}+60=1.2"]
        run_dir = Path(folder) / "run"
        with served(run_dir, speed=given.speed, pace=given.speed, more=tuple(more)) as (url, _):
            watch(browser, url, run_dir, given.minutes, given.warm_up, given.speed)
        browser.close()


def lengthened(text: str) -> str:
    """The treatment with a longer perfusion."""
    lines = text.splitlines()
    return "\n".join(f"duration_min = {LASTS_MIN}" if line.startswith("duration_min") else line for line in lines)


def watch(browser: Browser, url: str, run_dir: Path, minutes: float, warm_up_min: float, speed: float) -> None:
    """One page, with its plots in sight, until the treatment is `minutes` further."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(url)
    page.click("[data-view=trends]")
    page.frame_locator("#plot").locator(".trace").first.wait_for()
    page.evaluate(COUNT, PLOT_S / speed * 1000.0)
    warm_up(page, run_dir, warm_up_min)
    began_s = rig_s(run_dir)
    first: dict[str, Reading] = {}
    for number in range(READINGS + 1):
        # Asked of the controller: each question to the page would leave something in its memory.
        while (left_s := began_s + 60.0 * minutes * number / READINGS - rig_s(run_dir)) > 0.0:
            page.wait_for_timeout(1000.0 * min(5.0, max(0.2, left_s / speed)))
        at_min = (rig_s(run_dir) - began_s) / 60.0
        page.evaluate(STILL, True)
        for what, where in (("page", page.main_frame), ("plots", page.frames[1])):
            reading = read(where)
            grown = 100.0 * (reading.heap_mb / first.setdefault(what, reading).heap_mb - 1.0)
            counted = f"{reading.nodes} nodes, {reading.listeners} listeners; {told(page)}"
            print(f"{at_min:6.0f} min  {what:6} {reading.heap_mb:6.2f} MB {grown:+6.1f} %  {counted}", flush=True)
        page.evaluate(STILL, False)


def warm_up(page: Page, run_dir: Path, minutes: float) -> None:
    """So many minutes of the treatment, and the work that a page has in them: code is compiled by use, not by time."""
    until_s = rig_s(run_dir) + 60.0 * minutes
    while rig_s(run_dir) < until_s or not done(page, 60.0 * minutes):
        page.wait_for_timeout(2000)


def done(page: Page, seconds: float) -> bool:
    """The page has taken as many states and drawn as many plots as it does in `seconds` at the bedside."""
    drawn = int(page.locator("#plot").get_attribute("data-drawn") or 0)
    return drawn >= seconds / PLOT_S and page.evaluate("window.seen.states") >= seconds / STATE_S


def rig_s(run_dir: Path) -> float:
    """The rig's clock."""
    with Client(run_dir / "control.sock") as client:
        return float(client.state()["now_s"])


def told(page: Page) -> str:
    """What the page has done so far, and where the treatment is."""
    drawn = page.locator("#plot").get_attribute("data-drawn")
    states, entries = page.evaluate("[window.seen.states, window.seen.entries.length]")
    return f"{states} states, {drawn} plots, {entries} entries, {page.locator('#phase').text_content()}"


def read(where: Frame) -> Reading:
    """The least of some: what a message on its way, or a plot that is being drawn, takes is not growth."""
    page = where.page
    session = page.context.new_cdp_session(page if where.parent_frame is None else where)
    session.send("Performance.enable")
    found = []
    time.sleep(SETTLED_S)
    for _ in range(TIMES):
        time.sleep(APART_S)
        session.send("HeapProfiler.collectGarbage")
        metrics = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
        found.append(Reading(metrics["JSHeapUsedSize"] / 1e6, int(metrics["Nodes"]), int(metrics["JSEventListeners"])))
    session.detach()
    return min(found)


if __name__ == "__main__":
    main()
