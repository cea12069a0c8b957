"""The console's app asked without a network: one request or one websocket, as a server would hand it in."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple

from controller.console.app import make_app
from controller.console.guards import Guards
from controller.console.hub import Hub
from controller.console.pins import Pins
from controller.console.place import Place
from controller.console.sessions import Session
from controller.console.shared import Console, Controller
from controller.runtime.messages import SetUp

HERE = "127.0.0.1:8765"
OWN = {"host": HERE, "origin": f"http://{HERE}"}


class Heard:
    """Stands where the controller does and writes down what reaches it."""

    def __init__(self) -> None:
        self.acts: list[str] = []
        self.stops = 0
        self.stop_fails = ""

    def start(self) -> None: ...

    def close(self) -> None: ...

    def act(self, act: str, *, value: float | None, text: str, who: str) -> None:
        self.acts.append(act)

    def facts(self) -> dict[str, Any]:
        return {"treatments": []}

    def preview(self, setup: SetUp) -> dict[str, Any]:
        return {"sha256": setup.treatment}

    def set_up(self, setup: SetUp, *, who: str) -> None:
        self.acts.append(f"setup {setup.treatment}")

    def stop(self) -> Future[str]:
        self.stops += 1
        done: Future[str] = Future()
        done.set_result(self.stop_fails)
        return done


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Desk:
    """A console with chosen guards, and a person's session at it."""

    def __init__(
        self,
        *,
        guards: Guards | None = None,
        pins: Path | None = None,
        place: Place | None = None,
        controller: Controller | None = None,
    ) -> None:
        guards = guards or Guards()
        self.heard = Heard()
        self.console = Console(
            hub=Hub(),
            controller=controller or self.heard,
            pins=Pins(pins, limited=guards.rate),
            guards=guards,
            place=place or Place(),
        )
        self.app = make_app(self.console)
        self.session: Session = self.console.sessions.begin(time.monotonic())

    def own(self, **more: str) -> dict[str, str]:
        cookie = f"{self.console.cookie}={self.session.id}"
        return {**OWN, "cookie": cookie, "x-csrf": self.session.csrf, **more}

    def command(self, act: str = "hold", *, number: int = 1, age_s: float = 0.0, **more: Any) -> bytes:
        issued_ms = (time.monotonic() - age_s) * 1000.0
        return json.dumps({"number": number, "issued_ms": issued_ms, "act": act, **more}).encode()

    def post(
        self, path: str, body: bytes = b"", *, headers: Mapping[str, str] | None = None, client: str = "127.0.0.1"
    ) -> Answer:
        return self._ask("POST", path, body, self.own() if headers is None else headers, client)

    def get(self, path: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        return self._ask("GET", path, b"", self.own() if headers is None else headers, "127.0.0.1")

    def _ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str], client: str) -> Answer:
        sent: list[Any] = []
        parts = [body[at : at + 1000] for at in range(0, len(body), 1000)] or [b""]

        async def receive() -> Any:
            if not parts:
                await asyncio.Event().wait()  # a client that listens and says no more
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = _scope("http", path, headers, client) | {"method": method}
        asyncio.run(self.app(scope, receive, send))
        head = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], head, b"".join(m.get("body", b"") for m in sent[1:]))

    def opens_socket(self, headers: Mapping[str, str]) -> bool:
        """True when a websocket is told something, not merely let in and closed."""
        return bool(self.told_first(headers))

    def told_first(self, headers: Mapping[str, str]) -> dict[str, Any]:
        """The first message to a websocket; empty when it is only let in and closed, or refused."""
        told: list[dict[str, Any]] = []

        async def talk() -> None:
            self.console.hub.begin()
            coming: asyncio.Queue[Any] = asyncio.Queue()
            coming.put_nowait({"type": "websocket.connect"})

            async def send(message: Any) -> None:
                if message["type"] == "websocket.send":
                    told.append(json.loads(message["text"]))
                    coming.put_nowait({"type": "websocket.disconnect", "code": 1000})

            await asyncio.wait_for(
                self.app(_scope("websocket", "/telemetry", headers, "127.0.0.1"), coming.get, send), 5
            )

        asyncio.run(talk())
        return told[0] if told else {}


def _scope(kind: str, path: str, headers: Mapping[str, str], client: str) -> dict[str, Any]:
    return {
        "type": kind,
        "path": path.partition("?")[0],
        "raw_path": path.encode(),
        "query_string": path.partition("?")[2].encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": (client, 50000),
        "server": ("127.0.0.1", 8765),
        "scheme": "http" if kind == "http" else "ws",
        "http_version": "1.1",
        "root_path": "",
        "subprotocols": [],
    }
