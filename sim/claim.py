"""One simulator for one path: a lock beside it, held for as long as it is served.

The kernel drops the lock of a process that dies, so what was left behind can be taken over.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from sim.refusal import BadRequest


class Claim:
    """Raises BadRequest when another simulator serves the path; OSError when nothing can be made beside it."""

    def __init__(self, path: Path) -> None:
        self._lock = path.with_name(f".{path.name}.lock")
        self._fd = -1
        while self._fd < 0:
            self._fd = self._taken(path)

    def release(self) -> None:
        """Let the next one in, and leave nothing behind."""
        if self._fd >= 0:
            self._lock.unlink(missing_ok=True)  # while it is held: nobody else's
            os.close(self._fd)
            self._fd = -1

    def _taken(self, path: Path) -> int:
        """The lock's descriptor, or -1 when its file went away meanwhile."""
        fd = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(fd, 32, 0).decode(errors="replace").strip()
            os.close(fd)
            who = f"another simulator (process {holder or 'unknown'})"
            raise BadRequest(f"{path}: {who} serves it; give another path") from error
        if not self._stands(fd):
            os.close(fd)
            return -1
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        return fd

    def _stands(self, fd: int) -> bool:
        """Whether the file that was opened is still the one beside the path: its holder may have taken it away."""
        try:
            return os.path.samestat(os.fstat(fd), self._lock.stat())
        except FileNotFoundError:
            return False
