"""The console's web app: page, session, telemetry, commands, STOP, trends and log.

Everything is made by `make_app`; there is no state in this module. What a page asks of the controller is judged by
`commands` and then by the controller itself. STOP asks for no session, no role and no number, and waits for nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from controller.console import commands, fields
from controller.console.answers import json_of as _json
from controller.console.answers import said as _said
from controller.console.commands import Refused
from controller.console.downloads import Downloads
from controller.console.faulting import FaultDesk
from controller.console.guards import Door, Guards
from controller.console.hub import Hub
from controller.console.pins import Locked, Pins
from controller.console.place import Place, is_loopback, own_hosts
from controller.console.sessions import Role, Session, Sessions
from controller.console.simulator import Simulator
from controller.console.telemetry import Telemetry
from controller.console.upstream import Busy
from controller.runtime.client import Refusal, Unreachable
from controller.runtime.messages import SetUp

STATIC = Path(__file__).parent / "static"
RECENT_S = 600.0
STOP_WAIT_S = 3.0


class Controller(Protocol):
    """What the app needs of `upstream.Upstream`."""

    def start(self) -> None:
        """Begin to follow."""

    def close(self) -> None:
        """End."""

    def act(self, act: str, *, value: float | None, text: str, who: str) -> None:
        """Ask and wait."""

    def facts(self) -> dict[str, Any]:
        """What does not change in a run."""

    def preview(self, setup: SetUp) -> dict[str, Any]:
        """What a set-up would mean."""

    def set_up(self, setup: SetUp, *, who: str) -> None:
        """Set up and wait."""

    def stop(self) -> Any:
        """STOP; a future of what became of it."""


@dataclass(slots=True, kw_only=True)
class Console:
    """Everything that the endpoints share."""

    hub: Hub
    controller: Controller
    pins: Pins
    place: Place = field(default_factory=Place)
    guards: Guards = field(default_factory=Guards)
    simulator: Simulator | None = None  # where one serves the ports of the rig
    sessions: Sessions = field(init=False)

    def __post_init__(self) -> None:
        self.sessions = Sessions(without_pin=Role.VIEWER if self.pins.exist else Role.OPERATOR)

    @property
    def cookie(self) -> str:
        """A name of its own per port: cookies do not know ports."""
        return f"hipec_{self.place.port}"

    def session(self, cookies: dict[str, str]) -> Session | None:
        """The session of a request."""
        return self.sessions.find(cookies.get(self.cookie), time.monotonic())


def make_app(console: Console) -> ASGIApp:
    """The app behind its door."""
    endpoints = _Endpoints(console)
    telemetry = Telemetry(console)
    faults = FaultDesk(console, endpoints.admitted)

    @contextlib.asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        console.hub.begin()
        console.controller.start()
        yield
        await asyncio.to_thread(console.controller.close)

    app = Starlette(
        lifespan=life,
        routes=[
            Route("/", endpoints.index),
            Route("/session", endpoints.session),
            Route("/fields", endpoints.fields),
            Route("/facts", endpoints.facts),
            Route("/preview", endpoints.preview, methods=["POST"]),
            Route("/record.{form}", endpoints.record),
            Route("/trend", endpoints.trend),
            Route("/log", endpoints.log),
            Route("/role", endpoints.role, methods=["POST"]),
            Route("/command", endpoints.command, methods=["POST"]),
            Route("/faults", faults.show),
            Route("/fault", faults.change, methods=["POST"]),
            Route("/stop", endpoints.stop, methods=["POST"]),
            Route("/vendor/plotly.min.js", endpoints.plotly),
            WebSocketRoute("/telemetry", telemetry.serve),
            Mount("/", StaticFiles(directory=STATIC)),
        ],
    )
    scheme = "https" if console.place.tls else "http"
    hosts = own_hosts(console.place.host, console.place.port)
    return Door(app, hosts=hosts, scheme=scheme, guards=console.guards)


class _Endpoints:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._guards = console.guards
        self._downloads = Downloads()

    async def index(self, request: Request) -> Response:
        response = FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-store"})
        if self._console.session(request.cookies) is None:
            session = self._console.sessions.begin(time.monotonic())
            response.set_cookie(
                self._console.cookie, session.id, httponly=True, samesite="strict", secure=self._console.place.tls
            )
        return response

    async def session(self, request: Request) -> Response:
        session = self._console.session(request.cookies)
        if session is None:
            return _said(401, "no session; load the page again")
        return _json(
            {
                "csrf": session.csrf,
                "role": session.role.name.lower(),
                "number": session.last_number,
                "pins": self._console.pins.exist,
                "remote": self._console.place.remote,
                "local": self._is_local(request),
            }
        )

    async def fields(self, request: Request) -> Response:
        return _json(fields.table())

    async def trend(self, request: Request) -> Response:
        if self._console.session(request.cookies) is None:
            return _said(401, "no session; load the page again")
        history = self._console.hub.history
        whole = request.query_params.get("span") == "whole"
        return _json(history.whole() if whole else history.last(RECENT_S))

    async def log(self, request: Request) -> Response:
        if self._console.session(request.cookies) is None:
            return _said(401, "no session; load the page again")
        after = request.query_params.get("after", "0")
        return _json(self._console.hub.chronicle.since(int(after) if after.isdigit() else 0))

    async def plotly(self, request: Request) -> Response:
        spec = find_spec("plotly")  # found, not imported: its Python part is not needed
        folder = Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else STATIC
        path = folder / "package_data" / "plotly.min.js"
        return FileResponse(path, media_type="text/javascript", headers={"Cache-Control": "private, max-age=86400"})

    async def role(self, request: Request) -> Response:
        """Sign in with a PIN, or out with none."""
        try:
            session = self._entitled(request)
            asked = msgspec.json.decode(await self._body(request), type=dict[str, str])
            role = Role[asked.get("role", "").upper()]
            if role is Role.VIEWER or not self._console.pins.exist:
                session.role = min(role, session.role) if self._console.pins.exist else self._without_pin(request, role)
            elif not await asyncio.to_thread(self._console.pins.check, role, asked.get("pin", ""), time.monotonic()):
                raise Refused(403, "wrong PIN")
            else:
                session.role = role
            session.used_s = time.monotonic()
        except Locked as error:
            return _said(429, str(error))
        except Refused as error:
            return _said(error.status, str(error))
        except (msgspec.DecodeError, KeyError):
            return _said(400, "allowed: role (viewer, operator, engineer) and pin")
        return _json({"ok": True, "role": session.role.name.lower()})

    async def command(self, request: Request) -> Response:
        """One act: admitted here, decided by the controller."""
        try:
            command, who = await self.admitted(request)
            await asyncio.to_thread(self._pass_on, command, who)
        except (Refused, Refusal, Unreachable, Busy) as error:
            return _why_not(error)
        return _json({"ok": True})

    def _pass_on(self, command: commands.Command, who: str) -> None:
        controller = self._console.controller
        if command.act != "setup":
            controller.act(command.act, value=command.value, text=command.text, who=who)
        elif command.setup is None:
            raise Refused(400, "a set-up names treatment, pseudonym, height_cm, weight_kg and the preview's sha256")
        else:
            controller.set_up(command.setup, who=who)

    async def facts(self, request: Request) -> Response:
        """Treatments to choose from, probes, limits; from the controller."""
        if self._console.session(request.cookies) is None:
            return _said(401, "no session; load the page again")
        try:
            return _json(await asyncio.to_thread(self._console.controller.facts))
        except (Refusal, Unreachable, Busy) as error:
            return _why_not(error)

    async def record(self, request: Request) -> Response:
        """The record of this run as a file."""
        if self._console.session(request.cookies) is None:
            return _said(401, "no session; load the page again")
        return await self._downloads.answer(self._console.hub.state, request.path_params["form"])

    async def preview(self, request: Request) -> Response:
        """What a set-up would mean: reckoned by the controller, changes nothing."""
        try:
            self._entitled(request)
            setup = commands.read_setup(await self._body(request))
            return _json(await asyncio.to_thread(self._console.controller.preview, setup))
        except (Refused, Refusal, Unreachable, Busy) as error:
            return _why_not(error)

    async def stop(self, request: Request) -> Response:
        """STOP: heat off, pump as the safety table says. From whoever is on the page."""
        asked = self._console.controller.stop()
        try:
            said = await asyncio.wait_for(asyncio.wrap_future(asked), STOP_WAIT_S)
        except TimeoutError:
            said = "the controller does not answer"
        return _json({"ok": True}) if not said else _said(503, f"STOP was not taken: {said}")

    async def admitted(self, request: Request) -> tuple[commands.Command, str]:
        """The command of an entitled person, and who that is. Raises Refused."""
        session = self._entitled(request)
        command = commands.read(await self._body(request))
        now_ms = time.monotonic() * 1000.0
        commands.admit(command, session, client_host=_client(request), now_ms=now_ms, guards=self._guards)
        session.used_s = time.monotonic()
        return command, f"{session.role.name.lower()} at the console"

    def _entitled(self, request: Request) -> Session:
        session = self._console.session(request.cookies)
        if session is None:
            if self._guards.session:
                raise Refused(401, "no session; load the page again")
            session = self._console.sessions.begin(time.monotonic())
        token = request.headers.get("x-csrf", "")
        if self._guards.csrf and not self._console.sessions.is_token(session, token):
            raise Refused(403, "the page's token is missing; load the page again")
        return session

    async def _body(self, request: Request) -> bytes:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if self._guards.size and len(body) > commands.BODY_MAX:
                raise Refused(413, f"at most {commands.BODY_MAX} bytes")
        return body

    def _without_pin(self, request: Request, role: Role) -> Role:
        if role is Role.ENGINEER and not self._is_local(request):
            raise Refused(403, "only at the machine itself")
        return role

    def _is_local(self, request: Request) -> bool:
        return is_loopback(_client(request))


def _client(request: Request) -> str:
    return request.client.host if request.client is not None else ""


def _why_not(error: Exception) -> Response:
    """The answer for whatever stood in the way, with a status of its own for each kind."""
    status = error.status if isinstance(error, Refused) else 422 if isinstance(error, Refusal) else 503
    return _said(status, str(error))
