"""What the supervisor is about, in one line beside the sockets, for whoever finds no controller there.

The line carries the wall clock's time, so that one that was left behind does not pass for news.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

STAGE = "stage"


def tell(run_dir: Path, text: str) -> None:
    """Put the line down, whole. Raises OSError."""
    fresh = run_dir / f"{STAGE}.new"
    fresh.write_text(f"{text} (said at {time.strftime('%H:%M:%S')})\n")
    fresh.replace(run_dir / STAGE)


def told(run_dir: Path) -> str:
    """The line, or "" when nobody has said anything."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return (run_dir / STAGE).read_text().strip()
    return ""


def clear(run_dir: Path) -> None:
    """Nothing is going on any more."""
    (run_dir / STAGE).unlink(missing_ok=True)
