"""A bound for connections that shuts nobody out: one too many, and the one that has kept us waiting longest is cut off.

A refusal instead would let anybody who opens connections and says nothing keep STOP away. Websockets are not counted
here: `telemetry` bounds them.
"""

from __future__ import annotations

import asyncio
import time

from uvicorn.protocols.http.h11_impl import H11Protocol

CONNECTIONS_MAX = 120


class Connection(H11Protocol):
    """One HTTP connection. What is being answered is cut off last."""

    made_s = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take it in, and make room."""
        super().connection_made(transport)
        self.made_s = time.monotonic()
        there = [each for each in self.connections if isinstance(each, Connection)]
        if len(there) > CONNECTIONS_MAX:
            last = min(there, key=lambda each: (each.is_answered, each.made_s))
            self.connections.discard(last)  # now: several may come before it has ended
            last.transport.abort()

    @property
    def is_answered(self) -> bool:
        """True while a request that has come whole has not been answered."""
        cycle = self.cycle
        return cycle is not None and not cycle.more_body and not cycle.response_complete
