"""A running rig seen from the command line: the supervisor as a child, and the client to its controller.

Not responsible for what runs (`supervisor`) or how it looks (`controller.terminal`).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from controller.core.exchange import Act
from controller.core.orders import START_FREE_MB
from controller.records.opening import check_place
from controller.runtime.children import Child
from controller.runtime.client import Client, Unreachable
from controller.runtime.exits import DONE, FAILED, REFUSED
from controller.runtime.rundir import CONTROL_SOCKET, LOCK, make_run_dir
from controller.runtime.slot import SlotState

UP_S = 30.0
SELF_TEST_S = 40.0
START_FREE_BYTES = int(START_FREE_MB * 1e6)  # asked for before anything is started: a START needs as much
STOPPED_S = 1.5
STOPPED_OPENS_S = 0.8  # of which the heartbeat's time-out takes 0.5 s; see controller/protective/loop.py
SETTLE_S = 3.0
WHO = "who is "


class NotRunning(Exception):
    """The rig did not come up; the text is its last words, `code` its exit code."""

    def __init__(self, text: str, *, code: int = FAILED) -> None:
        super().__init__(text)
        self.code = code


@contextlib.contextmanager
def running(arguments: Sequence[str], run_dir: Path, *, name: str = "supervisor") -> Iterator[Child]:
    """Supervisor, control, protective channel (and simulator) for as long as the block lasts.

    Raises InUse when the run directory cannot be used, NotRunning when the rig does not come up.
    """
    make_run_dir(run_dir)
    log = run_dir / f"{name}.log"
    child = Child(
        name="supervisor",
        module="controller.runtime.supervisor",
        arguments=[*arguments, "--run-dir", str(run_dir), "--log-dir", str(run_dir / "logs")],
        log=log,
        piped=False,
    )

    def gone() -> str:
        return child.last_words() if child.over else ""

    try:
        Client.wait(run_dir / CONTROL_SOCKET, for_s=UP_S, gone=gone).close()
        yield child
    except Unreachable as error:
        why = gone()
        code = child.end()
        raise NotRunning(why or f"{child.last_words()} ({error})", code=code or FAILED) from error
    finally:
        child.end()


def run_selftest(arguments: Sequence[str], run_dir: Path, data_dir: Path) -> SelfTest:
    """Start the rig, run SELF_TEST, then stop control (SIGSTOP) with the contactor closed; verify the record.

    Its records go into a folder of their own under `data_dir`: no treatment is restored from them. In real time only.
    Raises NotRunning when the rig does not come up or control fails, RecordError when nothing can be recorded there.
    """
    data_dir = data_dir / "selftest"
    check_place(data_dir, START_FREE_BYTES)
    began_s = time.time()
    words = [*arguments, "--data-dir", str(data_dir)]
    with running(words, run_dir, name="selftest-supervisor"), Client(run_dir / CONTROL_SOCKET) as client:
        _settled(client)
        client.act(Act.SELF_TEST)
        state = _until(client, lambda state: not _testing(state), SELF_TEST_S)
        lines = list(state["checks"])
        done = state["step"] == "standby" and not state["trips"] and all(line["passed"] for line in lines)
        links = state["runtime"]["links"]
        if done:
            lines.append(_stop_control(client, run_dir))
        else:
            why = "; ".join(trip["text"] for trip in state["trips"]) or state["gate"]
            lines.append(_line("self-test", why, "passed", False))
    lines += [_who(link) for link in links]
    lines += [_record(data_dir, began_s), _disk(data_dir), *_noted()]
    return SelfTest(lines, {link["device"]: link["identity"] for link in links})


class SelfTest(NamedTuple):
    """Each step with its measured value, and who answered on each device."""

    lines: list[dict[str, Any]]
    devices: dict[str, str]

    @property
    def passed(self) -> bool:
        """Every step has."""
        return all(line["passed"] for line in self.lines)

    @property
    def strangers(self) -> dict[str, str]:
        """Devices of the rig that are not there, or are another: what was found there instead."""
        found = {str(line["name"]).removeprefix(WHO): line for line in self.lines if line["name"].startswith(WHO)}
        return {device: str(line["measured"]) for device, line in found.items() if not line["passed"]}

    @property
    def code(self) -> int:
        """The exit code: a rig file that names other devices than there are is no test that failed."""
        return DONE if self.passed else REFUSED if self.strangers else FAILED


def _stop_control(client: Client, run_dir: Path) -> dict[str, Any]:
    """Closed contactor, control stopped for a moment: the protective channel has to open it, and says how soon."""
    name, allowed = "control stopped: contactor opens", f"0 to {STOPPED_OPENS_S:g} s after its last heartbeat"
    client.act(Act.SELF_TEST)
    state = _until(client, lambda state: _protective(state).get("contactor_closed") or not _testing(state), SELF_TEST_S)
    if not _protective(state).get("contactor_closed"):
        return _line(name, "contactor never closed", allowed, False)
    pid = int((run_dir / LOCK).read_text())
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(STOPPED_S)
    finally:
        os.kill(pid, signal.SIGCONT)
    said = _protective(_until(client, lambda state: "control silent" in _protective(state).get("trip", ""), SETTLE_S))
    opened_s = said.get("opened_s")
    good = "control silent" in said.get("trip", "") and opened_s is not None and 0.0 <= opened_s <= STOPPED_OPENS_S
    return _line(name, "not opened" if opened_s is None else f"{opened_s:.2f} s", allowed, good)


def _who(link: Mapping[str, Any]) -> dict[str, Any]:
    """Who answered as a device of the rig; else what was heard there, in the words of its link."""
    name = link["device"]
    identity = "" if link["state"] == SlotState.WRONG.value else link["identity"]
    heard = str(link["fault"]).removeprefix(f"{name}: ") or "no answer"
    return _line(f"{WHO}{name}", identity or heard, "the rig file's device", bool(identity))


def _record(data_dir: Path, since_s: float) -> dict[str, Any]:
    """The record of this very run, read back and verified."""
    from controller.records.reader import Record

    paths = [path for path in data_dir.glob("*.sqlite") if path.stat().st_mtime >= since_s - 1.0]
    if not paths:
        return _line("record", "none was written", "every row verified", False)
    with Record(max(paths, key=lambda path: path.stat().st_mtime)) as record:
        verdict = record.verify()
    bad = verdict.bad is not None
    return _line("record", f"{verdict.rows} rows", "every row verified", verdict.rows > 0 and not bad)


def _disk(data_dir: Path) -> dict[str, Any]:
    free_mb = shutil.disk_usage(data_dir).free / 1e6
    return _line("disk", f"{free_mb:.0f} MB free", f"{START_FREE_MB:g} MB at least", free_mb >= START_FREE_MB)


def _noted() -> list[dict[str, Any]]:
    """What is said and not judged."""
    synchronised = Path("/run/systemd/timesync/synchronized").exists()
    clock = "synchronised" if synchronised else "not known to be synchronised"
    return [
        _line("clock", clock, "noted: records carry its time", True),
        _line("speaker, annunciator, external tone", "not heard by a program", "noted: a person hears them", True),
    ]


def _line(name: str, measured: str, allowed: str, passed: bool) -> dict[str, Any]:
    return {"name": name, "measured": measured, "allowed": allowed, "passed": passed}


def _protective(state: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = state.get("runtime", {}).get("protective") or {}
    return said


def _until(client: Client, done: Callable[[dict[str, Any]], object], for_s: float) -> dict[str, Any]:
    """The first state that is `done`, or the last one after `for_s`. Raises NotRunning when control fails."""
    until_s = time.monotonic() + for_s
    while True:
        state = client.state()
        if state.get("failed"):
            raise NotRunning(f"control failed: {state['runtime']}")
        if done(state) or time.monotonic() > until_s:
            return state
        time.sleep(0.05)


def _testing(state: dict[str, Any]) -> bool:
    return state["step"] == "self_test" and not state["trips"]


def _settled(client: Client) -> None:
    """Wait until every signal is there, or for as long as devices may take to open."""
    until_s = time.monotonic() + SETTLE_S
    while time.monotonic() < until_s:
        state = client.state()
        if state.get("failed") or not state.get("bad", True):
            return
        time.sleep(0.1)
