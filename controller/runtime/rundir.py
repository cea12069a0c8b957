"""The run directory: where the sockets of one running rig stand, and the lock that keeps a second controller out.

Not responsible for what passes over the sockets.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

CONTROL_SOCKET = "control.sock"
SIM_SOCKET = "sim.sock"
LOCK = "control.lock"
PATH_MAX = 107  # bytes of a Unix socket's path, sun_path in unix(7)
LONGEST_NAME = "protective.sock"


class InUse(Exception):
    """Another controller runs in this directory, or the directory cannot be used; the text says which."""


def default_run_dir() -> Path:
    """$XDG_RUNTIME_DIR/hipec, else /tmp/hipec-UID."""
    base = os.environ.get("XDG_RUNTIME_DIR")
    return Path(base) / "hipec" if base else Path(f"/tmp/hipec-{os.getuid()}")


def make_run_dir(path: Path) -> None:
    """Create it with mode 0700. Raises InUse when it is not ours alone, cannot be made, or is too deep.

    One that is there is never changed: it may be everybody's, as /tmp is.
    """
    if len(os.fsencode(path.absolute() / LONGEST_NAME)) > PATH_MAX:
        raise InUse(f"run directory {path}: a socket's path may have at most {PATH_MAX} bytes; choose a shorter one")
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.stat()
    except FileExistsError as error:
        raise InUse(f"run directory {path} is not a directory") from error
    except OSError as error:
        raise InUse(f"run directory {path}: {error.strerror}") from error
    if found.st_uid != os.getuid():
        raise InUse(f"run directory {path} belongs to user {found.st_uid}; choose another with --run-dir")
    if found.st_mode & 0o077:
        allowed = "a folder that is not there yet, or yours alone (chmod 700)"
        raise InUse(f"run directory {path} is open to others (mode {found.st_mode & 0o777:o}); allowed: {allowed}")


@contextlib.contextmanager
def usable(path: Path) -> Iterator[None]:
    """While a file of the run directory is made: what goes wrong is an InUse that names it."""
    try:
        yield
    except OSError as error:
        raise InUse(f"{path}: {error.strerror or error}; choose another --run-dir") from error


class ControlLock:
    """Held by the one controller of a run directory for as long as it lives; the kernel drops it when it dies."""

    def __init__(self, *, run_dir: Path) -> None:
        path = run_dir / LOCK
        with usable(path):
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._fd, 32, 0).decode(errors="replace").strip()
            os.close(self._fd)
            raise InUse(f"{path}: a controller already runs here (process {holder or 'unknown'})") from error
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def __enter__(self) -> ControlLock:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let the next controller in."""
        os.close(self._fd)
