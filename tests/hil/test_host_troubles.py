"""The host in trouble while it heats: a full disk, ports pulled and put back."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from host_faults import HOST_WALL_S
from host_rig import Rig, rig_in, until

from controller.core.exchange import Act
from controller.runtime.client import Client, Refusal
from controller.runtime.rundir import CONTROL_SOCKET

pytestmark = [pytest.mark.hil, pytest.mark.timeout(300)]

SPEED = 4.0
HEAT_OFF_S = 1.0 + HOST_WALL_S * (SPEED - 1.0)
PORTS = ("heater", "pump", "probes", "bus", "flow", "protect")
SIZES_MB = {"too small to start": 900, "to start": 1300, "nearly full": 180}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig_in(tmp_path_factory.mktemp("hf"), seed=3, speed=SPEED) as rig:
        rig.start()
        yield rig


@pytest.fixture
def heating(bench: Rig) -> Rig:
    bench.heat()
    return bench


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "data"
    place.mkdir(mode=0o700)
    size = f"size={SIZES_MB['too small to start']}m"
    if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", size, "hipec", place]).returncode != 0:
        pytest.skip("a small disk needs root and the right to mount a tmpfs")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def resize(place: Path, kilobytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", place], check=True)


def test_a_full_disk_is_an_alarm_and_the_treatment_goes_on_and_no_other_begins(
    tmp_path: Path, small_disk: Path
) -> None:
    with rig_in(tmp_path, seed=4, speed=SPEED) as rig:
        assert rig.data_dir == small_disk
        rig.start()
        until(lambda: "needs 1000 MB" in _refusal(rig), 15.0, "a refused START")
        resize(small_disk, SIZES_MB["to start"] * 1024)
        rig.heat()
        resize(small_disk, SIZES_MB["nearly full"] * 1024)
        until(lambda: "MB free" in _alarm(rig.state(), "disk_low"), 15.0, "an alarm of a disk that is nearly full")
        assert rig.state()["heat_on"]
        resize(small_disk, shutil.disk_usage(small_disk).used // 1024)
        until(lambda: _alarm(rig.state(), "host") != "", 30.0, "an alarm of the computer")
        assert "full" in _alarm(rig.state(), "host")
        rig.attend_for(3.0)
        state = rig.state()
        assert state["heat_on"]
        assert not state["trips"]
        assert "full" in _alarm(state, "host")
        assert state["runtime"]["lateness"]["max_ms"] < 200.0
        resize(small_disk, SIZES_MB["to start"] * 1024)
        until(lambda: not _alarm(rig.state(), "host"), 20.0, "the end of the alarm with room on the disk")
        rig.end_supervisor()
        assert rig.verify_records() == 1
        resize(small_disk, SIZES_MB["nearly full"] * 1024)
        with pytest.raises(AssertionError):
            rig.start()
        assert "MB free, at least" in rig.said() + (rig.run_dir / "supervisor.out").read_text()


def _refusal(rig: Rig) -> str:
    with Client(rig.run_dir / CONTROL_SOCKET) as client, pytest.raises(Refusal) as refused:
        client.act(Act.START)
    return str(refused.value)


def _alarm(state: dict[str, Any], id_: str) -> str:
    texts = [alarm["text"] for alarm in state.get("alarms", ()) if alarm["id"] == id_ and alarm["present"]]
    return texts[0] if texts else ""


def test_every_port_may_be_pulled_and_put_back_and_heat_waits_for_a_person(heating: Rig) -> None:
    measured: dict[str, float] = {}
    for port in PORTS:
        heating.heat()
        began_s = heating.sim.ask(do="fault", fault=f"replugged:{port}+3")["at"]
        seen = heating.watch(7.0)
        measured[port] = max([0.0, *(sample.at_s - began_s for sample in seen if sample.power_w > 0.0)])
        state = heating.state()
        assert state["trips"], f"{port}: nothing tripped"
        assert not state["heat_on"], f"{port}: heat is on again"
        heating.sim.ask(do="clear")
    assert max(measured.values()) <= HEAT_OFF_S, measured
