"""The simulated Lead Fluid pump, frame by frame."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.devices.lead_fluid import LeadFluidDrive, make_twin
from sim.devices.rtu import sealed
from sim.devices.twin import Wiring
from sim.terminals import Terminals


class Bench:
    """One pump."""

    def __init__(self, **options: bool | int | float | str) -> None:
        self.terminals = Terminals()
        twin = make_twin(Wiring(address=1, options=options, terminals=self.terminals, inputs={}, outputs={}))
        assert isinstance(twin, LeadFluidDrive)
        self.twin = twin
        self.write(3104, 0)

    def say(self, frame: str | bytes) -> bytes:
        data = bytes.fromhex(frame) if isinstance(frame, str) else frame
        return b"".join(reply.data for reply in self.twin.receive(data, 0.0))

    def read(self, address: int, count: int = 1, function: int = 3) -> list[int]:
        reply = self.say(sealed(struct.pack(">BBHH", 1, function, address, count)))
        assert reply[1] == function, reply.hex(" ")
        return list(struct.unpack(f">{count}H", reply[3:-2]))

    def write(self, address: int, value: int) -> bytes:
        return self.say(sealed(struct.pack(">BBHH", 1, 6, address, value)))


def test_published_frames_set_run_read_and_stop():
    bench = Bench()
    speed, run = "01 06 0C 1C 01 F4 4B 4B", "01 06 0C 1E 00 01 2B 5C"
    assert bench.say(speed) == bytes.fromhex(speed)
    assert bench.terminals.pump_rpm_command == 0.0
    assert bench.say(run) == bytes.fromhex(run)
    assert bench.terminals.pump_rpm_command == 50.0
    assert bench.say("01 03 0C 1C 00 03 C7 5D") == sealed(bytes.fromhex("01 03 06 01 F4 00 00 00 01"))
    stop = "01 06 0C 1E 00 00 EA 9C"
    assert bench.say(stop) == bytes.fromhex(stop)
    assert bench.terminals.pump_rpm_command == 0.0


def test_it_names_itself_in_words_with_the_low_byte_first():
    words = Bench(product="BT100S").read(1018, 10, function=4)
    text = b"".join(word.to_bytes(2, "little") for word in words)
    assert text == b"LEADFLUID\0BT100S\0\0\0\0"


def test_direction_turns_the_shaft_backwards_and_the_option_turns_it_round():
    for direction, sign in (("cw", -1), ("ccw", 1)):
        bench = Bench(direction=direction)
        for address, value in ((3100, 500), (3101, 1), (3102, 1)):
            bench.write(address, value)
        assert bench.terminals.pump_rpm_command == sign * 50.0


def test_a_speed_beyond_its_range_is_refused_and_changes_nothing():
    bench = Bench(max_rpm=100.0)
    bench.write(3100, 1000)
    assert bench.write(3100, 1001)[1:3] == b"\x86\x03"
    assert bench.read(3100) == [1000]


@pytest.mark.parametrize(("address", "value", "code"), [(3101, 2, 3), (3102, 2, 3), (3104, 5, 3), (3110, 0, 2)])
def test_values_and_addresses_that_it_does_not_have_are_refused(address, value, code):
    assert Bench().write(address, value)[1:3] == bytes([0x86, code])


def test_full_speed_is_full_speed_whatever_was_set():
    bench = Bench()
    bench.write(3100, 100)
    bench.write(3103, 1)
    assert bench.terminals.pump_rpm_command == 300.0


def test_under_control_of_a_foot_switch_it_does_not_obey_the_bus():
    bench = Bench()
    for address, value in ((3100, 500), (3102, 1), (3104, 2)):
        bench.write(address, value)
    assert bench.terminals.pump_rpm_command == 0.0


def test_the_last_command_stands_for_ever():
    bench = Bench()
    bench.write(3100, 500)
    bench.write(3102, 1)
    bench.twin.tick(1e6)
    assert bench.terminals.pump_rpm_command == 50.0


def test_after_a_power_cut_it_stands_still_with_its_speed_kept():
    bench = Bench()
    bench.write(3100, 500)
    bench.write(3102, 1)
    bench.twin.power_cycle(1.0)
    assert bench.terminals.pump_rpm_command == 0.0
    assert bench.read(3100, 3) == [500, 0, 0]


@given(st.binary(max_size=40))
def test_no_bytes_make_it_turn_or_fail(noise):
    bench = Bench()
    bench.twin.receive(noise, 0.0)
    assert bench.terminals.pump_rpm_command == 0.0
