"""The served simulator: its owner's socket, its ports, its faults, and a clean end."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import serial

from config.schema import Rig
from sim.devices.twin import Reply, Wiring
from sim.faults import parse
from sim.plant.parameters import Parameters
from sim.plant.plant import Plant
from sim.server import Server, announce, run
from sim.simulator import STEP_S, Simulator
from sim.terminals import Terminals

RIG = {
    "name": "small",
    "circuit": {},
    "heater": {"kind": "bath"},
    "ports": {"bus": {"path": "unset"}, "guard": {"path": "unset", "baud": 115200}},
    "devices": {
        "temps": {"family": "adam4015", "port": "bus", "address": 1},
        "relay": {"family": "waveshare_relay", "port": "bus", "address": 4},
    },
    "signals": {"inflow_c": {"device": "temps", "channel": "ch0_c"}},
    "actuators": {
        "pump": "temps",
        "heater": "temps",
        "pump_enable": {"device": "relay", "channel": 0},
        "inflow_open": {"device": "relay", "channel": 1},
        "outflow_closed": {"device": "relay", "channel": 2},
    },
    "protective": {"port": "guard"},
}


class Talker:
    """Tells its channel 0 to whoever sends `t`; closes its relays when it hears `c`."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self.times_s: list[float] = []

    def receive(self, data: bytes, now_s: float) -> list[Reply]:
        self.times_s.append(now_s)
        if b"c" in data:
            for close in self.wiring.outputs.values():
                close(True)
        return [Reply(0.0, f"{self.wiring.inputs['ch0_c']()}\r".encode())] if b"t" in data else []

    def tick(self, now_s: float) -> None:
        self.times_s.append(now_s)

    def power_cycle(self, now_s: float) -> None:
        for opened in self.wiring.outputs.values():
            opened(False)


class Mute(Talker):
    """Hears only."""

    def receive(self, data: bytes, now_s: float) -> list[Reply]:
        super().receive(data, now_s)
        return []


TWINS = {"adam4015": Talker, "waveshare_relay": Mute, "pt100_8ch": Mute}


def small_rig() -> Rig:
    return msgspec.convert(RIG, Rig)


def simulator(*faults: str) -> Simulator:
    return Simulator(
        rig=small_rig(),
        plant=Plant(parameters=Parameters.nominal("bath"), terminals=Terminals(), seed=1),
        twins=TWINS,
        origin_s=1000.0,
        faults=tuple(parse(fault) for fault in faults),
    )


# --- in virtual time ---------------------------------------------------------------------------------------------


def forward(sim: Simulator, seconds: float) -> None:
    until_s = sim.next_s + seconds - STEP_S / 2
    while sim.next_s < until_s:
        sim.step()
        sim.bench.tick(sim.next_s - STEP_S)


def test_time_is_counted_from_the_start_of_the_simulator() -> None:
    sim = simulator()
    forward(sim, 3.0)
    assert sim.truth()["time_s"] == pytest.approx(3.0)
    assert sim.truth()["at"] == pytest.approx(1003.0)


def test_a_planned_fault_comes_and_goes_at_its_time() -> None:
    sim = simulator("stall@1+1", "off:inflow_c@1.5")
    forward(sim, 0.9)
    assert (sim.plant.faults.pump_stall, sim.truth()["faults"]) == (False, [])
    forward(sim, 0.2)
    assert (sim.plant.faults.pump_stall, sim.truth()["faults"]) == (True, ["stall@1+1"])
    forward(sim, 1.0)
    assert (sim.plant.faults.pump_stall, sim.truth()["faults"]) == (False, ["off:inflow_c@1.5"])
    assert sim.truth()["terminals"]["sensed"]["inflow_c"] is None


def test_a_link_fault_strikes_the_link_and_a_brown_out_the_twin() -> None:
    sim = simulator("silent:temps@1", "power_cycled:relay@2")
    sim.plant.terminals.pump_enabled = True
    forward(sim, 1.5)
    assert sim.bench.links["temps"].silent
    assert sim.plant.terminals.pump_enabled
    forward(sim, 1.0)
    assert not sim.plant.terminals.pump_enabled


def test_clearing_heals_everything() -> None:
    sim = simulator("stall@1", "silent:temps@1", "bias:inflow_c@1", "leak@9")
    forward(sim, 2.0)
    sim.clear_faults(sim.next_s)
    assert not sim.plant.faults.pump_stall
    assert sim.bench.links["temps"].healthy
    assert sim.plant.probes["inflow_c"].fault is None
    forward(sim, 10.0)
    assert sim.plant.faults.leak_ml_min == 0.0


