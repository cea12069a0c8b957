"""The controller's socket flooded and crowded while it heats: STOP works, and the loop is not late."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from host_rig import Rig, rig_in, until

from controller.core.exchange import Act
from controller.runtime.api import CLIENTS_MAX
from controller.runtime.client import Client
from controller.runtime.messages import Request, pack
from controller.runtime.rundir import CONTROL_SOCKET

pytestmark = [pytest.mark.hil, pytest.mark.timeout(300), pytest.mark.xdist_group("flooded")]

SPEED = 4.0
STOP_S = 1.0


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig_in(tmp_path_factory.mktemp("hf"), seed=3, speed=SPEED) as rig:
        rig.start()
        yield rig


@pytest.fixture
def heating(bench: Rig) -> Rig:
    bench.heat()
    return bench


@contextlib.contextmanager
def in_threads(*jobs: Any) -> Iterator[None]:
    """Run each job, given an event that ends it, for as long as the block lasts."""
    ending = threading.Event()
    threads = [threading.Thread(target=job, args=(ending,)) for job in jobs]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ending.set()
        for thread in threads:
            thread.join(10.0)


def flood(path: Path, data: bytes, *, reads: bool) -> Any:
    """A client that sends `data` as fast as it can, and comes again whenever it is cut off."""

    def run(ending: threading.Event) -> None:
        while not ending.is_set():
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
                client.settimeout(0.2)
                client.connect(str(path))
                while not ending.is_set():
                    client.sendall(data)
                    if reads:
                        client.recv(65536)

    return run


def stopped_after(rig: Rig, client: Client) -> float:
    """Press STOP; the rig's seconds until no power flows at the twin."""
    began_s = rig.now_s()
    client.stop()
    seen = rig.watch(2.0)
    return max([0.0, *(sample.at_s - began_s for sample in seen if sample.power_w > 0.0)])


def test_floods_of_requests_and_garbage_neither_delay_the_loop_nor_stop(heating: Rig) -> None:
    path = heating.run_dir / CONTROL_SOCKET
    garbage = os.urandom(4096)
    state, act = pack(Request(id=1, do="state")), pack(Request(id=2, do="act", act=Act.ACKNOWLEDGE.value))
    slow = pack(Request(id=3, do="subscribe")) + state * 20
    with Client(path) as nurse:
        before = heating.state()["runtime"]["lateness"]
        jobs = [flood(path, data, reads=reads) for data in (garbage, state, act) for reads in (True, False)]
        with in_threads(*jobs, flood(path, slow, reads=False)):
            time.sleep(4.0)
            after_s = stopped_after(heating, nurse)
        after = nurse.state()
    assert after_s <= STOP_S
    assert after["runtime"]["lateness"]["max_ms"] < 200.0, (before, after["runtime"]["lateness"])
    assert "stop" in [trip["id"] for trip in after["trips"]]


def test_a_hundred_clients_leave_the_one_that_was_there_its_stop(heating: Rig) -> None:
    path = heating.run_dir / CONTROL_SOCKET
    with Client(path) as nurse, contextlib.ExitStack() as stack:
        others = []
        for _ in range(100):
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.setblocking(False)
            with contextlib.suppress(OSError):
                client.connect(str(path))
                client.send(pack(Request(id=1, do="subscribe")))
                others.append(client)
        assert len(others) >= CLIENTS_MAX - 1
        time.sleep(2.0)  # nobody of them reads
        assert stopped_after(heating, nurse) <= STOP_S
        assert nurse.state()["runtime"]["lateness"]["max_ms"] < 200.0
    until(lambda: "phase" in heating.state(), 5.0, "an answer after the crowd has gone")
