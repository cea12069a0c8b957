"""Where the people's side (api thread) and the loop meet: orders in, answers and the newest state out.

Both sides only append to or take from bounded queues; neither ever waits for the other. STOP does not pass through a
queue at all. Not responsible for sockets (`api`) or for what an order does (the cycle).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from controller.core.exchange import Order
from controller.runtime.commands import StopFlag

ORDERS_MAX = 16


class Ticket(NamedTuple):
    """An order, and whom to answer: the api's client and request numbers."""

    order: Order
    client: int
    request: int


class Asker(Protocol):
    """Whom to answer."""

    @property
    def client(self) -> int: ...
    @property
    def request(self) -> int: ...


class Answer(NamedTuple):
    """What became of an order: "" when the cycle took it, else why it was refused."""

    ticket: Asker
    refusal: str


def _nobody() -> None:
    """No api is listening yet."""


class Desk:
    """One loop, one api thread. `wake` is called by the loop after it has put something down; it must not block.

    `monotonic` is in wall seconds: a person's time does not run faster with the clock of a simulated rig.
    """

    def __init__(self, *, stop: StopFlag, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.stop = stop
        self._monotonic = monotonic
        self.wake: Callable[[], None] = _nobody
        self.state: Mapping[str, object] = {}
        self.state_seq = 0
        self.api_fault = ""
        self.seen_s = monotonic()  # when a subscriber last took a state
        self._orders: deque[Ticket] = deque()
        self._answers: deque[Answer] = deque()

    def seen(self) -> None:
        """A subscriber has taken a state."""
        self.seen_s = self._monotonic()

    def attended_s(self) -> float:
        """For how long no subscriber has taken a state: nobody may be looking."""
        return self._monotonic() - self.seen_s

    def submit(self, ticket: Ticket) -> str:
        """Queue an order. Returns "" or why it cannot be taken."""
        if len(self._orders) >= ORDERS_MAX:
            return f"{ORDERS_MAX} orders are waiting already; the controller takes one in each cycle"
        self._orders.append(ticket)
        return ""

    def take(self) -> Ticket | None:
        """The oldest order, for the loop."""
        return self._orders.popleft() if self._orders else None

    def answer(self, ticket: Asker, refusal: str) -> None:
        """Say what became of an order. Any thread."""
        self._answers.append(Answer(ticket, refusal))
        self.wake()

    def answers(self) -> list[Answer]:
        """All answers since the last call, for the api."""
        taken = []
        while self._answers:
            taken.append(self._answers.popleft())
        return taken

    def show(self, state: Mapping[str, object]) -> None:
        """Put down the newest state; the one before is gone."""
        self.state = state
        self.state_seq += 1
        self.wake()
