"""The two shapes of an answer: data, or a status with words. Neither is kept by a browser."""

from __future__ import annotations

import msgspec
from starlette.responses import JSONResponse, Response

NO_STORE = {"Cache-Control": "no-store"}


def json_of(value: object) -> Response:
    """Data."""
    return Response(msgspec.json.encode(value), media_type="application/json", headers=NO_STORE)


def said(status: int, text: str) -> Response:
    """Why not."""
    return JSONResponse({"ok": False, "error": text}, status, headers=NO_STORE)
