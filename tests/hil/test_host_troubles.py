"""The host in trouble while it heats: a full disk, ports pulled and put back."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from host_faults import HOST_WALL_S
from host_rig import Rig, rig_in, until

pytestmark = [pytest.mark.hil, pytest.mark.timeout(300)]

SPEED = 4.0
HEAT_OFF_S = 1.0 + HOST_WALL_S * (SPEED - 1.0)
PORTS = ("heater", "pump", "probes", "bus", "flow", "protect")
TMPFS = "size=640m"


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
    if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", TMPFS, "hipec", place]).returncode != 0:
        pytest.skip("a small disk needs root and the right to mount a tmpfs")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_is_an_alarm_and_the_treatment_goes_on_and_no_other_begins(
    tmp_path: Path, small_disk: Path
) -> None:
    with rig_in(tmp_path, seed=4, speed=SPEED) as rig:
        assert rig.data_dir == small_disk
        rig.start()
        rig.heat()
        ballast = small_disk / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"\0" * 65536)
        until(lambda: _host_alarm(rig.state()) != "", 30.0, "an alarm of the computer")
        assert "full" in _host_alarm(rig.state())
        rig.attend_for(3.0)
        state = rig.state()
        assert state["heat_on"]
        assert not state["trips"]
        assert state["runtime"]["lateness"]["max_ms"] < 200.0
        ballast.unlink()
        until(lambda: _host_alarm(rig.state()) == "", 20.0, "the end of the alarm with room on the disk")
        rig.end_supervisor()
        assert rig.verify_records() == 1
        ballast.write_bytes(bytes(200 * 2**20))
        with pytest.raises(AssertionError):
            rig.start()
        assert "MiB free, at least" in rig.said() + (rig.run_dir / "supervisor.out").read_text()


def _host_alarm(state: dict[str, Any]) -> str:
    texts = [alarm["text"] for alarm in state.get("alarms", ()) if alarm["id"] == "host" and alarm["present"]]
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
