from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.core.exchange import ProtectiveStatus
from controller.protective.link import parse
from controller.runtime.protective_link import ProtectiveLink

STATUS = {
    "seq": 7,
    "at": 12.5,
    "permit": True,
    "contactor_closed": False,
    "trip": "",
    "outlet_b_c": 41.0,
    "inflow_b_c": None,
}


@pytest.fixture
def link(tmp_path: Path) -> Iterator[ProtectiveLink]:
    bound = ProtectiveLink(run_dir=tmp_path)
    yield bound
    bound.close()


@pytest.fixture
def channel(tmp_path: Path) -> Iterator[socket.socket]:
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    bound.bind(str(tmp_path / "protective.sock"))
    yield bound
    bound.close()


def say(tmp_path: Path, data: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(data, str(tmp_path / "status.sock"))


def test_a_heartbeat_has_the_agreed_fields(link: ProtectiveLink, channel: socket.socket) -> None:
    link.heartbeat(seq=3, at_s=99.5, heat=True, reset=2)
    assert json.loads(channel.recv(512)) == {"seq": 3, "at": 99.5, "heat": True, "reset": 2}


def test_the_heartbeat_is_understood_by_the_protective_channel(link: ProtectiveLink, channel: socket.socket) -> None:
    link.heartbeat(seq=3, at_s=99.5, heat=True, reset=2)
    assert parse(channel.recv(512)) == (3, 99.5, True, 2)


def test_without_a_channel_nothing_waits_and_nothing_is_known(link: ProtectiveLink) -> None:
    for seq in range(3):
        link.heartbeat(seq=seq, at_s=1.0, heat=False, reset=0)
    assert link.unsent == 3
    assert link.status() is None


def test_a_channel_that_does_not_read_never_makes_the_loop_wait(link: ProtectiveLink, channel: socket.socket) -> None:
    for seq in range(5000):
        link.heartbeat(seq=seq, at_s=1.0, heat=False, reset=0)
    assert link.unsent > 0


def test_the_newest_status_counts_and_stays(link: ProtectiveLink, tmp_path: Path) -> None:
    say(tmp_path, json.dumps(STATUS).encode())
    say(tmp_path, json.dumps({**STATUS, "at": 12.6, "permit": False, "trip": "outlet 46.2 °C"}).encode())
    expected = ProtectiveStatus(12.6, False, False, "outlet 46.2 °C", 41.0, None)
    assert link.status() == expected
    assert link.status() == expected


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"seq":1,"\xb7":1}',
        b"[" * 4000,
        b"[]",
        json.dumps({**STATUS, "permit": 1}).encode(),
        json.dumps({**STATUS, "at": "now"}).encode(),
        json.dumps({**STATUS, "outlet_b_c": "hot"}).encode(),
        b'{"seq":7,"at":NaN,"permit":true,"contactor_closed":true}',
        json.dumps({key: value for key, value in STATUS.items() if key != "permit"}).encode(),
    ],
)
def test_a_malformed_status_is_counted_and_not_believed(link: ProtectiveLink, tmp_path: Path, data: bytes) -> None:
    say(tmp_path, data)
    assert link.status() is None
    assert link.malformed == 1


def test_a_socket_left_behind_is_replaced_and_the_own_is_removed(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    left.bind(str(tmp_path / "status.sock"))
    left.close()
    link = ProtectiveLink(run_dir=tmp_path)
    link.close()
    assert not (tmp_path / "status.sock").exists()
