"""The host under pressure while it heats: a disk that freezes, a wall clock that is set, memory that runs out.

One rig for all of them. Its records lie on a disk image of their own, which can be frozen where the host allows that,
and its wall clock is moved by what stands in a file (`clock/sitecustomize.py`).
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from host_faults import CONTACTOR_S, HEAT_OFF_S, HOST_WALL_S
from host_rig import Rig, Sample, alive, rig_in, until

from controller.records.reader import Record
from controller.runtime.api import CLIENTS_MAX
from controller.runtime.messages import Request, pack
from controller.runtime.rundir import CONTROL_SOCKET

pytestmark = [pytest.mark.hil, pytest.mark.timeout(300), pytest.mark.xdist_group("pressure")]

SPEED = 4.0
MORE_S = HOST_WALL_S * (SPEED - 1.0)
FROZEN_WALL_S = 5.0
GONE_WALL_S = 10.0
GAP_S = 2.0  # of the rig's seconds, between samples; the frozen disk costs twenty
DAY_S = 86400.0
IMAGE_BYTES = 1600 * 2**20  # sparse: START wants room for a record


class Bench:
    """The rig, its disk (None where the host has none to freeze), and its wall clock."""

    def __init__(self, rig: Rig, disk: Path | None, clock: Path) -> None:
        self.rig, self.disk, self.clock = rig, disk, clock

    def set_clock(self, seconds: float) -> None:
        """Move the wall clock of every process of the rig so far from the true one."""
        with self.clock.open("r+b" if self.clock.exists() else "wb") as file:
            file.write(struct.pack("<d", seconds))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("hf")
    with contextlib.ExitStack() as stack:
        data_dir = folder / "data"
        data_dir.mkdir(mode=0o700)
        disk = data_dir if stack.enter_context(disk_image(folder / "image", data_dir)) else None
        rig = stack.enter_context(rig_in(folder, seed=3, speed=SPEED))
        made = Bench(rig, disk, folder / "clock")
        made.set_clock(0.0)
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("PYTHONPATH", str(Path(__file__).with_name("clock")))
            environment.setenv("WALL_CLOCK_FILE", str(made.clock))
            rig.start()
        yield made


@contextlib.contextmanager
def disk_image(image: Path, place: Path) -> Iterator[bool]:
    """A disk of its own at `place`, where the host allows that."""
    with image.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    made = os.getuid() == 0 and not any(
        subprocess.run(words, capture_output=True).returncode
        for words in (["mkfs.ext4", "-q", image], ["mount", "-o", "loop", image, place])
    )
    try:
        yield made
    finally:
        if made:
            subprocess.run(["umount", "-l", place], check=True)
        image.unlink()


def alarm(state: dict[str, Any], id_: str) -> str:
    texts = [alarm["text"] for alarm in state.get("alarms", ()) if alarm["id"] == id_ and alarm["present"]]
    return texts[0] if texts else ""


def listed(state: dict[str, Any]) -> list[str]:
    return [alarm["id"] for alarm in state.get("alarms", ())]


def recorded(rig: Rig, query: str) -> list[tuple[Any, ...]]:
    """Rows of the newest record, while it is written."""
    path = max(rig.data_dir.glob("*.sqlite"))
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


def goes_on(rig: Rig, before: dict[str, Any]) -> None:
    """The same treatment still heats, and no cycle was late."""
    state = rig.state()
    assert state["heat_on"], state["trips"]
    assert not state["trips"]
    assert state["step"] == before["step"]
    assert rig.sim.sample().power_w > 0.0
    assert state["runtime"]["lateness"]["max_ms"] < 200.0, state["runtime"]["lateness"]


@contextlib.contextmanager
def frozen(place: Path) -> Iterator[None]:
    subprocess.run(["fsfreeze", "-f", place], check=True)
    try:
        yield
    finally:
        subprocess.run(["fsfreeze", "-u", place], check=True)


def test_h37_a_disk_that_stands_still_for_five_seconds_is_said_and_costs_neither_heat_nor_a_row(bench: Bench) -> None:
    rig = bench.rig
    if bench.disk is None or shutil.which("fsfreeze") is None:
        pytest.skip("a disk that can be frozen needs root, fsfreeze and the right to mount an image")
    before = rig.heat()
    began_s = rig.now_s()
    with frozen(bench.disk):
        thaw_s = time.monotonic() + FROZEN_WALL_S
        until(lambda: "does not answer" in alarm(rig.state(), "host"), FROZEN_WALL_S, "an alarm of the disk")
        while (left_s := thaw_s - time.monotonic()) > 0.0:
            time.sleep(min(0.5, left_s))
            assert "does not answer" in alarm(rig.state(), "host")
        goes_on(rig, before)
    ended_s = rig.now_s()
    until(lambda: not alarm(rig.state(), "host"), 10.0, "the end of the alarm")
    until(lambda: recorded(rig, "SELECT max(at_s) FROM samples")[0][0] > ended_s + GAP_S, 10.0, "new samples")
    goes_on(rig, before)
    times = [at_s for (at_s,) in recorded(rig, f"SELECT at_s FROM samples WHERE at_s >= {began_s - 5.0} ORDER BY seq")]
    assert max(after - earlier for earlier, after in pairwise(times)) <= GAP_S
    assert recorded(rig, "SELECT text FROM events WHERE text LIKE '%dropped%'") == []
    assert recorded(rig, "SELECT text FROM events WHERE name = 'host' AND text LIKE '%does not answer%'")


def test_h36_a_wall_clock_that_is_set_by_a_day_and_back_moves_nothing_but_the_dates_of_the_record(bench: Bench) -> None:
    rig = bench.rig
    before, began_s = rig.heat(), rig.now_s()
    jumps = f"SELECT text FROM events WHERE name = 'clock_jump' AND kind = 'alarm' AND at_s >= {began_s} ORDER BY seq"
    for number, seconds in enumerate((DAY_S, -DAY_S, 0.0), 1):
        bench.set_clock(seconds)
        until(lambda number=number: len(recorded(rig, jumps)) == number, 10.0, "the event of a clock that was set")
        goes_on(rig, before)
        until(lambda: "clock_jump" not in listed(rig.state()), 10.0, "the end of the alarm")
    after = rig.state()
    assert 0.0 < after["in_step_s"] - before["in_step_s"] <= rig.now_s() - began_s + GAP_S
    assert after["contact_min"] == before["contact_min"] == 0.0
    assert after["doses"] == before["doses"] == 0
    for (text,), seconds in zip(recorded(rig, jumps), (DAY_S, -2.0 * DAY_S, DAY_S), strict=True):
        assert f"jumped by {seconds:.1f} s" in text
    rows = recorded(rig, f"SELECT at_s, wall_utc FROM samples WHERE at_s >= {began_s} ORDER BY seq")
    assert all(0.0 < late[0] - early[0] <= GAP_S for early, late in pairwise(rows))
    assert len({wall_utc[:10] for _, wall_utc in rows}) >= 3


def take_memory(pid: int) -> None:
    """From now on the process gets no byte more than it has."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    has = int(status["VmData"].split()[0]) * 1024
    resource.prlimit(pid, resource.RLIMIT_DATA, (has, resource.RLIM_INFINITY))


