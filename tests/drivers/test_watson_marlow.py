"""The driver of the pump, against published text and against its twin in virtual time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.schema import Device as DeviceConfig
from drivers.port import Port, character_s
from drivers.roles import BadReply, BathCommand, NoReply, PumpCommand, Refused, WrongDevice
from drivers.watson_marlow import FAMILY, GAP_S, line_length, parse_status
from sim.devices.twin import Reply, Twin, Wiring
from sim.devices.watson_marlow import make_twin
from sim.memory import MemoryLine, VirtualClock
from sim.terminals import Terminals

CHAR_S = character_s(9600, "8N2")
Options = dict[str, bool | int | float | str]


class TimedLine(MemoryLine):
    """Also remembers when each request began."""

    def __init__(self, *, twins: list[Twin], clock: VirtualClock) -> None:
        super().__init__(twins=twins, clock=clock, char_s=CHAR_S)
        self.begun_s: list[float] = []
        self._timer = clock

    def write(self, data: bytes) -> None:
        self.begun_s.append(self._timer.now())
        super().write(data)


@dataclass
class Bench:
    terminals: Terminals
    twin: Twin
    clock: VirtualClock
    line: TimedLine
    port: Port

    def driver(self, *, address: int = 1, **options: bool | int | float | str):
        return FAMILY.make(
            self.port, DeviceConfig(family="watson_marlow", port="p", address=address, options=options), "pump"
        )

    def take_sent(self) -> list[bytes]:
        sent = list(self.line.sent)
        self.line.sent.clear()
        return sent


def bench(*, number: int = 1, echo: bool = False, **options: bool | int | float | str) -> Bench:
    terminals = Terminals()
    twin = make_twin(
        Wiring(
            address=number,
            options={"sim_min_gap_ms": 10.0, **options},
            terminals=terminals,
            inputs={},
            outputs={},
            echo=echo,
        )
    )
    return on_line(twin, terminals, echo=echo)


def on_line(twin: Twin, terminals: Terminals, *, echo: bool = False) -> Bench:
    clock = VirtualClock()
    line = TimedLine(twins=[twin], clock=clock)
    port = Port(name="p", line=line, clock=clock, timeout_s=0.3, char_s=CHAR_S, echo=echo)
    return Bench(terminals=terminals, twin=twin, clock=clock, line=line, port=port)


class Scripted:
    """A drive that answers RS with one text, whatever it is told."""

    def __init__(self, text: bytes) -> None:
        self.text = text

    def receive(self, data: bytes, now_s: float) -> list[Reply]:
        return [Reply(0.005, self.text)] if data.endswith(b"RS\r") else []

    def tick(self, now_s: float) -> None: ...

    def power_cycle(self, now_s: float) -> None: ...


def test_the_published_620_status_is_read_field_by_field():
    status = parse_status(b"620Du 15.84 620R 9.6MM 220.0 CW P/N 1 123456789 1 !\r", short_form=False)
    assert status == ("620Du", 2200, True, True, 1, 123456789)


def test_the_published_505di_and_323_statuses_are_read():
    status = parse_status(b"505Di 0.7 505l 1.6mm 53.5 CW P/N 1 157810 1 !\r", short_form=False)
    assert (status.model, status.tenths, status.tacho) == ("505Di", 535, 157810)
    short = parse_status(b"323Du 110 CW 1 !\r", short_form=True)
    assert short == ("323Du", 1100, True, True, None, None)


@pytest.mark.parametrize(
    "reply",
    [
        b"\r",
        b"620Du 15.84 620R 9.6MM 220.0 CW P/N 1 123456789 1\r",
        b"620Du 15.84 620R 9.6MM 220.0 UP P/N 1 123456789 1 !\r",
        b"620Du 15.84 620R 9.6MM nan CW P/N 1 123456789 1 !\r",
        b"620Du 15.84 620R 9.6MM -220.0 CW P/N 1 123456789 1 !\r",
        b"620Du 15.84 620R 9.6MM 220.0 CW P/N 1 123456789 2 !\r",
        b"620Du 15.84 620R 9.6MM 220.0 CW P/N 1 12\xff456789 1 !\r",
        b"323Du 110 CW 1 !\r",
    ],
)
def test_a_damaged_status_is_no_status(reply):
    with pytest.raises(BadReply):
        parse_status(reply, short_form=False)


@given(st.binary(max_size=60))
def test_no_bytes_make_the_parser_fail_otherwise_than_as_a_bad_reply(noise):
    with pytest.raises(BadReply):
        parse_status(noise + b"\r", short_form=False)


def test_a_line_without_end_is_refused_and_not_awaited_for_ever():
    assert line_length(b"630Du 15.84") is None
    assert line_length(b"0\r1") == 2
    with pytest.raises(BadReply):
        line_length(b"A" * 201)


@pytest.mark.parametrize("echo", [False, True])
def test_a_session_stops_a_pump_that_was_left_running(echo):
    rig = bench(echo=echo)
    rig.twin.receive(b"1SP90\r", 0.0)
    rig.twin.receive(b"1GO\r", 1.0)
    assert rig.terminals.pump_rpm_command == 90.0
    identity = rig.driver().open_session()
    assert (identity.vendor, identity.model, identity.serial) == ("Watson-Marlow", "630Du", "pump number 1")
    assert rig.terminals.pump_rpm_command == 0.0


@pytest.mark.parametrize("echo", [False, True])
@pytest.mark.parametrize("rpm", [0.1, 52.1, 156.3, 265.0, -40.0])
def test_the_pump_turns_as_commanded_and_reads_back_signed(rpm, echo):
    rig = bench(echo=echo)
    pump = rig.driver()
    pump.open_session()
    reading = pump.exchange(PumpCommand(rpm))["speed_rpm"]
    assert (reading.value, reading.fault) == (rpm, None)
    assert reading.at_s == rig.clock.now()
    assert rig.terminals.pump_rpm_command == rpm


@given(st.lists(st.floats(-265, 265), min_size=1, max_size=8), st.booleans(), st.sampled_from(["cw", "ccw"]))
def test_any_sequence_of_speeds_arrives_at_the_shaft(speeds, echo, direction):
    rig = bench(echo=echo, direction=direction)
    pump = rig.driver(direction=direction)
    pump.open_session()
    for rpm in speeds:
        value = pump.exchange(PumpCommand(rpm))["speed_rpm"].value
        assert value == rig.terminals.pump_rpm_command == round(rpm * 10) / 10
        assert not math.copysign(1.0, value) < 0 or value < 0  # a stopped pump reads 0.0, not -0.0
    assert all(b - a >= GAP_S - 1e-9 for a, b in zip(rig.line.begun_s, rig.line.begun_s[1:], strict=False))


def test_it_starts_only_after_speed_and_direction_were_read_back_and_then_writes_only_what_changes():
    rig = bench()
    pump = rig.driver()
    pump.open_session()
    rig.take_sent()
    pump.exchange(PumpCommand(50.0))
    assert rig.take_sent() == [b"1SP50.0\r", b"1RS\r", b"1GO\r", b"1RS\r"]
    pump.exchange(PumpCommand(50.0))
    assert rig.take_sent() == [b"1RS\r"]
    pump.exchange(PumpCommand(60.0))
    assert rig.take_sent() == [b"1SP60.0\r", b"1RS\r"]
    pump.exchange(PumpCommand(-60.0))
    assert rig.take_sent() == [b"1ST\r", b"1RS\r", b"1RL\r", b"1RS\r", b"1GO\r", b"1RS\r"]
    pump.exchange(PumpCommand(0.0))
    assert rig.take_sent() == [b"1ST\r", b"1RS\r"]
    pump.exchange(PumpCommand(0.0))
    assert rig.take_sent() == [b"1RS\r"]


def test_without_a_command_nothing_is_written_and_the_pump_keeps_turning():
    rig = bench()
    pump = rig.driver()
    pump.open_session()
    pump.exchange(PumpCommand(50.0))
    rig.take_sent()
    rig.clock.sleep(3600.0)
    assert pump.exchange(None)["speed_rpm"].value == 50.0
    assert rig.take_sent() == [b"1RS\r"]
    assert rig.terminals.pump_rpm_command == 50.0


def test_forward_may_be_counter_clockwise_and_still_reads_positive():
    rig = bench(direction="ccw")
    pump = rig.driver(direction="ccw")
    pump.open_session()
    assert pump.exchange(PumpCommand(50.0))["speed_rpm"].value == 50.0
    assert b"1RL\r" in rig.line.sent
    assert rig.terminals.pump_rpm_command == 50.0


def test_the_tacho_count_is_what_the_drive_counts():
    rig = bench()
    pump = rig.driver()
    pump.open_session()
    rig.terminals.pump_revolutions = 2.0
    assert pump.channels == ("speed_rpm", "tacho_count")
    assert pump.exchange(None)["tacho_count"].value == 2 * 10982


def test_a_speed_that_the_drive_cuts_to_its_maximum_is_refused_and_never_started():
    rig = bench(sim_max_rpm=220.0)
    pump = rig.driver()
    pump.open_session()
    with pytest.raises(Refused, match=r"asked for 260\.0 rpm .* reads back 220\.0"):
        pump.exchange(PumpCommand(260.0))
    assert rig.terminals.pump_rpm_command == 0.0


class KeepsDirection:
    """A drive that does not hear RL, as one with its direction locked."""

    def __init__(self, drive: Twin) -> None:
        self._drive = drive

    def receive(self, data: bytes, now_s: float) -> list[Reply]:
        return [] if data.endswith(b"RL\r") else self._drive.receive(data, now_s)

    def tick(self, now_s: float) -> None: ...

    def power_cycle(self, now_s: float) -> None: ...


def test_h15_a_drive_that_keeps_its_direction_is_refused_and_never_started():
    made = bench()
    rig = on_line(KeepsDirection(made.twin), made.terminals)
    pump = rig.driver()
    pump.open_session()
    with pytest.raises(Refused, match=r"asked for 50\.0 rpm CCW .* reads back 50\.0 rpm CW"):
        pump.exchange(PumpCommand(-50.0))
    assert rig.terminals.pump_rpm_command == 0.0


def test_a_drive_stopped_at_its_panel_is_reported_as_refused():
    rig = bench()
    pump = rig.driver()
    pump.open_session()
    pump.exchange(PumpCommand(50.0))
    rig.twin.receive(b"1ST\r", rig.clock.now() + 1.0)
    rig.clock.sleep(2.0)
    with pytest.raises(Refused, match=r"reads back 50\.0 rpm CW stopped"):
        pump.exchange(PumpCommand(50.0))


def test_a_drive_that_lost_its_supply_is_noticed_at_the_next_exchange():
    rig = bench()
    pump = rig.driver()
    pump.open_session()
    pump.exchange(PumpCommand(50.0))
    rig.twin.power_cycle(rig.clock.now())
    with pytest.raises(Refused, match="stopped"):
        pump.exchange(PumpCommand(50.0))


def test_a_drive_that_does_not_stop_is_reported():
    rig = on_line(Scripted(b"630Du 15.84 630R 9.6MM 220.0 CW P/N 1 5 1 !\r"), Terminals())
    with pytest.raises(Refused, match="still running"):
        rig.driver().make_safe()
    with pytest.raises(Refused, match="asked to stop"):
        rig.driver().exchange(PumpCommand(0.0))


@pytest.mark.parametrize("rpm", [math.nan, math.inf, -math.inf])
def test_a_speed_that_is_no_number_is_refused_before_anything_is_sent(rpm):
    rig = bench()
    with pytest.raises(Refused, match="not a number"):
        rig.driver().exchange(PumpCommand(rpm))
    assert rig.line.sent == []


def test_a_command_for_another_kind_of_device_is_refused():
    rig = bench()
    with pytest.raises(Refused, match="a pump cannot"):
        rig.driver().exchange(BathCommand(on=True, setpoint_c=40.0))
    assert rig.line.sent == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"630Du 15.84 630R 9.6MM 220.0 CW P/N 2 5 0 !\r", "pump number 2"),
        (b"JULABO 15.84 630R 9.6MM 220.0 CW P/N 1 5 0 !\r", "JULABO"),
    ],
)
def test_another_device_on_the_line_is_named(text, found):
    rig = on_line(Scripted(text), Terminals())
    pump = rig.driver()

    def exchange():
        pump.exchange(None)  # no checksum: it may be one flipped bit, and `confirm` is asked before it is believed

    for ask, raised in ((pump.open_session, WrongDevice), (pump.confirm, WrongDevice), (exchange, BadReply)):
        with pytest.raises(raised, match=found):
            ask()
    assert all(sent == b"1RS\r" for sent in rig.line.sent)


def test_a_named_model_must_be_that_model():
    rig = bench()
    rig.driver(model="630Du").confirm()
    with pytest.raises(WrongDevice, match="530Du"):
        rig.driver(model="530Du").confirm()


@pytest.mark.parametrize("echo", [False, True])
def test_a_pump_with_another_number_is_silence_and_silence_is_no_reply(echo):
    rig = bench(number=2, echo=echo)
    with pytest.raises(NoReply):
        rig.driver().open_session()


def test_a_drive_whose_echo_was_switched_off_is_not_believed():
    rig = bench(echo=False)
    deaf = Port(name="p", line=rig.line, clock=rig.clock, timeout_s=0.3, char_s=CHAR_S, echo=True)
    rig.port = deaf
    with pytest.raises(BadReply, match="echo"):
        rig.driver().confirm()


def test_after_a_lost_reply_the_state_is_asked_again_and_not_assumed():
    rig = bench()
    pump = rig.driver()
    pump.open_session()
    pump.exchange(PumpCommand(50.0))
    whole = rig.twin.receive

    rig.twin.receive = lambda data, now_s: []  # type: ignore[method-assign]
    with pytest.raises(NoReply):
        pump.exchange(PumpCommand(80.0))
    rig.twin.receive = whole  # type: ignore[method-assign]
    rig.take_sent()
    assert pump.exchange(PumpCommand(80.0))["speed_rpm"].value == 80.0
    assert rig.take_sent() == [b"1RS\r", b"1SP80.0\r", b"1RS\r"]


def test_the_short_form_drive_runs_at_whole_speeds_without_tacho():
    rig = bench(short_form=True)
    pump = rig.driver(short_form=True)
    assert pump.open_session().model == "323Du"
    assert pump.channels == ("speed_rpm",)
    assert pump.exchange(PumpCommand(110.4)) == {"speed_rpm": (110.0, rig.clock.now(), None)}
    assert b"1SP110\r" in rig.line.sent


@pytest.mark.parametrize(
    ("address", "options", "named"),
    [
        (0, {}, "1..32"),
        (33, {}, "1..32"),
        (1, {"direction": "left"}, "'cw' and 'ccw'"),
        (1, {"dirction": "cw"}, "dirction"),
        (2, {"short_form": True}, "323Du"),
        (1, {"short_form": "yes"}, "true and false"),
        (1, {"model": 630}, "630Du"),
    ],
)
def test_bad_options_are_named_with_what_is_allowed(address: int, options: Options, named: str):
    with pytest.raises(ValueError, match=named):
        bench().driver(address=address, **options)


def test_options_of_the_simulated_drive_are_none_of_the_drivers_business():
    rig = bench()
    rig.driver().confirm()
    asked = rig.take_sent()
    rig.driver(reply_ms=3, sim_max_rpm=220.0).confirm()
    assert rig.take_sent() == asked != []
