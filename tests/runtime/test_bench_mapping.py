from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runtime_fakes import FakeFamilies, FakeLine, bench_rig

from config.loading import load_rig
from config.schema import Port as PortConfig
from config.schema import Source
from controller.core.exchange import SAFE, Outputs
from controller.core.signals import Quality
from controller.runtime.bench import BadRig, Bench, commands_for
from controller.runtime.commands import StopFlag
from drivers.roles import BathCommand, LinkLost, PowerCommand, PumpCommand, Reading, RelayCommand
from sim.memory import VirtualClock

RIG = bench_rig()


class Opened:
    """A bench of fake devices, its ports stepped by hand."""

    def __init__(self, missing: str = "") -> None:
        self.clock = VirtualClock()
        self.families = FakeFamilies(self.clock)
        self.lines: list[FakeLine] = []
        self.missing = missing
        self.stop = StopFlag()
        self.bench = Bench(
            rig=RIG, families=self.families(), clock=self.clock, stop=self.stop, open_line=self._open_line
        )

    def _open_line(self, config: PortConfig) -> FakeLine:
        if self.missing and self.missing in config.path:
            raise LinkLost(f"{config.path}: no such file")
        self.lines.append(FakeLine())
        return self.lines[-1]

    def turns(self, count: int) -> None:
        for _ in range(count):
            for worker in self.bench.workers:
                worker.turn()


def test_a_signal_without_any_value_is_missing_and_not_a_number() -> None:
    opened = Opened()
    opened.bench.open()
    inputs = opened.bench.inputs(1.0)
    assert set(inputs) == set(RIG.signals)
    assert {reading.quality for reading in inputs.values()} == {Quality.MISSING}
    assert {reading.value for reading in inputs.values()} == {None}
    opened.bench.end()


def test_values_carry_the_time_of_their_measurement_and_the_calibration() -> None:
    opened = Opened()
    opened.bench.open()
    opened.turns(8)
    inputs = opened.bench.inputs(opened.clock.now() + 0.5)
    pressure = inputs["line_pressure_mmhg"]
    assert pressure.value == pytest.approx(1.5 * 750.062)
    assert pressure.quality is Quality.GOOD
    raw = opened.bench.workers[0].slots
    assert pressure.at_s < opened.clock.now()
    assert raw
    assert opened.bench.link_faults() == ()
    opened.bench.end()


@pytest.mark.parametrize("raw", [Reading(None, 5.0, "open circuit"), Reading(math.nan, 5.0), Reading(math.inf, 5.0)])
def test_a_fault_or_a_value_that_is_no_number_is_a_fault(raw: Reading) -> None:
    opened = Opened()
    opened.bench.open()
    opened.turns(8)
    slot = next(s for worker in opened.bench.workers for s in worker.slots if s.name == "probes")
    slot.readings = {**slot.readings, "ch0_c": raw}
    reading = opened.bench.inputs(6.0)["inflow_c"]
    assert reading.value is None
    assert reading.quality is Quality.FAULT
    assert reading.at_s == 5.0
    assert reading.detail
    opened.bench.end()


def test_outputs_become_one_command_for_each_actuator() -> None:
    outputs = Outputs(
        heat_on=True, bath_setpoint_c=43.5, pump_lpm=0.96, pump_enable=True, inflow_open=True, outflow_closed=False
    )
    commands = commands_for(RIG, outputs)
    assert commands["bath"] == BathCommand(True, 43.5)
    assert commands["pump"] == PumpCommand(pytest.approx(100.0))
    assert commands["relays"] == RelayCommand(frozenset({0, 1}), 2.0)


def test_safe_is_heat_off_pump_stopped_and_every_relay_open() -> None:
    commands = commands_for(RIG, SAFE)
    assert commands == {
        "bath": BathCommand(False, 20.0),
        "pump": PumpCommand(0.0),
        "relays": RelayCommand(frozenset(), 2.0),
    }


