"""From a rig to twins: calibration backwards, open circuits, relays to terminals, the protective channel's devices."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.loading import load_rig
from config.schema import Register, Rig
from drivers.catalogue import families
from drivers.port import Port
from sim.assembly import PROTECTIVE_PROBE, PROTECTIVE_RELAY, Bench, assemble, character_s
from sim.devices.catalogue import twins
from sim.devices.twin import MakeTwin, Reply, Wiring
from sim.memory import MemoryLine, VirtualClock
from sim.terminals import SHORT, Terminals

RIG = {
    "name": "small",
    "circuit": {},
    "heater": {"kind": "bath"},
    "ports": {
        "bus": {"path": "unset", "baud": 9600, "frame": "8N2", "echo": True},
        "guard": {"path": "unset", "baud": 19200, "frame": "8E1"},
    },
    "devices": {
        "temps": {"family": "adam4015", "port": "bus", "address": 1},
        "pump": {"family": "watson_marlow", "port": "bus", "address": 2},
        "bath": {"family": "huber_pb", "port": "bus", "address": 3},
        "relay": {"family": "waveshare_relay", "port": "bus", "address": 4, "options": {"reply_ms": 7}},
    },
    "signals": {
        "inflow_c": {"device": "temps", "channel": "ch0_c", "gain": 2.0, "offset": 10.0},
        "outflow_c": {"device": "temps", "channel": "ch1_c"},
    },
    "actuators": {
        "pump": "pump",
        "heater": "bath",
        "pump_enable": {"device": "relay", "channel": 0},
        "inflow_open": {"device": "relay", "channel": 1},
        "outflow_closed": {"device": "relay", "channel": 5},
    },
    "protective": {"port": "guard", "outlet_channel": 2, "inflow_channel": 3, "contactor_channel": 6},
}


class Silent:
    """A twin that keeps what it is wired to."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring

    def receive(self, data: bytes, now_s: float) -> list[Reply]:
        return []

    def tick(self, now_s: float) -> None:
        return None

    def power_cycle(self, now_s: float) -> None:
        return None


FAMILIES = ("adam4015", "watson_marlow", "huber_pb", "waveshare_relay", "pt100_8ch")
TWINS: Mapping[str, MakeTwin] = dict.fromkeys(FAMILIES, Silent)


def small_rig(**changes: object) -> Rig:
    return msgspec.convert({**RIG, **changes}, Rig)


def wiring_of(bench: Bench, device: str) -> Wiring:
    found = [station.twin for bus in bench.buses.values() for station in bus.stations if station.name == device]
    assert isinstance(found[0], Silent)
    return found[0].wiring


@given(value=st.floats(-200.0, 200.0))
def test_a_channel_carries_its_signal_back_through_the_calibration(value: float) -> None:
    terminals = Terminals(sensed={"inflow_c": value, "outflow_c": value})
    inputs = wiring_of(assemble(small_rig(), terminals, TWINS), "temps").inputs
    raw = inputs["ch0_c"]()
    assert raw is not None
    assert raw * 2.0 + 10.0 == pytest.approx(value)
    assert inputs["ch1_c"]() == value


def test_open_and_short_pass_the_calibration_as_they_are() -> None:
    terminals = Terminals()
    inputs = wiring_of(assemble(small_rig(), terminals, TWINS), "temps").inputs
    assert inputs["ch0_c"]() is None, "nothing is sensed before the plant's first step"
    terminals.sensed["inflow_c"] = SHORT
    assert inputs["ch0_c"]() == SHORT
    terminals.sensed["inflow_c"] = float("nan")
    raw = inputs["ch0_c"]()
    assert raw is not None
    assert raw != raw


def test_a_short_stays_a_short_under_a_negative_gain() -> None:
    signals = {"inflow_c": {"device": "temps", "channel": "ch0_c", "gain": -1.0}}
    bench = assemble(small_rig(signals=signals), Terminals(sensed={"inflow_c": SHORT}), TWINS)
    assert wiring_of(bench, "temps").inputs["ch0_c"]() == SHORT


def test_a_channel_that_the_rig_maps_nowhere_is_open() -> None:
    bench = assemble(small_rig(), Terminals(sensed={"core_c": 36.0}), TWINS)
    assert wiring_of(bench, "temps").inputs["ch5_c"]() is None
    assert wiring_of(bench, PROTECTIVE_PROBE).inputs["ch0_c"]() is None


def test_relay_channels_move_the_terminals_they_are_wired_to() -> None:
    terminals = Terminals()
    outputs = wiring_of(assemble(small_rig(), terminals, TWINS), "relay").outputs
    assert set(outputs) == {0, 1, 5}
    for channel, name in ((0, "pump_enabled"), (1, "inflow_open"), (5, "outflow_closed")):
        outputs[channel](True)
        assert getattr(terminals, name) is True
        outputs[channel](False)
        assert getattr(terminals, name) is False
    assert terminals.contactor_closed is False


