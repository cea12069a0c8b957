"""The bedside page in numbers: latency to the pixel, time to be usable, load, and memory over a long treatment.

`python -m benchmarks.console [--clients N] [--memory-minutes M]`. Needs chromium. Times are wall times of this machine
and whatever else runs on it; nothing is asserted.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import websockets
from playwright.sync_api import Frame, sync_playwright

from controller.runtime.client import Client

ROOT = Path(__file__).parents[1]
TICK_HZ = os.sysconf("SC_CLK_TCK")
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

RIG_S = "import('/js/store.js').then(({ now }) => now.state.now_s)"
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


def main() -> None:
    """Measure and print, one line each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--memory-minutes", type=float, default=240.0)
    parser.add_argument("--seconds", type=float, default=20.0, help="for each measurement in wall time")
    parser.add_argument("--rounds", type=int, default=3, help="pairs of runs without and with clients")
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
            page.wait_for_timeout(8000)
            for what, where in (("page", page.main_frame), ("plots", page.frames[1])):
                say(f"heap of the {what}, after 8 s", heap_mb(where), "MB")
            began_s = page.evaluate(RIG_S)
            page.wait_for_timeout(given.memory_minutes * 60_000.0 / 100.0)
            minutes = (page.evaluate(RIG_S) - began_s) / 60.0
            for what, where in (("page", page.main_frame), ("plots", page.frames[1])):
                say(f"heap of the {what}, {minutes:.0f} min later", heap_mb(where), "MB")
            page.click("[data-span=whole]")
            say("longest gap of the page, all drawn twice", page.evaluate(LONGEST_GAP_MS, 12.0), "ms")
        browser.close()
    with tempfile.TemporaryDirectory() as folder:
        imports()
        certified = Path(folder) / "data"
        starting(Path(folder) / "first", certified)
        lateness(Path(folder), certified, given.clients, given.seconds, given.rounds)


def say(what: str, value: float, unit: str) -> None:
    """One line."""
    print(f"{what:<40} {value:9.2f} {unit}", flush=True)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def served(run_dir: Path, *, speed: float) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The real cycle in virtual time, and the console in front of it."""
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    rig_words = [sys.executable, "tests/console/virtual_rig.py", "--run-dir", str(run_dir), "--speed", str(speed)]
    rig = subprocess.Popen(rig_words, cwd=ROOT, env=environment)
    words = ["-m", "controller.console", "--socket", str(run_dir / "control.sock"), "--at", f"127.0.0.1:{port}"]
    console = subprocess.Popen([sys.executable, *words], cwd=ROOT, env=environment)
    try:
        Client.wait(run_dir / "control.sock", for_s=60.0).close()
        wait_up(port)
        yield f"http://127.0.0.1:{port}/", console
    finally:
        for process in (console, rig):
            process.kill()
            process.wait()


def wait_up(port: int) -> None:
    """Until the console answers."""
    until_s = time.monotonic() + 60.0
    while time.monotonic() < until_s:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1.0).close()
            return
        time.sleep(0.02)
    raise SystemExit("the console did not come up")


def cpu_s(pid: int) -> float:
    """Processor seconds of a process, proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK_HZ


def heap_mb(where: Frame) -> float:
    """The heap of a page, or of the frame of its plots, after a collection."""
    context = where.page.context
    session = context.new_cdp_session(where.page if where.parent_frame is None else where)
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    metrics = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
    session.detach()
    return float(metrics["JSHeapUsedSize"]) / 1e6


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


@contextlib.contextmanager
def shipped(run_dir: Path, data: Path) -> Iterator[tuple[int, float]]:
    """`hipec run`: the console's port, and the wall seconds until it answered."""
    port = free_port()
    words = ["-m", "controller.commandline", "run", "--no-view", "--run-dir", str(run_dir), "--data", str(data)]
    words += ["--console", f"127.0.0.1:{port}"]
    begun = time.perf_counter()
    rig = subprocess.Popen([sys.executable, *words], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_up(port)
        yield port, time.perf_counter() - begun
    finally:
        rig.terminate()
        rig.wait()


def starting(run_dir: Path, data: Path) -> None:
    """The first start of all: the page is there, the session self-test behind it, then the controller."""
    begun = time.perf_counter()
    with shipped(run_dir, data) as (_, up_s):
        say("console up after `hipec run`", up_s, "s")
        while not list(data.glob("selftest-*.json")):
            time.sleep(0.1)
        say("session self-test passed after", time.perf_counter() - begun, "s")


def lateness(folder: Path, data: Path, clients: int, seconds: float, rounds: int) -> None:
    """The shipped processes: how late the loop is with and without clients, in pairs one after the other."""
    for number in range(rounds):
        for count in (0, clients):
            run_dir = folder / f"{number}-{count}"
            with shipped(run_dir, data) as (port, up_s):
                if not count:
                    say("console up after `hipec run`, certified", up_s, "s")
                Client.wait(run_dir / "control.sock", for_s=30.0).close()
                time.sleep(3.0)
                asyncio.run(watch(port, count, seconds))
                with Client(run_dir / "control.sock") as client:
                    late = client.state()["runtime"]["lateness"]
                shown = ", ".join(f"{name} {late[name]}" for name in ("p50_ms", "p99_ms", "max_ms", "missed"))
                print(f"{f'loop lateness, {count} clients':<40} {shown}", flush=True)


async def watch(port: int, count: int, seconds: float) -> None:
    """Pages without a browser: they take every message and acknowledge it."""

    async def one() -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
            cookie = answer.headers["set-cookie"].split(";")[0]
        head: dict[str, Any] = {"additional_headers": {"Cookie": cookie}, "origin": f"http://127.0.0.1:{port}"}
        async with websockets.connect(f"ws://127.0.0.1:{port}/telemetry", **head) as link:
            while True:
                await link.recv()
                await link.send(json.dumps({"ack_ms": time.monotonic() * 1000.0}))

    tasks = [asyncio.create_task(one()) for _ in range(count)]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    main()
