"""The console's web app: every route, and the endpoints that only read: page, session, trends, log, record.

Everything is made by `make_app`; there is no state in this module. What a page asks for is in `asking`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from controller.console import fields
from controller.console.answers import json_of, said
from controller.console.asking import Asking, why_not
from controller.console.downloads import Downloads
from controller.console.faulting import FaultDesk
from controller.console.guards import Door
from controller.console.place import own_hosts
from controller.console.shared import Console, is_local
from controller.console.telemetry import Telemetry
from controller.console.upstream import Busy
from controller.runtime.client import Refusal, Unreachable

STATIC = Path(__file__).parent / "static"
RECENT_S = 600.0
NUMBER_MAX = 12  # digits of an event's number


def make_app(console: Console) -> ASGIApp:
    """The app behind its door."""
    reading = _Reading(console)
    asking = Asking(console)
    telemetry = Telemetry(console)
    faults = FaultDesk(console, asking.admitted)

    @contextlib.asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        console.hub.begin()
        console.controller.start()
        yield
        await asyncio.to_thread(console.controller.close)
        await console.hub.end()

    app = Starlette(
        lifespan=life,
        routes=[
            Route("/", reading.index),
            Route("/session", reading.session),
            Route("/fields", reading.fields),
            Route("/facts", reading.facts),
            Route("/preview", asking.preview, methods=["POST"]),
            Route("/record.{form}", reading.record),
            Route("/trend", reading.trend),
            Route("/log", reading.log),
            Route("/role", asking.role, methods=["POST"]),
            Route("/command", asking.command, methods=["POST"]),
            Route("/faults", faults.show),
            Route("/fault", faults.change, methods=["POST"]),
            Route("/stop", asking.stop, methods=["POST"]),
            Route("/vendor/plotly.min.js", reading.plotly),
            WebSocketRoute("/telemetry", telemetry.serve),
            Mount("/", StaticFiles(directory=STATIC)),
        ],
    )
    scheme = "https" if console.place.tls else "http"
    hosts = own_hosts(console.place.host, console.place.port)
    return Door(app, hosts=hosts, scheme=scheme, guards=console.guards)


class _Reading:
    def __init__(self, console: Console) -> None:
        self._console = console
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
            return said(401, "no session; load the page again")
        return json_of(
            {
                "csrf": session.csrf,
                "role": session.role.name.lower(),
                "pins": self._console.pins.exist,
                "remote": self._console.place.remote,
                "local": is_local(request),
            }
        )

    async def fields(self, request: Request) -> Response:
        return json_of(fields.table())

    async def trend(self, request: Request) -> Response:
        if self._console.session(request.cookies) is None:
            return said(401, "no session; load the page again")
        history = self._console.hub.history
        whole = request.query_params.get("span") == "whole"
        return json_of(history.whole() if whole else history.last(RECENT_S))

    async def log(self, request: Request) -> Response:
        if self._console.session(request.cookies) is None:
            return said(401, "no session; load the page again")
        after = request.query_params.get("after", "0")
        known = after.isascii() and after.isdecimal() and len(after) <= NUMBER_MAX
        return json_of(self._console.hub.chronicle.since(int(after) if known else 0))

    async def plotly(self, request: Request) -> Response:
        spec = find_spec("plotly")  # found, not imported: its Python part is not needed
        if spec is None or not spec.submodule_search_locations:
            return said(503, "plotly is not installed; install the locked requirements")
        path = Path(spec.submodule_search_locations[0]) / "package_data" / "plotly.min.js"
        return FileResponse(path, media_type="text/javascript", headers={"Cache-Control": "private, max-age=86400"})

    async def facts(self, request: Request) -> Response:
        """Treatments to choose from, probes, limits; from the controller."""
        if self._console.session(request.cookies) is None:
            return said(401, "no session; load the page again")
        try:
            return json_of(await asyncio.to_thread(self._console.controller.facts))
        except (Refusal, Unreachable, Busy) as error:
            return why_not(error)

    async def record(self, request: Request) -> Response:
        """The record of this run as a file."""
        if self._console.session(request.cookies) is None:
            return said(401, "no session; load the page again")
        return await self._downloads.answer(self._console.hub.state, request.path_params["form"])