def test_the_protective_channel_has_its_own_probe_and_the_only_hand_on_the_contactor() -> None:
    terminals = Terminals(sensed={"outlet_b_c": 41.0, "inflow_b_c": 42.0, "inflow_c": 1.0})
    bench = assemble(small_rig(), terminals, TWINS)
    assert bench.devices_of == {
        "bus": ("temps", "pump", "bath", "relay"),
        "guard": (PROTECTIVE_PROBE, PROTECTIVE_RELAY),
    }
    probe, relay = wiring_of(bench, PROTECTIVE_PROBE), wiring_of(bench, PROTECTIVE_RELAY)
    assert (probe.address, relay.address) == (1, 2)
    assert probe.inputs["ch2_c"]() == 41.0
    assert probe.inputs["ch3_c"]() == 42.0
    assert set(relay.outputs) == {6}
    relay.outputs[6](True)
    assert terminals.contactor_closed is True


def test_a_device_gets_its_address_and_options_and_leaves_the_echo_to_the_line() -> None:
    wiring = wiring_of(assemble(small_rig(), Terminals(), TWINS), "relay")
    assert (wiring.address, wiring.options) == (4, {"reply_ms": 7})
    assert wiring.echo is False
    bus = assemble(small_rig(), Terminals(), TWINS).buses["bus"]
    bus.hear(b"x", 0.0)
    assert bus.advance(1.0) == b"x"


def test_characters_take_their_start_parity_and_stop_bits() -> None:
    ports = small_rig().ports
    assert character_s(ports["bus"]) == pytest.approx(11 / 9600)
    assert character_s(ports["guard"]) == pytest.approx(11 / 19200)


def test_a_family_without_a_twin_is_named() -> None:
    few = {name: make for name, make in TWINS.items() if name != "huber_pb"}
    with pytest.raises(ValueError, match=r"device bath: no twin of family 'huber_pb'"):
        assemble(small_rig(), Terminals(), few)


def test_a_calibration_without_an_inverse_is_named() -> None:
    signals = {"inflow_c": {"device": "temps", "channel": "ch0_c", "gain": 0.0}}
    with pytest.raises(ValueError, match=r"signals\.inflow_c\.gain"):
        assemble(small_rig(signals=signals), Terminals(), TWINS)


READ_BACKS = (("pump_rpm", "pump_rpm", 120.0), ("heater_power_w", "heater_power_w", 800.0))


@pytest.mark.parametrize(("signal", "terminal", "value"), [*READ_BACKS, ("heater_setpoint_c", "bath_setpoint_c", 41.0)])
def test_what_no_probe_feels_is_read_back_from_the_drive_itself(signal: str, terminal: str, value: float) -> None:
    terminals = Terminals()
    signals = {signal: {"device": "bath", "channel": "seen", "gain": 20.0}}
    seen = wiring_of(assemble(small_rig(signals=signals), terminals, TWINS), "bath").inputs["seen"]
    setattr(terminals, terminal, value)
    assert seen() == pytest.approx(value / 20.0)


# --- a pump and a heater that the rig file describes, with registers of their own to read back ----------------------

PUMP = (
    {"channel": "set_rpm", "address": 100, "type": "f32", "minimum": 0.0, "maximum": 300.0, "writable": True},
    {"channel": "speed_rpm", "address": 200, "table": "input", "type": "u16", "scale": 0.1, "maximum": 300.0},
)
ELEMENT = (
    {"channel": "set_fraction", "address": 10, "scale": 0.0001, "minimum": 0.0, "maximum": 1.0, "writable": True},
    {"channel": "on", "address": 11, "type": "u16", "minimum": 0.0, "maximum": 1.0, "writable": True},
    {"channel": "process_c", "address": 20, "table": "input", "scale": 0.1, "minimum": 0.0, "maximum": 90.0},
    {"channel": "setpoint_c", "address": 21, "table": "input", "scale": 0.1, "minimum": 0.0, "maximum": 90.0},
    {"channel": "output_percent", "address": 22, "table": "input", "scale": 0.1, "minimum": 0.0, "maximum": 100.0},
)


def test_a_described_pump_and_heater_show_over_the_wire_what_they_do() -> None:
    shipped = load_rig("modbus")
    described = {"pump": PUMP, "element": ELEMENT}
    devices = {
        name: msgspec.structs.replace(
            shipped.devices[name],
            family="registers",
            options={},
            registers=tuple(msgspec.convert(each, Register) for each in registers),
        )
        for name, registers in described.items()
    }
    rig = msgspec.structs.replace(shipped, devices={**shipped.devices, **devices})
    clock, terminals = VirtualClock(), Terminals(pump_rpm=150.0, heater_power_w=1000.0, bath_setpoint_c=40.0)
    terminals.sensed["source_c"] = 39.0
    assembled = assemble(rig, terminals, twins())
    readings: dict[str, float | None] = {}
    for name in described:
        config = rig.devices[name]
        bus = assembled.buses[config.port]
        line = MemoryLine(twins=[station.twin for station in bus.stations], clock=clock, char_s=bus.char_s)
        port = Port(name=config.port, line=line, clock=clock, timeout_s=0.3, char_s=bus.char_s)
        device = families()["registers"].device(port, config, name)
        device.open_session()
        readings |= {channel: reading.value for channel, reading in device.exchange(None).items()}
    assert readings["speed_rpm"] == pytest.approx(150.0)
    assert readings["output_percent"] == pytest.approx(50.0), "1000 W of 2000 W, back through the gain of the signal"
    assert (readings["setpoint_c"], readings["process_c"]) == (pytest.approx(40.0), pytest.approx(39.0))
