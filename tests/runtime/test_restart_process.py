"""The real control process, killed with a trip latched: the next one shows it, in STANDBY, and says what happened."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from test_control_process import SOON_S, port_arguments, ports

from controller.records.reader import Record
from controller.runtime.client import Client
from controller.runtime.rundir import CONTROL_SOCKET

__all__ = ["ports"]


def state_of(client: Client) -> dict[str, Any]:
    return next(state for state in client.subscribe(timeout_s=SOON_S) if state["values"])


def until_written(data_dir: Path) -> float:
    """Seconds until the trip is on the disk; what is killed before that is lost."""
    began_s = time.monotonic()
    (path,) = data_dir.glob("*.sqlite")
    while time.monotonic() - began_s < SOON_S:
        with Record(path) as record:
            if any(event["kind"] == "trip" for event in record.rows("events")):
                break
        time.sleep(0.01)
    return time.monotonic() - began_s


def begin(tmp_path: Path, ports: dict[str, str]) -> subprocess.Popen[str]:
    places = ["--run-dir", str(tmp_path / "run"), "--data-dir", str(tmp_path / "data")]
    command = [sys.executable, "-m", "controller.runtime", *places, *port_arguments(ports)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def test_h38_a_killed_control_comes_back_with_its_trip_latched_and_in_standby(
    tmp_path: Path, ports: dict[str, str]
) -> None:
    socket = tmp_path / "run" / CONTROL_SOCKET
    with begin(tmp_path, ports) as process:
        try:
            with Client.wait(socket, for_s=SOON_S) as client:
                client.stop()
                tripped = next(s for s in client.subscribe(timeout_s=SOON_S) if s["trips"])
            written_s = until_written(tmp_path / "data")
        finally:
            process.kill()
    assert [trip["id"] for trip in tripped["trips"]] == ["stop"]
    assert written_s < SOON_S
    with begin(tmp_path, ports) as process:
        try:
            with Client.wait(socket, for_s=SOON_S) as client:
                state = state_of(client)
            process.terminate()
            process.communicate(timeout=SOON_S)
        finally:
            process.kill()
    assert process.returncode == 3
    assert [trip["id"] for trip in state["trips"]] == ["stop", "restart"]
    assert "STOP pressed" in state["trips"][1]["text"]
    assert (state["phase"], state["heat_on"], state["armed"]) == ("STANDBY", False, False)
    assert {"stop", "restart"} <= {alarm["id"] for alarm in state["alarms"]}
