"""What stands between the network and the app: host and origin lists, body size, and the headers of every answer.

Browsers do not hold a websocket to the same origin, and a name that suddenly points here (DNS rebinding) passes for
one; hence both lists, on HTTP and websocket alike. A missing Origin is refused too. Not responsible for sessions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
PLOT_PAGE = "/plot.html"
PLOT_FILES = ("/js/plot.js", "/js/zoom.js", "/vendor/plotly.min.js", "/css/plot.css")


def headers_for(path: str, own: str) -> Mapping[str, str]:
    """Headers of an answer to `path`; `own` is the console's origin as the browser spells it.

    The plots are drawn in a frame without an origin, so that it gets a thread of its own and nothing of the session.
    To such a frame 'self' is nobody: its four files are named, and may be had from anywhere, like any picture.
    """
    if path in PLOT_FILES:
        return {**HEADERS, "Cross-Origin-Resource-Policy": "cross-origin"}
    if path != PLOT_PAGE:
        return HEADERS
    *scripts, style = (own + file for file in PLOT_FILES)
    policy = (
        f"default-src 'none'; script-src {' '.join(scripts)}; style-src {style}; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'self'; sandbox allow-scripts"
    )
    return {**HEADERS, "Content-Security-Policy": policy, "X-Frame-Options": "SAMEORIGIN"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """Which guards are up. All of them, always; a test takes one down to show that its attack is real."""

    host: bool = True
    origin: bool = True
    session: bool = True
    csrf: bool = True
    role: bool = True
    expiry: bool = True
    replay: bool = True
    remote: bool = True
    size: bool = True
    rate: bool = True
    policy: bool = True


class Door:
    """ASGI: refuses what comes from elsewhere, and puts the headers on what goes out."""

    def __init__(self, app: ASGIApp, *, hosts: frozenset[str], scheme: str, guards: Guards) -> None:
        self._app = app
        self._hosts = hosts
        self._scheme = scheme
        self._origins = frozenset(f"{scheme}://{host}" for host in hosts)
        self._guards = guards

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or refuse with 400 (host) or 403 (origin)."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        refusal = self._refusal(scope, asked)
        outgoing = self._dressed(send, scope["path"], asked) if scope["type"] == "http" else send
        if refusal is None:
            await self._app(scope, receive, outgoing)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": bytes(refusal.body).decode()[:100]})
        else:
            await refusal(scope, receive, outgoing)

    def _refusal(self, scope: Scope, headers: Headers) -> PlainTextResponse | None:
        if self._guards.host and headers.get("host", "") not in self._hosts:
            return PlainTextResponse("this console is not served under that host", 400)
        reads = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        origin = headers.get("origin")
        harmless = reads and (origin is None or scope["path"] in PLOT_FILES)
        if self._guards.origin and origin not in self._origins and not harmless:
            return PlainTextResponse("not from this console's own page", 403)
        return None

    def _dressed(self, send: Send, path: str, asked: Headers) -> Send:
        host = asked.get("host", "")
        own = f"{self._scheme}://{host if host in self._hosts else 'localhost'}"

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start" and self._guards.policy:
                headers = MutableHeaders(scope=message)
                for name, value in headers_for(path, own).items():
                    headers[name] = value
            await send(message)

        return dressed
