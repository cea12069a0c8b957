"""The simulated element controller, frame by frame, and its off-line time."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.devices.pixsys import PixsysController, make_twin
from sim.devices.rtu import sealed
from sim.devices.twin import Wiring
from sim.terminals import SHORT, Terminals


class Bench:
    """One controller; `felt_c` is its probe."""

    def __init__(self, felt_c: float | None = 42.0, **options: bool | int | float | str) -> None:
        self.felt_c = felt_c
        self.now_s = 100.0
        self.terminals = Terminals()
        wiring = Wiring(
            address=1,
            options=options,
            terminals=self.terminals,
            inputs={"process_c": lambda: self.felt_c},
            outputs={},
        )
        twin = make_twin(wiring)
        assert isinstance(twin, PixsysController)
        self.twin = twin

    def say(self, frame: str | bytes) -> bytes:
        data = bytes.fromhex(frame) if isinstance(frame, str) else frame
        return b"".join(reply.data for reply in self.twin.receive(data, self.now_s))

    def read(self, address: int, count: int = 1) -> list[int]:
        reply = self.say(sealed(struct.pack(">BBHH", 1, 3, address, count)))
        assert reply[1] == 3, reply.hex(" ")
        return list(struct.unpack(f">{count}H", reply[3:-2]))

    def write(self, address: int, value: int) -> bytes:
        return self.say(sealed(struct.pack(">BBHH", 1, 6, address, value)))

    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        self.twin.tick(self.now_s)

    def heat(self, power: int = 5000) -> None:
        for address, value in ((1022, 1000), (1019, 1), (3021, power), (1016, 1)):
            self.write(address, value)


PUBLISHED = (
    ("01 03 03 E8 00 01 04 7A", "process"),
    ("01 06 03 E9 01 A4 58 51", "set-point 42.0"),
    ("01 06 03 FE 13 88 E5 28", "off-line 5000 ms"),
    ("01 06 03 F8 00 01 C9 BF", "start"),
    ("01 06 03 F8 00 00 08 7F", "stop"),
    ("01 03 03 F6 00 01 64 7C", "error flags"),
)


@pytest.mark.parametrize(("frame", "what"), PUBLISHED, ids=[what for _, what in PUBLISHED])
def test_a_published_frame_is_understood(frame, what):
    reply = Bench().say(frame)
    data = bytes.fromhex(frame)
    assert reply == (
        data if data[1] == 6 else sealed(bytes([1, 3, 2, *(b"\x01\xa4" if what == "process" else b"\0\0")]))
    )


def test_published_writes_do_what_they_say():
    bench = Bench()
    for frame, _ in PUBLISHED:
        bench.say(frame)
    assert bench.read(1001) == [420]
    assert bench.read(1022) == [5000]
    assert bench.read(1016) == [0]


@pytest.mark.parametrize("split", range(1, 8))
def test_a_question_in_two_pieces_is_answered_once(split):
    bench = Bench()
    data = bytes.fromhex("01 03 03 E8 00 01 04 7A")
    assert bench.say(data[:split]) == b""
    assert bench.say(data[split:]) == sealed(bytes.fromhex("01 03 02 01 A4"))


def test_twenty_words_are_the_most_that_are_answered():
    bench = Bench()
    assert len(bench.read(1000, 20)) == 20
    assert bench.say(sealed(struct.pack(">BBHH", 1, 3, 1000, 21)))[1:3] == b"\x83\x03"


def test_input_registers_are_the_same_words():
    bench = Bench()
    assert bench.say(sealed(struct.pack(">BBHH", 1, 4, 1000, 1))) == sealed(bytes.fromhex("01 04 02 01 A4"))


def test_the_heating_percentage_cannot_be_written():
    bench = Bench()
    assert bench.write(1010, 5000)[1:3] == b"\x86\x02"
    assert bench.read(1010) == [0]


def test_many_words_are_written_together_or_not_at_all():
    bench = Bench()
    good = sealed(struct.pack(">BBHHBHH", 1, 16, 3021, 2, 4, 1000, 2000))
    bad = sealed(struct.pack(">BBHHBHH", 1, 16, 3021, 2, 4, 3000, 10_001))
    assert bench.say(good) == sealed(struct.pack(">BBHH", 1, 16, 3021, 2))
    assert bench.say(bad)[1:3] == b"\x90\x03"
    assert bench.read(3021, 2) == [1000, 2000]


def test_power_drives_the_element_only_when_started():
    bench = Bench()
    bench.write(3021, 2500)
    assert bench.terminals.element_fraction == 0.0
    bench.write(1016, 1)
    assert bench.terminals.element_fraction == 0.25
    assert bench.read(1010) == [2500]
    assert bench.read(1009) == [8]
    bench.write(1016, 0)
    assert bench.terminals.element_fraction == 0.0


def test_without_a_poll_it_stops_by_itself_after_the_off_line_time():
    bench = Bench()
    bench.heat()
    bench.wait(0.99)
    assert bench.terminals.element_fraction == 0.5
    bench.wait(0.02)
    assert bench.terminals.element_fraction == 0.0
    assert bench.read(1016) == [0]


def test_any_poll_even_a_read_keeps_it_on_line():
    bench = Bench()
    bench.heat()
    for _ in range(30):
        bench.wait(0.9)
        bench.read(1000)
    assert bench.terminals.element_fraction == 0.5


def test_questions_to_other_units_keep_nothing_on_line():
    bench = Bench()
    bench.heat()
    for _ in range(3):
        bench.wait(0.4)
        bench.say(sealed(struct.pack(">BBHH", 2, 3, 1000, 1)))
    assert bench.terminals.element_fraction == 0.0


def test_an_off_line_time_of_zero_never_ends():
    bench = Bench()
    bench.heat()
    bench.write(1022, 0)
    bench.wait(3600.0)
    assert bench.terminals.element_fraction == 0.5


def test_off_line_the_output_goes_to_its_off_line_state_which_may_be_on():
    bench = Bench()
    bench.heat()
    bench.write(3024, 700)
    bench.wait(1.1)
    assert bench.terminals.element_fraction == 0.07


def test_it_stays_stopped_after_polls_come_back():
    bench = Bench()
    bench.heat()
    bench.wait(1.1)
    for _ in range(5):
        bench.wait(0.1)
        bench.read(1000)
    assert bench.terminals.element_fraction == 0.0


def test_ending_serial_control_gives_the_output_back_to_the_controller():
    bench = Bench(felt_c=20.0, sim_setpoint_c=50.0)
    bench.heat(1000)
    bench.write(3000, 1)
    assert bench.terminals.element_fraction == 0.0  # manual, and its own percentage is 0
    bench.write(1019, 0)
    assert bench.terminals.element_fraction == 1.0  # automatic, and cold


def test_a_power_cut_loses_everything_but_the_set_points():
    bench = Bench()
    bench.heat()
    bench.write(1001, 300)
    bench.twin.power_cycle(bench.now_s)
    assert bench.terminals.element_fraction == 0.0
    assert bench.read(1016) + bench.read(1019) + bench.read(1022) + bench.read(3021) == [0, 0, 0, 0]
    assert bench.read(1001) == [300]


@pytest.mark.parametrize("felt_c", [None, SHORT, 900.0, float("nan")])
def test_a_broken_sensor_is_told_by_its_flag_while_the_word_reads_a_number(felt_c):
    bench = Bench(felt_c=felt_c)
    assert bench.read(1014) == [8]
    assert bench.read(1000) == [0]


def test_negative_temperatures_are_twos_complement():
    assert Bench(felt_c=-5.04).read(1000) == [0x10000 - 50]


@given(st.binary(max_size=40))
def test_no_bytes_make_it_heat_or_fail(noise):
    bench = Bench()
    bench.twin.receive(noise, bench.now_s)
    assert bench.terminals.element_fraction == 0.0
