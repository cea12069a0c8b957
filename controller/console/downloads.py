"""The record of this run as a download: a printable page or a table, made by a process of its own.

Which file is said by the controller and never by a page. The console knows no record and opens none; what takes long or
fails there is said here. Not responsible for the contents (`controller.records`).
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.responses import Response

from controller.console.answers import said

MEDIA: Mapping[str, str] = {"html": "text/html", "csv": "text/csv", "json": "application/json"}
WITHIN_S = 120.0


class Downloads:
    """One at a time: a long record costs a processor for seconds."""

    def __init__(self) -> None:
        self._busy = asyncio.Lock()

    async def answer(self, state: Mapping[str, Any], form: str) -> Response:
        """The record of `state` in that form, or why it cannot be had."""
        path = state.get("runtime", {}).get("record")
        if form not in MEDIA:
            return said(404, f"allowed: {', '.join(MEDIA)}")
        if not path:
            return said(503, "the controller has not said which record it writes")
        if self._busy.locked():
            return said(503, "a report is being made already")
        async with self._busy:
            code, made, why = await _made(form, str(path))
        if code:
            return said(500, why)
        name = Path(path).with_suffix(f".{form}").name
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return Response(made, media_type=MEDIA[form], headers=headers)


async def _made(form: str, path: str) -> tuple[int, bytes, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "controller.records", form, path,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        made, complaint = await asyncio.wait_for(process.communicate(), WITHIN_S)
    except TimeoutError:
        return 1, b"", f"the report took longer than {WITHIN_S:g} s"
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    return process.returncode or 0, made, complaint.decode(errors="replace").strip()
