"""Heartbeats in, status and log lines out: one JSON object per datagram, in the run directory. Never waits."""

import fcntl
import json
import math
import os
import select
import socket
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Heartbeat(NamedTuple):
    """What control says after each completed cycle, under the names of `ChannelInputs`."""

    heartbeat_seq: int
    heartbeat_at_s: float
    heat_wanted: bool
    reset_count: int


def parse(data: bytes) -> Heartbeat:
    """Read one datagram. Raises ValueError unless every field is there, of its type, and finite."""
    try:
        said = json.loads(data)
        seq, at_s, heat, reset = said["seq"], float(said["at"]), said["heat"], said["reset"]
    except (KeyError, TypeError, RecursionError, OverflowError) as error:
        raise ValueError(str(error)) from error
    if not (type(seq) is type(reset) is int and seq >= 0 and type(heat) is bool and math.isfinite(at_s)):
        raise ValueError(f"not a heartbeat: {data[:80]!r}")
    return Heartbeat(seq, at_s, heat, reset)


class Link:
    """`protective.sock` is bound here; `status.sock` is control's and may come and go. Raises OSError."""

    def __init__(self, run_dir: Path) -> None:
        run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = os.open(run_dir, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # a second channel is refused: BlockingIOError
        self._own, self._status = run_dir / "protective.sock", str(run_dir / "status.sock")
        self._own.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(str(self._own))

    def hear(self) -> Heartbeat | None:
        """The newest heartbeat that waits, None when none does. What is malformed is not a heartbeat."""
        newest = None
        with suppress(BlockingIOError):
            for _ in range(64):
                with suppress(ValueError):
                    newest = parse(self._socket.recv(512))
        return newest

    def report(self, status: dict[str, object]) -> None:
        """Send the status if control listens; one that is lost is not repeated, the next follows at once."""
        with suppress(OSError):
            self._socket.sendto(json.dumps(status, allow_nan=False).encode(), self._status)

    def say(self, text: str) -> None:
        """One line to stderr, or nothing when that would wait: a full pipe must not hold the contactor."""
        with suppress(OSError):
            if select.select([], [2], [], 0)[1]:
                os.write(2, f"protective: {text}\n".encode()[:1000])

    def close(self) -> None:
        self._socket.close()
        self._own.unlink(missing_ok=True)
        os.close(self._lock)
