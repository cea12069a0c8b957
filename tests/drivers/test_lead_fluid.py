"""The driver of the Lead Fluid pump, against published frames and against its twin in virtual time."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.schema import Device as DeviceConfig
from drivers.lead_fluid import FAMILY
from drivers.port import Port, character_s
from drivers.roles import NoReply, PowerCommand, PumpCommand, Refused, Restarted, WrongDevice
from sim.devices.lead_fluid import LeadFluidDrive, make_twin
from sim.devices.twin import Wiring
from sim.memory import MemoryLine, VirtualClock
from sim.terminals import Terminals

RUN, STOP = "01 06 0C 1E 00 01 2B 5C", "01 06 0C 1E 00 00 EA 9C"


class Rig:
    """One pump on one line at 9600 Bd."""

    def __init__(self, *, twin_address: int = 1, **options: bool | int | float | str) -> None:
        self.terminals = Terminals()
        twin = make_twin(Wiring(address=twin_address, options=options, terminals=self.terminals, inputs={}, outputs={}))
        assert isinstance(twin, LeadFluidDrive)
        self.twin = twin
        self.clock = VirtualClock()
        char_s = character_s(9600, "8N1")
        self.line = MemoryLine(twins=[twin], clock=self.clock, char_s=char_s)
        port = Port(name="pump", line=self.line, clock=self.clock, timeout_s=0.2, char_s=char_s)
        config = DeviceConfig(family="lead_fluid", port="pump", address=1, options=options)
        self.driver: Any = FAMILY.make(port, config, "pump")

    def opened(self) -> Rig:
        self.driver.open_session()
        self.line.sent.clear()
        return self

    def turn(self, rpm: float) -> float | None:
        return self.driver.exchange(PumpCommand(rpm))["speed_rpm"].value

    @property
    def sent(self) -> list[str]:
        return [frame.hex(" ").upper() for frame in self.line.sent]


def test_published_frames_are_what_it_sends():
    rig = Rig().opened()
    rig.turn(50.0)
    rig.turn(0.0)
    assert [frame for frame in rig.sent if frame.startswith("01 06")] == ["01 06 0C 1C 01 F4 4B 4B", RUN, STOP]


def test_the_published_question_for_three_words():
    rig = Rig()
    rig.driver._unit.read_holding(3100, 3)
    assert rig.sent == ["01 03 0C 1C 00 03 C7 5D"]


def test_a_session_stops_it_and_takes_it_off_dispensing_full_speed_and_the_panel():
    rig = Rig()
    for address, value in ((3001, 1), (3002, 1), (3100, 900), (3102, 1), (3103, 1), (3104, 0)):
        rig.twin.press(address, value)
    assert rig.terminals.pump_rpm_command == 300.0
    identity = rig.driver.open_session()
    assert (identity.vendor, identity.model) == ("LEADFLUID", "BT300S")
    assert rig.terminals.pump_rpm_command == 0.0
    assert rig.driver._unit.read_holding(3001, 2) == [0, 0]
    assert rig.driver._unit.read_holding(3102, 3) == [0, 0, 0]


def test_speed_is_written_when_it_changes_and_read_back_every_time():
    rig = Rig().opened()
    assert rig.turn(156.0) == 156.0
    assert rig.terminals.pump_rpm_command == 156.0
    rig.line.sent.clear()
    assert rig.turn(156.0) == 156.0
    assert len(rig.sent) == 1
    assert rig.turn(156.04) == 156.0
    assert rig.turn(156.1) == 156.1


def test_it_is_never_reversed_while_it_turns():
    rig = Rig().opened()
    rig.turn(50.0)
    rig.line.sent.clear()
    assert rig.turn(-50.0) == -50.0
    assert rig.terminals.pump_rpm_command == -50.0
    assert rig.sent[0] == STOP
    assert rig.sent[-2] == RUN


def test_forward_may_be_counter_clockwise():
    rig = Rig(direction="ccw").opened()
    assert rig.turn(50.0) == 50.0
    assert rig.driver._unit.read_holding(3101, 1) == [1]
    assert rig.terminals.pump_rpm_command == 50.0


def test_without_a_command_nothing_is_written():
    rig = Rig().opened()
    rig.turn(50.0)
    rig.line.sent.clear()
    assert rig.driver.exchange(None)["speed_rpm"].value == 50.0
    assert all(frame.startswith("01 03") for frame in rig.sent)


@pytest.mark.parametrize("command", [PumpCommand(50.0), PumpCommand(60.0), None])
def test_a_pump_that_stopped_by_itself_is_found_out_and_not_started_again(command):
    rig = Rig().opened()
    rig.turn(50.0)
    rig.twin.power_cycle(rig.clock.now())
    with pytest.raises(Restarted, match="stopped by itself"):
        rig.driver.exchange(command)
    assert rig.terminals.pump_rpm_command == 0.0


@pytest.mark.parametrize(
    ("address", "value", "words"), [(3103, 1, "full speed"), (3104, 2, "control 2"), (3101, 1, "CCW")]
)
def test_what_was_changed_at_the_panel_is_refused_and_put_right_by_the_next_command(address, value, words):
    rig = Rig().opened()
    rig.turn(50.0)
    rig.twin.press(address, value)
    with pytest.raises(Refused, match=words):
        rig.turn(50.0)
    assert rig.turn(50.0) == 50.0
    assert rig.terminals.pump_rpm_command == 50.0


def test_a_pump_started_at_the_panel_is_refused_and_stopped():
    rig = Rig().opened()
    rig.turn(0.0)
    rig.twin.press(3102, 1)
    with pytest.raises(Refused, match=r"reads back .* running"):
        rig.turn(0.0)
    assert rig.turn(0.0) == 0.0
    assert rig.terminals.pump_rpm_command == 0.0


def test_make_safe_stops_it_and_nothing_else():
    rig = Rig().opened()
    rig.turn(50.0)
    rig.line.sent.clear()
    rig.driver.make_safe()
    assert rig.sent == [STOP]
    assert rig.terminals.pump_rpm_command == 0.0
    assert rig.turn(40.0) == 40.0


def test_a_stop_that_was_not_answered_is_sent_again(monkeypatch):
    rig = Rig().opened()
    rig.turn(50.0)
    receive = rig.twin.receive
    monkeypatch.setattr(rig.twin, "receive", lambda data, now_s: [])
    with pytest.raises(NoReply):
        rig.turn(0.0)
    monkeypatch.setattr(rig.twin, "receive", receive)
    assert rig.turn(0.0) == 0.0
    assert rig.terminals.pump_rpm_command == 0.0


@pytest.mark.parametrize("rpm", [math.nan, math.inf, -math.inf, 300.1, -301.0])
def test_a_speed_it_cannot_turn_is_refused_and_nothing_is_sent(rpm):
    rig = Rig().opened()
    with pytest.raises(Refused, match=r"allowed: up to 300\.0 rpm"):
        rig.turn(rpm)
    assert rig.sent == []


def test_a_command_for_another_role_is_refused():
    with pytest.raises(Refused, match="takes no PowerCommand"):
        Rig().opened().driver.exchange(PowerCommand(on=True, fraction=0.1))


def test_a_device_that_does_not_name_itself_is_the_wrong_device(monkeypatch):
    rig = Rig()
    monkeypatch.setattr(rig.twin, "_names", {})
    with pytest.raises(WrongDevice, match="no Lead Fluid pump"):
        rig.driver.open_session()
    rig = Rig(product="BT300S")
    monkeypatch.setattr(rig.twin, "_names", {**rig.twin._names, 1023: 0x5858})
    with pytest.raises(WrongDevice, match="'XX300S', the rig names 'BT300S'"):
        rig.driver.confirm()


def test_a_device_that_says_another_address_is_the_wrong_device():
    rig = Rig()
    rig.twin.press(3107, 4)
    with pytest.raises(WrongDevice, match="address 4"):
        rig.driver.open_session()


def test_nobody_there_is_no_reply():
    with pytest.raises(NoReply):
        Rig(twin_address=2).driver.open_session()


@pytest.mark.parametrize(
    "options",
    [{"max_rpm": 0}, {"max_rpm": True}, {"max_rpm": math.nan}, {"direction": "left"}, {"product": 3}, {"rpm": 1}],
)
def test_options_that_it_does_not_have_are_refused_in_words(options):
    config = DeviceConfig(family="lead_fluid", port="pump", options=options)
    with pytest.raises(ValueError, match=r"pump: .*allowed"):
        FAMILY.make(Rig().driver._unit.port, config, "pump")


@settings(max_examples=40)
@given(st.lists(st.floats(-300.0, 300.0), min_size=1, max_size=8))
def test_after_any_row_of_commands_the_shaft_is_told_the_last(speeds):
    rig = Rig().opened()
    for rpm in speeds:
        read_rpm = rig.turn(rpm)
    assert read_rpm == pytest.approx(rpm, abs=0.05 + 1e-9)
    assert rig.terminals.pump_rpm_command == read_rpm
