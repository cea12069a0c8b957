"""What the control process and the protective channel tell each other: heartbeats out, status in, as datagrams.

Nothing here ever waits: a full or missing socket is counted, and the heartbeat is lost, which is what the protective
channel watches for. Not responsible for what follows from a status (the cycle decides that).
"""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import msgspec

from controller.core.exchange import ProtectiveStatus
from controller.runtime.messages import UNREADABLE
from controller.runtime.rundir import InUse, usable

LARGEST = 4096
NEWEST_OF = 64  # datagrams taken in one call at most


class _Status(msgspec.Struct, frozen=True):
    seq: int
    at: float
    permit: bool
    contactor_closed: bool
    trip: str = ""
    outlet_b_c: float | None = None
    inflow_b_c: float | None = None
    why_not: str = ""
    limits: dict[str, float] = {}
    lapse_s: float | None = None
    opened_s: float | None = None


class StatusReader:
    """Reads one datagram of the protective channel."""

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(_Status)

    def __call__(self, data: bytes) -> ProtectiveStatus:
        """What it says. Raises msgspec.DecodeError on what is no status."""
        said = self._decoder.decode(data)
        return ProtectiveStatus(
            said.at,
            said.permit,
            said.contactor_closed,
            said.trip,
            said.outlet_b_c,
            said.inflow_b_c,
            said.why_not,
            said.limits,
            said.lapse_s,
            said.opened_s,
        )


class ProtectiveLink:
    """`status.sock` is bound here; `protective.sock` is bound by the protective channel, whenever it runs.

    Raises InUse when the socket cannot be made.
    """

    def __init__(self, *, run_dir: Path) -> None:
        self.unsent = 0
        self.malformed = 0
        self._to = str(run_dir / "protective.sock")
        self._from = str(run_dir / "status.sock")
        self._newest: ProtectiveStatus | None = None
        self._read = StatusReader()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            # A socket left behind by a killed controller: control.lock makes sure that nobody else uses it.
            with usable(Path(self._from)):
                Path(self._from).unlink(missing_ok=True)
                self._socket.bind(self._from)
                os.chmod(self._from, 0o600)
        except InUse:
            self._socket.close()
            raise

    def heartbeat(self, *, seq: int, at_s: float, heat: bool, reset: int) -> None:
        """Say that cycle `seq` was completed at `at_s`, and whether it wants heat."""
        beat = json.dumps({"seq": seq, "at": at_s, "heat": heat, "reset": reset}, allow_nan=False)
        try:
            self._socket.sendto(beat.encode(), self._to)
        except OSError:
            self.unsent += 1

    def status(self) -> ProtectiveStatus | None:
        """The newest that the protective channel said of itself; None before its first word."""
        for _ in range(NEWEST_OF):
            try:
                data = self._socket.recv(LARGEST)
            except OSError:
                break
            self._take(data)
        return self._newest

    def close(self) -> None:
        """Give the socket and its file back."""
        self._socket.close()
        Path(self._from).unlink(missing_ok=True)

    def _take(self, data: bytes) -> None:
        try:
            self._newest = self._read(data)
        except UNREADABLE:
            self.malformed += 1
