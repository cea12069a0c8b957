"""The console's way to the controller: the real api on the other end, its loop played by the test."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from asgi import OWN, Desk

from controller.console import asking, upstream
from controller.console.upstream import Upstream
from controller.runtime import desk as runtime
from controller.runtime.api import ApiServer
from controller.runtime.client import Client
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
        self.path = path
        self.stop = Stuck()
        self.desk = runtime.Desk(stop=self.stop)
        self.watched = False
        self.states = 0
        self.api = ApiServer(path=path, desk=self.desk)
        self.upstream = Upstream(path, on_state=self._took, on_lost=lambda why: None, attended=lambda: self.watched)
        self.api.start()
        self.upstream.start()

    def _took(self, state: Mapping[str, Any], at_s: float) -> None:
        self.states += 1

    def go_on(self, until: Callable[[], bool]) -> None:
        """Show a new state each while, as the loop does."""
        give_up_s = time.monotonic() + SOON_S
        while not until():
            assert time.monotonic() < give_up_s
            self.desk.show({"now_s": 0.0})
            time.sleep(0.005)

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


def test_h44_the_console_stands_for_a_person_only_while_a_page_answers(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "UNATTENDED_S", 0.02)

    def took_more(states: int = 5) -> None:
        wanted = rig.states + states
        rig.go_on(lambda: rig.states >= wanted)

    def seen_again() -> bool:
        before_s = rig.desk.seen_s
        took_more()
        return rig.desk.seen_s > before_s

    assert not seen_again()
    rig.watched = True
    took_more()
    assert seen_again()
    rig.watched = False
    took_more()
    assert not seen_again()


def test_h44_a_subscriber_who_does_not_read_soon_counts_as_nobody(rig: Rig) -> None:
    big = {"text": "x" * 50_000}
    with Client(rig.path) as client:
        states = client.subscribe()
        rig.desk.show(big)
        assert next(states) == big

        def show(times: int) -> float:
            for _ in range(times):
                rig.desk.show(big)
                time.sleep(0.005)
            return rig.desk.seen_s

        full_s = show(100)  # more than a socket holds
        assert show(20) == full_s
        states.close()
