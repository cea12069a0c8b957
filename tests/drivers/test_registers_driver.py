"""A device that is only described in the rig file is read, driven, stopped and checked like any other."""

from __future__ import annotations

import math
from typing import Any

import pytest

from config.schema import Device, Register
from drivers.port import Port
from drivers.registers import FAMILY, Described
from drivers.roles import (
    BathCommand,
    Command,
    PowerCommand,
    PumpCommand,
    Refused,
    RelayCommand,
    Restarted,
    WrongDevice,
)
from sim.devices.registers import RegisterDevice, make_twin
from sim.devices.rtu import sealed
from sim.devices.twin import Wiring
from sim.memory import MemoryLine, VirtualClock
from sim.terminals import SHORT, Terminals

PT100 = tuple(
    Register(
        channel=f"ch{index}_c",
        address=index,
        scale=0.1,
        minimum=-40.0,
        maximum=120.0,
        sentinels=(0x7FFF, 0x8000, 6500, -1800, 9999),
    )
    for index in range(8)
)
PUMP = (
    Register(channel="set_rpm", address=3100, type="u16", scale=0.1, minimum=0.0, maximum=300.0, writable=True),
    Register(channel="direction", address=3101, type="u16"),
    Register(channel="run", address=3102, type="u16", minimum=0.0, maximum=1.0, writable=True),
)
BATH = (
    Register(channel="bath_c", address=0, table="input", type="f32"),
    Register(channel="set_c", address=10, type="f32", minimum=0.0, maximum=46.0, writable=True),
    Register(channel="on", address=0, table="coil", type="bit", writable=True),
)
ELEMENT = (
    Register(channel="set_fraction", address=5, type="u16", scale=0.0001, minimum=0.0, maximum=1.0, writable=True),
    Register(channel="on", address=6, type="u16", minimum=0.0, maximum=1.0, writable=True),
)


class Bench:
    def __init__(self, *registers: Register, **options: bool | int | float | str) -> None:
        self.felt: dict[str, float | None] = {}
        self.clock = VirtualClock()
        self.terminals = Terminals()
        config = Device(family="registers", port="bus", address=1, options=options, registers=registers)
        twin = make_twin(
            Wiring(
                address=1,
                options=options,
                terminals=self.terminals,
                inputs={each.channel: self._feel(each.channel) for each in registers if not each.writable},
                outputs={},
                registers=registers,
            )
        )
        assert isinstance(twin, RegisterDevice)
        self.twin = twin
        self.line = MemoryLine(twins=[twin], clock=self.clock)
        port = Port(name="bus", line=self.line, clock=self.clock, timeout_s=0.3, char_s=10 / 9600)
        driver = FAMILY.make(port, config, "thing")
        assert isinstance(driver, Described)
        self.driver = driver

    def _feel(self, channel: str) -> Any:
        return lambda: self.felt.get(channel, 0.0)

    def sent_hex(self) -> list[str]:
        return [frame.hex(" ").upper() for frame in self.line.sent]

    def writes(self) -> list[str]:
        return [frame for frame in self.sent_hex() if frame[3:5] in ("05", "06", "10")]


def test_eight_probes_are_read_with_the_one_published_frame() -> None:
    bench = Bench(*PT100)
    bench.felt = {"ch0_c": 25.0, "ch7_c": 41.3}
    readings = bench.driver.exchange(None)
    assert bench.sent_hex() == ["01 03 00 00 00 08 44 0C"]
    assert readings["ch0_c"].value == 25.0
    assert readings["ch7_c"].value == pytest.approx(41.3)
    assert bench.driver.channels == tuple(f"ch{index}_c" for index in range(8))


@pytest.mark.parametrize("broken", [None, SHORT, 900.0])
def test_a_broken_probe_is_a_fault_and_its_neighbours_are_values(broken: float | None) -> None:
    bench = Bench(*PT100)
    bench.felt = {"ch1_c": broken, "ch2_c": 37.0}
    readings = bench.driver.exchange(None)
    assert readings["ch1_c"].value is None
    assert readings["ch1_c"].fault
    assert readings["ch2_c"].value == 37.0