def off_after(rig: Rig, began_s: float, seconds: float) -> tuple[float, float]:
    """Seconds from `began_s` to the last power and to the last closed contactor, watched for so long."""
    seen = rig.watch(seconds)
    power = [sample.at_s - began_s for sample in seen if sample.power_w > 0.0]
    closed = [sample.at_s - began_s for sample in seen if sample.contactor_closed]
    return max([0.0, *power]), max([0.0, *closed])


def test_h33_a_protective_channel_that_gets_no_more_memory_still_opens_for_a_silent_control(bench: Bench) -> None:
    rig = bench.rig
    before = rig.heat()
    protective, control = rig.pid("protective"), rig.pid("control")
    take_memory(protective)
    rig.attend_for(8.0)
    assert rig.pid("protective") == protective
    goes_on(rig, before)
    began_s = rig.now_s()
    os.kill(control, signal.SIGSTOP)
    try:
        heat_s, contactor_s = off_after(rig, began_s, 2.5)
    finally:
        os.kill(control, signal.SIGCONT)
    assert heat_s <= HEAT_OFF_S + MORE_S
    assert contactor_s <= CONTACTOR_S + MORE_S
    assert rig.pid("protective") == protective


def crowded_out(rig: Rig, pid: int) -> tuple[float, list[Sample]]:
    """Clients ask for more than they read until the process is gone; when that was, and the truth all the while."""
    asked = pack(Request(id=2, do="state")) * 40
    seen: list[Sample] = []
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(CLIENTS_MAX - 2)]
        for client in clients:
            client.connect(str(rig.run_dir / CONTROL_SOCKET))
            client.setblocking(False)
        give_up_s = time.monotonic() + GONE_WALL_S
        while alive(pid):
            assert time.monotonic() < give_up_s, "it neither ended nor did without more memory"
            for client in clients:
                with contextlib.suppress(OSError):
                    client.send(asked)
            seen.append(rig.sim.sample())
    gone_s = rig.now_s()
    return gone_s, [*seen, *rig.watch(2.5)]


def test_h33_a_control_that_gets_no_more_memory_ends_with_everything_off_and_another_begins_in_standby(
    bench: Bench,
) -> None:
    rig = bench.rig
    rig.heat()
    pid, record = rig.pid("control"), max(rig.data_dir.glob("*.sqlite"))
    take_memory(pid)
    gone_s, seen = crowded_out(rig, pid)
    assert seen[0].power_w > 0.0
    assert max(sample.at_s for sample in seen if sample.power_w > 0.0) - gone_s <= HEAT_OFF_S + MORE_S
    assert max(sample.at_s for sample in seen if sample.contactor_closed) - gone_s <= CONTACTOR_S + MORE_S
    rig.wait_for_control(but_not=pid)
    state = rig.state()
    assert (state["step"], state["heat_on"], state["armed"]) == ("standby", False, False)
    assert "restart" in [trip["id"] for trip in state["trips"]]
    assert not any(sample.power_w > 0.0 for sample in rig.watch(1.5))
    rig.end_supervisor()
    assert rig.verify_records() >= 2
    with Record(record) as left:
        assert not left.verify().ended
