"""The bench with the real drivers, on lines in memory to the twins: the whole way from byte to signal and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from config.loading import load_rig
from config.schema import Port as PortConfig
from controller.core.exchange import SAFE, Outputs
from controller.core.signals import Quality, Reading
from controller.runtime.bench import Bench
from controller.runtime.commands import StopFlag
from drivers.catalogue import families
from drivers.roles import LinkLost
from sim.assembly import assemble
from sim.devices.catalogue import twins
from sim.memory import MemoryLine, VirtualClock
from sim.terminals import SHORT, Terminals

CORE_C = 36.4
WARM = Outputs(
    heat_on=True, bath_setpoint_c=40.0, heater_fraction=0.5, pump_lpm=0.96, pump_enable=True, inflow_open=True
)


class TwinRig:
    """A rig of twins in virtual time; ports take their turns one after another."""

    def __init__(self, name: str, **changed: Any) -> None:
        rig = msgspec.structs.replace(load_rig(name), **changed)
        quiet = {key: msgspec.structs.replace(port, path=key, echo=False) for key, port in rig.ports.items()}
        self.rig = msgspec.structs.replace(rig, ports=quiet)
        self.clock = VirtualClock()
        self.terminals = Terminals()
        self.terminals.sensed = {str(signal): 30.0 for signal in rig.signals} | {
            "core_c": CORE_C,
            "flow_lpm": 1.2,
            "bubble_mm": 1.0,
        }
        self.assembled = assemble(self.rig, self.terminals, twins())
        self.lines: dict[str, MemoryLine] = {}
        self.stop = StopFlag()
        self.bench = Bench(
            rig=self.rig, families=families(), clock=self.clock, stop=self.stop, open_line=self._open_line
        )
        self.bench.open()

    def _open_line(self, config: PortConfig) -> MemoryLine:
        if config.path in self.lines and self.lines[config.path].unplugged:
            raise LinkLost(f"{config.path}: there is no such device")
        bus = self.assembled.buses[config.path]
        line = MemoryLine(twins=[station.twin for station in bus.stations], clock=self.clock, char_s=bus.char_s)
        self.lines[config.path] = line
        return line

    def run_for(self, seconds: float, outputs: Outputs | None) -> Mapping[str, Reading]:
        until_s = self.clock.now() + seconds
        while self.clock.now() < until_s:
            for worker in self.bench.workers:
                if outputs is not None:
                    self.bench.publish(outputs, self.clock.now())
                self.clock.sleep(worker.turn())
                self.assembled.tick(self.clock.now())
        return self.bench.inputs(self.clock.now())

    def heating(self) -> bool:
        return self.terminals.bath_on or self.terminals.element_fraction > 0

    def port_of(self, device: str) -> str:
        return self.rig.devices[device].port


@pytest.fixture(params=["bench", "modbus"])
def rig(request: pytest.FixtureRequest) -> TwinRig:
    return TwinRig(request.param)


def test_every_signal_of_the_rig_arrives_as_a_good_value(rig: TwinRig) -> None:
    inputs = rig.run_for(10.0, SAFE)
    assert rig.bench.link_faults() == ()
    assert {signal: reading.detail for signal, reading in inputs.items() if reading.quality is not Quality.GOOD} == {}
    assert inputs["core_c"].value == pytest.approx(CORE_C, abs=0.06)
    assert inputs["flow_lpm"].value == pytest.approx(1.2, abs=0.01)


def test_outputs_move_heater_pump_and_relays_and_safe_takes_all_of_it_away(rig: TwinRig) -> None:
    rig.run_for(10.0, WARM)
    assert rig.heating()
    assert rig.terminals.pump_rpm_command == pytest.approx(100.0, abs=0.1)
    assert (rig.terminals.pump_enabled, rig.terminals.inflow_open, rig.terminals.outflow_closed) == (True, True, False)
    rig.run_for(5.0, SAFE)
    assert not rig.heating()
    assert rig.terminals.pump_rpm_command == 0.0
    assert (rig.terminals.pump_enabled, rig.terminals.inflow_open) == (False, False)
    assert rig.bench.link_faults() == ()


def test_stop_reaches_every_device_without_a_cycle(rig: TwinRig) -> None:
    rig.run_for(10.0, WARM)
    rig.stop.request()
    rig.run_for(3.0, WARM)  # a loop that has not seen the STOP goes on publishing
    assert not rig.heating()
    assert rig.terminals.pump_rpm_command == 0.0
    assert not rig.terminals.pump_enabled


def test_when_the_loop_falls_silent_everything_is_let_go(rig: TwinRig) -> None:
    rig.run_for(10.0, WARM)
    rig.run_for(6.0, None)
    assert not rig.heating()
    assert not rig.terminals.pump_enabled


def test_ending_leaves_every_device_safe(rig: TwinRig) -> None:
    rig.run_for(10.0, WARM)
    assert rig.bench.end() == []
    rig.assembled.tick(rig.clock.now())
    assert not rig.heating()
    assert rig.terminals.pump_rpm_command == 0.0
    assert not rig.terminals.pump_enabled


@pytest.mark.parametrize("broken", [None, SHORT], ids=["open", "short"])
def test_a_broken_probe_is_a_fault_and_never_a_number(rig: TwinRig, broken: float | None) -> None:
    rig.run_for(10.0, SAFE)
    rig.terminals.sensed["core_c"] = broken
    inputs = rig.run_for(5.0, SAFE)
    assert inputs["core_c"].value is None
    assert inputs["core_c"].quality is Quality.FAULT
    assert inputs["inflow_c"].quality is Quality.GOOD


def test_a_device_that_lost_its_settings_is_found_out_and_opened_again(rig: TwinRig) -> None:
    rig.run_for(10.0, WARM)
    heater = rig.rig.actuators.heater
    bus = rig.assembled.buses[rig.port_of(heater)]
    next(station.twin for station in bus.stations if station.name == heater).power_cycle(rig.clock.now())
    rig.bench.notes()
    rig.run_for(10.0, SAFE)
    notes = [note.text for note in rig.bench.notes() if note.device == heater]
    assert any("session open" in text for text in notes), notes
    assert rig.bench.link_faults() == ()
    assert not rig.heating()


def test_an_unplugged_adapter_costs_only_its_own_devices(rig: TwinRig) -> None:
    rig.run_for(10.0, SAFE)
    port = rig.port_of(rig.rig.signals["core_c"].device)
    rig.lines[port].unplugged = True
    inputs = rig.run_for(5.0, SAFE)
    lost = {name for name, device in rig.rig.devices.items() if device.port == port}
    assert {fault.device for fault in rig.bench.link_faults()} == lost
    assert inputs["core_c"].quality is Quality.FAULT
    assert inputs["flow_lpm"].quality is Quality.GOOD
    rig.lines[port].unplugged = False
    inputs = rig.run_for(10.0, SAFE)
    assert rig.bench.link_faults() == ()
    assert inputs["core_c"].quality is Quality.GOOD