@pytest.mark.parametrize("text", ["off:nowhere@1", "silent:nowhere@1", "kill:control@1"])
def test_a_fault_that_the_simulator_cannot_apply_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(ValueError, match="fault "):
        simulator(text)


def test_the_end_of_heating_is_noted() -> None:
    sim = simulator()
    terminals = sim.plant.terminals
    terminals.bath_on = terminals.bath_circulating = terminals.contactor_closed = True
    terminals.bath_setpoint_c = 42.0
    forward(sim, 2.0)
    assert sim.truth()["heater_power_w"] > 100.0
    assert sim.truth()["heater_off_at"] is None
    terminals.contactor_closed = False
    off_s = sim.next_s
    forward(sim, 1.0)
    assert sim.truth()["heater_power_w"] == 0.0
    assert sim.truth()["heater_off_at"] == pytest.approx(off_s)


def test_the_truth_is_plain_json_whatever_is_broken() -> None:
    sim = simulator("nan:inflow_c@0", "short:outflow_c@0", "off:core_c@0")
    forward(sim, 1.0)
    truth = json.loads(json.dumps(sim.truth(), allow_nan=False))
    sensed = truth["terminals"]["sensed"]
    assert [sensed[name] for name in ("inflow_c", "outflow_c", "core_c")] == ["nan", "short", None]
    assert truth["plant"]["cavity_1_c"] > 20.0


def test_a_simulator_that_was_stopped_gives_up_what_lies_too_far_back() -> None:
    sim = simulator()
    sim.skip_to(1060.0)
    assert sim.skipped_s == pytest.approx(58.0, abs=0.1)
    steps = 0
    while sim.next_s <= 1060.0:
        sim.step()
        steps += 1
    assert steps <= 41


# --- served ------------------------------------------------------------------------------------------------------


