"""The console's way to the controller: the real api on the other end, its loop played by the test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from asgi import OWN, Desk

from controller.console import asking, upstream
from controller.console.upstream import Upstream
from controller.runtime import desk as runtime
from controller.runtime.api import ApiServer
from controller.runtime.commands import StopFlag

STUCK_S = 0.2
SOON_S = 10.0


class Stuck(StopFlag):
    """A controller that accepts and does not answer, until it is thawed."""

    def __init__(self) -> None:
        super().__init__()
        self.going_on = threading.Event()
        self.going_on.set()

    def request(self) -> None:
        self.going_on.wait(SOON_S)
        super().request()


class Rig:
    def __init__(self, path: Path) -> None:
        self.stop = Stuck()
        self.desk = runtime.Desk(stop=self.stop)
        self.watched = False
        self.api = ApiServer(path=path, desk=self.desk)
        self.upstream = Upstream(
            path, on_state=lambda state, at_s: None, on_lost=lambda why: None, attended=lambda: self.watched
        )
        self.api.start()
        self.upstream.start()

    def close(self) -> None:
        self.stop.going_on.set()
        self.upstream.close()
        self.api.end()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "control.sock")
    yield made
    made.close()


def test_a_stop_that_nobody_answered_does_not_take_the_next_one_along(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "STOP_TIMEOUT_S", STUCK_S)
    monkeypatch.setattr(asking, "STOP_WAIT_S", STUCK_S / 2)
    desk = Desk(controller=rig.upstream)
    assert desk.post("/stop", headers=OWN).status == 200
    rig.stop.going_on.clear()
    answer = desk.post("/stop", headers=OWN)
    assert (answer.status, b"the controller does not answer" in answer.body) == (503, True)
    rig.stop.going_on.set()
    monkeypatch.setattr(asking, "STOP_WAIT_S", SOON_S)
    assert desk.post("/stop", headers=OWN).status == 200
    assert rig.stop.requested >= 3
    assert rig.upstream.stop().result(SOON_S) == ""


def test_stops_that_wait_are_all_answered_at_once_and_not_in_a_row(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "STOP_TIMEOUT_S", STUCK_S)
    rig.stop.going_on.clear()
    asked = [rig.upstream.stop() for _ in range(20)]
    said = [each.result(SOON_S) for each in asked]
    rig.stop.going_on.set()
    assert all("no answer within" in why for why in said)
    assert rig.upstream.stop().result(SOON_S) == ""
    assert 0 < rig.stop.requested < len(asked)


def test_an_error_that_nobody_expected_is_said_and_the_next_stop_is_sent(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def torn(client: object) -> None:
        raise RuntimeError("torn")

    with monkeypatch.context() as patched:
        patched.setattr(upstream.Client, "stop", torn)
        assert rig.upstream.stop().result(SOON_S) == "torn"
    assert rig.upstream.stop().result(SOON_S) == ""
