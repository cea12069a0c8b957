"""The real socket with real clients; the loop is played by the test."""

from __future__ import annotations

import contextlib
import functools
import json
import math
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.exchange import Act
from controller.runtime.api import CLIENTS_MAX, HUNG_S, HUNG_WAKES, ApiServer
from controller.runtime.client import Client, Refusal, Unreachable
from controller.runtime.commands import StopFlag
from controller.runtime.desk import Desk
from controller.runtime.messages import (
    ACTS,
    REQUEST_MAX,
    BadMessage,
    Request,
    Response,
    order_of,
    pack,
    read_request,
    unpack,
)
from controller.runtime.rundir import InUse
from controller.runtime.setting_up import SetUps

SOON_S = 5.0


class Served:
    """A served desk. `serving_orders` plays the loop in a thread: every order is taken, a dose is refused."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.desk = Desk(stop=StopFlag())
        self.api = ApiServer(path=path, desk=self.desk)
        self.api.start()
        self._end_once = functools.cache(self.api.end)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._take)
        self._thread.start()

    def _take(self) -> None:
        while not self._ended.wait(0.005):
            while ticket := self.desk.take():
                self.desk.answer(ticket, "no drug in STANDBY" if ticket.order.act is Act.DOSE else "")

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        self._end_once()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with contextlib.closing(Served(tmp_path / "control.sock")) as running:
        yield running


def raw(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(SOON_S)
    connection.connect(str(path))
    return connection


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


def answer_to(path: Path, sent: bytes) -> dict[str, object]:
    with raw(path) as connection:
        connection.sendall(sent)
        buffer = bytearray()
        while (body := unpack(buffer, 1 << 20)) is None:
            data = connection.recv(65536)
            assert data, "closed without an answer"
            buffer += data
        return json.loads(body)


def soon(condition: Callable[[], bool]) -> bool:
    until_s = time.monotonic() + SOON_S
    while time.monotonic() < until_s:
        if condition():
            return True
        time.sleep(0.005)
    return False


def test_the_socket_is_for_its_owner_only_and_is_removed_at_the_end(tmp_path: Path) -> None:
    with contextlib.closing(Served(tmp_path / "control.sock")) as running:
        assert stat.S_IMODE(running.path.stat().st_mode) == 0o600
    assert not running.path.exists()


def test_a_socket_left_behind_by_a_killed_controller_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    with contextlib.closing(Served(path)), Client(path) as client:
        assert client.state() == {}


def test_a_path_that_no_socket_can_have_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(InUse, match="at most 107 bytes"):
        ApiServer(path=tmp_path / ("x" * 120), desk=Desk(stop=StopFlag()))


def test_the_state_is_what_the_loop_has_shown_last(served: Served) -> None:
    with Client(served.path) as client:
        assert client.state() == {}
        served.desk.show(MappingProxyType({"phase": "PRIME", "values": {"core_c": None}}))
        assert client.state() == {"phase": "PRIME", "values": {"core_c": None}}


def test_a_number_that_is_none_leaves_as_null(served: Served) -> None:
    served.desk.show({"x": float("nan")})
    with Client(served.path) as client:
        assert client.state() == {"x": None}


def test_an_act_returns_when_taken_and_raises_the_cycles_refusal(served: Served) -> None:
    with Client(served.path) as client:
        client.act("target", value=41.5, who="engineer")
        client.act(Act.HOLD)
        with pytest.raises(Refusal, match="no drug in STANDBY"):
            client.act("dose", text="lot 7;ab")


@pytest.mark.parametrize(
    ("act", "value", "text", "says"),
    [
        ("warm", None, "", "unknown act 'warm'; allowed: start, self_test, confirm"),
        ("target", None, "", "target needs a value"),
        ("start", 3.0, "", "start takes no value"),
        ("dose", None, "x" * 801, "at most 800"),
    ],
)
def test_an_act_that_cannot_be_is_refused_with_what_is_allowed(
    served: Served, act: str, value: float | None, text: str, says: str
) -> None:
    with Client(served.path) as client, pytest.raises(Refusal, match=says):
        client.act(act, value=value, text=text)


@pytest.mark.parametrize(
    "body",
    [
        b'{"id":4,"do":"act","act":"target","value":NaN}',
        b'{"id":4,"do":"act","act":"target","value":Infinity}',
        b'{"id":4,"do":"act","act":"target","value":1e999}',
        b'{"id":4,"do":"act","act":"target","value":"4,2"}',
        b'{"id":4,"do":"act","act":"target","value":4,2}',
        b'{"id":4,"do":"act","act":"target","value":true}',
        b'{"id":4,"do":"fly"}',
        b'{"id":4,"do":"state","colour":"red"}',
        b'{"id":"four","do":"state"}',
        b"[]",
        b"4",
        b"\xff\xfe",
        b"not json",
    ],
)
def test_a_malformed_request_is_refused_in_words_and_changes_nothing(served: Served, body: bytes) -> None:
    answer = answer_to(served.path, framed(body))
    assert answer["ok"] is False
    assert "42.0" in str(answer["error"])
    assert answer["id"] in (0, 4)
    assert not served.desk.stop.pending
    assert served.desk.take() is None


@pytest.mark.parametrize("length", [0, REQUEST_MAX + 1, 2**32 - 1])
def test_a_length_that_is_not_allowed_ends_the_connection_with_the_reason(served: Served, length: int) -> None:
    assert "allowed: 1 to" in str(answer_to(served.path, length.to_bytes(4, "big") + b"xxxx")["error"])
    with Client(served.path) as client:
        assert client.state() == {}


def test_stop_is_taken_without_queue_or_loop(served: Served) -> None:
    served._ended.set()
    served._thread.join()  # no loop takes anything any more
    with Client(served.path) as blocked, Client(served.path) as client:
        for number in range(16):
            blocked._send(Request(id=number, do="act", act="hold"))
        client.stop()
        assert served.desk.stop.pending
        assert served.desk.stop.requested == 1
        client.act(Act.STOP)
        assert served.desk.stop.requested == 2


def test_a_queue_of_orders_that_nobody_takes_is_refused_when_full(served: Served) -> None:
    served._ended.set()
    served._thread.join()
    with Client(served.path) as client:
        for number in range(16):
            client._send(Request(id=number, do="act", act="hold"))
        with pytest.raises(Refusal, match="waiting already"):
            client.act(Act.HOLD)


def test_a_subscriber_gets_the_newest_state_at_once_and_then_each_new_one(served: Served) -> None:
    served.desk.show({"n": 1})
    with Client(served.path) as client:
        states = client.subscribe()
        assert next(states) == {"n": 1}
        served.desk.show({"n": 2})
        assert next(states) == {"n": 2}
        client.act(Act.HOLD)  # the same client can act between two states
        states.close()


def test_a_client_that_does_not_read_costs_nothing_and_gets_the_newest_state_when_it_does(served: Served) -> None:
    with raw(served.path) as lazy:
        lazy.sendall(pack(Request(id=1, do="subscribe")))
        big = "x" * 50_000
        for number in range(400):
            served.desk.show({"n": number, "big": big})
            time.sleep(0.0005)
        client_buffers = sum(len(client.outgoing) for client in served.api._clients.values())
        assert client_buffers < 2 * len(big)
        buffer, seen = bytearray(), []
        while not seen or seen[-1] != 399:
            buffer += lazy.recv(1 << 20)
            while (body := unpack(buffer, 1 << 20)) is not None:
                seen.append(json.loads(body)["state"]["n"])
        assert seen == sorted(seen)
        assert len(seen) < 400


def _ask_without_reading(connection: socket.socket) -> None:
    for number in range(5000):
        connection.sendall(pack(Request(id=number, do="state")))


def test_a_client_that_asks_on_without_reading_is_cut_off_and_the_others_are_not(served: Served) -> None:
    served.desk.show({"big": "x" * 100_000})
    with raw(served.path) as greedy, Client(served.path) as client:
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            _ask_without_reading(greedy)
        assert client.state()["big"]


def test_more_clients_than_allowed_are_closed_and_the_others_stay(served: Served) -> None:
    with Client(served.path) as first:
        first.state()
        rest = [Client(served.path) for _ in range(CLIENTS_MAX - 1)]
        extra = Client(served.path)
        with pytest.raises(Unreachable):
            extra.state()
        assert first.state() == {}
        for client in (*rest, extra):
            client.close()
        assert soon(lambda: len(served.api._clients) == 1)


def test_a_client_that_vanishes_in_the_middle_is_forgotten(served: Served) -> None:
    connection = raw(served.path)
    connection.sendall(pack(Request(id=1, do="subscribe"))[:7])
    connection.close()
    assert soon(lambda: not served.api._clients)
    served.desk.show({"n": 1})
    with Client(served.path) as client:
        assert client.state() == {"n": 1}


def test_a_state_that_cannot_be_said_closes_the_api_with_a_fault_that_the_loop_sees(served: Served) -> None:
    with raw(served.path) as subscriber:
        subscriber.sendall(pack(Request(id=1, do="subscribe")))
        served.desk.show({"bad": object()})
        assert soon(lambda: bool(served.desk.api_fault))
        served.desk.show({"n": 1})
        served.desk.show({"n": 2})


class Hanging:
    """Set-ups whose facts are not to be had before the test says so."""

    def __init__(self) -> None:
        self.asked, self.go_on = threading.Event(), threading.Event()

    def facts(self) -> dict[str, object]:
        self.asked.set()
        self.go_on.wait(10.0)
        return {}


def test_h34_a_socket_that_hangs_is_as_dead_as_one_that_ended_and_one_without_clients_is_not(tmp_path: Path) -> None:
    setups, desk, now_s = Hanging(), Desk(stop=StopFlag()), [0.0]
    api = ApiServer(
        path=tmp_path / "control.sock", desk=desk, setups=cast("SetUps", setups), monotonic=lambda: now_s[0]
    )
    api.start()
    try:
        for _ in range(3 * HUNG_WAKES):
            desk.show({})
        assert soon(lambda: api.alive)
        with raw(tmp_path / "control.sock") as client:
            client.sendall(pack(Request(id=1, do="facts")))
            assert setups.asked.wait(SOON_S)
            desk.show({})
            now_s[0] += 1000.0  # the process was stopped for as long: that is one wake
            for _ in range(HUNG_WAKES - 1):
                desk.show({})
            assert api.alive
            desk.show({})
            assert not api.alive
    finally:
        setups.go_on.set()
        api.end()


def test_a_rig_that_runs_ten_times_as_fast_does_not_take_a_busy_socket_for_a_dead_one(tmp_path: Path) -> None:
    setups, desk, now_s = Hanging(), Desk(stop=StopFlag()), [0.0]
    api = ApiServer(
        path=tmp_path / "control.sock", desk=desk, setups=cast("SetUps", setups), monotonic=lambda: now_s[0]
    )
    api.start()
    try:
        with raw(tmp_path / "control.sock") as client:
            client.sendall(pack(Request(id=1, do="facts")))
            assert setups.asked.wait(SOON_S)
            for _ in range(10 * HUNG_WAKES):
                now_s[0] += HUNG_S / (10 * HUNG_WAKES)
                desk.show({})
            assert api.alive
            now_s[0] += 0.1
            assert not api.alive
    finally:
        setups.go_on.set()
        api.end()


def test_without_a_controller_the_client_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"control\.sock: no controller answers there"):
        Client(tmp_path / "control.sock")
    with pytest.raises(Unreachable, match="ended with code 2"):
        Client.wait(tmp_path / "control.sock", for_s=60.0, gone=lambda: "control ended with code 2")


def test_a_subscription_ends_with_an_error_when_the_controller_goes(tmp_path: Path) -> None:
    with contextlib.closing(Served(tmp_path / "control.sock")) as running, Client(running.path) as client:
        running.desk.show({"n": 1})
        states = client.subscribe()
        assert next(states) == {"n": 1}
        running.close()
        with pytest.raises(Unreachable):
            next(states)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_decoder_do_anything_but_refuse_or_decode(body: bytes) -> None:
    with contextlib.suppress(BadMessage):  # anything else that is raised fails the test
        assert isinstance(read_request(body), Request)


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=5), st.integers(1, 7))
def test_messages_come_out_whole_however_they_are_cut(bodies: list[bytes], size: int) -> None:
    stream = b"".join(framed(body) for body in bodies)
    buffer, found = bytearray(), []
    for start in range(0, len(stream), size):
        buffer += stream[start : start + size]
        while (body := unpack(buffer, 100)) is not None:
            found.append(body)
    assert found == bodies
    assert not buffer


@given(st.floats())
def test_an_order_never_carries_a_value_that_is_no_number(value: float) -> None:
    request = Request(id=1, do="act", act="target", value=value)
    if math.isfinite(value):
        assert order_of(request).value == value
    else:
        with pytest.raises(BadMessage, match="a finite number"):
            order_of(request)


@pytest.mark.parametrize("field", ["who", "text"])
@pytest.mark.parametrize("words", ["a\nb", "\x1b[2J", "a\u202eb", "a\u2028b", "\ud800", "\x7f"])
def test_words_that_would_break_a_line_are_refused(field: str, words: str) -> None:
    with pytest.raises(BadMessage, match=rf"{field} has the control character U\+"):
        order_of(Request(id=1, do="act", act="start", **{field: words}))
    assert order_of(Request(id=1, do="act", act="start", who="Ä. Öz (2)", text="lot 4711; j. d.")).who == "Ä. Öz (2)"


def test_every_act_that_a_person_can_ask_for_can_be_said() -> None:
    for name in ACTS:
        value = 1.0 if name in ("target", "flow", "limit", "jog_pump", "jog_heat") else None
        assert order_of(Request(id=1, do="act", act=name, value=value)).act.value == name


def test_a_response_that_is_too_long_is_not_sent() -> None:
    with pytest.raises(BadMessage):
        pack(Response(id=1, state={"x": "y" * 2_000_000}))


@pytest.mark.parametrize(
    "body",
    [b'{"id":1,"do":"state","\xf7":1}', b'{"id":1,"d\xa2":"state"}', b'{"id":' + b"[" * 5000, b"[" * 8000],
    ids=["key no UTF-8", "name no UTF-8", "deep value", "deep"],
)
def test_bytes_that_no_json_reader_can_read_leave_the_api_serving(served: Served, body: bytes) -> None:
    with raw(served.path) as client:
        client.sendall(len(body).to_bytes(4, "big") + body)
        assert b"not a request" in client.recv(4096)
    with Client(served.path) as other:
        other.stop()
    assert served.desk.stop.pending
    assert served.desk.api_fault == ""


def test_h44_a_client_that_subscribes_attends_and_one_that_connects_or_asks_does_not(served: Served) -> None:
    before_s = served.desk.seen_s = served.desk.seen_s - 100.0
    with raw(served.path):
        served.desk.show({"phase": "STANDBY"})
        time.sleep(0.1)
        assert served.desk.seen_s == before_s
    with Client(served.path) as client:
        for _ in range(5):
            assert client.state() == {"phase": "STANDBY"}
        assert served.desk.seen_s == before_s
        assert next(client.subscribe()) == {"phase": "STANDBY"}
    assert soon(lambda: served.desk.seen_s >= before_s + 100.0)
