"""Who sits at a page: sessions in memory, their role, their CSRF token and the number of each page's last command.

A restart of the console forgets all of them; pages then begin a new one as a viewer or, without PINs, as operator.
Not responsible for PINs (`pins`).
"""

from __future__ import annotations

import enum
import secrets
from dataclasses import dataclass, field

SESSIONS_MAX = 64
PAGES_MAX = 64  # of one browser; a command of a page that is forgotten has long expired
IDLE_LOCK_S = 300.0


class Role(enum.IntEnum):
    """What a person may do; a higher one may do everything a lower one may."""

    VIEWER = 0
    OPERATOR = 1
    ENGINEER = 2


@dataclass(slots=True, kw_only=True)
class Session:
    """One browser."""

    role: Role
    used_s: float
    id: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    numbers: dict[str, int] = field(default_factory=dict)  # of the last command, by page
    pages: int = 0

    def took(self, page: str, number: int) -> None:
        """A command of `page` was let through. The pages of a browser that were silent for longest are forgotten."""
        self.numbers.pop(page, None)
        self.numbers[page] = number
        while len(self.numbers) > PAGES_MAX:
            del self.numbers[next(iter(self.numbers))]


class Sessions:
    """At most SESSIONS_MAX; the longest unused one that no page is open on makes room for a new one."""

    def __init__(self, *, without_pin: Role) -> None:
        self._without_pin = without_pin
        self._open: dict[str, Session] = {}

    def begin(self, now_s: float) -> Session:
        """A new session with the role that needs no PIN."""
        while len(self._open) >= SESSIONS_MAX:
            oldest = min(self._open.values(), key=lambda s: (s.pages > 0, s.used_s))
            del self._open[oldest.id]
        session = Session(role=self._without_pin, used_s=now_s)
        self._open[session.id] = session
        return session

    def find(self, id_: str | None, now_s: float) -> Session | None:
        """The session of a cookie, locked again when it was idle; None when there is none."""
        session = self._open.get(id_ or "")
        if session is not None and now_s - session.used_s > IDLE_LOCK_S:
            session.role = min(session.role, self._without_pin)
        return session

    def is_token(self, session: Session, token: str) -> bool:
        """Compare a CSRF token in constant time."""
        return secrets.compare_digest(session.csrf.encode(), token.encode())
