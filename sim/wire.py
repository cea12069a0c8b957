"""Serves simulated lines to a host: a pseudo-terminal, a real serial port, or TCP.

`Wire` is driven by one thread that waits for bytes until the next due time (`sim.server`): no thread per port, no
polling. A pseudo-terminal has no speed, so `sim.bus` paces the bytes; a real UART paces them by itself.
Not responsible for what is said (`sim.bus`) or for when it is time.
"""

from __future__ import annotations

import contextlib
import termios
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import serial

from config.schema import Port
from sim.bus import Bus
from sim.ends import READ_SIZE, End, PtyEnd, TcpEnd, is_pty_link
from sim.refusal import BadRequest


class SerialEnd:
    """A real serial port, wired to the host under test. Unplugged, it neither hears nor speaks."""

    paced = False

    def __init__(self, path: str, port: Port) -> None:
        self.address = path
        self._plugged = True
        frame = port.frame
        try:
            self._serial = serial.Serial(
                path, port.baud, int(frame[0]), frame[1], int(frame[2]), timeout=0, write_timeout=0, exclusive=True
            )
        except (OSError, termios.error) as error:
            raise BadRequest(f"{path}: {error}") from error

    def fds(self) -> tuple[int, ...]:
        """The port's descriptor."""
        return (self._serial.fileno(),) if self._serial.is_open else ()

    def read(self) -> bytes:
        """What the host has sent."""
        try:
            data = bytes(self._serial.read(READ_SIZE))
        except (OSError, termios.error):
            self._serial.close()
            return b""
        return data if self._plugged else b""

    def write(self, data: bytes) -> None:
        """Send to the host."""
        if self._plugged and self._serial.is_open:
            with contextlib.suppress(OSError, termios.error):
                self._serial.write(data)

    def unplug(self) -> None:
        """Fall silent."""
        self._plugged = False

    def plug(self) -> None:
        """Take part again."""
        self._plugged = True

    def close(self) -> None:
        """Give the port back."""
        self._serial.close()


class Line(NamedTuple):
    """A bus and the end at which a host finds it."""

    bus: Bus
    end: End


class Wire:
    """Every line of a bench. The caller waits on `fds` until `due_s`, then calls `hear` and `advance`."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = tuple(lines)
        self._out: set[str] = set()

    @property
    def addresses(self) -> dict[str, str]:
        """Where each port is served, by the port's name in the rig."""
        return {line.bus.name: line.end.address for line in self._lines}

    @property
    def due_s(self) -> float:
        """When some bus has next something to do."""
        return min((line.bus.due_s for line in self._lines), default=float("inf"))

    def fds(self) -> dict[int, Line]:
        """What to wait for, and whose it is."""
        return {fd: line for line in self._lines for fd in line.end.fds()}

    def hear(self, line: Line, now_s: float) -> None:
        """Take what the host has sent on this line."""
        data = line.end.read()
        if data:
            line.bus.hear(data, now_s)

    def advance(self, now_s: float) -> None:
        """Let everything due by `now_s` happen on every line."""
        for line in self._lines:
            data = line.bus.advance(now_s)
            if data:
                line.end.write(data)

    def tick(self, now_s: float) -> None:
        """Let the twins' timers run, and cables be pulled and put back."""
        for line in self._lines:
            line.bus.tick(now_s)
            self._plug(line)

    def close(self) -> None:
        """Hang up everywhere and leave no path behind."""
        for line in self._lines:
            line.end.close()

    def _plug(self, line: Line) -> None:
        name = line.bus.name
        if line.bus.unplugged and name not in self._out:
            self._out.add(name)
            line.bus.drop()
            line.end.unplug()
        elif not line.bus.unplugged and name in self._out:
            self._out.discard(name)
            line.end.plug()


def open_end(where: str, port: Port) -> End:
    """Open `tcp:HOST:PORT`, an existing serial device, or a pseudo-terminal at that path.

    Raises BadRequest when the address cannot be read, is in use, or cannot be opened.
    """
    if where.startswith("tcp:"):
        host, _, number = where.removeprefix("tcp:").rpartition(":")
        if not host or not number.isdigit() or int(number) > 65535:
            raise BadRequest(f"{where}: allowed: tcp:HOST:PORT with a port of 0 to 65535")
        try:
            return TcpEnd(host, int(number))
        except OSError as error:
            raise BadRequest(f"{where}: {error}") from error
    path = Path(where)
    if path.is_char_device() and not is_pty_link(path):
        return SerialEnd(where, port)
    try:
        return PtyEnd(path)
    except OSError as error:
        raise BadRequest(f"{where}: {error}") from error
