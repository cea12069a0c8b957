"""What the benchmarks of the page look at: a console in front of a rig in virtual time, or all that is shipped.

Everything is a process of its own and gone afterwards. Not responsible for measuring.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from controller.runtime.client import Client

ROOT = Path(__file__).parents[1]
TICK_HZ = os.sysconf("SC_CLK_TCK")
PACED = """
import sys
from controller.console import __main__, hub
hub.LEAST_S /= {pace}
sys.exit(__main__.main())
"""


def say(what: str, value: float, unit: str) -> None:
    """One line."""
    print(f"{what:<40} {value:9.2f} {unit}", flush=True)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def served(
    run_dir: Path, *, speed: float, pace: float = 1.0, more: tuple[str, ...] = ()
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The real cycle in virtual time, and the console in front of it, which sends `pace` times as often as it does."""
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    rig_words = ["tests/console/virtual_rig.py", "--run-dir", str(run_dir), "--speed", str(speed), *more]
    rig = subprocess.Popen([sys.executable, *rig_words], cwd=ROOT, env=environment)
    words = ["-c", PACED.format(pace=pace), "--socket", str(run_dir / "control.sock"), "--at", f"127.0.0.1:{port}"]
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
