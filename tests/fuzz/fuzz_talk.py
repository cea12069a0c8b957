"""What processes and people say to each other: heartbeats, status, requests to the api, and the api's own framing.

Also the twins as receivers. Nothing may come out but the declared errors.
"""

from __future__ import annotations

import json
import os
import random
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

from fuzz_guide import Guide
from fuzz_mutator import bend
from fuzz_target import Escape
from fuzz_wire import DriverTarget, driver_targets

from controller.core.exchange import Act, Order
from controller.protective.link import Heartbeat
from controller.protective.link import parse as parse_heartbeat
from controller.runtime.api import ApiServer, _Client
from controller.runtime.commands import StopFlag
from controller.runtime.desk import Desk
from controller.runtime.messages import REQUEST_MAX, BadMessage, Request, order_of, pack, read_request, request_id
from controller.runtime.protective_link import ProtectiveLink

BEATS = (
    b'{"seq": 12, "at": 1000.5, "heat": true, "reset": 3}',
    b'{"seq": 0, "at": 0.0, "heat": false, "reset": 0}',
    b'{"seq": 9007199254740993, "at": 1e308, "heat": true, "reset": 0}',
)
STATUS = (
    b'{"seq":1,"at":1000.1,"permit":true,"contactor_closed":false,"trip":"","outlet_b_c":40.1,"inflow_b_c":null}',
    b'{"seq":2,"at":1.0,"permit":false,"contactor_closed":true,"trip":"x"}',
)
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


class TextTarget:
    """A parser of single messages. `check` raises what it declares; whatever else comes out is an escape."""

    def __init__(
        self,
        name: str,
        examples: tuple[bytes, ...],
        check: Callable[[bytes], str],
        errors: tuple[type[Exception], ...],
        guide: Guide,
    ) -> None:
        self.name, self.guide = name, guide
        self._examples, self._check, self._errors = examples, check, errors

    def once(self, rng: random.Random) -> int:
        example = self._examples[int(rng.random() * len(self._examples))]
        frame = bend(self.guide.pick(example, rng), self._examples, rng)
        self.guide.run(lambda: self.give(0, frame), lambda: frame)
        return 1

    def give(self, at: int, frame: bytes) -> None:
        try:
            why = self._check(frame)
        except self._errors:
            return
        except Exception as error:
            raise Escape(self.name, at, frame, f"{type(error).__name__}: {error}") from error
        if why:
            raise Escape(self.name, at, frame, why)

    def close(self) -> None:
        """Nothing is held."""


def _heartbeat(frame: bytes) -> str:
    beat = parse_heartbeat(frame)
    said = json.loads(frame)
    same = Heartbeat(said["seq"], float(said["at"]), said["heat"], said["reset"]) == beat
    return "" if same and abs(beat.heartbeat_at_s) != float("inf") and beat.heartbeat_seq >= 0 else f"{beat}"


def _request(frame: bytes) -> str:
    body = frame[4:]
    try:
        request = read_request(body)
    except BadMessage:
        request_id(body)
        raise
    if request.do != "act":
        return ""
    order: Order = order_of(request)
    finite = order.value is None or abs(order.value) < float("inf")
    return "" if finite else f"{order}"


class StatusTarget(TextTarget):
    """Control's ear for the protective channel, with a real socket beside it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="fz")
        self._link = ProtectiveLink(run_dir=Path(self._folder.name))
        super().__init__("status", STATUS, self._take, (), Guide("controller/runtime"))

    def close(self) -> None:
        self._link.close()
        self._folder.cleanup()

    def _take(self, frame: bytes) -> str:
        before = self._link.malformed
        self._link._newest = None
        self._link._take(frame)
        newest = self._link._newest
        if (newest is None) is not (self._link.malformed == before + 1):
            return "neither taken nor counted"
        if newest is None:
            return ""
        said = json.loads(frame.decode("utf-8", "replace"))
        same = (newest.permit, newest.contactor_closed) == (said["permit"], said["contactor_closed"])
        return "" if same else f"{newest}"


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


class TwinTarget:
    """A twin as the receiver of what its driver asks, bent. Afterwards it still answers the right question."""

    def __init__(self, driver: DriverTarget) -> None:
        self.name = f"twin.{driver.name}"
        self.guide = Guide("sim/devices")
        self._line = driver._line
        asked: list[bytes] = []
        self._line.remember(False)
        write = self._line.write

        def noted(data: bytes) -> None:
            asked.append(data)
            write(data)

        self._line.write = noted  # type: ignore[method-assign]
        driver._check_clean()
        self._asked = list(dict.fromkeys(asked))
        self._left = 0

    def once(self, rng: random.Random) -> int:
        question = self._asked[int(rng.random() * len(self._asked))]
        frame = bend(self.guide.pick(question, rng), self._asked, rng)
        self.guide.run(lambda: self.give(0, frame), lambda: frame)
        self._left -= 1
        if self._left < 0:
            self._left = 200
            self._still_answers()
        return 1

    def give(self, at: int, frame: bytes) -> None:
        clock = self._line._clock
        clock.sleep(0.01)
        try:
            for twin in self._line._twins:
                twin.tick(clock.now())
                for reply in twin.receive(frame, clock.now()):
                    if not (reply.delay_s >= 0.0 and isinstance(reply.data, bytes)):
                        raise Escape(self.name, at, frame, f"answers {reply}")
        except Escape:
            raise
        except Exception as error:
            raise Escape(self.name, at, frame, f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        """Nothing is held."""

    def _still_answers(self) -> None:
        for _ in range(4):  # what stands half-come in its buffer goes with the silence, or with the end of a line
            self._line._clock.sleep(1.0)
            if any(self._line._answer(question) for question in self._asked):
                return
        raise Escape(self.name, -1, b"", "answers no more")


def talk_targets() -> list[TextTarget | ApiTarget | TwinTarget]:
    """All of them."""
    return [
        TextTarget("heartbeat", BEATS, _heartbeat, (ValueError,), Guide("controller/protective")),
        TextTarget("request", REQUESTS, _request, (BadMessage,), Guide("controller/runtime")),
        StatusTarget(),
        ApiTarget(),
        *(TwinTarget(driver) for driver in driver_targets()),
    ]
