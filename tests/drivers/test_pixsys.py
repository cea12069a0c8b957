"""The driver of the element controller, against published frames and against its twin in virtual time."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.schema import Device as DeviceConfig
from drivers.pixsys import FAMILY
from drivers.port import Port, character_s
from drivers.roles import BathCommand, NoReply, PowerCommand, Refused, Restarted, WrongDevice
from sim.devices.pixsys import PixsysController, make_twin
from sim.devices.twin import Wiring
from sim.memory import MemoryLine, VirtualClock
from sim.terminals import SHORT, Terminals

OFF = PowerCommand(on=False, fraction=0.0)
HALF = PowerCommand(on=True, fraction=0.5)


class Rig:
    """One controller on one line at 19200 Bd."""

    def __init__(self, *, twin_address: int = 1, **options: bool | int | float | str) -> None:
        self.felt_c: float | None = 42.0
        self.terminals = Terminals()
        twin = make_twin(
            Wiring(
                address=twin_address,
                options=options,
                terminals=self.terminals,
                inputs={"process_c": lambda: self.felt_c},
                outputs={},
            )
        )
        assert isinstance(twin, PixsysController)
        self.twin = twin
        self.clock = VirtualClock()
        char_s = character_s(19200, "8N1")
        self.line = MemoryLine(twins=[twin], clock=self.clock, char_s=char_s)
        port = Port(name="heater", line=self.line, clock=self.clock, timeout_s=0.2, char_s=char_s)
        config = DeviceConfig(family="pixsys", port="heater", address=1, options=options)
        self.driver: Any = FAMILY.make(port, config, "element")

    def opened(self) -> Rig:
        self.driver.open_session()
        self.line.sent.clear()
        return self

    def wait(self, seconds: float) -> None:
        self.clock.sleep(seconds)
        self.twin.tick(self.clock.now())

    @property
    def sent(self) -> list[str]:
        return [frame.hex(" ").upper() for frame in self.line.sent]


def test_published_frames_are_what_it_sends():
    rig = Rig(safe_setpoint_c=37.0)
    rig.driver.open_session()
    rig.driver.exchange(HALF)
    rig.driver.exchange(OFF)
    assert "01 06 03 F8 00 01 C9 BF" in rig.sent  # start
    assert "01 06 03 F8 00 00 08 7F" in rig.sent  # stop
    assert rig.sent.index("01 06 03 F8 00 00 08 7F") < rig.sent.index("01 06 03 F8 00 01 C9 BF")


@pytest.mark.parametrize(
    ("act", "frame"),
    [
        (lambda unit: unit.read_holding(1000, 1), "01 03 03 E8 00 01 04 7A"),
        (lambda unit: unit.write_register(1001, 420), "01 06 03 E9 01 A4 58 51"),
        (lambda unit: unit.write_register(1022, 5000), "01 06 03 FE 13 88 E5 28"),
        (lambda unit: unit.read_holding(1014, 1), "01 03 03 F6 00 01 64 7C"),
    ],
)
def test_published_frames_of_single_words(act, frame):
    rig = Rig()
    act(rig.driver._unit)
    assert rig.sent == [frame]


def test_a_session_leaves_it_stopped_manual_cold_and_armed():
    rig = Rig(sim_setpoint_c=60.0)
    identity = rig.driver.open_session()
    assert identity.vendor == "Pixsys"
    words = rig.driver._unit
    assert words.read_holding(1016, 1) == [0]
    assert words.read_holding(1019, 1) == [1]
    assert words.read_holding(1022, 1) == [1000]
    assert words.read_holding(1001, 1) == [200]
    assert words.read_holding(3024, 1) == [0]
    assert rig.terminals.element_fraction == 0.0


def test_a_session_stops_an_element_that_somebody_left_heating_and_makes_its_off_line_state_off():
    rig = Rig()
    for address, value in ((3024, 900), (3021, 10_000), (1016, 1)):
        rig.driver._unit.write_register(address, value)
    assert rig.terminals.element_fraction == 1.0
    rig.driver.open_session()
    assert rig.terminals.element_fraction == 0.0
    assert rig.driver._unit.read_holding(3024, 1) == [0]


def test_power_is_put_out_and_read_back():
    rig = Rig().opened()
    readings = rig.driver.exchange(HALF)
    assert rig.terminals.element_fraction == 0.5
    assert readings["output_percent"].value == 50.0
    assert readings["process_c"].value == 42.0
    assert readings["setpoint_c"].value == 20.0
    assert rig.driver.exchange(PowerCommand(on=True, fraction=0.1234))["output_percent"].value == 12.34
    assert rig.driver.exchange(OFF)["output_percent"].value == 0.0
    assert rig.terminals.element_fraction == 0.0


def test_the_other_analogue_output_is_an_option():
    rig = Rig(output="20ma").opened()
    rig.driver.exchange(HALF)
    assert rig.terminals.element_fraction == 0.5
    assert rig.driver._unit.read_holding(3021, 2) == [0, 5000]


def test_start_is_sent_once_and_the_power_with_every_command():
    rig = Rig().opened()
    for _ in range(5):
        rig.driver.exchange(HALF)
    assert rig.sent.count("01 06 03 F8 00 01 C9 BF") == 1
    assert sum(frame.startswith("01 06 0B CD") for frame in rig.sent) == 5


def test_the_set_points_memory_is_written_only_when_it_differs():
    rig = Rig(sim_setpoint_c=30.0)
    for _ in range(3):
        rig.driver.open_session()
        for _ in range(10):
            rig.driver.exchange(HALF)
    assert rig.twin.eeprom_writes == 1


def test_an_exchange_at_full_power_takes_less_than_two_cycles_of_the_loop():
    rig = Rig().opened()
    rig.driver.exchange(HALF)
    began_s = rig.clock.now()
    rig.driver.exchange(HALF)
    assert rig.clock.now() - began_s < 0.2


def test_silence_stops_it_within_the_off_line_time_and_the_next_exchange_says_so_without_starting_it():
    rig = Rig().opened()
    rig.driver.exchange(HALF)
    rig.wait(1.01)
    assert rig.terminals.element_fraction == 0.0
    with pytest.raises(Restarted, match="left START"):
        rig.driver.exchange(HALF)
    assert rig.terminals.element_fraction == 0.0


def test_polled_without_commands_it_is_stopped_by_the_driver_itself():
    rig = Rig().opened()
    rig.driver.exchange(HALF)
    commanded_s = rig.clock.now()
    while rig.terminals.element_fraction > 0 and rig.clock.now() < commanded_s + 5.0:
        rig.wait(0.05)
        rig.driver.exchange(None)
    assert rig.clock.now() - commanded_s < 1.25


def test_without_a_command_nothing_is_written_while_it_is_off():
    rig = Rig().opened()
    for _ in range(20):
        rig.wait(0.5)
        rig.driver.exchange(None)
    assert all(frame.startswith("01 03") for frame in rig.sent)


@pytest.mark.parametrize("command", [HALF, OFF, None])
def test_a_restart_is_found_out_whatever_is_commanded(command):
    rig = Rig().opened()
    rig.driver.exchange(HALF)
    rig.twin.power_cycle(rig.clock.now())
    with pytest.raises(Restarted):
        rig.driver.exchange(command)
    assert rig.terminals.element_fraction == 0.0


def test_a_restart_before_the_first_start_is_found_out_before_it_heats():
    rig = Rig().opened()
    rig.driver.exchange(OFF)
    rig.twin.power_cycle(rig.clock.now())
    rig.line.sent.clear()
    with pytest.raises(Restarted):
        rig.driver.exchange(HALF)
    assert "01 06 03 F8 00 01 C9 BF" not in rig.sent


def test_after_a_restart_a_new_session_makes_it_usable_again():
    rig = Rig().opened()
    rig.driver.exchange(HALF)
    rig.twin.power_cycle(rig.clock.now())
    with pytest.raises(Restarted):
        rig.driver.exchange(HALF)
    rig.driver.open_session()
    assert rig.terminals.element_fraction == 0.0
    rig.driver.exchange(HALF)
    assert rig.terminals.element_fraction == 0.5


@pytest.mark.parametrize(("address", "value"), [(1022, 60_000), (1019, 0), (1001, 600), (3024, 500), (3023, 1)])
def test_settings_changed_by_hand_end_the_session(address, value):
    rig = Rig().opened()
    rig.driver.exchange(HALF)
    rig.driver._unit.write_register(address, value)
    with pytest.raises(Restarted, match="changed by hand"):
        rig.driver.exchange(HALF)


def test_started_at_the_panel_it_is_refused_and_stopped_again():
    rig = Rig().opened()
    rig.driver.exchange(OFF)
    rig.driver._unit.write_register(1016, 1)
    with pytest.raises(Refused, match="told STOP"):
        rig.driver.exchange(OFF)
    rig.driver.exchange(OFF)
    assert rig.driver._unit.read_holding(1016, 1) == [0]


def test_power_that_reads_back_otherwise_is_refused(monkeypatch):
    rig = Rig().opened()
    store = rig.twin._store
    monkeypatch.setattr(rig.twin, "_store", lambda a, v: store(a, v // 2 if a == 3021 else v))
    with pytest.raises(Refused, match="5000 written, 2500 read back"):
        rig.driver.exchange(HALF)


@pytest.mark.parametrize("fraction", [math.nan, math.inf, -0.01, 1.01])
def test_power_that_is_no_fraction_is_refused_and_nothing_is_sent(fraction):
    rig = Rig().opened()
    with pytest.raises(Refused, match="allowed: 0 to 1"):
        rig.driver.exchange(PowerCommand(on=True, fraction=fraction))
    assert rig.sent == []


def test_a_command_for_another_role_is_refused():
    rig = Rig().opened()
    with pytest.raises(Refused, match="takes no BathCommand"):
        rig.driver.exchange(BathCommand(on=True, setpoint_c=42.0))


@pytest.mark.parametrize("felt_c", [None, SHORT])
def test_a_broken_sensor_is_a_fault_and_never_the_number_in_the_word(felt_c):
    rig = Rig().opened()
    rig.felt_c = felt_c
    reading = rig.driver.exchange(None)["process_c"]
    assert reading.value is None
    assert reading.fault == "sensor error"


@pytest.mark.parametrize("felt_c", [150.2, -40.2])
def test_a_temperature_no_element_has_is_a_fault(felt_c):
    rig = Rig().opened()
    rig.felt_c = felt_c
    reading = rig.driver.exchange(None)["process_c"]
    assert reading.value is None
    assert "outside" in reading.fault


@pytest.mark.parametrize(
    ("bit", "faulty"),
    [
        (0, {"setpoint_c"}),
        (1, {"setpoint_c", "process_c"}),
        (2, {"process_c"}),
        (3, {"process_c"}),
        (4, {"process_c", "output_percent", "setpoint_c"}),
        (5, {"process_c", "output_percent", "setpoint_c"}),
        (6, {"output_percent"}),
        (7, {"output_percent"}),
        (8, {"process_c"}),
    ],
)
def test_each_error_flag_takes_away_the_values_that_it_spoils(bit, faulty):
    rig = Rig().opened()
    rig.twin.error_flags = 1 << bit
    readings = rig.driver.exchange(None)
    assert {channel for channel, reading in readings.items() if reading.value is None} == faulty
    assert all(readings[channel].fault for channel in faulty)


def test_make_safe_stops_first():
    rig = Rig().opened()
    rig.driver.exchange(HALF)
    rig.line.sent.clear()
    rig.driver.make_safe()
    assert rig.sent[0] == "01 06 03 F8 00 00 08 7F"
    assert rig.terminals.element_fraction == 0.0


def test_a_stop_that_was_not_answered_is_sent_again(monkeypatch):
    rig = Rig().opened()
    rig.driver.exchange(HALF)
    receive = rig.twin.receive
    monkeypatch.setattr(rig.twin, "receive", lambda data, now_s: [])
    with pytest.raises(NoReply):
        rig.driver.exchange(OFF)
    monkeypatch.setattr(rig.twin, "receive", receive)
    rig.driver.exchange(OFF)
    assert rig.terminals.element_fraction == 0.0


def test_a_start_whose_answer_was_lost_is_not_repeated(monkeypatch):
    rig = Rig().opened()
    receive = rig.twin.receive
    start = bytes.fromhex("01 06 03 F8 00 01 C9 BF")
    monkeypatch.setattr(rig.twin, "receive", lambda data, now_s: [] if data == start else receive(data, now_s))
    with pytest.raises(NoReply):
        rig.driver.exchange(HALF)
    with pytest.raises(Restarted):
        rig.driver.exchange(HALF)
    assert rig.sent.count(start.hex(" ").upper()) == 1


def test_a_unit_that_says_another_address_or_type_is_the_wrong_device(monkeypatch):
    rig = Rig(device_type=246)
    with pytest.raises(WrongDevice, match="type 245, the rig names 246"):
        rig.driver.open_session()
    rig = Rig()
    monkeypatch.setitem(rig.twin._measured, 5, lambda: 7)
    with pytest.raises(WrongDevice, match="its address is 7"):
        rig.driver.confirm()


def test_a_unit_without_the_identity_words_is_the_wrong_device(monkeypatch):
    rig = Rig()
    monkeypatch.delitem(rig.twin._measured, 0)
    with pytest.raises(WrongDevice, match="no device type"):
        rig.driver.open_session()


def test_nobody_there_is_no_reply():
    rig = Rig(twin_address=2)
    with pytest.raises(NoReply):
        rig.driver.open_session()


@pytest.mark.parametrize(
    "options",
    [
        {"output": "ssr"},
        {"safe_setpoint_c": 38},
        {"safe_setpoint_c": math.nan},
        {"safe_setpoint_c": True},
        {"device_type": "DRR"},
        {"outptu": "10v"},
    ],
)
def test_options_that_it_does_not_have_are_refused_in_words(options):
    with pytest.raises(ValueError, match=r"element: .*allowed"):
        Rig(**options)


@settings(max_examples=40)
@given(
    st.lists(
        st.sampled_from(["on", "off", "none", "wait", "restart", "make_safe", "open"]) | st.floats(0.0, 1.5),
        max_size=25,
    )
)
def test_heat_never_outlives_its_last_command_whatever_happens(steps):
    rig = Rig().opened()
    commanded_s = -math.inf
    for step in steps:
        try:
            if step == "restart":
                rig.twin.power_cycle(rig.clock.now())
            elif step == "make_safe":
                rig.driver.make_safe()
            elif step == "open":
                rig.driver.open_session()
            elif step == "wait" or isinstance(step, float):
                rig.wait(step if isinstance(step, float) else 0.1)
            else:
                command = {"on": HALF, "off": OFF, "none": None}[step]
                if step == "on":
                    commanded_s = rig.clock.now() + 0.1
                rig.driver.exchange(command)
        except (Restarted, Refused):
            rig.driver.open_session()
        if rig.terminals.element_fraction > 0:
            assert rig.clock.now() - commanded_s <= 1.3
