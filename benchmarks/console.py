"""The bedside page in numbers: latency to the pixel, time to be usable, load, and what starting costs.

`python -m benchmarks.console`; the memory is in `benchmarks.page_memory`, the loop beside many pages in
`benchmarks.loop_and_pages`. Needs chromium. Times are wall times of this machine and whatever else runs on it; nothing
is asserted.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.serving import ROOT, cpu_s, say, served, shipped

WATCH = """async (seconds) => {
    const { now, onChange } = await import('/js/store.js');
    const seen = [];
    let last = null;
    onChange(() => {
        if (now.blind || now.seq === last) return;
        last = now.seq;
        const made = now.state.runtime.wall_ms;
        requestAnimationFrame(() => seen.push(Date.now() - made));
    });
    await new Promise((done) => setTimeout(done, seconds * 1000));
    return seen;
}"""

LONGEST_GAP_MS = """async (seconds) => {
    const end = performance.now() + seconds * 1000;
    let last = performance.now();
    let longest = 0;
    while (last < end) {
        await new Promise((done) => setTimeout(done, 5));
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
    }
    return longest;
}"""
LONG_MS = 60_000.0  # of wall time: more than an hour and a half of the rig's


def main() -> None:
    """Measure and print, one line each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20.0, help="for each measurement in wall time")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        with served(Path(folder) / "a", speed=1.0) as (url, console):
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            begun = time.perf_counter()
            page.goto(url)
            page.wait_for_selector("html[data-ready=true]")
            say("page can be used after", time.perf_counter() - begun, "s")
            page.wait_for_selector("html[data-blind=false]")
            say("page shows values after", time.perf_counter() - begun, "s")
            say("longest gap of the page, plots loaded", page.evaluate(LONGEST_GAP_MS, 5.0), "ms")
            seen = sorted(page.evaluate(WATCH, given.seconds))
            say("cycle to pixel, p50", seen[len(seen) // 2], "ms")
            say("cycle to pixel, p99", seen[int(len(seen) * 0.99)], "ms")
            others = [browser.new_page() for _ in range(2)]
            for other in others:
                other.goto(url)
            before, begun = cpu_s(console.pid), time.monotonic()
            time.sleep(given.seconds)
            say("server, 3 pages", 100.0 * (cpu_s(console.pid) - before) / (time.monotonic() - begun), "% of one core")
            for each in (page, *others):
                each.close()
        with served(Path(folder) / "b", speed=100.0) as (url, _):
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(url)
            page.click("[data-view=trends]")
            page.frame_locator("#plot").locator(".trace").first.wait_for()
            page.wait_for_timeout(LONG_MS)
            page.click("[data-span=whole]")
            say("longest gap of the page, all drawn twice", page.evaluate(LONGEST_GAP_MS, 12.0), "ms")
        browser.close()
    with tempfile.TemporaryDirectory() as folder:
        imports()
        certified = Path(folder) / "data"
        starting(Path(folder) / "first", certified)
        with shipped(Path(folder) / "second", certified) as (_, up_s):
            say("console up after `hipec run`, certified", up_s, "s")


PROCESSES = (
    "controller.app",
    "controller.runtime.supervisor",
    "controller.console.__main__",
    "controller.runtime.__main__",
    "controller.protective.__main__",
    "sim.__main__",
)


def imports() -> None:
    """What each process costs before it does anything: processor seconds, the least of three."""
    for module in PROCESSES:
        words = [sys.executable, "-c", f"import {module}, resource; print(resource.getrusage(0).ru_utime)"]
        spent = [float(subprocess.run(words, cwd=ROOT, capture_output=True, check=True).stdout) for _ in range(3)]
        say(f"import of {module}", min(spent), "s of processor")


def starting(run_dir: Path, data: Path) -> None:
    """The first start of all: the page is there, the session self-test behind it, then the controller."""
    begun = time.perf_counter()
    with shipped(run_dir, data) as (_, up_s):
        say("console up after `hipec run`", up_s, "s")
        while not list(data.glob("selftest-*.json")):
            time.sleep(0.1)
        say("session self-test passed after", time.perf_counter() - begun, "s")


if __name__ == "__main__":
    main()
