"""The simulated Huber Pilot ONE answers as the manual prints, and behaves as its rules say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.devices.huber_frames import (
    as_message,
    as_package,
    digits_of_number,
    digits_of_temperature,
    number_of_digits,
    package_reply,
    summed,
    temperature_of_digits,
)
from sim.devices.huber_pb import ALARM_FAULT, SENSOR_FAULT, WATCHDOG_FAULT, HuberPilotOne
from sim.devices.twin import Wiring
from sim.terminals import SHORT, Terminals


class Bench:
    def __init__(self, **options: bool | int | float | str) -> None:
        self.terminals = Terminals(bath_c=41.12)
        self.process_c: float | None = 21.75
        self.now_s = 100.0
        wiring = Wiring(
            address=1,
            options=options,
            terminals=self.terminals,
            inputs={"process_c": lambda: self.process_c},
            outputs={},
        )
        self.twin = HuberPilotOne(wiring)

    def pass_time(self, seconds: float) -> None:
        self.now_s += seconds
        self.twin.tick(self.now_s)

    def say(self, text: bytes) -> bytes:
        """One question, after the last answer has gone."""
        self.pass_time(0.05)
        return b"".join(reply.data for reply in self.twin.receive(text, self.now_s))

    def pb(self, text: str) -> str:
        return self.say(text.encode() + b"\r\n").decode().removesuffix("\r\n")

    def package(self, text: str) -> str:
        return self.say(text.encode() + b"\r").decode().removesuffix("\r")


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("{M000E74", "{S000E74"),
        ("{M001004", "{S001004"),
        ("{M001068", "{S001068"),
        ("{M0010CC", "{S0010CC"),
        ("{M01****", "{S011010"),
        ("{M07****", "{S07087F"),
        ("{M140001", "{S140001"),
        ("{M160001", "{S160001"),
        ("{M40000A", "{S40000A"),
        ("{M400000", "{S400000"),
        ("{M0905E8", "{S0905E8"),
        ("{M190001", "{S190001"),
        ("{M0000004E20", "{S0000004E20"),
        ("{M00FFFFA592", "{S00FFFFA592"),
        ("{M02****", "{S027FFF"),
        ("{M02********", "{S027FFFFFFF"),
    ],
)
def test_printed_messages_are_answered_as_printed(bench: Bench, question: str, answer: str) -> None:
    assert bench.pb(question) == answer


def test_the_printed_set_point_is_read_in_both_widths(bench: Bench) -> None:
    bench.pb("{M00FFCC")
    assert bench.pb("{M00****") == "{S00FFCC"
    assert bench.pb("{M00********") == "{S00FFFFFDF8"


@pytest.mark.parametrize("missing", [None, SHORT])
def test_a_missing_or_faulty_sensor_is_c504(bench: Bench, missing: float | None) -> None:
    bench.process_c = missing
    assert bench.pb("{M07****") == "{S07C504"
    assert bench.pb("{M07********") == "{S07FFFBD1B0"


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("[M01B100********2C", "[S01B10007D009F19D"),
        ("[M01B0C0****96", '[S01B0C0"EL"C9'),
        ("[M01B101********2D", '[S01B0C1"EB"C0'),
        ("[M01B18B****************96", '[S01B0CB"EL"DB'),
    ],
)
def test_printed_packages_are_answered_as_printed(question: str, answer: str) -> None:
    bench = Bench(package_values="vSP,vTI", sim_panel_setpoint_c=20.0)
    bench.terminals.bath_c = 25.45
    assert bench.package(question) == answer


def test_a_package_writes_the_set_point_and_reads_the_bath() -> None:
    bench = Bench(package_values="vSP,vTI")
    bench.terminals.bath_c = 25.56
    assert bench.package("[M01B1000BB8****70") == "[S01B1000BB809FCC0"
    assert bench.terminals.bath_setpoint_c == 30.0


def test_a_wide_package_carries_the_sum_by_the_rule_and_not_the_misprint() -> None:
    # Chapter 10 prints 3C; the sum is 3B.
    bench = Bench(package_values="vSP,vTI", sim_panel_setpoint_c=20.0)
    bench.terminals.bath_c = 15.255
    assert bench.package("[M01B18A****************95") == "[S01B18A00004E2000003B973B"


def test_the_safety_poll_sets_arms_and_reads_in_one_package(bench: Bench) -> None:
    answer = bench.package("[M01B2001068****************000A1D")
    assert answer.startswith("[S01B20010681010087F")
    assert answer[24:32] == "0000000A"
    bench.pass_time(10.1)
    assert bench.twin.fault == WATCHDOG_FAULT


def test_a_package_for_another_slave_or_with_a_wrong_sum_is_not_answered(bench: Bench) -> None:
    for text in ("[M01B2001068****************000A1E", "[M02B2001068****************000A1E", "[M01B2101068****96"):
        assert bench.package(text) == ""


def test_a_set_point_beyond_the_limits_is_clamped_and_the_clamped_value_answered(bench: Bench) -> None:
    # The manual prints F458 for this; -30.00 °C is F448.
    assert bench.pb("{M00F254") == "{S00F448"
    assert bench.terminals.bath_setpoint_c == -30.0


def test_values_above_the_signed_range_go_without_a_sign() -> None:
    bench = Bench(sim_max_setpoint_c=500.0)
    assert bench.pb("{M008000") == "{S008000"
    assert bench.terminals.bath_setpoint_c == 327.68
    assert bench.pb("{M00********") == "{S0000050000"


@pytest.mark.parametrize("text", ["{M01***", "{M01*****", "{m01****", "{M01***a", "{M01 ***", "M01****", "{M0110**"])
def test_a_malformed_message_is_not_answered(bench: Bench, text: str) -> None:
    assert bench.pb(text) == ""
    assert bench.pb("{M01****") == "{S011010"


def test_characters_may_come_one_by_one_but_not_a_tenth_of_a_second_apart(bench: Bench) -> None:
    def trickle(gap_s: float) -> bytes:
        bench.pass_time(1.0)
        out = b""
        for byte in b"{M01****\r\n":
            bench.now_s += gap_s
            out += b"".join(reply.data for reply in bench.twin.receive(bytes([byte]), bench.now_s))
        return out

    assert trickle(0.09) == b"{S011010\r\n"
    assert trickle(0.11) == b""


def test_a_second_question_before_the_answer_is_rejected(bench: Bench) -> None:
    assert bench.say(b"{M01****\r\n{M07****\r\n") == b"{S011010\r\n"
    bench.now_s += 0.01
    assert bench.twin.receive(b"{M07****\r\n", bench.now_s) == []


def test_the_answer_takes_its_stated_time() -> None:
    bench = Bench(reply_ms=250)
    assert [reply.delay_s for reply in bench.twin.receive(b"{M01****\r\n", 1.0)] == [0.25]
    assert [reply.delay_s for reply in Bench().twin.receive(b"{M01****\r\n", 1.0)] == [0.03]


def test_the_first_status_after_a_start_has_bit_14_clear(bench: Bench) -> None:
    def bit_14() -> bool:
        return bool(int(bench.pb("{M0A****")[4:], 16) & 1 << 14)

    assert [bit_14(), bit_14()] == [False, True]
    bench.twin.power_cycle(bench.now_s)
    assert [bit_14(), bit_14()] == [False, True]


def test_a_power_cycle_falls_back_to_the_set_point_of_the_panel_and_stands_by(bench: Bench) -> None:
    for text in ("{M001068", "{M140001", "{M400005", "{M511388"):
        bench.pb(text)
    bench.twin.power_cycle(bench.now_s)
    assert (bench.terminals.bath_on, bench.terminals.bath_circulating) == (False, False)
    assert bench.pb("{M00****") == "{S0007D0"
    assert bench.pb("{M40****") == "{S400000"
    assert bench.pb("{M51****") == "{S514E20"
    bench.pass_time(20.0)
    assert bench.twin.fault == 0


def test_the_watchdog_ends_tempering_and_only_clearing_and_starting_brings_it_back(bench: Bench) -> None:
    bench.pb("{M140001")
    bench.pb("{M400003")
    for _ in range(20):
        bench.pass_time(1.0)
        bench.pb("{M400003")
    assert bench.terminals.bath_on
    bench.pass_time(2.9)
    assert bench.terminals.bath_on
    bench.pass_time(0.2)
    assert not bench.terminals.bath_on
    assert not bench.terminals.bath_circulating
    assert number_of_digits(bench.pb("{M05****")[4:]) == WATCHDOG_FAULT
    assert int(bench.pb("{M0A****")[4:], 16) & 1 << 8
    assert bench.pb("{M140001") == "{S140000"
    assert bench.pb("{M050001") == "{S050000"
    assert not bench.terminals.bath_on
    assert bench.pb("{M140001") == "{S140001"
    assert bench.terminals.bath_on


def test_a_watchdog_of_zero_is_off_and_more_than_150_s_is_clamped(bench: Bench) -> None:
    assert bench.pb("{M4000FF") == "{S400096"
    assert bench.pb("{M400000") == "{S400000"
    bench.pass_time(1000.0)
    assert bench.twin.fault == 0


def test_a_bath_beyond_its_alarm_limit_is_a_fault_until_it_has_cooled(bench: Bench) -> None:
    bench.pb("{M511388")
    bench.pb("{M140001")
    bench.terminals.bath_c = 50.1
    bench.pass_time(0.1)
    assert bench.twin.fault == ALARM_FAULT
    assert not bench.terminals.bath_on
    bench.pb("{M050001")
    bench.pass_time(0.1)
    assert bench.twin.fault == ALARM_FAULT
    bench.terminals.bath_c = 45.0
    assert bench.pb("{M050001") == "{S050000"


def test_a_lost_internal_sensor_is_a_fault_and_c504() -> None:
    bench = Bench()
    felt: list[float | None] = [40.0]
    bench.twin = HuberPilotOne(
        Wiring(address=1, options={}, terminals=bench.terminals, inputs={"bath_c": lambda: felt[0]}, outputs={})
    )
    assert bench.pb("{M01****") == "{S010FA0"
    felt[0] = None
    assert bench.pb("{M01****") == "{S01C504"
    assert bench.twin.fault == SENSOR_FAULT


def test_power_is_read_in_watts_with_its_sign(bench: Bench) -> None:
    bench.terminals.heater_power_w = 1503.6
    assert bench.pb("{M04****") == "{S0405E0"
    bench.terminals.heater_power_w = -100.0
    assert bench.pb("{M04****") == "{S04FF9C"


def test_circulation_alone_does_not_temper(bench: Bench) -> None:
    bench.pb("{M160001")
    assert (bench.terminals.bath_on, bench.terminals.bath_circulating) == (False, True)
    bench.pb("{M140001")
    bench.pb("{M160000")
    assert (bench.terminals.bath_on, bench.terminals.bath_circulating) == (False, False)


@given(number=st.integers(-32768, 32766))
def test_a_number_comes_back_in_four_digits(number: int) -> None:
    assert number_of_digits(digits_of_number(number, 4)) == number


@given(steps=st.integers(-15111, 50000))
def test_a_temperature_comes_back_in_four_digits(steps: int) -> None:
    assert temperature_of_digits(digits_of_temperature(steps / 100, 4)) == steps / 100


@given(steps=st.integers(-151110, 500000))
def test_a_temperature_comes_back_in_eight_digits(steps: int) -> None:
    assert temperature_of_digits(digits_of_temperature(steps / 1000, 8)) == steps / 1000


@given(body=st.text("0123456789ABCDEF*", max_size=240), unit=st.integers(0, 255), block=st.sampled_from("0ABC1"))
def test_a_package_is_found_again_in_its_own_frame(body: str, unit: int, block: str) -> None:
    frame = package_reply(unit, block, body).decode().replace("[S", "[M")
    asked = as_package(frame[:-3] + summed(frame[:-3]) + "\r")
    assert asked is not None
    assert (asked.unit, asked.block, asked.body) == (unit, block, body)


@given(noise=st.binary(max_size=80))
def test_noise_is_never_answered_and_does_not_deafen(noise: bytes) -> None:
    bench = Bench()
    if as_message(noise.decode("latin-1")) is None:
        bench.twin.receive(noise, bench.now_s)
    bench.pass_time(1.0)
    assert bench.pb("{M01****") == "{S011010"
