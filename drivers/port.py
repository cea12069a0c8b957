"""One serial line, opened exclusively, with one question outstanding at a time.

After a time-out the line is kept silent for longer than the slowest reply and flushed, so that a late answer can
never be taken for the answer to the next question. Not responsible for the meaning of frames, or for retries.
"""

from __future__ import annotations

import fcntl
import os
import select
import termios
from collections.abc import Callable
from typing import Protocol

import serial

from drivers.roles import BadReply, LinkLost, NoReply

FrameLength = Callable[[bytes], int | None]
"""Given what has come so far: the length of the complete frame at its start, or None when more bytes are needed.
May raise BadReply when no frame can begin like this."""

_LINK_ERRORS = (OSError, termios.error, serial.SerialException)


class Clock(Protocol):
    """Monotonic time that may run faster than the wall's on a simulated rig."""

    def now(self) -> float:
        """Seconds, monotonic."""

    def sleep(self, seconds: float) -> None:
        """Wait that many of this clock's seconds."""

    def wall_s(self, seconds: float) -> float:
        """How many seconds of wall time that many of this clock's seconds take."""


class Line(Protocol):
    """Bytes in and out. `read` returns at most `size` bytes, fewer (or none) after `timeout_s` of wall time."""

    def write(self, data: bytes) -> None:
        """Send all of it, or raise OSError."""

    def read(self, size: int, timeout_s: float) -> bytes:
        """Wait for up to `size` bytes."""

    def discard(self) -> None:
        """Throw away what has come and was not read."""

    def close(self) -> None:
        """Give the line back."""


class SerialLine:
    """A pyserial line (device path, or tcp:HOST:PORT), exclusive: a second controller is refused."""

    def __init__(self, *, path: str, baud: int, frame: str) -> None:
        url = "socket://" + path.removeprefix("tcp:") if path.startswith("tcp:") else path
        pseudo = os.path.realpath(path).startswith("/dev/pts/")
        # A Linux pseudo-terminal refuses parity and 7 bits once nothing else changes; it has no wire to carry them.
        bits, parity, stop = (8, "N", 1) if pseudo else (int(frame[0]), frame[1], int(frame[2]))
        try:
            self._serial = serial.serial_for_url(
                url, baudrate=baud, bytesize=bits, parity=parity, stopbits=stop, timeout=0, write_timeout=1.0
            )
            if not path.startswith("tcp:"):
                fcntl.flock(self._serial.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
                fcntl.ioctl(self._serial.fileno(), termios.TIOCEXCL)
        except BlockingIOError as error:
            self._serial.close()
            raise LinkLost(f"{path}: in use by another program") from error
        except _LINK_ERRORS as error:
            raise LinkLost(f"{path}: {error}") from error

    def write(self, data: bytes) -> None:
        """Send all of it, or raise LinkLost."""
        try:
            self._serial.write(data)
        except _LINK_ERRORS as error:
            raise LinkLost(str(error)) from error

    def read(self, size: int, timeout_s: float) -> bytes:
        """Wait up to `timeout_s` for the first bytes, then return what is there, at most `size`."""
        try:
            # pyserial would set the whole port up anew for each change of its own time-out.
            if not select.select([self._serial.fileno()], (), (), timeout_s)[0]:
                return b""
            return bytes(self._serial.read(size))
        except _LINK_ERRORS as error:
            raise LinkLost(str(error)) from error

    def discard(self) -> None:
        """Throw away what has come and was not read."""
        try:
            self._serial.reset_input_buffer()
        except _LINK_ERRORS as error:
            raise LinkLost(str(error)) from error

    def close(self) -> None:
        """Give the line back."""
        self._serial.close()


class Port:
    """One outstanding question on a line. Time-outs are in the clock's seconds.

    `char_s` is the time of one character on the wire.
    """

    def __init__(
        self, *, name: str, line: Line, clock: Clock, timeout_s: float, char_s: float, echo: bool = False
    ) -> None:
        self.name = name
        self.clock = clock
        self.char_s = char_s
        self.echo = echo
        self._line = line
        self._timeout_s = timeout_s
        self._silent_until_s = 0.0
        self._last_reply_s = 0.0
        self._suspect = False

    def exchange(
        self,
        request: bytes,
        frame_length: FrameLength,
        *,
        timeout_s: float | None = None,
        echo: bool | None = None,
        quiet_s: float = 0.0,
    ) -> bytes:
        """Send `request` and return the one complete reply frame. Raises NoReply, BadReply or LinkLost.

        `quiet_s` is the least silence since the reply before, for protocols that tell frames apart by it.
        """
        self._settle()
        if (early_s := self._last_reply_s + quiet_s - self.clock.now()) > 0:
            self.clock.sleep(early_s)
        self._line.discard()
        self._line.write(request)
        allowed_s = (self._timeout_s if timeout_s is None else timeout_s) + len(request) * self.char_s
        deadline_s = self.clock.now() + allowed_s
        expect_echo = self.echo if echo is None else echo
        received = b""
        while True:
            body = self._without_echo(received, request) if expect_echo else received
            if body is not None:
                try:
                    length = frame_length(body) if body else None
                except BadReply:
                    self._distrust()
                    raise
                if length is not None and len(body) >= length:
                    if len(body) > length:
                        self._distrust()
                        raise BadReply(f"{self.name}: {len(body) - length} bytes too many: {body.hex(' ')}")
                    self._last_reply_s = self.clock.now()
                    return body
            left_s = deadline_s - self.clock.now()
            if left_s <= 0:
                self._distrust()
                what = f"only {received.hex(' ')}" if received else "no reply"
                raise NoReply(f"{self.name}: {what} within {allowed_s:.2f} s to {request.hex(' ')}")
            received += self._line.read(256, self.clock.wall_s(left_s))

    def send(self, request: bytes) -> None:
        """Send what has no reply. On a port with echo the echo is awaited, so that the next question starts clean."""
        if self.echo:
            self.exchange(request, lambda body: len(request) if len(body) >= len(request) else None, echo=False)
            return
        self._settle()
        self._line.discard()
        self._line.write(request)
        self.clock.sleep(len(request) * self.char_s)

    def distrust(self) -> None:
        """Say that the last reply was not the answer: the line is silenced and flushed before the next question."""
        self._distrust()

    def close(self) -> None:
        """Give the line back."""
        self._line.close()

    def _without_echo(self, received: bytes, request: bytes) -> bytes | None:
        if len(received) < len(request):
            return None
        if not received.startswith(request):
            self._distrust()
            raise BadReply(f"{self.name}: expected the echo of {request.hex(' ')}, got {received.hex(' ')}")
        return received[len(request) :]

    def _distrust(self) -> None:
        self._suspect = True
        self._silent_until_s = self.clock.now() + self._timeout_s

    def _settle(self) -> None:
        if not self._suspect:
            return
        self.clock.sleep(max(0.0, self._silent_until_s - self.clock.now()))
        self._line.discard()
        self._suspect = False


def character_s(baud: int, frame: str) -> float:
    """Seconds that one character takes on the wire: start bit, data, parity, stop bits."""
    return (1 + int(frame[0]) + (frame[1] != "N") + int(frame[2])) / baud
