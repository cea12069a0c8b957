"""Faults of a simulated bench from the page: shown, begun and ended, by the simulator and by nobody else.

Admitted as any act is. Where no simulator serves the ports there is nothing here; the controller takes no part.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from controller.console.answers import json_of, said
from controller.console.commands import Command, Refused
from controller.console.shared import Console
from controller.console.simulator import NoSimulator, RefusedFault

NONE = "the ports of this rig are not served by a simulator"
Admitted = Callable[[Request], Awaitable[tuple[Command, str]]]


class FaultDesk:
    """`admitted` reads and judges the command of a request; it raises Refused."""

    def __init__(self, console: Console, admitted: Admitted) -> None:
        self._console = console
        self._admitted = admitted

    async def show(self, request: Request) -> Response:
        """What the rig's simulator can suffer, and suffers; 404 where there is none."""
        if self._console.session(request.cookies) is None:
            return said(401, "no session; load the page again")
        if self._console.simulator is None:
            return said(404, NONE)
        try:
            return json_of(await asyncio.to_thread(self._console.simulator.faults))
        except NoSimulator as error:
            return said(503, str(error))

    async def change(self, request: Request) -> Response:
        """Begin the fault that `text` names (act `fault`), or end them all (`end_faults`)."""
        try:
            command, who = await self._admitted(request)
            what = await asyncio.to_thread(self._carry_out, command)
        except Refused as error:
            return said(error.status, str(error))
        except RefusedFault as error:
            return said(422, str(error))
        except NoSimulator as error:
            return said(503, str(error))
        self._console.hub.note("sim", f"{what} ({who})")
        return json_of({"ok": True})

    def _carry_out(self, command: Command) -> str:
        simulator = self._console.simulator
        if simulator is None:
            raise Refused(404, NONE)
        if command.act == "fault":
            simulator.begin(command.text)
            return f"Fault {command.text}"
        if command.act == "end_faults":
            simulator.end_all()
            return "All faults ended"
        raise Refused(400, "allowed: fault, end_faults")
