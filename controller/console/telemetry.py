"""The websocket of one page: states out, acknowledgements in, and STOP.

A page that does not read holds one message and no more. Not responsible for commands, which come by POST.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from concurrent.futures import Future

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from controller.console.hub import PAGES_MAX, Page
from controller.console.shared import Console
from controller.runtime.messages import UNREADABLE

GOING_AWAY = 1001
NO_SESSION = 4401
TOO_MANY = 4429


class FromPage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`ack_ms` is the page's clock when it took the last message."""

    ack_ms: float | None = None
    stop: bool = False


class Telemetry:
    """Serves any number of pages up to PAGES_MAX."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._stops: set[asyncio.Task[None]] = set()

    async def serve(self, socket: WebSocket) -> None:
        """Until the page goes or stops answering."""
        session = self._console.session(socket.cookies)
        await socket.accept()
        if session is None and self._console.guards.session:
            await socket.close(NO_SESSION)
            return
        hub = self._console.hub
        if len(hub.pages) >= PAGES_MAX:
            await socket.close(TOO_MANY)
            return
        page = Page(role=lambda: self._role(socket))
        hub.pages.add(page)
        if session is not None:
            session.pages += 1
        receiving = asyncio.create_task(self._receive(socket, page))
        sending = asyncio.create_task(self._send(socket, page))
        try:
            await asyncio.wait((receiving, sending), return_when=asyncio.FIRST_COMPLETED)
        finally:
            hub.pages.discard(page)
            if session is not None:
                session.pages -= 1
            for task in (receiving, sending):
                task.cancel()
            await asyncio.gather(receiving, sending, return_exceptions=True)
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                await socket.close(GOING_AWAY)

    def _role(self, socket: WebSocket) -> str | None:
        session = self._console.session(socket.cookies)
        return session.role.name.lower() if session is not None else None

    async def _send(self, socket: WebSocket, page: Page) -> None:
        sent_s = 0.0
        while (message := await self._console.hub.next_message(page, sent_s)) is not None:
            sent_s = time.monotonic()
            await socket.send_text(message.decode())

    async def _receive(self, socket: WebSocket, page: Page) -> None:
        with contextlib.suppress(WebSocketDisconnect, *UNREADABLE):
            while True:
                said = msgspec.json.decode(await socket.receive_text(), type=FromPage)
                if said.stop:
                    task = asyncio.create_task(self._tell(socket, self._console.controller.stop()))
                    self._stops.add(task)
                    task.add_done_callback(self._stops.discard)
                if said.ack_ms is not None:
                    page.acknowledge(said.ack_ms)

    async def _tell(self, socket: WebSocket, asked: Future[str]) -> None:
        said = await asyncio.wrap_future(asked)
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await socket.send_text(msgspec.json.encode({"kind": "stop", "error": said}).decode())
