"""Whatever a driver or a simulated device would refuse later is refused by the command that reads the rig file."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_commands import hipec

from config.loading import RIGS

BENT = {
    'options = { output = "10v" }': 'options = { output = "5v", sim_setpont_c = 20 }',
    "options = { max_rpm = 300.0 }": 'options = { max_rpm = 3000.0, watchdog = 3, direction = "up", reply_ms = "abc" }',
    'family = "registers"\nport = "aux"\naddress = 5': (
        'family = "registers"\nport = "aux"\naddress = 5\noptions = { write_function = 5, identity_address = 900 }'
    ),
    'channel = "flow_lpm"\ntable = "input"': 'channel = "flow_lpm"\ntable = "input"\nwritable = true',
    'channel = "bubble_mm"\ntable = "input"\naddress = 2\ntype = "f32"': (
        'channel = "bubble_mm"\ntable = "coil"\naddress = 2\ntype = "u16"'
    ),
    'pump = "pump"\n': 'pump = "ghost"\n',
}
SAID = (
    "devices.element.options.output = '5v': allowed: 10v, 20ma",
    "devices.element.options.sim_setpont_c = 20: is not known; allowed are reply_ms, sim_device_type, sim_setpoint_c",
    "devices.pump.options: unknown options watchdog; allowed: max_rpm, direction, product",
    "devices.pump.options.max_rpm = 3000.0: allowed: 1 to 600",
    "devices.pump.options.direction = 'up': allowed: cw, ccw",
    'devices.pump.options.reply_ms = "abc": allowed is a number from 0 to 10000',
    "devices.flow.options.write_function = 5: allowed are 6 and 16",
    "devices.flow.options.identity_value: is missing; allowed are identity_address and identity_value, both or none",
    "devices.flow.registers[0].writable = true: table input cannot be written; allowed: coil, holding",
    "devices.flow.registers[1].type = u16: in table coil; allowed is bit in coil and discrete, and only there",
    "actuators.pump = ghost: no such device",
)


@pytest.fixture
def bent(tmp_path: Path) -> Path:
    text = (RIGS / "modbus.toml").read_text()
    for right, wrong in BENT.items():
        assert text.count(right) == 1, right
        text = text.replace(right, wrong)
    path = tmp_path / "bent.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "command",
    [["check"], ["simulate"], ["sim"], ["run"], ["run", "--simulate"], ["selftest"], ["devices", "--probe"]],
    ids=" ".join,
)
def test_all_that_any_driver_or_twin_refuses_is_said_at_once_with_file_and_key(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], bent: Path, command: list[str]
) -> None:
    assert hipec(monkeypatch, *command, "--rig", str(bent)) == 2
    lines = capsys.readouterr().err.removeprefix("hipec: ").splitlines()
    for said in SAID:
        assert [line for line in lines if line.startswith(f"{bent}: {said}")], (said, lines)
    assert len(lines) == len(SAID)


def test_an_option_that_no_driver_knows_is_named_with_those_that_there_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = (RIGS / "bench.toml").read_text().replace("watchdog_s = 3", "watchdog = 3")
    (tmp_path / "rig.toml").write_text(text)
    assert hipec(monkeypatch, "check", "--rig", str(tmp_path / "rig.toml")) == 2
    said = "rig.toml: devices.bath.options: unknown options watchdog; allowed: protocol, watchdog_s, package_values,"
    assert said in capsys.readouterr().err


def test_an_address_that_cannot_be_is_said_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = (RIGS / "bench.toml").read_text().replace('port = "pump"\naddress = 1', 'port = "pump"\naddress = 99')
    (tmp_path / "rig.toml").write_text(text)
    assert hipec(monkeypatch, "check", "--rig", str(tmp_path / "rig.toml")) == 2
    said = capsys.readouterr().err
    assert "devices.pump.address = 99: allowed for watson_marlow is 1 to 32" in said
    assert said.count("\n") == 1
