"""The simulator's own desk: a Unix socket for its owner only, one JSON object per line in and out.

It knows nothing of what is asked; `answer` does. It never waits for a client: one that does not read its answers is
hung up. Not responsible for the controller's API (`controller.runtime`).
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sim.refusal import BadRequest

MAX_LINE = 65536

Answer = Callable[[dict[str, Any]], dict[str, Any]]


class ControlSocket:
    """Listens on `path` with mode 0600. Raises BadRequest when another simulator answers there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        _remove_stale(path)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        mask = os.umask(0o177)
        try:
            self._listener.bind(str(path))
        except OSError as error:
            self._listener.close()
            raise BadRequest(f"{path}: {error}") from error
        finally:
            os.umask(mask)
        self._listener.listen(8)
        self._listener.setblocking(False)
        self._clients: dict[int, tuple[socket.socket, bytes]] = {}

    def fds(self) -> tuple[int, ...]:
        """What to wait for."""
        return (self._listener.fileno(), *self._clients)

    def serve(self, fd: int, answer: Answer) -> None:
        """Take what has come on `fd`: a client, or lines to answer."""
        if fd == self._listener.fileno():
            self._accept()
        elif fd in self._clients:
            self._read(fd, answer)

    def close(self) -> None:
        """Hang up and remove the path."""
        for fd in list(self._clients):
            self._drop(fd)
        self._listener.close()
        self.path.unlink(missing_ok=True)

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            client, _ = self._listener.accept()
            client.setblocking(False)
            self._clients[client.fileno()] = (client, b"")

    def _read(self, fd: int, answer: Answer) -> None:
        client, held = self._clients[fd]
        try:
            data = client.recv(MAX_LINE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        *lines, rest = (held + data).split(b"\n")
        self._clients[fd] = (client, rest)
        alive = bool(data) and len(rest) <= MAX_LINE
        for line in lines:
            alive = _send(client, _answered(line, answer)) and alive
        if not alive:
            self._drop(fd)

    def _drop(self, fd: int) -> None:
        client, _ = self._clients.pop(fd)
        client.close()


def _answered(line: bytes, answer: Answer) -> dict[str, Any]:
    try:
        asked = json.loads(line)
        if not isinstance(asked, dict):
            raise ValueError("not an object")
        return {"simulated": True, "ok": True, **answer(asked)}
    except (ValueError, RecursionError) as error:  # also what is nested too deeply to be read
        return {"simulated": True, "ok": False, "error": str(error)}


def _send(client: socket.socket, reply: dict[str, Any]) -> bool:
    data = json.dumps(reply).encode() + b"\n"
    try:
        return client.send(data) == len(data)
    except OSError:
        return False


def _remove_stale(path: Path) -> None:
    """Remove a socket nobody listens on; refuse one that is in use, or anything else of that name."""
    if not os.path.lexists(path):
        return
    if not path.is_socket():
        raise BadRequest(f"{path}: exists and is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        if probe.connect_ex(str(path)) == 0:
            raise BadRequest(f"{path}: another simulator answers there")
    path.unlink()