class Owner:
    """The other end of the control socket."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(5.0)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile("r")

    def ask(self, **asked: object) -> dict[str, Any]:
        return self.send(json.dumps(asked))

    def send(self, text: str) -> dict[str, Any]:
        self._socket.sendall(text.encode() + b"\n")
        answer: dict[str, Any] = json.loads(self._lines.readline())
        return answer

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


def make_server(folder: Path, **changes: Any) -> Server:
    kwargs: dict[str, Any] = {
        "rig": small_rig(),
        "speed": 10.0,
        "seed": 1,
        "ports": {},
        "folder": folder,
        "socket_path": folder / "sim.sock",
        "twins": TWINS,
    }
    return Server(**{**kwargs, **changes})


@contextlib.contextmanager
def served(server: Server) -> Iterator[Owner]:
    thread = threading.Thread(target=server.serve)
    thread.start()
    owner = Owner(server.socket_path)
    try:
        yield owner
    finally:
        owner.close()
        server.stop()
        thread.join()
        server.close()


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return make_server(tmp_path)


@pytest.mark.hil
def test_a_device_answers_with_what_its_probe_feels(server: Server) -> None:
    with served(server), serial.Serial(server.addresses["bus"], 9600, timeout=2.0) as host:
        host.write(b"t")
        assert 10.0 < float(host.read_until(b"\r")) < 40.0


@pytest.mark.hil
def test_twins_never_see_time_go_back(server: Server) -> None:
    with served(server), serial.Serial(server.addresses["bus"], 9600, timeout=2.0) as host:
        for _ in range(40):
            host.write(b"t")
            host.read_until(b"\r")
    times_s = [station.twin.times_s for bus in server.simulator.bench.buses.values() for station in bus.stations]
    assert all(len(times) > 40 for times in times_s[:2])
    assert all(times == sorted(times) for times in times_s)


@pytest.mark.hil
def test_the_owner_breaks_and_heals_a_link(server: Server) -> None:
    with served(server) as owner, serial.Serial(server.addresses["bus"], 9600, timeout=0.3) as host:
        assert owner.ask(do="fault", fault="silent:temps")["ok"] is True
        while not owner.ask(do="truth")["faults"]:
            pass
        host.write(b"t")
        assert host.read_until(b"\r") == b""
        assert owner.ask(do="clear")["ok"] is True
        host.write(b"t")
        assert host.read_until(b"\r") != b""


@pytest.mark.hil
def test_the_owner_pours_and_reads_the_truth(server: Server) -> None:
    with served(server) as owner:
        while owner.ask(do="truth")["plant"]["reservoir_ml"] == 0.0:
            pass
        before_ml = owner.ask(do="truth")["plant"]["poured_ml"]
        assert owner.ask(do="pour", volume_ml=500, temperature_c=37)["ok"] is True
        truth = owner.ask(do="truth")
        assert truth["plant"]["poured_ml"] == pytest.approx(before_ml + 500.0)
        assert truth["simulated"] is True


@pytest.mark.hil
@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("what?", "Expecting value"),
        ("[1]", "not an object"),
        ('{"do": "dance"}', "allowed: truth, fault, faults, clear, pour, stop"),
        ('{"do": "fault", "fault": "explode@1"}', "no fault 'explode'"),
        ('{"do": "fault", "fault": "off:nowhere"}', "no signal 'nowhere'"),
        ('{"do": "fault"}', "not of the form"),
        ('{"do": "pour", "volume_ml": "4,2", "temperature_c": 37}', "allowed: a number"),
        ('{"do": "pour", "volume_ml": NaN, "temperature_c": 37}', "cannot pour"),
        ('{"do": "pour", "volume_ml": -5, "temperature_c": 37}', "cannot pour"),
    ],
)
def test_nonsense_is_refused_in_words_and_the_bench_goes_on(server: Server, line: str, says: str) -> None:
    with served(server) as owner:
        answer = owner.send(line)
        assert answer["ok"] is False
        assert says in answer["error"]
        assert owner.ask(do="truth")["ok"] is True


@pytest.mark.hil
def test_the_control_socket_is_the_owners_alone_and_goes_with_the_server(server: Server) -> None:
    path = server.socket_path
    with served(server):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == []


@pytest.mark.hil
def test_a_second_simulator_on_the_same_socket_is_refused_and_a_dead_ones_socket_is_taken(tmp_path: Path) -> None:
    with contextlib.closing(make_server(tmp_path)), pytest.raises(ValueError, match="another simulator answers there"):
        make_server(tmp_path)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "sim.sock"))
    make_server(tmp_path).close()


@pytest.mark.hil
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"ports": {"nowhere": "/tmp/x"}}, "no port nowhere in rig small; allowed: bus, guard"),
        ({"ports": {"guard": "tcp:here"}}, "port guard: tcp:here: allowed"),
        ({"speed": float("nan")}, "speed nan; allowed"),
        ({"speed": 0.0}, "speed 0.0; allowed"),
        ({"twins": {}}, "device temps: no twin"),
        ({"faults": ["off@1"]}, "needs a TARGET"),
    ],
)
def test_what_cannot_be_served_is_one_error_and_leaves_nothing(
    tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        make_server(tmp_path, **changes)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.hil
def test_every_announcement_says_that_it_is_simulated(server: Server) -> None:
    with contextlib.closing(server):
        table, line = io.StringIO(), io.StringIO()
        announce(server, json_output=False, out=table)
        announce(server, json_output=True, out=line)
    assert "SIMULATED" in table.getvalue()
    assert str(server.addresses["guard"]) in table.getvalue()
    said = json.loads(line.getvalue())
    assert said["simulated"] is True
    assert "SIMULATED" in line.getvalue()
    assert said["ports"] == server.addresses
    assert said["socket"] == str(server.socket_path)


# --- as a process ------------------------------------------------------------------------------------------------

COMMAND = [sys.executable, "-m", "sim", "--rig", "modbus", "--json", "--speed", "10"]


@pytest.mark.hil
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_ends_cleanly_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    command = [*COMMAND, "--socket", str(tmp_path / "sim.sock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        assert all(os.path.exists(path) for path in said["ports"].values())
        process.send_signal(number)
        assert process.wait(10.0) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.hil
def test_the_process_ends_with_its_parent_when_told_to(tmp_path: Path) -> None:
    command = [*COMMAND, "--socket", str(tmp_path / "sim.sock"), "--die-with-parent"]
    program = f"import subprocess as s; p = s.Popen({command!r}, stdout=s.PIPE); print(p.stdout.readline())"
    parent = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=30)
    assert "SIMULATED" in parent.stdout
    until_s = time.monotonic() + 10.0
    while list(tmp_path.iterdir()) and time.monotonic() < until_s:
        time.sleep(0.02)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["--rig", "no_such_rig"], ["--port", "x"], ["--port", "a=b", "--port", "a=c"]])
def test_a_wrong_command_line_is_a_usage_error(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from sim.__main__ import main

    assert main(words) == 2
    assert "SIMULATED" in capsys.readouterr().err


def test_a_refused_rig_is_exit_code_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(rig=small_rig(), speed=-1.0) == 2
    assert "speed -1.0; allowed" in capsys.readouterr().err
