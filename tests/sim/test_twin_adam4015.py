"""The simulated Pt100 module, byte by byte, from the manual's text."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.devices.adam4015 import make_twin
from sim.devices.twin import Twin, Wiring
from sim.terminals import SHORT, Terminals


def make(*felt: float | None, address: int = 1, **options: bool | int | float | str) -> Twin:
    inputs = {f"ch{number}_c": (lambda value=value: value) for number, value in enumerate(felt)}
    return make_twin(
        Wiring(
            address=address, options={"checksum": False, **options}, terminals=Terminals(), inputs=inputs, outputs={}
        )
    )


def say(twin: Twin, text: str) -> str:
    return b"".join(reply.data for reply in twin.receive(text.encode() + b"\r", 0.0)).decode()


def test_values_are_seven_characters_and_out_of_range_is_the_manuals_text():
    twin = make(25.12, -12.5, 160.0, -60.0, None, SHORT)
    assert say(twin, "#01") == ">+025.12-012.50+9999-0000+9999-0000\r"
    assert say(twin, "#010") == ">+025.12\r"
    assert say(twin, "$01B") == "!013C\r"


def test_the_ends_of_the_range_are_in_it_and_nan_or_an_unwired_input_is_open():
    twin = make(150.0, -50.0, math.nan)
    assert say(twin, "#01") == ">+150.00-050.00+9999+9999+9999+9999\r"
    assert say(twin, "$01B") == "!013C\r"


@pytest.mark.parametrize(("code", "felt"), [("21", 101.0), ("22", 201.0), ("23", 401.0), ("24", 201.0), ("26", 101.0)])
def test_each_type_code_has_its_own_range(code, felt):
    assert say(make(felt, type_code=code), "#010") == ">+9999\r"
    assert say(make(felt - 2.0, type_code=code), "#010") == f">+{felt - 2.0:06.2f}\r"


def test_published_checksums_on_the_wire():
    twin = make(25.12, 37.08, checksum=True)
    answer = say(twin, "#0184")
    assert answer.startswith(">+025.12+037.08")
    assert sum(b">+025.12+037.08") % 256 == 0xEC
    assert answer[-3:] == f"{sum(answer[:-3].encode()) % 256:02X}\r"
    assert say(twin, "#01") == ""
    assert say(twin, "#0185") == ""


def test_identity_configuration_and_firmware():
    twin = make()
    assert [say(twin, f"$01{what}") for what in "M2F"] == ["!014015\r", "!01200600\r", "!01A1.06\r"]
    assert say(make(checksum=True), f"$012{sum(b'$012') % 256:02X}").startswith("!01200640")


def test_the_reset_flag_is_told_once_after_each_power_up():
    twin = make()
    assert [say(twin, "$015"), say(twin, "$015")] == ["!011\r", "!010\r"]
    twin.power_cycle(1.0)
    assert [say(twin, "$015"), say(twin, "$015")] == ["!011\r", "!010\r"]


@pytest.mark.parametrize("text", ["$01Q", "$01", "#016", "#0100", "%0101200600", "$01m"])
def test_an_unknown_command_to_its_address_is_refused_with_its_address(text):
    assert say(make(), text) == "?01\r"


@pytest.mark.parametrize("text", ["#02", "$02M", "01M", "#1", "#", "", "x01M", "\u00ff01"])
def test_another_address_or_no_command_at_all_is_silence(text):
    assert say(make(), text) == ""


def test_the_address_is_two_hex_digits():
    assert say(make(address=0xAB), "$ABM") == "!AB4015\r"
    assert say(make(address=0xAB), "$abM") == ""


def test_an_open_channel_may_show_a_number_so_that_only_the_diagnose_bit_tells():
    twin = make(None, 20.0, 20.0, 20.0, 20.0, 20.0, sim_open_reads_c=41.9)
    assert say(twin, "#010") == ">+041.90\r"
    assert say(twin, "$01B") == "!0101\r"


def test_the_default_reply_time_is_8_ms_and_can_be_set():
    assert make().receive(b"$01M\r", 0.0)[0].delay_s == pytest.approx(0.008)
    assert make(reply_ms=2).receive(b"$01M\r", 0.0)[0].delay_s == pytest.approx(0.002)


@given(st.lists(st.integers(1, 4), max_size=12))
def test_any_chunking_of_the_bytes_gives_the_same_answers(sizes):
    twin, stream, answers = make(), b"$01M\r#02\r$015\r$015\r", []
    for size in [*sizes, len(stream)]:
        answers += [reply.data for reply in twin.receive(stream[:size], 0.0)]
        stream = stream[size:]
    assert answers == [b"!014015\r", b"!011\r", b"!010\r"]


def test_a_power_cut_forgets_half_a_command_and_noise_does_not_fill_its_memory():
    twin = make()
    twin.receive(b"#0", 0.0)
    twin.power_cycle(1.0)
    for _ in range(50):
        twin.receive(b"\xff" * 64, 2.0)
    say(twin, "")
    assert say(twin, "$01M") == "!014015\r"
