"""The api's server and its framing: bent requests of one client, and a STOP of another that has to get through."""

from __future__ import annotations

import os
import random
import socket
import tempfile
from pathlib import Path

from fuzz_guide import Guide
from fuzz_mutator import bend
from fuzz_target import Escape

from controller.core.exchange import Act
from controller.runtime.api import ApiServer, _Client
from controller.runtime.commands import StopFlag
from controller.runtime.desk import Desk
from controller.runtime.messages import REQUEST_MAX, Request, pack

REQUESTS = tuple(
    pack(request)
    for request in (
        Request(id=1, do="state"),
        Request(id=2, do="act", act=Act.TARGET.value, value=42.0, text="warmer", who="EK"),
        Request(id=3, do="act", act=Act.DOSE.value, text="L1;EK"),
        Request(id=4, do="stop"),
        Request(id=5, do="subscribe"),
        Request(id=6, do="act", act=Act.STOP.value),
    )
)


class ApiTarget:
    """The api's server, its loop played by us: one client that sends bent requests, and then a STOP of another."""

    name = "api"

    def __init__(self) -> None:
        self.guide = Guide("controller/runtime")
        self._folder = tempfile.TemporaryDirectory(prefix="fz")
        self._desk = Desk(stop=StopFlag())
        self._desk.show({"phase": "STANDBY"})
        self._api = ApiServer(path=Path(self._folder.name) / "control.sock", desk=self._desk)
        self._api._selector.register(self._api._wake, 1, None)
        self._number = 0
        self._peer: socket.socket | None = None
        self._connect()

    def once(self, rng: random.Random) -> int:
        frame = bend(self.guide.pick(REQUESTS[int(rng.random() * len(REQUESTS))], rng), REQUESTS, rng)
        if rng.random() < 0.2:
            frame += bend(REQUESTS[int(rng.random() * len(REQUESTS))], REQUESTS, rng)
        self.guide.run(lambda: self.give(0, frame), lambda: frame)
        return 1

    def give(self, at: int, frame: bytes) -> None:
        client, peer = self._connect()
        try:
            peer.sendall(frame[: REQUEST_MAX * 2] or b"\0")
            self._api._receive(client)
            self._api._hand_out()
            self._stop_works()
        except Escape:
            raise
        except Exception as error:
            raise Escape(self.name, at, frame, f"{type(error).__name__}: {error}") from error
        finally:
            self._desk._orders.clear()
        if client.number in self._api._clients and len(client.incoming) > REQUEST_MAX + 4:
            raise Escape(self.name, at, frame, f"{len(client.incoming)} bytes are kept")

    def close(self) -> None:
        if self._peer is not None:
            self._peer.close()
        self._api._close()
        os.close(self._api._wake)
        self._folder.cleanup()

    def _stop_works(self) -> None:
        """STOP of somebody else, whatever came before."""
        before = self._desk.stop.requested
        client, peer = self._pair()
        peer.sendall(REQUESTS[3])
        self._api._receive(client)
        answer = peer.recv(4096)
        self._api._drop(client)
        peer.close()
        if self._desk.stop.requested != before + 1 or b'"id":4' not in answer:
            raise Escape(self.name, 0, b"", "STOP was not taken")

    def _connect(self) -> tuple[_Client, socket.socket]:
        if self._peer is not None:
            self._peer.close()
        for client in list(self._api._clients.values()):
            self._api._drop(client)
        client, self._peer = self._pair()
        return client, self._peer

    def _pair(self) -> tuple[_Client, socket.socket]:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.settimeout(5.0)
        self._number += 1
        client = _Client(self._number, ours)
        self._api._clients[client.number] = client
        self._api._selector.register(ours, 1, client)
        return client, theirs
