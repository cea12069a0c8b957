"""What happened before this console was there: trend and events of the running record, read by a process of its own.

A page that is opened on a console that was started again finds what it would have found on the one before. Not
responsible for what is done with it (`hub`), or for the record.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable

import msgspec

from controller.console.chronicle import Line

WITHIN_S = 60.0


class Missed(msgspec.Struct, frozen=True, kw_only=True):
    """Rows and events from the run's first to its newest; a value that was not believed is None."""

    at_s: list[float]
    columns: dict[str, list[float | None]]
    events: list[Line]


class Unread(Exception):
    """It could not be had; the text says why."""


Ask = Callable[[str], Awaitable[Missed]]


async def ask(path: str) -> Missed:
    """What the record at `path` says. Raises Unread."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "controller.records", "missed", path,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        made, complaint = await asyncio.wait_for(process.communicate(), WITHIN_S)
    except TimeoutError:
        raise Unread(f"the record was not read within {WITHIN_S:g} s") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    if process.returncode:
        raise Unread(complaint.decode(errors="replace").strip())
    try:
        return await asyncio.to_thread(msgspec.json.decode, made, type=Missed)
    except msgspec.DecodeError as error:
        raise Unread(str(error)) from error
