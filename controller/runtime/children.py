"""A process that is started, watched and ended, and that the kernel ends when its parent dies. Linux only.

Not responsible for what the process does or for starting it again (`processes`).
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

END_S = 10.0  # wall seconds to make devices safe after SIGTERM, before SIGKILL
LINE_MAX = 65536
LEASH = Path(__file__).with_name("leash.py")


class Child:
    """One run of `python -m module`, with SCHED_FIFO `priority` where that is above 0 and granted.

    Ended exactly once by `end`, which may be called again.
    """

    def __init__(
        self,
        *,
        name: str,
        module: str,
        arguments: Sequence[str],
        log: Path | None,
        piped: bool,
        priority: int = 0,
    ) -> None:
        self.name = name
        # Without site packages: a whole start of the interpreter more would be felt with every process.
        leash = [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), str(priority)]
        self._log = log
        self._code: int | None = None
        with contextlib.ExitStack() as stack:
            errors = stack.enter_context(log.open("ab")) if log else None
            self._log_from = log.stat().st_size if log else 0
            self._process = subprocess.Popen(
                [*leash, sys.executable, "-m", module, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if piped else errors,
                stderr=errors,
                process_group=0,  # Ctrl-C reaches the supervisor alone, which ends the others in the right order
            )
        self.handle = os.pidfd_open(self._process.pid)

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    @property
    def over(self) -> bool:
        """It has ended by itself."""
        return bool(select.select([self.handle], [], [], 0.0)[0]) if self._code is None else True

    def first_line(self, timeout_s: float, *, wake: int) -> str:
        """The first line of its output; "" when it ends, `wake` becomes readable, or after `timeout_s` wall seconds."""
        pipe = self._process.stdout
        if pipe is None:
            return ""
        until_s = time.monotonic() + timeout_s
        line = b""
        while b"\n" not in line and len(line) < LINE_MAX:
            ready, _, _ = select.select([pipe.fileno(), wake], [], [], max(0.0, until_s - time.monotonic()))
            data = os.read(pipe.fileno(), 4096) if pipe.fileno() in ready else b""
            if not data:
                return ""
            line += data
        return line.split(b"\n", 1)[0].decode(errors="replace")

    def last_words(self) -> str:
        """The last line it wrote to its log in this run, or where to look."""
        if self._log is None:
            return "see above"
        with self._log.open("rb") as log:
            log.seek(self._log_from)
            lines = log.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def end(self, timeout_s: float = END_S) -> int:
        """SIGTERM (and SIGCONT, in case it was stopped), wait, then SIGKILL. Returns its exit code."""
        if self._code is not None:
            return self._code
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.send_signal(signal.SIGCONT)
        try:
            self._code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._code = self._process.wait()
        os.close(self.handle)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return self._code
