"""The host's side of a simulated line without hardware: a pseudo-terminal, or TCP.

Nothing here blocks, and nothing here knows what the bytes mean. Not responsible for real serial ports (`sim.wire`).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct
import tty
from pathlib import Path
from typing import Protocol

from sim.claim import Claim
from sim.refusal import BadRequest

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
    """A pseudo-terminal behind a symbolic link that stays the same. Raises BadRequest when the path is taken or served.

    Each host gets a fresh one: `TIOCEXCL` and unread bytes of the one before would outlive it in the kernel.
    """

    paced = True

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self._fd = -1
        self._name = ""
        if os.path.lexists(path) and not is_pty_link(path):
            raise BadRequest(f"{path}: exists and is no simulated port; give another path")
        self._claim = Claim(self._path)
        try:
            self.plug()
        except OSError:
            self._claim.release()
            raise

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
            if is_pty_link(self._path) and os.readlink(self._path) == self._name:
                self._path.unlink(missing_ok=True)  # only while it is ours

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
        self._fd, self._name = fd, name

    def close(self) -> None:
        """Hang up and take the path away."""
        self.unplug()
        self._claim.release()


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


def is_pty_link(path: Path) -> bool:
    """Whether the path is a symbolic link to a pseudo-terminal: one of ours, perhaps left behind."""
    return path.is_symlink() and os.readlink(path).startswith("/dev/pts/")


def _open_pty() -> tuple[int, str]:
    """A raw pseudo-terminal whose slave side was never opened: (master, slave's path). pty(7), ioctl_tty(2)."""
    fd = os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(fd, TIOCSPTLCK, struct.pack("i", 0))
    number = struct.unpack("I", fcntl.ioctl(fd, TIOCGPTN, struct.pack("I", 0)))[0]
    tty.setraw(fd)  # on a master it sets the slave's discipline
    return fd, f"/dev/pts/{number}"
