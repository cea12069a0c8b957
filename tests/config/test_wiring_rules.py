"""A rig whose wiring cannot work is refused: what, where, and what is allowed."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from rig_text import remove_key, rig_data, set_key

from config.families import FAMILIES, FamilyFacts
from config.schema import Baud, Frame, Rig
from config.shape import build
from config.wiring import PROTECTIVE_BAUDS, PROTECTIVE_FRAMES, REQUIRED_SIGNALS, wiring_problems
from controller.protective.__main__ import _understand


def told(data: dict[str, Any], **families: FamilyFacts) -> list[tuple[str, str]]:
    rig = build(data, Rig)
    return [(problem.key, problem.allowed) for problem in wiring_problems(rig, {**FAMILIES, **families})]


@pytest.mark.parametrize(
    ("key", "value", "where", "words"),
    [
        ("devices.probes.port", "tty", "devices.probes.port", "no such port; allowed are heater, pump"),
        ("devices.probes.address", 0, None, None),
        ("devices.pump.address", 33, "devices.pump.address", "allowed for watson_marlow is 1 to 32"),
        ("devices.flow.address", 13, "devices.flow.address", "allowed for flow_bubble is 1 to 12"),
        ("devices.line_pressure.address", 0, "devices.line_pressure.address", "allowed for keller is 1 to 247"),
        ("devices.cavity_pressure.address", 2, "devices.cavity_pressure.address", "is the address of line_pressure"),
        ("signals.inflow_c.device", "prob", "signals.inflow_c.device", "no such device; allowed are bath, pump"),
        ("signals.inflow_c.channel", "ch6_c", "signals.inflow_c.channel", "no such channel; allowed are ch0_c, ch1_c"),
        ("signals.inflow_c.channel", "ch1_c", "signals.outflow_c", "is read as inflow_c already"),
        ("signals.bubble_mm.channel", "volume_ml", "signals.bubble_mm.channel", "is in ml; allowed for this signal is"),
        ("signals.core_c.gain", 0.0, "signals.core_c.gain", "any number but zero"),
        ("signals.core_c.gain", 0.9, "signals.core_c.gain", "allowed for a temperature is 0.95 to 1.05"),
        ("signals.core_c.offset", -2.5, "signals.core_c.offset", "allowed for a temperature is -2.0 to 2.0"),
        ("signals.reservoir_ml.gain", 0.0, "signals.reservoir_ml.gain", "any number but zero"),
        (
            "actuators.pump",
            "probes",
            "actuators.pump",
            "adam4015 cannot be used as pump; allowed is a device of watson_marlow",
        ),
        ("actuators.heater", "pump", "actuators.heater", "watson_marlow cannot be used as bath"),
        ("heater.kind", "inline", "actuators.heater", "huber_pb cannot be used as inline"),
        ("actuators.heater", "gone", "actuators.heater", "no such device"),
        ("actuators.inflow_open.channel", 0, "actuators.inflow_open", "is pump_enable already"),
        ("actuators.inflow_open.channel", 8, "actuators.inflow_open.channel", "allowed is 0 to 7"),
        ("actuators.inflow_open.device", "flow", "actuators.inflow_open.device", "flow_bubble cannot be used as relay"),
        ("protective.port", "bus", "protective.port", "is used by relays, line_pressure, cavity_pressure"),
        ("protective.port", "usb9", "protective.port", "no such port"),
        ("ports.protect.baud", 4800, "ports.protect.baud", "port is 9600, 19200, 38400, 57600, 115200"),
        ("ports.protect.frame", "7E1", "ports.protect.frame", 'port is "8N1", "8N2", "8E1", "8O1"'),
        ("ports.protect.echo", True, "ports.protect.echo", "port is False"),
        ("ports.heater.baud", 4800, None, None),
        ("protective.relay_unit", 1, "protective.relay_unit", "any unit but probe_unit's"),
        ("protective.inflow_channel", 0, "protective.inflow_channel", "any but outlet_channel"),
        ("devices.probes.registers", [{"channel": "a_c", "address": 1}], "devices.probes.registers", "and only there"),
    ],
)
def test_one_mistake_in_the_wiring_is_told_where_it_stands(key, value, where, words):
    found = told(set_key(rig_data(), key, value))
    if where is None:
        assert found == []
        return
    assert where in [place for place, _ in found]
    assert any(words in said for place, said in found if place == where)


def test_an_unknown_family_is_refused_with_the_families_there_are():
    found = dict(told(set_key(rig_data(), "devices.probes.family", "adam4016")))
    assert list(found) == ["devices.probes.family"]
    assert "adam4015" in found["devices.probes.family"]


@pytest.mark.parametrize("path", ["ports.pump.path", "ports.protect.path"])
def test_one_path_for_two_ports_is_refused(path):
    data = rig_data()
    found = told(set_key(data, path, data["ports"]["heater"]["path"]))
    assert found == [(path, "is port heater already; allowed is one path per port")]


def test_a_second_name_for_the_same_line_is_found_out(tmp_path):
    real, link = tmp_path / "ttyUSB0", tmp_path / "by-id"
    real.touch()
    link.symlink_to(real)
    data = set_key(set_key(rig_data(), "ports.heater.path", str(real)), "ports.pump.path", str(link))
    assert [key for key, _ in told(data)] == ["ports.pump.path"]


def test_one_network_port_twice_is_found_out_whatever_its_case():
    data = set_key(set_key(rig_data(), "ports.heater.path", "tcp:HOST:8101"), "ports.pump.path", "tcp:host:8101")
    assert [key for key, _ in told(data)] == ["ports.pump.path"]


@pytest.mark.parametrize(
    ("option", "known", "served"), [("--baud", Baud, PROTECTIVE_BAUDS), ("--frame", Frame, PROTECTIVE_FRAMES)]
)
def test_the_lines_allowed_for_the_protective_channel_are_those_that_it_takes(
    option: str, known: Any, served: tuple[object, ...]
) -> None:
    def taken(value: object) -> bool:
        try:
            _understand(["--port", "/dev/null", "--run-dir", "/tmp", option, str(value)])
        except SystemExit:
            return False
        return True

    assert tuple(value for value in get_args(known) if taken(value)) == served


@pytest.mark.parametrize("signal", REQUIRED_SIGNALS)
def test_every_required_signal_has_to_be_there(signal):
    assert told(remove_key(rig_data(), f"signals.{signal}")) == [
        (f"signals.{signal}", "is missing; every rig needs it")
    ]


@pytest.mark.parametrize("signal", ["cavity_3_c", "source_c", "heater_setpoint_c", "heater_power_w"])
def test_a_signal_that_is_not_required_may_be_left_out(signal):
    assert told(remove_key(rig_data(), f"signals.{signal}")) == []


def test_power_from_a_percentage_has_the_heaters_rated_power_for_its_gain():
    found = told(set_key(rig_data("modbus"), "signals.heater_power_w.gain", 10.0))
    assert found == [("signals.heater_power_w.gain", "allowed is heater.max_power_w / 100 = 20.0")]


def test_described_registers_are_channels_and_are_judged():
    data = rig_data("modbus")
    first, second = data["devices"]["flow"]["registers"]
    first.update(minimum=5.0, maximum=5.0)
    second.update(channel="flow_lpm", scale=0.0)
    keys = [key for key, _ in told(data)]
    assert keys == [
        "devices.flow.registers[0].minimum",
        "devices.flow.registers[1].channel",
        "devices.flow.registers[1].scale",
        "signals.bubble_mm.channel",
    ]


def test_registers_without_any_register_are_refused():
    data = rig_data("modbus")
    data["devices"]["flow"]["registers"] = []
    assert ("devices.flow.registers", 'allowed for family "registers", and only there') in told(data)


@pytest.mark.parametrize(
    ("key", "channels", "missing"),
    [
        ("actuators.pump", {"set_rpm": True}, None),
        ("actuators.pump", {"set_rpm": False}, "set_rpm"),
        ("actuators.heater", {"set_fraction": True}, None),
        ("actuators.heater", {"set_c": True, "on": True}, "set_fraction"),
    ],
)
def test_a_described_device_is_an_actuator_when_it_names_the_writable_registers(key, channels, missing):
    data = set_key(rig_data("modbus"), key, "described")
    data["devices"]["described"] = {
        "family": "registers",
        "port": "aux",
        "address": 9,
        "registers": [
            {"channel": name, "address": index, "writable": writable}
            for index, (name, writable) in enumerate(channels.items())
        ],
    }
    found = told(data)
    assert [place for place, _ in found] == ([key] if missing else [])
    assert missing is None or f"no writable {missing}" in found[0][1]


def test_the_table_of_families_is_the_callers():
    facts = FamilyFacts(channels=("ch0_c", "extra_c"))
    data = rig_data()
    data["signals"]["inflow_c"]["channel"] = "extra_c"
    data["signals"]["outflow_c"]["channel"] = "ch0_c"
    keys = {key for key, _ in told(data, adam4015=facts)}
    assert keys == {f"signals.{name}.channel" for name in ("cavity_1_c", "cavity_2_c", "cavity_3_c", "core_c")}


def test_an_input_for_mains_power_is_optional_and_read_from_a_described_register_only() -> None:
    data = rig_data()
    register = {"channel": "mains_ok", "table": "discrete", "type": "bit", "address": 0}
    data["devices"]["inputs"] = {"family": "registers", "port": "bus", "address": 9, "registers": [register]}
    data["signals"]["mains_ok"] = {"device": "inputs", "channel": "mains_ok"}
    assert told(data) == []
    data["signals"]["mains_ok"] = {"device": "relays", "channel": "closed_mask"}
    assert ("signals.mains_ok.channel", "is in mask; allowed for this signal is ok") in told(data)
