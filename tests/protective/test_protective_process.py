"""The protective process as it is shipped, on a pseudo-terminal, in wall time."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from protective_board import Bus, Clock

pytestmark = pytest.mark.hil


class Pair:
    """A pseudo-terminal: the boards are served from the test's own loop, so that no thread is needed."""

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.fd, self._slave = os.openpty()
        tty.setraw(self.fd)
        self.path = os.ttyname(self._slave)
        self.bus = Bus(Clock())
        self.status = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.status.bind(str(run_dir / "status.sock"))
        self.status.setblocking(False)
        self.beats = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.seq = self.resets = 0
        self.newest: dict[str, object] = {}

    def start(self, *arguments: str, stderr: int = subprocess.PIPE) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "controller.protective", "--port", self.path, "--run-dir", str(self.run_dir)]
        return subprocess.Popen([*command, *arguments], stderr=stderr, text=True)

    def serve(self, seconds: float, *, heat: bool | None) -> None:
        """Answer the wire and beat (None: do not beat) for that long."""
        until_s, beat_s = time.monotonic() + seconds, 0.0
        while (now_s := time.monotonic()) < until_s:
            if heat is not None and now_s >= beat_s:
                beat_s, self.seq = now_s + 0.1, self.seq + 1
                beat = {"seq": self.seq, "at": now_s, "heat": heat, "reset": self.resets}
                with contextlib.suppress(OSError):
                    self.beats.sendto(json.dumps(beat).encode(), str(self.run_dir / "protective.sock"))
            self._answer()
            with contextlib.suppress(BlockingIOError):
                while True:
                    self.newest = json.loads(self.status.recv(1000))

    def _answer(self) -> None:
        if not select.select([self.fd], [], [], 0.02)[0]:
            return
        data = os.read(self.fd, 256)
        self.bus.clock.now_s = time.monotonic()
        for start in range(0, len(data) - 7, 8):
            self.bus.write(data[start : start + 8])
        os.write(self.fd, b"".join(reply for _, reply in self.bus.coming))
        self.bus.coming.clear()

    def close(self) -> None:
        self.status.close()
        self.beats.close()
        os.close(self.fd)
        os.close(self._slave)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = Pair(tmp_path)
    yield made
    made.close()


@contextlib.contextmanager
def running(pair: Pair, *arguments: str, stderr: int = subprocess.PIPE) -> Iterator["subprocess.Popen[str]"]:
    process = pair.start(*arguments, stderr=stderr)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def end(process: "subprocess.Popen[str]", pair: Pair, number: int) -> tuple[int, str]:
    process.send_signal(number)
    pair.serve(0.5, heat=None)
    error = process.communicate(timeout=5)[1]
    return process.returncode, error


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_closes_for_a_live_control_opens_for_a_dead_one_and_ends_on_a_signal(pair: Pair, number: int) -> None:
    with running(pair) as process:
        pair.serve(1.5, heat=False)
        assert pair.newest["permit"] is True
        pair.serve(1.0, heat=True)
        assert pair.newest["contactor_closed"] is True
        pair.serve(1.0, heat=None)
        assert pair.newest["contactor_closed"] is False
        assert "control silent" in str(pair.newest["trip"])
        pair.serve(0.5, heat=False)
        assert pair.newest["permit"] is False
        code, error = end(process, pair, number)
    assert code == 0
    assert "permit, heat" in error
    assert not (pair.run_dir / "protective.sock").exists()


def test_ending_it_while_it_heats_opens_the_contactor(pair: Pair) -> None:
    with running(pair) as process:
        pair.serve(1.5, heat=False)
        pair.serve(1.0, heat=True)
        assert pair.bus.closed
        assert end(process, pair, signal.SIGTERM)[0] == 0
        assert not pair.bus.closed


def test_a_second_one_in_the_same_run_directory_is_refused(pair: Pair) -> None:
    with running(pair):
        pair.serve(1.0, heat=False)
        with running(pair) as second:
            assert second.wait(timeout=10) == 2
            assert second.stderr is not None
            assert "another protective channel" in second.stderr.read()


def test_a_run_directory_that_cannot_be_made_is_refused(pair: Pair, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with running(pair, "--run-dir", str(tmp_path / "file")) as process:
        assert process.wait(timeout=10) == 2
        assert process.stderr is not None
        assert "--run-dir" in process.stderr.read()


def test_a_log_that_nobody_reads_does_not_hold_it(pair: Pair) -> None:
    reader, writer = os.pipe()
    try:
        os.set_blocking(writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writer, b"x" * 4096)
        os.set_blocking(writer, True)
        with running(pair, stderr=writer):
            pair.serve(1.5, heat=False)
            pair.serve(0.5, heat=True)
            assert pair.newest["contactor_closed"] is True
    finally:
        os.close(reader)
        os.close(writer)
