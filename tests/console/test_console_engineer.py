"""What only an engineer may ask of the console: jogs that expire soon, and faults where a simulator is there."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from asgi import Desk

from config.loading import load_rig
from controller.console.commands import EXPIRY_MS, HELD_MS
from controller.console.sessions import Role
from controller.console.simulator import Simulator
from sim.devices.catalogue import twins
from sim.server import Server


@pytest.fixture
def engineer() -> Desk:
    desk = Desk()
    desk.session.role = Role.ENGINEER
    return desk


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """The simulator of the bench on its ports, in a thread."""
    made = Server(
        rig=load_rig("bench"),
        speed=1.0,
        seed=0,
        ports={},
        folder=tmp_path,
        socket_path=tmp_path / "sim.sock",
        twins=twins(),
    )
    thread = threading.Thread(target=made.serve)
    thread.start()
    yield made
    made.stop()
    thread.join()
    made.close()


def test_an_operator_cannot_jog_and_an_engineer_can(engineer: Desk) -> None:
    engineer.session.role = Role.OPERATOR
    refused = engineer.post("/command", engineer.command("jog_pump", value=0.3, text="1"))
    assert refused.status == 403
    assert b"needs the role engineer" in refused.body
    engineer.session.role = Role.ENGINEER
    assert engineer.post("/command", engineer.command("jog_pump", value=0.3, text="1")).status == 200
    assert engineer.heard.acts == ["jog_pump"]


def test_nobody_jogs_from_another_machine(engineer: Desk) -> None:
    body = engineer.command("jog_pump", value=0.3, text="1")
    assert engineer.post("/command", body, client="192.0.2.7").status == 403
    assert engineer.heard.acts == []


def test_a_refresh_that_was_under_way_for_long_is_not_passed_on(engineer: Desk) -> None:
    assert HELD_MS < EXPIRY_MS
    late = engineer.command("jog_pump", value=0.3, text="1", age_s=HELD_MS / 1000.0 + 0.1)
    assert engineer.post("/command", late).status == 409
    assert engineer.heard.acts == []


def test_without_a_simulator_there_are_no_faults(engineer: Desk, tmp_path: Path) -> None:
    assert engineer.get("/faults").status == 404
    assert engineer.post("/fault", engineer.command("fault", text="stall")).status == 404
    engineer.console.simulator = Simulator(tmp_path / "sim.sock")
    assert engineer.get("/faults").status == 503
    assert engineer.post("/fault", engineer.command("fault", number=2, text="stall")).status == 503
    assert engineer.heard.acts == []


def test_a_fault_begins_in_the_simulator_and_all_end_there(engineer: Desk, server: Server) -> None:
    engineer.console.simulator = Simulator(server.socket_path)
    shown = json.loads(engineer.get("/faults").body)
    off = next(line for line in shown["vocabulary"] if line["name"] == "off")
    assert "core_c" in off["targets"]
    assert shown["active"] == []
    assert "kill" not in {line["name"] for line in shown["vocabulary"]}
    assert engineer.post("/fault", engineer.command("fault", text="off:core_c")).status == 200
    while not (active := json.loads(engineer.get("/faults").body)["active"]):
        pass
    assert active[0].startswith("off:core_c@")
    assert engineer.post("/fault", engineer.command("end_faults", number=2)).status == 200
    assert json.loads(engineer.get("/faults").body)["active"] == []
    said = [entry["text"] for entry in engineer.console.hub.chronicle.since(0)]
    assert said == ["Fault off:core_c (engineer at the console)", "All faults ended (engineer at the console)"]


def test_a_fault_that_is_none_is_refused_in_the_words_of_the_simulator(engineer: Desk, server: Server) -> None:
    engineer.console.simulator = Simulator(server.socket_path)
    answer = engineer.post("/fault", engineer.command("fault", text="explode"))
    assert answer.status == 422
    assert b"no fault 'explode'" in answer.body


def test_an_operator_begins_no_fault(engineer: Desk, server: Server) -> None:
    engineer.console.simulator = Simulator(server.socket_path)
    engineer.session.role = Role.OPERATOR
    assert engineer.post("/fault", engineer.command("fault", text="stall")).status == 403
    assert json.loads(engineer.get("/faults").body)["active"] == []
