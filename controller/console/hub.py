"""The newest state, and its way to each page: at most one unanswered message per page, five a second, latest wins.

A page answers every message with its own clock; the next message hands that time back. So a page knows an upper bound
of the age of what it shows whatever happened on the way, and the hub knows that somebody's page is alive.
Runs on one asyncio loop; `arrived` and `lost` may be called from any thread.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from controller.console.chronicle import Chronicle, told_s
from controller.console.history import History
from controller.console.missed import Ask, Unread
from controller.runtime.client import STALE_S

LEAST_S = 0.15  # states come every 0.1 s; every second one is passed on in the moment it comes
SILENCE_S = 0.4  # without a state for so long, pages are told that there is none
PAGES_MAX = 40
UNANSWERED_S = 15.0  # a page that is silent for so long is closed; it comes back by itself if it lives
ATTENDED_S = 3.0


class Page:
    """One open page: whose it is now, what it has acknowledged, and whether it may be sent the next message."""

    def __init__(self, *, role: Callable[[], str | None] = lambda: None) -> None:
        self.role = role
        self.echo_ms: float | None = None
        self.answered_s = time.monotonic()
        self.free = asyncio.Event()
        self.free.set()
        self.seen_count = 0

    def acknowledge(self, page_ms: float) -> None:
        """The page has taken the last message, at `page_ms` of its own clock."""
        self.echo_ms, self.answered_s = page_ms, time.monotonic()
        self.free.set()


class Hub:
    """One controller, many pages. `missed` reads what happened before the first state that comes."""

    def __init__(self, *, missed: Ask | None = None) -> None:
        self.history = History()
        self.chronicle = Chronicle(waits=missed is not None)
        self._missed = missed
        self._catching_up: asyncio.Task[None] | None = None
        self.state: Mapping[str, Any] = {}
        self.pages: set[Page] = set()
        self._why_lost = "the controller has not answered yet"
        self._arrived_s = 0.0
        self._count = 0
        self._encoded = b"{}"
        self._news = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self) -> None:
        """Bind to the running loop."""
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()

    async def end(self) -> None:
        """Leave what is still being read."""
        if self._catching_up is not None:
            self._catching_up.cancel()
            await asyncio.gather(self._catching_up, return_exceptions=True)

    @property
    def attended(self) -> bool:
        """True while a page answers: only then is the console a subscriber whom the host may count on."""
        now_s = time.monotonic()
        return any(now_s - page.answered_s < ATTENDED_S for page in tuple(self.pages))

    @property
    def attached(self) -> bool:
        """True while states come."""
        return bool(self._count) and time.monotonic() - self._arrived_s < STALE_S

    def arrived(self, state: Mapping[str, Any], at_s: float) -> None:
        """A new state. Any thread."""
        self._call(lambda: self._take(state, at_s))

    def lost(self, why: str) -> None:
        """No state can be had, and why. Any thread."""
        self._call(lambda: self._lose(why))

    def note(self, kind: str, text: str) -> None:
        """Add a line to what has happened."""
        self.chronicle.note(kind, text, at_s=told_s(self.state), utc_ms=time.time() * 1000.0)

    async def next_message(self, page: Page, last_sent_s: float) -> bytes | None:
        """Wait until `page` may and should be told something. None when it has been silent for too long."""
        try:
            await asyncio.wait_for(page.free.wait(), UNANSWERED_S)
        except TimeoutError:
            return None
        await asyncio.sleep(max(0.0, last_sent_s + LEAST_S - time.monotonic()))
        if page.seen_count == self._count:
            news = self._news
            try:
                await asyncio.wait_for(news.wait(), SILENCE_S)
            except TimeoutError:
                return self._envelope(page, "lost", msgspec.json.encode(self._why_silent()))
        page.seen_count = self._count
        return self._envelope(page, "state", self._encoded)

    def _why_silent(self) -> str:
        return self._why_lost or "the controller's cycle has stopped"

    def _envelope(self, page: Page, kind: str, body: bytes) -> bytes:
        page.free.clear()
        now_s = time.monotonic()
        head = {
            "kind": kind,
            "seq": self.state.get("runtime", {}).get("seq"),
            "held_ms": round((now_s - self._arrived_s) * 1000.0, 1),
            "echo_ms": page.echo_ms,
            "server_ms": now_s * 1000.0,
            "entries": self.chronicle.count,
            "role": page.role(),
        }
        return msgspec.json.encode(head)[:-1] + b',"body":' + body + b"}"

    def _take(self, state: Mapping[str, Any], at_s: float) -> None:
        if not state:
            return  # of a controller that has made no cycle yet
        again_s = told_s(state) if self._count and (not self.attached or self.state.get("failed")) else None
        if again_s is not None:
            self.history.gap(again_s)
        self.state, self._arrived_s, self._why_lost = state, at_s, ""
        self._count += 1
        self._encoded = msgspec.json.encode(_for_pages(state))
        if not state.get("failed"):
            self.history.add(float(state["now_s"]), state["values"])
        self.chronicle.look(state, utc_ms=time.time() * 1000.0)
        if self._missed is not None:
            self._catching_up = asyncio.create_task(self._catch_up(self._missed, state))
            self._missed = None
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _catch_up(self, missed: Ask, state: Mapping[str, Any]) -> None:
        """Once, at the first state: a console that was started again shows what the one before it did."""
        try:
            path = state.get("runtime", {}).get("record")
            if not path:
                raise Unread("the controller has not said which record it writes")
            found = await missed(str(path))
        except Unread as error:
            self.chronicle.precede(())
            self.note("link", f"What was before is not shown here: {error}")
        else:
            self.history.precede(found.at_s, found.columns)
            self.chronicle.precede(found.events)

    def _lose(self, why: str) -> None:
        if not self._why_lost:
            self.note("link", f"Controller lost: {why}")
        self._why_lost = why

    def _call(self, what: Callable[[], None]) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(what)


def _for_pages(state: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without the events: pages ask for the log when it has grown."""
    if "events" not in state.get("runtime", {}):
        return state
    runtime = {name: value for name, value in state["runtime"].items() if name != "events"}
    return {**state, "runtime": runtime}
