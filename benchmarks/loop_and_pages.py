"""How late the control loop is beside many pages and beside none: `python -m benchmarks.loop_and_pages`.

All that is shipped runs once, and the same loop is measured in windows without and with pages, in the order
none-many-many-none, so that what else goes on in the machine strikes both alike. The pages are a process of the lowest
priority: at a bedside they are other machines. Lateness is that of the window alone, from the loop's own histogram.
Prints only; nothing is asserted.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.serving import ROOT, cpu_s, shipped
from controller.runtime.client import Client

SELF_TEST_MOST_S = 120.0
SETTLE_S = 10.0
BETWEEN_S = 2.0
PER_DECADE = 10  # buckets of the loop's histogram


class Window(NamedTuple):
    """What the loop did in one window: cycles by the upper edge of their lateness in ms."""

    counts: Counter[float]
    missed: int
    messages_s: float  # that all pages have taken
    console_share: float  # of one core

    def quantile_ms(self, share: float) -> float:
        """Within a bucket as if its cycles were spread evenly over the logarithm."""
        wanted = share * self.counts.total()
        for edge_ms in sorted(self.counts):
            if wanted <= self.counts[edge_ms]:
                return edge_ms * float(10 ** ((wanted / self.counts[edge_ms] - 1.0) / PER_DECADE))
            wanted -= self.counts[edge_ms]
        return float("nan")


def main() -> None:
    """Measure and print, one line for each pair, and what comes of all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=30.0, help="for each window")
    parser.add_argument("--rounds", type=int, default=4, help="of two pairs each")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data, run_dir = Path(folder) / "data", Path(folder) / "run"
        certify(Path(folder) / "first", data)
        with shipped(run_dir, data) as (port, _):
            Client.wait(run_dir / "control.sock", for_s=120.0).close()
            time.sleep(SETTLE_S)
            none, many = measured(run_dir, port, given.clients, given.seconds, given.rounds)
    whole(none, many, given.clients)


def certify(run_dir: Path, data: Path) -> None:
    """The session self-test comes first, in a run of its own."""
    until_s = time.monotonic() + SELF_TEST_MOST_S
    with shipped(run_dir, data):
        while not list(data.glob("selftest-*.json")):
            if time.monotonic() > until_s:
                raise SystemExit("the session self-test does not pass")
            time.sleep(0.2)


def measured(run_dir: Path, port: int, clients: int, seconds: float, rounds: int) -> tuple[list[Window], list[Window]]:
    """All windows without and with pages; each pair is printed as it comes."""
    windows: dict[int, list[Window]] = {0: [], clients: []}
    print(f"{'ms':>8} {'none p50':>9} {'p99':>7} {f'{clients} p50':>9} {'p99':>7}  p99 ratio", flush=True)
    for _ in range(rounds):
        for pair in ((0, clients), (clients, 0)):
            for count in pair:
                windows[count].append(window(run_dir, port, count, seconds))
                time.sleep(BETWEEN_S)
            none, many = windows[0][-1], windows[clients][-1]
            numbers = [each.quantile_ms(share) for each in (none, many) for share in (0.5, 0.99)]
            shown = " ".join(f"{number:{9 - 2 * (at % 2)}.2f}" for at, number in enumerate(numbers))
            print(f"{'pair':>8} {shown}  {numbers[3] / numbers[1]:.2f}", flush=True)
    return windows[0], windows[clients]


def window(run_dir: Path, port: int, count: int, seconds: float) -> Window:
    """Watch the loop for `seconds` while `count` pages are open."""
    words = [sys.executable, "-m", "benchmarks.pages", str(port), str(count)]
    pages = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
    try:
        assert pages.stdout is not None
        pages.stdout.readline()
        time.sleep(BETWEEN_S)
        first, before, heard = cpu_s(console_pid(port)), lateness(run_dir), told(pages)
        time.sleep(seconds)
        heard, after, last = told(pages) - heard, lateness(run_dir), cpu_s(console_pid(port))
    finally:
        pages.kill()
        pages.wait()
    counts = Counter(dict(map(tuple, after["histogram"])))
    counts.subtract(dict(map(tuple, before["histogram"])))
    return Window(+counts, after["missed"] - before["missed"], heard / seconds, (last - first) / seconds)


def lateness(run_dir: Path) -> dict[str, Any]:
    """The loop's own measure, since it began."""
    with Client(run_dir / "control.sock") as client:
        found: dict[str, Any] = client.state()["runtime"]["lateness"]
        return found


def told(pages: subprocess.Popen[str]) -> int:
    """Messages that the pages have taken."""
    assert pages.stdin is not None
    assert pages.stdout is not None
    print(file=pages.stdin, flush=True)
    return int(pages.stdout.readline())


def console_pid(port: int) -> int:
    """The process that serves the page, proc(5)."""
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (place / "cmdline").read_bytes().split(b"\0")
            if b"controller.console" in words and f"127.0.0.1:{port}".encode() in words:
                return int(place.name)
    raise SystemExit("the console is gone")


def whole(none: list[Window], many: list[Window], clients: int) -> None:
    """Medians over the windows, and all cycles of one kind together."""
    for name, windows in (("none", none), (f"{clients} pages", many)):
        together = Window(sum((each.counts for each in windows), Counter()), 0, 0.0, 0.0)
        median_ms = typical_ms(windows, 0.99)
        messages_s = statistics.fmean(each.messages_s for each in windows)
        missed = sum(each.missed for each in windows)
        console = 100.0 * statistics.fmean(each.console_share for each in windows)
        print(
            f"{name}: median of p99 {median_ms:.2f} ms, p99 of all {together.counts.total()} cycles"
            f" {together.quantile_ms(0.99):.2f} ms, p50 {together.quantile_ms(0.5):.2f} ms, {missed} missed;"
            f" {messages_s:.0f} messages/s, console {console:.0f} % of one core"
        )
    p50, p99 = (typical_ms(many, share) / typical_ms(none, share) for share in (0.5, 0.99))
    print(f"with {clients} pages / without: {p50:.2f} (median of p50), {p99:.2f} (median of p99)")


def typical_ms(windows: list[Window], share: float) -> float:
    """The median over the windows: one that something else has disturbed does not count."""
    return statistics.median(each.quantile_ms(share) for each in windows)


if __name__ == "__main__":
    main()