def test_an_inline_heater_is_told_a_fraction_and_none_when_it_is_off() -> None:
    rig = load_rig("modbus")
    on = commands_for(rig, Outputs(heat_on=True, heater_fraction=0.4))[rig.actuators.heater]
    off = commands_for(rig, Outputs(heat_on=False, heater_fraction=0.4))[rig.actuators.heater]
    assert on == PowerCommand(True, 0.4)
    assert off == PowerCommand(False, 0.0)


@given(lpm=st.floats(allow_nan=True), setpoint_c=st.floats(allow_nan=True))
def test_outputs_beyond_the_rig_are_refused_and_never_clamped(lpm: float, setpoint_c: float) -> None:
    outputs = Outputs(heat_on=True, bath_setpoint_c=setpoint_c, pump_lpm=lpm)
    try:
        commands = commands_for(RIG, outputs)
    except ValueError:
        rpm = lpm * 1000 / RIG.circuit.pump_ml_per_rev
        assert not (0 <= rpm <= RIG.circuit.pump_max_rpm and 0 <= setpoint_c <= 46.0)
    else:
        assert commands["pump"] == PumpCommand(lpm * 1000 / RIG.circuit.pump_ml_per_rev)
        assert commands["bath"] == BathCommand(True, setpoint_c)
        assert setpoint_c <= 46.0


def test_a_missing_port_is_named_and_the_ports_opened_before_it_are_given_back() -> None:
    opened = Opened(missing="PUMP")
    with pytest.raises(LinkLost, match="PUMP"):
        opened.bench.open()
    assert opened.lines
    assert all(line.closed for line in opened.lines)


def test_a_probe_map_that_names_no_channel_is_refused_with_what_there_is() -> None:
    signals = {**RIG.signals, "inflow_c": Source(device="probes", channel="ch9_c")}
    rig = msgspec.structs.replace(RIG, signals=signals)
    clock = VirtualClock()
    bench = Bench(
        rig=rig,
        families=FakeFamilies(clock)(),
        clock=clock,
        stop=StopFlag(),
        open_line=lambda config: FakeLine(),
    )
    with pytest.raises(BadRig, match=r"signals\.inflow_c\.channel is 'ch9_c'; probes has: ch0_c"):
        bench.open()


def test_a_family_that_nobody_made_is_refused_with_what_there_is() -> None:
    clock = VirtualClock()
    families = FakeFamilies(clock)()
    del families["keller"]
    with pytest.raises(BadRig, match="'keller'; allowed: adam4015"):
        Bench(rig=RIG, families=families, clock=clock, stop=StopFlag())


def test_an_option_that_a_driver_does_not_accept_is_refused_and_the_ports_are_given_back() -> None:
    devices = {**RIG.devices, "pump": msgspec.structs.replace(RIG.devices["pump"], options={"bad": True})}
    rig = msgspec.structs.replace(RIG, devices=devices)
    clock, lines = VirtualClock(), []

    def open_line(config: PortConfig) -> FakeLine:
        lines.append(FakeLine())
        return lines[-1]

    bench = Bench(rig=rig, families=FakeFamilies(clock)(), clock=clock, stop=StopFlag(), open_line=open_line)
    with pytest.raises(BadRig, match=r"options\.bad"):
        bench.open()
    assert all(line.closed for line in lines)


def test_the_protective_channels_port_is_never_opened_here() -> None:
    opened = Opened()
    assert RIG.protective.port not in [worker.name for worker in opened.bench.workers]


def test_a_published_output_reaches_the_device_and_notes_are_handed_over_once() -> None:
    opened = Opened()
    opened.bench.open()
    opened.bench.publish(Outputs(heat_on=True, bath_setpoint_c=40.0), opened.clock.now())
    opened.turns(1)
    opened.bench.publish(Outputs(heat_on=True, bath_setpoint_c=40.0), opened.clock.now())
    opened.turns(1)
    assert opened.families.made["bath"].told == [BathCommand(True, 40.0)]
    assert any("session open" in note.text for note in opened.bench.notes())
    assert opened.bench.notes() == []
    opened.bench.end()
    assert opened.families.made["bath"].calls[-1] == "make_safe"
