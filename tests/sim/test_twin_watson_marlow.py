"""The simulated pump drive, byte by byte, from the manual's text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.devices.twin import Twin, Wiring
from sim.devices.watson_marlow import make_twin
from sim.terminals import Terminals


def make(*, number: int = 1, echo: bool = False, **options: bool | int | float | str) -> tuple[Twin, Terminals]:
    terminals = Terminals()
    wiring = Wiring(address=number, options=options, terminals=terminals, inputs={}, outputs={}, echo=echo)
    return make_twin(wiring), terminals


def say(twin: Twin, text: str, now_s: float = 0.0) -> str:
    return b"".join(reply.data for reply in twin.receive(text.encode() + b"\r", now_s)).decode()


def test_status_has_the_published_form():
    twin, terminals = make(model="620Du")
    say(twin, "1SP220")
    say(twin, "1GO")
    terminals.pump_revolutions = 123456789 / 10982
    assert say(twin, "1RS") == "620Du 15.84 620R 9.6MM 220.0 CW P/N 1 123456789 1 !\r"


def test_short_status_has_the_published_form():
    twin, _ = make(short_form=True)
    say(twin, "1SP110")
    say(twin, "1GO")
    assert say(twin, "1RS") == "323Du 110 CW 1 !\r"


def test_set_commands_drive_the_shaft_and_say_nothing():
    twin, terminals = make()
    seen = []
    for command in ("1SP100.5", "1GO", "1RL", "1RR", "1RC", "1SI", "1SD", "1ST"):
        assert say(twin, command) == ""
        seen.append(terminals.pump_rpm_command)
    assert seen == [0.0, 100.5, -100.5, 100.5, -100.5, -101.5, -100.5, 0.0]


def test_running_and_tacho_are_answered_and_the_tacho_clears():
    twin, terminals = make()
    terminals.pump_revolutions = 3.0
    assert (say(twin, "1ZY"), say(twin, "1RT")) == ("0\r", "32946\r")
    say(twin, "1GO")
    say(twin, "1TC")
    assert (say(twin, "1ZY"), say(twin, "1RT")) == ("1\r", "0\r")


def test_the_530_manuals_other_tacho_figure_can_be_simulated():
    twin, terminals = make(sim_tacho_per_rev=10892)
    terminals.pump_revolutions = 1.0
    assert say(twin, "1RT") == "10892\r"


def test_another_pump_number_is_not_heard_and_all_pumps_is():
    twin, terminals = make(number=2)
    assert say(twin, "1RS") == ""
    say(twin, "1SP50")
    say(twin, "1GO")
    assert terminals.pump_rpm_command == 0.0
    say(twin, "#SP50")
    say(twin, "#GO")
    assert terminals.pump_rpm_command == 50.0
    assert [say(twin, ask) for ask in ("#RS", "#RT", "#ZY")] == ["", "", ""]


@pytest.mark.parametrize(
    "text", ["", "1", "RS", "1rs", "1 RS", "1RSX", "1SP", "1SPx", "1SP-5", "1SPnan", "1SP 50", "1GO1", "1QQ"]
)
def test_a_malformed_command_is_dropped_in_silence(text):
    twin, terminals = make()
    say(twin, "1SP70")
    say(twin, "1GO")
    assert say(twin, text) == ""
    assert terminals.pump_rpm_command == 70.0


def test_a_speed_beyond_the_drive_is_cut_without_a_word():
    twin, terminals = make(sim_max_rpm=220.0)
    say(twin, "1SP300")
    say(twin, "1GO")
    assert terminals.pump_rpm_command == 220.0


def test_the_last_command_stands_for_ever():
    twin, terminals = make()
    say(twin, "1SP70")
    say(twin, "1GO")
    twin.tick(1e7)
    assert terminals.pump_rpm_command == 70.0


def test_a_power_cut_stops_it_and_leaves_speed_and_direction():
    twin, terminals = make()
    for command in ("1SP70", "1RL", "1GO"):
        say(twin, command)
    twin.receive(b"1G", 5.0)
    twin.power_cycle(6.0)
    assert terminals.pump_rpm_command == 0.0
    assert " 70.0 CCW P/N 1 0 0 !" in say(twin, "1RS", 7.0)


def test_it_echoes_every_character_even_of_commands_for_others():
    twin, _ = make(echo=True)
    assert say(twin, "2SP50") == "2SP50\r"
    assert [reply.data for reply in twin.receive(b"1ZY\r", 1.0)] == [b"1ZY\r", b"0\r"]
    assert twin.receive(b"", 2.0) == []


def test_a_command_too_close_to_the_one_before_is_lost_if_the_drive_is_strict():
    twin, terminals = make(sim_min_gap_ms=10.0)
    say(twin, "1SP70", 1.000)
    say(twin, "1GO", 1.009)
    assert terminals.pump_rpm_command == 0.0
    say(twin, "1GO", 1.020)
    assert terminals.pump_rpm_command == 70.0


@given(st.lists(st.integers(1, 5), max_size=20))
def test_any_chunking_of_the_bytes_gives_the_same_answers(sizes):
    twin, terminals = make()
    stream, answers = b"1SP42.5\r1GO\r1ZY\r1ST\r1ZY\r", []
    for size in [*sizes, len(stream)]:
        answers += [reply.data for reply in twin.receive(stream[:size], 0.0)]
        stream = stream[size:]
    assert answers == [b"1\r", b"0\r"]
    assert terminals.pump_rpm_command == 0.0


def test_endless_noise_does_not_fill_its_memory_and_the_next_command_is_heard():
    twin, _ = make()
    for _ in range(100):
        twin.receive(b"\xff" * 64, 0.0)
    say(twin, "")
    assert say(twin, "1ZY") == "0\r"
