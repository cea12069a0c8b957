"""A person at the page: the page in a real browser, in front of the real console and api, and a rig behind them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, TimeoutError, expect

from controller.runtime.client import Client

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ROOT = Path(__file__).parents[2]
SHORT = ROOT / "tests" / "hil" / "short_treatment.toml"
SIZES = [(1280, 800), (1024, 600), (1920, 1080)]
SOON_MS = 30_000
HOLDS = 3
HELD_MS = 5000

MARKS = [
    pytest.mark.hil,
    pytest.mark.timeout(120),
    # No browser is no test: where there is one to be had `make test` installs it, and elsewhere it says so.
    pytest.mark.skipif(CHROMIUM is None and "CI" not in os.environ, reason="no chromium on this machine"),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_served(port: int) -> None:
    until_s = time.monotonic() + 20.0
    while time.monotonic() < until_s:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
            return
        time.sleep(0.05)
    raise AssertionError("the console did not come up")


def state_of(run_dir: Path) -> dict[str, Any]:
    with Client.wait(run_dir / "control.sock", for_s=10.0) as client:
        return client.state()


class Bedside:
    """A rig in virtual time and its console, as two processes."""

    def __init__(
        self,
        run_dir: Path,
        *,
        speed: float,
        treatment: str = str(SHORT),
        faults: tuple[str, ...] = (),
        more: tuple[str, ...] = (),
        console: tuple[str, ...] = (),
    ) -> None:
        self._words = console
        self.run_dir = run_dir
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        words = ["--run-dir", str(run_dir), "--speed", str(speed), "--treatment", treatment]
        words += more
        words += [word for fault in faults for word in ("--fault", fault)]
        self.rig = self._start([str(Path(__file__).with_name("virtual_rig.py")), *words])
        self.console = self.start_console()

    def start_console(self) -> subprocess.Popen[bytes]:
        socket_path = str(self.run_dir / "control.sock")
        self.console = self._start(
            ["-m", "controller.console", "--socket", socket_path, "--at", f"127.0.0.1:{self.port}", *self._words]
        )
        wait_until_served(self.port)
        return self.console

    def state(self) -> dict[str, Any]:
        return state_of(self.run_dir)

    def close(self) -> None:
        for process in (self.console, self.rig):
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()

    def _start(self, words: list[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, *words], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})


class Shipped:
    """`hipec run` of the simulated bench as it is shipped: supervisor, control, protective, page and simulator."""

    def __init__(self, folder: Path, *, speed: float, treatment: Path = SHORT) -> None:
        self.run_dir = folder / "run"
        self.data_dir = folder / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        words = ["run", "--no-view", "--speed", str(speed), "--treatment", str(treatment)]
        words += ["--run-dir", str(self.run_dir), "--data", str(self.data_dir), "--console", f"127.0.0.1:{self.port}"]
        self._run = subprocess.Popen([sys.executable, "-m", "controller.commandline", *words], cwd=ROOT)
        try:
            wait_until_served(self.port)
        except BaseException:
            self.close()  # nobody else has it yet: a rig that goes on would slow every test after this one
            raise

    def state(self) -> dict[str, Any]:
        return state_of(self.run_dir)

    def close(self) -> None:
        self._run.terminate()
        self._run.wait()


def open_page(browser: Browser, bedside: Bedside, size: tuple[int, int] = SIZES[0]) -> Page:
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.goto(bedside.url)
    expect(page.locator("html")).to_have_attribute("data-blind", "false", timeout=SOON_MS)
    return page


def press(page: Page, selector: str) -> None:
    """The finger down, in the middle."""
    box = page.locator(selector).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()


def at_every_size(page: Page) -> Iterator[tuple[int, int]]:
    """One page is enough: it is made as large as each of the panels in turn."""
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        yield width, height


def hold(page: Page) -> None:
    """Press what the open sheet asks for until the sheet is gone; a press that was in vain is made again."""
    for _ in range(HOLDS):
        expect(page.locator("#sheet-do")).to_be_enabled()
        press(page, "#sheet-do")
        with contextlib.suppress(AssertionError):
            expect(page.locator("#sheet")).to_be_hidden(timeout=HELD_MS)
        page.mouse.up()
        if not page.locator("#sheet").is_visible():
            return
    raise AssertionError(f"not taken: {page.locator('#sheet').inner_text()}")


def do_next(page: Page) -> None:
    """Open what the page offers, fill it in as a person does, and hold; anew when the page was blind for a moment."""
    for _ in range(HOLDS):
        try:
            _do_next(page)
        except (AssertionError, TimeoutError):
            if was_blind(page):
                continue
            raise
        if not was_blind(page):
            return
    raise AssertionError("the page is blind again and again")


def was_blind(page: Page) -> bool:
    """The sheet was closed under the hand."""
    return "The sheet was closed: no data" in (page.locator("#said").text_content() or "")


def _do_next(page: Page) -> None:
    if not page.locator("#sheet").is_visible():  # a hold that was let go leaves it open
        page.locator("#next").click(timeout=SOON_MS)
    fill_in(page)
    hold(page)


def fill_in(page: Page) -> None:
    for box in page.locator("#sheet input[type=checkbox]").all():
        box.check(timeout=HELD_MS)
    if page.locator("#lot").count():
        page.fill("#lot", "A1234")
        page.fill("#who", "Weber")


def reach(page: Page, wanted: str, *, for_s: float = 60.0) -> None:
    """Do what the page asks for until it shows the phase. Who was refused, or whose sheet went away, asks again."""
    until_s = time.monotonic() + for_s
    vain = ""
    while time.monotonic() < until_s:
        if wanted in (page.locator("#phase").text_content() or ""):
            return
        try:
            do_what_is_asked(page)
        except (AssertionError, TimeoutError) as error:
            vain = f"{time.monotonic() - until_s + for_s:.0f} s in: {error}"
            page.keyboard.press("Escape")
        page.wait_for_timeout(100)
    raise AssertionError(
        f"{wanted} not reached, {vain or 'nothing in vain'}: {page.locator('body').inner_text()[:1500]}"
    )


def do_what_is_asked(page: Page) -> None:
    """A sheet that is open is finished first: what stands behind it cannot be touched."""
    reminder = page.locator("#agitated.first")
    if not page.locator("#sheet").is_visible() and reminder.is_visible() and reminder.is_enabled():
        reminder.click(timeout=HELD_MS)
    if page.locator("#sheet").is_visible() or (
        page.locator("#next").is_visible() and page.locator("#next").is_enabled()
    ):
        do_next(page)


def downloaded(page: Page, form: str, folder: Path) -> Path:
    with page.expect_download(timeout=SOON_MS) as waiting:
        page.click(f"#record [data-form={form}]")
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path
