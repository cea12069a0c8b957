"""A command of a page, and whether it is passed on: whose, how old, seen before, and may this person from there.

The controller checks every limit again; what is refused here never reaches it. STOP does not come this way.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from controller.console.guards import Guards
from controller.console.place import is_loopback
from controller.console.sessions import Role, Session
from controller.runtime.messages import UNREADABLE, SetUp

BODY_MAX = 2048
PAGE_NAME_MAX = 40
EXPIRY_MS = 2000.0
AHEAD_MS = 250.0  # the page reckons the server's clock from the last message it got
HELD_MS = 600.0  # a refresh that was under way for longer may come from a hand that has let go
HELD = ("jog_pump", "jog_heat")
FOR_ENGINEERS = (*HELD, "fault", "end_faults")
FROM_ELSEWHERE = ("hold",)  # from another machine: look, hold and STOP; heat is begun by a person beside the pump


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`number` rises by one or more with each command of a `page`, which a browser may have many of.

    `issued_ms` is on the server's clock.
    """

    number: int
    issued_ms: float
    act: str = msgspec.field(default="")
    value: float | None = None
    text: str = ""
    page: Annotated[str, msgspec.Meta(max_length=PAGE_NAME_MAX)] = ""
    setup: SetUp | None = None  # for the act "setup" only


class Refused(Exception):
    """Why a command was not passed on, with its HTTP status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def read(body: bytes) -> Command:
    """Decode. Raises Refused."""
    try:
        return msgspec.json.decode(body, type=Command)
    except UNREADABLE as error:
        raise Refused(400, f"not a command: {error}") from error


def read_setup(body: bytes) -> SetUp:
    """Decode what is to be previewed. Raises Refused."""
    try:
        return msgspec.json.decode(body, type=SetUp)
    except UNREADABLE as error:
        raise Refused(400, f"not a set-up: {error}") from error


def admit(command: Command, session: Session, *, client_host: str, now_ms: float, guards: Guards) -> None:
    """Pass, or raise Refused. A command that passes cannot pass again."""
    age_ms = now_ms - command.issued_ms
    least = Role.ENGINEER if command.act in FOR_ENGINEERS else Role.OPERATOR
    if guards.expiry and not (-AHEAD_MS <= age_ms <= (HELD_MS if command.act in HELD else EXPIRY_MS)):
        raise Refused(409, "the command is too old and was not passed on; look again and repeat it")
    if guards.replay and not command.number > session.numbers.get(command.page, 0):
        raise Refused(409, "the command was received before and was not repeated")
    if guards.role and session.role < least:
        raise Refused(403, f"this needs the role {least.name.lower()}; sign in first")
    if guards.remote and not is_loopback(client_host) and command.act not in FROM_ELSEWHERE:
        raise Refused(403, "from another machine this page can only look, hold and stop")
    session.took(command.page, command.number)
