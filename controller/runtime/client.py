"""A small client of the controller's socket, for the command line, the terminal, the console and engineers' scripts.

    with Client(path) as client:
        print(client.state()["phase"])
        client.act("target", value=42.0, who="engineer")
        for state in client.subscribe():
            ...

Not responsible for meaning: what a state holds is documented at `controller.core.cycle.Cycle.view`, and under
`runtime` at `controller.runtime.loop`.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from controller.core.exchange import Act
from controller.runtime import stage
from controller.runtime.messages import RESPONSE_MAX, Request, Response, SetUp, pack, read_response, unpack

STALE_S = 1.0  # a state that is older is shown as no data: dashes, never its numbers


class Unreachable(Exception):
    """No controller answers on the socket; the text says which and what to do."""


class Refusal(Exception):
    """The controller did not do what was asked; the text says why and what is allowed."""


class Client:
    """One connection. Not shared between threads; `subscribe` opens a connection of its own."""

    def __init__(self, path: Path, *, timeout_s: float = 3.0) -> None:
        self._path = path
        self._timeout_s = timeout_s
        self._ids = 0
        self._incoming = bytearray()
        self._socket = _connect(path, timeout_s)

    @classmethod
    def wait(cls, path: Path, *, for_s: float, timeout_s: float = 3.0, gone: Callable[[], str] = lambda: "") -> Client:
        """Connect as soon as a controller serves the socket. Raises Unreachable after `for_s` wall seconds, or as
        soon as `gone` says why there will never be one.
        """
        until_s = time.monotonic() + for_s
        while True:
            try:
                return cls(path, timeout_s=timeout_s)
            except Unreachable:
                if why := gone():
                    raise Unreachable(why) from None
                if time.monotonic() >= until_s:
                    raise
                time.sleep(0.05)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back."""
        self._socket.close()

    def state(self) -> dict[str, Any]:
        """The newest state. Raises Unreachable."""
        return self._ask(Request(id=self._id(), do="state")).state or {}

    def act(self, act: str | Act, *, value: float | None = None, text: str = "", who: str = "operator") -> None:
        """Ask for an act and wait until a cycle took it. Raises Refusal with the reason, or Unreachable."""
        name = act.value if isinstance(act, Act) else act
        self._ask(Request(id=self._id(), do="act", act=name, value=value, text=text, who=who))

    def stop(self) -> None:
        """STOP, on its own path: carried out before this returns to you, whatever else is waiting."""
        self._ask(Request(id=self._id(), do="stop"))

    def facts(self) -> dict[str, Any]:
        """What does not change in a run: `treatments` that fit the rig, its `probes`, its `limits` with delays.

        Raises Refusal or Unreachable.
        """
        return self._ask(Request(id=self._id(), do="facts")).found or {}

    def preview(self, setup: SetUp) -> dict[str, Any]:
        """What a set-up would mean: doses in mg, volumes, and its `sha256`. Raises Refusal with every problem."""
        return self._ask(Request(id=self._id(), do="preview", setup=setup)).found or {}

    def set_up(self, setup: SetUp, *, who: str = "operator") -> None:
        """Begin anew in STANDBY with what was previewed. Raises Refusal with the reason, or Unreachable."""
        self._ask(Request(id=self._id(), do="setup", setup=setup, who=who))

    def subscribe(self, *, timeout_s: float | None = None) -> Iterator[dict[str, Any]]:
        """Every new state; states that you are too slow for are left out.

        Raises Unreachable when the controller goes, or when no state comes for `timeout_s` (default: this client's).
        """
        with Client(self._path, timeout_s=self._timeout_s if timeout_s is None else timeout_s) as other:
            number = other._id()
            other._send(Request(id=number, do="subscribe"))
            while True:
                response = other._receive()
                if response.id == number and response.state is not None:
                    yield response.state

    def _ask(self, request: Request) -> Response:
        self._send(request)
        while True:
            response = self._receive()
            # id 0 answers what could not be read at all; other ids answer questions given up after a time-out.
            if response.id in (request.id, 0):
                break
        if not response.ok:
            raise Refusal(response.error)
        return response

    def _id(self) -> int:
        self._ids += 1
        return self._ids

    def _send(self, request: Request) -> None:
        try:
            self._socket.sendall(pack(request))
        except OSError as error:
            raise Unreachable(f"{self._path}: {error}") from error

    def _receive(self) -> Response:
        while (body := unpack(self._incoming, RESPONSE_MAX)) is None:
            try:
                data = self._socket.recv(65536)
            except TimeoutError as error:
                raise Unreachable(f"{self._path}: no answer within {self._timeout_s:g} s") from error
            except OSError as error:
                raise Unreachable(f"{self._path}: {error}") from error
            if not data:
                raise Unreachable(f"{self._path}: the controller closed the connection")
            self._incoming += data
        return read_response(body)


def _connect(path: Path, timeout_s: float) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    connection.settimeout(timeout_s)
    try:
        connection.connect(str(path))
    except OSError as error:
        connection.close()
        said = stage.told(path.parent)
        nobody = f"{path}: no controller answers there ({error.strerror or error})"
        raise Unreachable(f"{said}. {nobody}" if said else nobody) from error
    return connection
