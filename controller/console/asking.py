"""What a page asks for: a role, an act, a preview, STOP. Judged here for who and when, and then by the controller.

STOP asks for no session, no role and no number, and waits for nothing.
"""

from __future__ import annotations

import asyncio
import time

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from controller.console import commands
from controller.console.answers import json_of, said
from controller.console.commands import Refused
from controller.console.pins import Locked
from controller.console.sessions import Role, Session
from controller.console.shared import Console, client_of, is_local
from controller.console.upstream import Busy
from controller.runtime.client import Refusal, Unreachable
from controller.runtime.messages import UNREADABLE

STOP_WAIT_S = 3.0


class Asking:
    """The endpoints that change something, or would."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._guards = console.guards

    async def role(self, request: Request) -> Response:
        """Sign in with a PIN, or out with none."""
        try:
            session = self._entitled(request)
            asked = msgspec.json.decode(await self._body(request), type=dict[str, str])
            role = Role[asked.get("role", "").upper()]
            if role is Role.VIEWER or not self._console.pins.exist:
                session.role = min(role, session.role) if self._console.pins.exist else self._without_pin(request, role)
            elif not await self._opens(request, role, asked.get("pin", "")):
                raise Refused(403, "wrong PIN")
            else:
                session.role = role
            session.used_s = time.monotonic()
        except Locked as error:
            return said(429, str(error))
        except Refused as error:
            return said(error.status, str(error))
        except (*UNREADABLE, KeyError):
            return said(400, "allowed: role (viewer, operator, engineer) and pin")
        return json_of({"ok": True, "role": session.role.name.lower()})

    async def command(self, request: Request) -> Response:
        """One act: admitted here, decided by the controller."""
        try:
            command, who = await self.admitted(request)
            await asyncio.to_thread(self._pass_on, command, who)
        except (Refused, Refusal, Unreachable, Busy) as error:
            return why_not(error)
        return json_of({"ok": True})

    def _pass_on(self, command: commands.Command, who: str) -> None:
        controller = self._console.controller
        if command.act != "setup":
            controller.act(command.act, value=command.value, text=command.text, who=who)
        elif command.setup is None:
            raise Refused(400, "a set-up names treatment, pseudonym, height_cm, weight_kg and the preview's sha256")
        else:
            controller.set_up(command.setup, who=who)

    async def preview(self, request: Request) -> Response:
        """What a set-up would mean: reckoned by the controller, changes nothing."""
        try:
            self._entitled(request)
            setup = commands.read_setup(await self._body(request))
            return json_of(await asyncio.to_thread(self._console.controller.preview, setup))
        except (Refused, Refusal, Unreachable, Busy) as error:
            return why_not(error)

    async def stop(self, request: Request) -> Response:
        """STOP: heat off, pump as the safety table says. From whoever is on the page."""
        asked = self._console.controller.stop()
        try:
            failed = await asyncio.wait_for(asyncio.wrap_future(asked), STOP_WAIT_S)
        except TimeoutError:
            failed = "the controller does not answer"
        return said(503, f"STOP was not taken: {failed}") if failed else json_of({"ok": True})

    async def admitted(self, request: Request) -> tuple[commands.Command, str]:
        """The command of an entitled person, and who that is. Raises Refused."""
        session = self._entitled(request)
        command = commands.read(await self._body(request))
        now_ms = time.monotonic() * 1000.0
        commands.admit(command, session, client_host=client_of(request), now_ms=now_ms, guards=self._guards)
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

    async def _opens(self, request: Request, role: Role, pin: str) -> bool:
        check = self._console.pins.check
        return await asyncio.to_thread(check, role, pin, time.monotonic(), local=is_local(request))

    def _without_pin(self, request: Request, role: Role) -> Role:
        if role is Role.ENGINEER and not is_local(request):
            raise Refused(403, "only at the machine itself")
        return role


def why_not(error: Exception) -> Response:
    """The answer for whatever stood in the way, with a status of its own for each kind."""
    status = error.status if isinstance(error, Refused) else 422 if isinstance(error, Refusal) else 503
    return said(status, str(error))
