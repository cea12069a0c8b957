"""Serves simulated lines to a host: a pseudo-terminal, a real serial port, or TCP.

`Wire` is driven by one thread that waits for bytes until the next due time (`sim.server`): no thread per port, no
polling. A pseudo-terminal has no speed, so `sim.bus` paces the bytes; a real UART paces them by itself.
Not responsible for what is said (`sim.bus`) or for when it is time.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct
import termios
import tty
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import serial

from config.schema import Port
from sim.bus import Bus

TIOCSPTLCK = 0x40045431  # unlock the slave side (linux/asm-generic/ioctls.h)
TIOCGPTN = 0x80045430  # its number
READ_SIZE = 4096


class End(Protocol):
    """The host's side of a line. Nothing here blocks; what cannot be delivered is lost, as on a wire."""

    @property
    def address(self) -> str:
        """Where a host opens it: device path or tcp:HOST:PORT."""

    @property
    def paced(self) -> bool:
        """Whether the bus has to take the time of each character."""

    def fds(self) -> tuple[int, ...]:
        """What to wait for now; changes as hosts come and go."""

    def read(self) -> bytes:
        """What the host has sent, empty when nothing."""

    def write(self, data: bytes) -> None:
        """Send to the host."""

    def unplug(self) -> None:
        """Hang up; `plug` puts it back at the same address."""

    def plug(self) -> None:
        """Be there again."""

    def close(self) -> None:
        """Hang up and leave nothing behind."""


class PtyEnd:
    """A pseudo-terminal behind a symbolic link that stays the same. Raises ValueError when the path is taken.

    Each host gets a fresh one: `TIOCEXCL` and unread bytes of the one before would outlive it in the kernel.
    """

    paced = True

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self._fd = -1
        if os.path.lexists(path) and not _is_pty_link(path):
            raise ValueError(f"{path}: exists and is no simulated port; give another path")
        self.plug()

    @property
    def address(self) -> str:
        """The symbolic link."""
        return str(self._path)

    def fds(self) -> tuple[int, ...]:
        """The master side."""
        return () if self._fd < 0 else (self._fd,)

    def read(self) -> bytes:
        """What the host has sent; after it closed, a fresh pseudo-terminal stands ready."""
        try:
            return os.read(self._fd, READ_SIZE)
        except BlockingIOError:
            return b""
        except OSError:
            self.unplug()
            self.plug()
            return b""

    def write(self, data: bytes) -> None:
        """Send to the host; a reader that never reads loses bytes."""
        if self._fd >= 0:
            with contextlib.suppress(BlockingIOError, OSError):
                os.write(self._fd, data)

    def unplug(self) -> None:
        """Hang up and take the path away."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            self._path.unlink(missing_ok=True)

    def plug(self) -> None:
        """Open a pseudo-terminal and point the path at it in one step."""
        fd, name = _open_pty()
        fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(name)
            fresh.replace(self._path)
        except OSError:
            os.close(fd)
            raise
        self._fd = fd

    def close(self) -> None:
        """Hang up and take the path away."""
        self.unplug()


class TcpEnd:
    """One client at a time on HOST:PORT; a second one is turned away. Port 0 takes any free one."""

    paced = True

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._listener: socket.socket | None = None
        self._client: socket.socket | None = None
        self.plug()

    @property
    def address(self) -> str:
        """In the form that a rig file takes."""
        return f"tcp:{self._host}:{self._port}"

    def fds(self) -> tuple[int, ...]:
        """The listener, and the client if there is one."""
        return tuple(each.fileno() for each in (self._listener, self._client) if each is not None)

    def read(self) -> bytes:
        """Let a client in, and return what it has sent."""
        self._accept()
        if self._client is None:
            return b""
        try:
            data = self._client.recv(READ_SIZE)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._client.close()
            self._client = None
        return data

    def write(self, data: bytes) -> None:
        """Send to the client."""
        if self._client is not None:
            with contextlib.suppress(BlockingIOError, OSError):
                self._client.send(data)

    def unplug(self) -> None:
        """Hang up and stop listening."""
        for each in (self._client, self._listener):
            if each is not None:
                each.close()
        self._client = self._listener = None

    def plug(self) -> None:
        """Listen again on the same port."""
        self._listener = socket.create_server((self._host, self._port))
        self._listener.setblocking(False)
        self._port = self._listener.getsockname()[1]

    def close(self) -> None:
        """Hang up and stop listening."""
        self.unplug()

    def _accept(self) -> None:
        if self._listener is None:
            return
        with contextlib.suppress(BlockingIOError):
            comer, _ = self._listener.accept()
            if self._client is not None:
                comer.close()
                return
            comer.setblocking(False)
            comer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._client = comer


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
            raise ValueError(f"{path}: {error}") from error

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

    Raises ValueError when the address cannot be read, is in use, or cannot be opened.
    """
    if where.startswith("tcp:"):
        host, _, number = where.removeprefix("tcp:").rpartition(":")
        if not host or not number.isdigit() or int(number) > 65535:
            raise ValueError(f"{where}: allowed: tcp:HOST:PORT with a port of 0 to 65535")
        try:
            return TcpEnd(host, int(number))
        except OSError as error:
            raise ValueError(f"{where}: {error}") from error
    path = Path(where)
    if path.is_char_device() and not _is_pty_link(path):
        return SerialEnd(where, port)
    try:
        return PtyEnd(path)
    except OSError as error:
        raise ValueError(f"{where}: {error}") from error


def _is_pty_link(path: Path) -> bool:
    return path.is_symlink() and os.readlink(path).startswith("/dev/pts/")


def _open_pty() -> tuple[int, str]:
    """A raw pseudo-terminal whose slave side was never opened: (master, slave's path). pty(7), ioctl_tty(2)."""
    fd = os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(fd, TIOCSPTLCK, struct.pack("i", 0))
    number = struct.unpack("I", fcntl.ioctl(fd, TIOCGPTN, struct.pack("I", 0)))[0]
    tty.setraw(fd)  # on a master it sets the slave's discipline
    return fd, f"/dev/pts/{number}"
