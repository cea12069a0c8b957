"""A running rig seen from the command line: the supervisor as a child, and the client to its controller.

Not responsible for what runs (`supervisor`) or how it looks (`controller.terminal`).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from controller.core.exchange import Act
from controller.runtime.children import Child
from controller.runtime.client import Client, Unreachable
from controller.runtime.rundir import CONTROL_SOCKET

UP_S = 30.0
SELF_TEST_S = 60.0
SETTLE_S = 3.0


class NotRunning(Exception):
    """The rig did not come up; the text is its last words."""


@contextlib.contextmanager
def running(arguments: Sequence[str], run_dir: Path) -> Iterator[Child]:
    """Supervisor, control, protective channel (and simulator) for as long as the block lasts. Raises NotRunning."""
    run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = run_dir / "supervisor.log"
    child = Child(
        name="supervisor",
        module="controller.runtime.supervisor",
        arguments=[*arguments, "--run-dir", str(run_dir), "--log-dir", str(run_dir / "logs")],
        log=log,
        piped=False,
    )
    try:
        Client.wait(run_dir / CONTROL_SOCKET, for_s=UP_S).close()
        yield child
    except Unreachable as error:
        child.end()
        raise NotRunning(f"{child.last_words()} ({error})") from error
    finally:
        child.end()


def run_selftest(arguments: Sequence[str], run_dir: Path) -> tuple[list[dict[str, object]], bool]:
    """Start the rig, run SELF_TEST, stop. Returns each check with its measured value, and whether all passed."""
    with running(arguments, run_dir), Client(run_dir / CONTROL_SOCKET) as client:
        _settled(client)
        client.act(Act.START)
        until_s = time.monotonic() + SELF_TEST_S
        state = client.state()
        while _testing(state) and time.monotonic() < until_s:
            time.sleep(0.2)
            state = client.state()
        client.stop()
        if state.get("failed"):
            raise NotRunning(f"control failed: {state['runtime']}")
        return state["checks"], not _testing(state) and not state["trips"]


def _testing(state: dict[str, Any]) -> bool:
    return state["phase"] in ("STANDBY", "SELF_TEST") and not state["trips"]


def _settled(client: Client) -> None:
    """Wait until every signal is there, or for as long as devices may take to open."""
    until_s = time.monotonic() + SETTLE_S
    while time.monotonic() < until_s:
        state = client.state()
        if state.get("failed") or not state.get("bad", True):
            return
        time.sleep(0.1)
