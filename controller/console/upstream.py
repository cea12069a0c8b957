"""The console's side of the controller's socket: the newest state, acts, and STOP on a connection of its own.

A thread follows the states; STOP has a second one with its own standing connection, so that neither a slow act nor a
full list of clients at the controller can be in its way. Not responsible for who may ask for what (`commands`).
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from controller.runtime.client import Client, Refusal, Unreachable
from controller.runtime.messages import SetUp

STATE_TIMEOUT_S = 2.0
AGAIN_S = 0.25
ACT_TIMEOUT_S = 5.0
STOP_TIMEOUT_S = 2.0
ACTS_AT_ONCE = 4
UNATTENDED_S = 0.5

Found = TypeVar("Found")
OnState = Callable[[Mapping[str, Any], float], None]
OnLost = Callable[[str], None]
Attended = Callable[[], bool]


class Busy(Exception):
    """Too many acts wait for an answer already."""


class Upstream:
    """One controller. `on_state` and `on_lost` are called on the following thread."""

    def __init__(self, path: Path, *, on_state: OnState, on_lost: OnLost, attended: Attended) -> None:
        self._path = path
        self._on_state = on_state
        self._on_lost = on_lost
        self._attended = attended
        self._over = threading.Event()
        self._acts = threading.Semaphore(ACTS_AT_ONCE)
        self._stops: queue.SimpleQueue[Future[str] | None] = queue.SimpleQueue()
        self._follower = threading.Thread(target=self._follow, name="states", daemon=True)
        self._stopper = threading.Thread(target=self._carry_stops, name="stop", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._follower.start()
        self._stopper.start()

    def close(self) -> None:
        """End both threads."""
        self._over.set()
        self._stops.put(None)
        self._stopper.join(STOP_TIMEOUT_S + 1.0)
        self._follower.join(STATE_TIMEOUT_S + 1.0)

    def act(self, act: str, *, value: float | None, text: str, who: str) -> None:
        """Ask and wait until a cycle took it. Raises Refusal, Unreachable, or Busy. Blocks; call it on a thread."""
        self._ask(lambda client: client.act(act, value=value, text=text, who=who))

    def facts(self) -> dict[str, Any]:
        """What does not change in a run. Raises Refusal, Unreachable, or Busy. Blocks."""
        return self._ask(lambda client: client.facts())

    def preview(self, setup: SetUp) -> dict[str, Any]:
        """What a set-up would mean. Raises Refusal with every problem, Unreachable, or Busy. Blocks."""
        return self._ask(lambda client: client.preview(setup))

    def set_up(self, setup: SetUp, *, who: str) -> None:
        """Set up anew. Raises Refusal, Unreachable, or Busy. Blocks."""
        self._ask(lambda client: client.set_up(setup, who=who))

    def stop(self) -> Future[str]:
        """STOP. The result is "" once the controller has taken it, else why it could not be told."""
        asked: Future[str] = Future()
        asked.set_running_or_notify_cancel()  # who gives up waiting for the answer does not take the STOP back
        self._stops.put(asked)
        return asked

    def _ask(self, what: Callable[[Client], Found]) -> Found:
        if not self._acts.acquire(blocking=False):
            raise Busy(f"{ACTS_AT_ONCE} acts wait for an answer already")
        try:
            with Client(self._path, timeout_s=ACT_TIMEOUT_S) as client:
                return what(client)
        finally:
            self._acts.release()

    def _follow(self) -> None:
        while not self._over.is_set():
            try:
                with Client(self._path, timeout_s=STATE_TIMEOUT_S) as client:
                    self._look_on(client)
                    self._subscribe(client)
            except (Unreachable, Refusal) as error:
                self._on_lost(str(error))
                self._over.wait(AGAIN_S)

    def _look_on(self, client: Client) -> None:
        """While no page answers: ask now and then, which counts as nobody: the host knows that nobody is watching."""
        while not self._over.is_set() and not self._attended():
            self._on_state(client.state(), time.monotonic())
            self._over.wait(UNATTENDED_S)

    def _subscribe(self, client: Client) -> None:
        for state in client.subscribe():
            if self._over.is_set() or not self._attended():
                return
            self._on_state(state, time.monotonic())

    def _carry_stops(self) -> None:
        client: Client | None = None
        while not self._over.is_set():
            client = client or _connected(self._path)
            asked = self._next(keep=client is not None)
            if not asked:
                continue
            said = ""
            for _ in range(2):  # the standing connection may belong to a controller that has died: then a new one
                client, said = self._send_stop(client)
                if not said:
                    break
            for each in asked:
                each.set_result(said)
        if client is not None:
            client.close()

    def _next(self, *, keep: bool) -> list[Future[str]]:
        """Whoever waits: one STOP, sent after all of them asked, answers them all."""
        found = []
        with contextlib.suppress(queue.Empty):
            found.append(self._stops.get(timeout=None if keep else AGAIN_S))
            while True:
                found.append(self._stops.get_nowait())
        return [asked for asked in found if asked is not None]

    def _send_stop(self, client: Client | None) -> tuple[Client | None, str]:
        try:
            client = client or Client(self._path, timeout_s=STOP_TIMEOUT_S)
            client.stop()
        except Exception as error:  # whatever it was: this thread has to be there for the next STOP
            if client is not None:
                client.close()
            return None, str(error) or type(error).__name__
        return client, ""


def _connected(path: Path) -> Client | None:
    try:
        return Client(path, timeout_s=STOP_TIMEOUT_S)
    except (Unreachable, OSError):
        return None