def test_a_longest_block_is_kept() -> None:
    bench = Bench(*PT100, longest_block=5)
    bench.driver.exchange(None)
    assert [frame[:17] for frame in bench.sent_hex()] == ["01 03 00 00 00 05", "01 03 00 05 00 03"]


def test_a_described_pump_runs_with_the_published_frames_and_stops() -> None:
    bench = Bench(*PUMP)
    bench.driver.open_session()
    bench.line.sent.clear()
    readings = bench.driver.exchange(PumpCommand(rpm=50.0))
    assert bench.sent_hex() == ["01 06 0C 1C 01 F4 4B 4B", "01 06 0C 1E 00 01 2B 5C", "01 03 0C 1C 00 03 C7 5D"]
    assert readings["set_rpm"].value == 50.0
    assert bench.terminals.pump_rpm_command == 50.0
    bench.line.sent.clear()
    bench.driver.exchange(PumpCommand(rpm=0.0))
    assert bench.sent_hex()[0] == "01 06 0C 1E 00 00 EA 9C"
    assert bench.terminals.pump_rpm_command == 0.0


def test_an_unchanged_command_is_not_written_again() -> None:
    bench = Bench(*PUMP)
    bench.driver.open_session()
    bench.driver.exchange(PumpCommand(rpm=50.0))
    bench.line.sent.clear()
    bench.driver.exchange(PumpCommand(rpm=50.0))
    assert bench.writes() == []


def test_no_command_writes_nothing() -> None:
    bench = Bench(*PUMP)
    bench.driver.exchange(None)
    assert bench.writes() == []


def test_a_described_bath_gets_its_set_point_before_it_is_switched_on() -> None:
    bench = Bench(*BATH)
    bench.driver.open_session()
    bench.line.sent.clear()
    bench.felt["bath_c"] = 30.5
    readings = bench.driver.exchange(BathCommand(on=True, setpoint_c=42.5))
    assert [frame[3:5] for frame in bench.writes()] == ["10", "05"]
    assert (bench.terminals.bath_on, bench.terminals.bath_setpoint_c) == (True, 42.5)
    assert (readings["bath_c"].value, readings["set_c"].value, readings["on"].value) == (30.5, 42.5, 1.0)
    bench.driver.exchange(BathCommand(on=False, setpoint_c=20.0))
    assert not bench.terminals.bath_on


def test_a_described_element_is_off_whatever_its_fraction_says() -> None:
    bench = Bench(*ELEMENT)
    bench.driver.open_session()
    bench.driver.exchange(PowerCommand(on=True, fraction=0.4321))
    assert bench.terminals.element_fraction == pytest.approx(0.4321)
    bench.driver.exchange(PowerCommand(on=False, fraction=0.9))
    assert bench.terminals.element_fraction == 0.0


@pytest.mark.parametrize(
    ("registers", "command"),
    [
        (PUMP, PumpCommand(rpm=300.1)),
        (PUMP, PumpCommand(rpm=-1.0)),
        (PUMP, PumpCommand(rpm=math.nan)),
        (BATH, BathCommand(on=True, setpoint_c=46.1)),
        (ELEMENT, PowerCommand(on=True, fraction=1.01)),
        (PT100, PumpCommand(rpm=0.0)),
        (PUMP, RelayCommand(closed=frozenset(), lease_s=1.0)),
    ],
)
def test_a_command_out_of_the_described_range_is_refused_before_anything_is_written(
    registers: tuple[Register, ...], command: Command
) -> None:
    bench = Bench(*registers)
    with pytest.raises(Refused):
        bench.driver.exchange(command)
    assert bench.line.sent == []


