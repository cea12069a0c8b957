"""The console as it is served, and clients that only open connections, or say too much: STOP gets through."""

from __future__ import annotations

import contextlib
import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from at_the_page import ROOT, free_port, wait_until_served
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from controller.console.__main__ import MESSAGE_MAX
from controller.console.connections import CONNECTIONS_MAX
from controller.runtime.api import ApiServer
from controller.runtime.commands import StopFlag
from controller.runtime.desk import Desk

pytestmark = [pytest.mark.hil, pytest.mark.timeout(120)]
SOON_S = 20.0
CROWD = CONNECTIONS_MAX + 30


class Served(NamedTuple):
    port: int
    stop: StopFlag

    @property
    def here(self) -> str:
        return f"127.0.0.1:{self.port}"

    def press_stop(self) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SOON_S)
        with contextlib.closing(connection):
            connection.request("POST", "/stop", headers={"Host": self.here, "Origin": f"http://{self.here}"})
            answer = connection.getresponse()
            answer.read()
            return answer.status

    def cookie(self) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SOON_S)
        with contextlib.closing(connection):
            connection.request("GET", "/", headers={"Host": self.here})
            answer = connection.getresponse()
            answer.read()
            return str(answer.headers["set-cookie"]).partition(";")[0]


def is_cut(client: socket.socket) -> bool:
    client.settimeout(0.0)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def closing_code(page: ClientConnection) -> int | None:
    """Why the server closes; what was still under way is read first."""
    try:
        for _ in range(10):
            page.recv(SOON_S)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd is not None else None
    return None


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    desk = Desk(stop=StopFlag())  # without a state: nothing runs behind it
    api = ApiServer(path=tmp_path / "control.sock", desk=desk)
    api.start()
    port = free_port()
    words = ["-m", "controller.console", "--socket", str(tmp_path / "control.sock"), "--at", f"127.0.0.1:{port}"]
    console = subprocess.Popen([sys.executable, *words], cwd=ROOT)
    try:
        wait_until_served(port)
        yield Served(port, desk.stop)
    finally:
        console.kill()
        console.wait()
        api.end()


@pytest.mark.parametrize("said", [b"", b"POST /stop HTTP/1.1\r\nHo"], ids=["nothing", "half a head"])
def test_a_crowd_that_never_ends_its_requests_does_not_keep_a_stop_out(served: Served, said: bytes) -> None:
    with contextlib.ExitStack() as crowd:
        for _ in range(CROWD):
            client = crowd.enter_context(socket.create_connection(("127.0.0.1", served.port), SOON_S))
            client.sendall(said)
        time.sleep(0.5)
        assert served.press_stop() == 200
        assert served.stop.requested == 1


def test_connections_are_bounded(served: Served) -> None:
    with contextlib.ExitStack() as crowd:
        clients = [
            crowd.enter_context(socket.create_connection(("127.0.0.1", served.port), SOON_S)) for _ in range(CROWD)
        ]
        assert served.press_stop() == 200
        until_s = time.monotonic() + SOON_S
        while sum(map(is_cut, clients)) < CROWD - CONNECTIONS_MAX:
            assert time.monotonic() < until_s
            time.sleep(0.05)


def test_a_websocket_that_says_too_much_is_closed(served: Served) -> None:
    headers = {"Cookie": served.cookie()}
    with connect(
        f"ws://{served.here}/telemetry", origin=f"http://{served.here}", additional_headers=headers, proxy=None
    ) as page:
        page.send('{"ack_ms": 1.0}' + " " * (MESSAGE_MAX - 100))
        assert page.recv(SOON_S)
        page.send('{"ack_ms": 1.0}' + " " * MESSAGE_MAX)
        assert closing_code(page) == 1009
