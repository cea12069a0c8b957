"""Every shipped rig as its drivers meet its twins: options are accepted, sessions open, every signal is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from config.families import FAMILIES
from config.loading import list_rigs, load_rig
from config.schema import Rig
from drivers.catalogue import families
from drivers.port import Port, character_s
from drivers.roles import Device, PumpCommand, Reading
from sim.assembly import Bench, assemble
from sim.devices.catalogue import twins
from sim.memory import MemoryLine, VirtualClock
from sim.terminals import Terminals

SENSED = {
    "heater_outlet_c": 43.0,
    "inflow_c": 42.5,
    "outflow_c": 41.0,
    "cavity_1_c": 41.5,
    "cavity_2_c": 41.6,
    "cavity_3_c": 41.7,
    "core_c": 37.2,
    "source_c": 44.0,
    "flow_lpm": 1.5,
    "bubble_mm": 0.0,
    "line_pressure_mmhg": 120.0,
    "cavity_pressure_mmhg": 12.0,
    "reservoir_ml": 3500.0,
}
RESOLUTION = {"reservoir_ml": 25.0, "line_pressure_mmhg": 0.2, "cavity_pressure_mmhg": 0.2}


class Ends:
    """Both ends of every line of a rig, in virtual time. The bus echoes as the rig's port says."""

    def __init__(self, name: str) -> None:
        self.rig: Rig = load_rig(name)
        self.terminals = Terminals(sensed=dict(SENSED), bath_c=44.0)
        self.clock = VirtualClock()
        bench: Bench = assemble(self.rig, self.terminals, twins())
        ports = {port: self._port(port, bench) for port in self.rig.ports}
        self.drivers: Mapping[str, Device] = {
            device: families()[config.family].make(ports[config.port], config, device)
            for device, config in self.rig.devices.items()
        }

    def _port(self, name: str, bench: Bench) -> Port:
        port = self.rig.ports[name]
        char_s = character_s(port.baud, port.frame)
        line = MemoryLine(
            twins=[station.twin for station in bench.buses[name].stations], clock=self.clock, char_s=char_s
        )
        # The memory line has no adapter that echoes; the bus of the simulator is tested with one.
        return Port(name=name, line=line, clock=self.clock, timeout_s=port.timeout_s, char_s=char_s, echo=False)

    def readings(self) -> dict[str, Mapping[str, Reading]]:
        return {name: driver.exchange(None) for name, driver in self.drivers.items()}


@pytest.fixture(params=list_rigs())
def ends(request: pytest.FixtureRequest) -> Ends:
    found: Any = Ends(request.param)
    for driver in found.drivers.values():
        driver.open_session()
    return found


def test_every_signal_is_read_with_its_calibration(ends):
    readings = ends.readings()
    for signal, felt in SENSED.items():
        if signal not in ends.rig.signals:
            continue
        source = ends.rig.signals[signal]
        reading = readings[source.device][source.channel]
        assert reading.value is not None, (signal, reading.fault)
        value = reading.value * source.gain + source.offset
        assert value == pytest.approx(felt, abs=RESOLUTION.get(signal, 0.051)), signal


def test_every_channel_of_the_configurations_table_is_the_drivers(ends):
    for name, driver in ends.drivers.items():
        known = FAMILIES[ends.rig.devices[name].family].channels
        assert set(known) <= set(driver.channels)


def test_a_session_leaves_everything_without_energy(ends):
    terminals = ends.terminals
    assert terminals.element_fraction == 0.0
    assert not terminals.bath_on
    assert terminals.pump_rpm_command == 0.0
    assert (terminals.pump_enabled, terminals.inflow_open, terminals.outflow_closed) == (False, False, False)


def test_a_pump_command_turns_the_shaft_that_the_rig_names(ends):
    ends.drivers[ends.rig.actuators.pump].exchange(PumpCommand(156.3))
    assert ends.terminals.pump_rpm_command == pytest.approx(156.3)