def test_a_value_that_reads_back_otherwise_is_refused_and_written_again_next_time() -> None:
    bench = Bench(*PUMP)
    bench.driver.open_session()
    bench.driver.exchange(PumpCommand(rpm=50.0))
    bench.twin._written["set_rpm"] = 60.0
    with pytest.raises(Refused, match="reads back"):
        bench.driver.exchange(PumpCommand(rpm=50.0))
    assert bench.driver.exchange(PumpCommand(rpm=50.0))["set_rpm"].value == 50.0


def test_a_session_starts_with_everything_stopped() -> None:
    bench = Bench(*PUMP)
    bench.twin._written.update(set_rpm=80.0, run=1.0)
    bench.driver.open_session()
    assert bench.twin._written == {"set_rpm": 0.0, "run": 0.0}


def test_make_safe_goes_on_after_a_refused_write_and_still_says_so() -> None:
    run, rpm = PUMP[2], PUMP[0]
    bench = Bench(rpm, run)
    bench.driver.exchange(PumpCommand(rpm=50.0))
    refuse = bench.twin._accept

    def no_run(pairs: Any) -> None:
        refuse([pair for pair in pairs if pair[0].channel != "run"])

    bench.twin._accept = no_run  # type: ignore[method-assign]
    with pytest.raises(Refused):
        bench.driver.make_safe()
    assert bench.terminals.pump_rpm_command == 0.0


def test_some_devices_take_only_function_16() -> None:
    bench = Bench(*PUMP, write_function=16)
    bench.driver.exchange(PumpCommand(rpm=50.0))
    assert all(frame[3:5] == "10" for frame in bench.writes())
    assert bench.terminals.pump_rpm_command == 50.0


def test_a_missing_register_is_the_wrong_device() -> None:
    bench = Bench(*PT100)
    other = Bench(*PUMP)
    bench.line._twins = [other.twin]
    with pytest.raises(WrongDevice, match="illegal data address"):
        bench.driver.open_session()


def test_the_identity_register_tells_another_device() -> None:
    Bench(*PT100, identity_address=900, identity_value=4015).driver.open_session()
    bench = Bench(*PT100, identity_address=900, identity_value=4015, sim_identity=4016)
    with pytest.raises(WrongDevice, match="4016; the rig file names 4015"):
        bench.driver.open_session()


def test_the_watchdog_is_armed_runs_out_in_silence_and_shows_a_restart() -> None:
    options = {"watchdog_address": 1022, "watchdog_value": 2000, "sim_watchdog_s": 2.0}
    bench = Bench(*PUMP, **options)
    bench.driver.open_session()
    assert sealed(bytes.fromhex("01 06 03 FE 07 D0")) in bench.line.sent
    bench.driver.exchange(PumpCommand(rpm=50.0))
    bench.clock.sleep(1.9)
    bench.twin.tick(bench.clock.now())
    assert bench.terminals.pump_rpm_command == 50.0
    bench.clock.sleep(0.2)
    bench.twin.tick(bench.clock.now())
    assert bench.terminals.pump_rpm_command == 0.0
    bench.twin.power_cycle(bench.clock.now())
    with pytest.raises(Restarted, match="watchdog register is 0"):
        bench.driver.exchange(PumpCommand(rpm=50.0))


@pytest.mark.parametrize(
    ("registers", "options", "text"),
    [
        ((), {}, "no registers"),
        (PT100, {"speed": 1}, "not known"),
        (PT100, {"longest_block": 0}, "allowed is 1..125"),
        (PT100, {"longest_block": True}, "allowed is 1..125"),
        (PT100, {"write_function": 7}, "6 and 16"),
        (PT100, {"identity_address": 1}, "both or none"),
        (BATH[:2], {}, "cannot be switched off"),
        ((Register(channel="run", address=0, minimum=1.0, writable=True),), {}, "cannot be made safe"),
    ],
)
def test_a_map_or_option_that_cannot_be_is_named(
    registers: tuple[Register, ...], options: dict[str, Any], text: str
) -> None:
    with pytest.raises(ValueError, match=text.replace(".", r"\.")):
        Bench(*registers, **options)
