"""The Huber driver against its twin, in virtual time: sessions, commands, watchdog, faults and restarts."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

import pytest

from config.schema import Device
from drivers.huber_pb import FAMILY, HuberBath
from drivers.port import Port
from drivers.roles import (
    BadReply,
    BathCommand,
    LinkLost,
    NoReply,
    PumpCommand,
    Reading,
    Refused,
    Restarted,
    WrongDevice,
)
from sim.devices.huber_pb import WATCHDOG_FAULT, make_twin
from sim.devices.twin import Reply, Twin, Wiring
from sim.memory import MemoryLine, VirtualClock
from sim.terminals import Terminals

ON = BathCommand(on=True, setpoint_c=42.0)
OFF = BathCommand(on=False, setpoint_c=20.0)
PROTOCOLS = ("plain", "wide", "package", "package_wide")
CHAR_S = 10 / 9600


class Tampered:
    """A twin whose answers are changed on their way, once each rule that fits."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin
        self.bend: Callable[[bytes], bytes] = lambda data: data

    def receive(self, data: bytes, now_s: float) -> list[Reply]:
        replies = [Reply(reply.delay_s, self.bend(reply.data)) for reply in self.twin.receive(data, now_s)]
        return [reply for reply in replies if reply.data]

    def tick(self, now_s: float) -> None:
        self.twin.tick(now_s)

    def power_cycle(self, now_s: float) -> None:
        self.twin.power_cycle(now_s)


class Rig:
    def __init__(self, *, panel: str = "", **options: bool | int | float | str) -> None:
        self.terminals = Terminals(bath_c=38.25, heater_power_w=750.0)
        self.process_c: float | None = 37.5
        self.clock = VirtualClock()
        wiring = Wiring(
            address=1,
            options={**options, "package_values": panel} if panel else options,
            terminals=self.terminals,
            inputs={"process_c": self._felt},
            outputs={},
        )
        self.twin = Tampered(make_twin(wiring))
        self.line = MemoryLine(twins=[self.twin], clock=self.clock, char_s=CHAR_S)
        self.port = Port(name="bath", line=self.line, clock=self.clock, timeout_s=0.3, char_s=CHAR_S)
        device = FAMILY.make(self.port, Device(family="huber_pb", port="bath", options=options), "bath")
        assert isinstance(device, HuberBath)
        self.bath = device

    def _felt(self) -> float | None:
        return self.process_c

    def opened(self) -> Rig:
        self.bath.open_session()
        return self

    def rest(self, seconds: float) -> None:
        self.clock.sleep(seconds)
        self.twin.tick(self.clock.now())

    def keep(self, command: BathCommand | None, seconds: float) -> Mapping[str, Reading]:
        until_s = self.clock.now() + seconds
        while True:
            readings = self.bath.exchange(command)
            if self.clock.now() >= until_s:
                return readings

    def sent(self) -> bytes:
        return b"".join(self.line.sent)

    def asked(self, question: bytes) -> bytes:
        """What the panel's neighbour on the line would be told; the driver does not see it."""
        self.rest(0.1)
        replies = self.twin.receive(question, self.clock.now())
        self.rest(0.1)
        return b"".join(reply.data for reply in replies)


@pytest.fixture(params=PROTOCOLS)
def rig(request: pytest.FixtureRequest) -> Rig:
    return Rig(protocol=request.param).opened()


# --- sessions


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_session_begins_identified_circulating_and_not_tempering(protocol: str) -> None:
    rig = Rig(protocol=protocol, sim_serial=121_227)
    rig.asked(b"{M140001\r\n")
    assert rig.terminals.bath_on
    identity = rig.bath.open_session()
    assert identity == ("Huber", "Pilot ONE", "121227", "")
    assert (rig.terminals.bath_on, rig.terminals.bath_circulating) == (False, True)
    assert rig.asked(b"{M40****\r\n") == b"{S400003\r\n"
    assert rig.asked(b"{M13****\r\n") == b"{S130000\r\n"
    assert rig.asked(b"{M51****\r\n") == b"{S511388\r\n"


def test_a_session_takes_the_energy_away_before_anything_else_is_written() -> None:
    rig = Rig().opened()
    written = [frame for frame in rig.line.sent if b"*" not in frame]
    assert written[0] == b"{M140000\r\n"


def test_a_device_that_knows_no_status_is_another_device() -> None:
    with pytest.raises(WrongDevice, match="vStatus1"):
        Rig(sim_unlicensed="0A").opened()


def test_another_serial_number_is_another_device() -> None:
    with pytest.raises(WrongDevice, match="121227, the rig names 5"):
        Rig(serial="5", sim_serial=121_227).opened()


def test_a_circulator_that_does_not_tell_its_serial_number_is_taken() -> None:
    assert Rig(sim_unlicensed="1B,1C").bath.open_session().serial == ""


def test_without_a_licence_for_the_watchdog_there_is_no_session() -> None:
    rig = Rig(sim_unlicensed="40")
    with pytest.raises(Refused, match="vWD1"):
        rig.bath.open_session()
    assert not rig.terminals.bath_on


def test_a_session_clears_a_fault_and_does_not_start_tempering() -> None:
    rig = Rig()
    rig.asked(b"{M140001\r\n")
    rig.asked(b"{M400002\r\n")
    rig.rest(3.0)
    rig.bath.open_session()
    assert rig.asked(b"{M05****\r\n") == b"{S050000\r\n"
    assert not rig.terminals.bath_on


def test_a_fault_whose_cause_remains_refuses_the_session() -> None:
    rig = Rig().opened()
    rig.terminals.bath_c = 55.0
    rig.rest(0.1)
    with pytest.raises(Refused, match="cannot be cleared"):
        rig.bath.open_session()


@pytest.mark.parametrize("panel", ["vSP,vTI", "vSP,vTI,vTE,vStatus1,vError,vWD1,vPow"])
def test_a_list_of_another_length_on_the_panel_is_refused(panel: str) -> None:
    with pytest.raises(Refused, match="wrong number of values"):
        Rig(protocol="package", panel=panel).opened()


def test_a_list_in_another_order_on_the_panel_is_refused() -> None:
    with pytest.raises(Refused, match="list on the panel is not vSP, vTI, vTE, vStatus1, vError, vWD1: see vSP"):
        Rig(protocol="package", panel="vTI,vSP,vTE,vStatus1,vError,vWD1").opened()


# --- commands and readings


def test_every_channel_is_read(rig: Rig) -> None:
    readings = rig.bath.exchange(ON)
    assert tuple(readings) == rig.bath.channels
    assert {name: reading.value for name, reading in readings.items()} == {
        "bath_c": 38.25,
        "process_c": 37.5,
        "setpoint_c": 42.0,
        "power_w": 750.0,
    }
    assert all(reading.fault is None for reading in readings.values())


def test_a_command_reaches_the_bath(rig: Rig) -> None:
    rig.bath.exchange(ON)
    assert (rig.terminals.bath_on, rig.terminals.bath_setpoint_c) == (True, 42.0)
    rig.bath.exchange(BathCommand(on=True, setpoint_c=43.21))
    assert rig.terminals.bath_setpoint_c == 43.21
    rig.bath.exchange(OFF)
    assert (rig.terminals.bath_on, rig.terminals.bath_circulating) == (False, True)


def test_off_is_the_first_thing_said(rig: Rig) -> None:
    rig.keep(ON, 1.0)
    rig.line.sent.clear()
    rig.bath.exchange(OFF)
    assert rig.line.sent[0] in (b"{M140000\r\n", b"{M1400000000\r\n")


def test_off_is_said_even_with_a_set_point_that_is_no_number(rig: Rig) -> None:
    rig.keep(ON, 1.0)
    with pytest.raises(Refused):
        rig.bath.exchange(BathCommand(on=False, setpoint_c=float("nan")))
    assert not rig.terminals.bath_on


def test_tempering_is_switched_once_and_not_at_every_exchange() -> None:
    rig = Rig().opened()
    rig.line.sent.clear()
    rig.keep(ON, 5.0)
    assert rig.sent().count(b"{M140001") == 1


def test_42_degrees_are_sent_as_the_manual_has_it() -> None:
    rig = Rig().opened()
    rig.bath.exchange(ON)
    assert b"{M001068\r\n" in rig.line.sent
    assert b"{M140001\r\n" in rig.line.sent
    assert b"{M160001\r\n" in rig.line.sent


def test_one_package_sets_arms_and_reads() -> None:
    rig = Rig(protocol="package", watchdog_s=10, package_values="vSP,vTI,vTE,vStatus1,vError,vWD1").opened()
    rig.keep(ON, 1.0)
    assert b"[M01B2001068****************000A1D\r" in rig.line.sent


def test_a_package_with_the_power_in_it_is_the_only_message_of_an_exchange() -> None:
    rig = Rig(protocol="package", package_values="vSP,vTI,vTE,vStatus1,vError,vWD1,vPow").opened()
    rig.bath.exchange(ON)
    rig.line.sent.clear()
    for _ in range(10):
        assert rig.bath.exchange(ON)["power_w"].value == 750.0
    assert len(rig.line.sent) == 10


@pytest.mark.parametrize("setpoint_c", [float("nan"), float("inf"), -0.1, 46.01, 1000.0])
def test_a_set_point_beyond_the_ceiling_is_refused_and_not_sent(rig: Rig, setpoint_c: float) -> None:
    rig.bath.exchange(ON)
    with pytest.raises(Refused, match="allowed"):
        rig.bath.exchange(BathCommand(on=True, setpoint_c=setpoint_c))
    assert rig.terminals.bath_setpoint_c == 42.0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_clamped_set_point_is_refused_before_heating_begins(protocol: str) -> None:
    rig = Rig(protocol=protocol, sim_max_setpoint_c=41.0).opened()
    with pytest.raises(Refused, match=r"vSP written as .* read back as 41"):
        rig.bath.exchange(ON)
    assert not rig.terminals.bath_on


def test_a_pump_command_is_refused(rig: Rig) -> None:
    with pytest.raises(Refused, match="PumpCommand"):
        rig.bath.exchange(PumpCommand(rpm=10.0))


def test_a_missing_probe_is_a_fault_and_not_151_degrees_of_frost(rig: Rig) -> None:
    rig.process_c = None
    reading = rig.keep(ON, 1.0)["process_c"]
    assert reading.value is None
    assert reading.fault == "sensor missing or faulty"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_unlicensed_power_is_a_fault_and_not_32767_watts(protocol: str) -> None:
    reading = Rig(protocol=protocol, sim_unlicensed="04").opened().bath.exchange(ON)["power_w"]
    assert reading.value is None
    assert reading.fault == "variable unknown or not licensed"


@pytest.mark.parametrize("command", [ON, OFF, None])
def test_no_reading_that_matters_is_older_than_half_a_second(rig: Rig, command: BathCommand | None) -> None:
    rig.bath.exchange(OFF)
    oldest = dict.fromkeys(rig.bath.channels, 0.0)
    until_s = rig.clock.now() + 20.0
    while rig.clock.now() < until_s:
        for channel, reading in rig.bath.exchange(command).items():
            oldest[channel] = max(oldest[channel], rig.clock.now() - reading.at_s)
    assert max(oldest[channel] for channel in ("bath_c", "process_c", "setpoint_c")) <= 0.5
    assert oldest["power_w"] <= 1.0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_exchange_is_short(protocol: str) -> None:
    rig = Rig(protocol=protocol).opened()
    rig.keep(ON, 1.0)
    before_s, longest_s = rig.clock.now(), 0.0
    for _ in range(50):
        rig.bath.exchange(ON)
        longest_s = max(longest_s, rig.clock.now() - before_s)
        before_s = rig.clock.now()
    assert longest_s <= 0.25


# --- watchdog


def test_commands_keep_the_watchdog_from_running_out(rig: Rig) -> None:
    readings = rig.keep(ON, 30.0)
    assert rig.terminals.bath_on
    assert readings["setpoint_c"].fault is None


def test_the_watchdog_is_written_at_least_three_times_in_its_time() -> None:
    rig = Rig(watchdog_s=3).opened()
    times: list[float] = []
    until_s = rig.clock.now() + 20.0
    while rig.clock.now() < until_s:
        rig.line.sent.clear()
        rig.bath.exchange(ON)
        if b"{M400003\r\n" in rig.line.sent:
            times.append(rig.clock.now())
    assert max(after - before for before, after in itertools.pairwise(times)) <= 1.0


def test_without_a_command_nothing_is_written_and_heating_ends(rig: Rig) -> None:
    rig.keep(ON, 2.0)
    rig.line.sent.clear()
    readings = rig.keep(None, 4.0)
    assert not rig.terminals.bath_on
    for frame in rig.line.sent:
        assert b"*" in frame
        value = frame[8:-3] if frame.startswith(b"[") else frame[4:-2]
        assert set(value) == {ord("*")}
    assert readings["bath_c"].value == 38.25
    assert readings["setpoint_c"] == (None, readings["setpoint_c"].at_s, f"device fault {WATCHDOG_FAULT}")


def test_after_a_lapse_off_clears_the_fault_and_circulates_again(rig: Rig) -> None:
    rig.keep(ON, 2.0)
    rig.keep(None, 4.0)
    readings = rig.keep(OFF, 0.5)
    assert readings["setpoint_c"].value == 20.0
    assert (rig.terminals.bath_on, rig.terminals.bath_circulating) == (False, True)
    rig.keep(ON, 1.0)
    assert rig.terminals.bath_on


def test_after_a_lapse_on_alone_does_not_heat_again(rig: Rig) -> None:
    rig.keep(ON, 2.0)
    rig.rest(5.0)
    with pytest.raises(Restarted, match="device fault"):
        rig.keep(ON, 1.0)
    assert not rig.terminals.bath_on
    rig.bath.open_session()
    assert not rig.terminals.bath_on


def test_a_lapse_that_was_made_safe_before_can_be_left_by_off(rig: Rig) -> None:
    rig.keep(ON, 1.0)
    rig.bath.make_safe()
    assert (rig.terminals.bath_on, rig.terminals.bath_circulating) == (False, True)
    rig.keep(None, 4.0)
    rig.keep(OFF, 3.0)
    rig.keep(ON, 3.0)
    assert rig.terminals.bath_on


# --- faults, other hands, restarts


def test_a_fault_of_the_device_ends_the_session_and_names_its_code(rig: Rig) -> None:
    rig.keep(ON, 1.0)
    rig.terminals.bath_c = 51.0
    with pytest.raises(Restarted, match="device fault -2142"):
        rig.keep(ON, 1.0)
    assert not rig.terminals.bath_on


def test_a_restart_is_found_although_every_value_looks_well(rig: Rig) -> None:
    rig.keep(ON, 1.0)
    rig.twin.power_cycle(rig.clock.now())
    with pytest.raises(Restarted, match="bit 14"):
        rig.keep(ON, 1.0)
    rig.bath.open_session()
    assert not rig.terminals.bath_on
    rig.keep(ON, 1.0)
    assert rig.terminals.bath_on


def test_a_restart_behind_a_time_out_is_found_by_confirm(rig: Rig) -> None:
    rig.keep(ON, 1.0)
    rig.bath.confirm()
    rig.twin.power_cycle(rig.clock.now())
    with pytest.raises(Restarted):
        rig.bath.confirm()


def test_stopped_at_the_panel_is_refused_and_not_started_again(rig: Rig) -> None:
    rig.keep(ON, 3.0)
    rig.asked(b"{M140000\r\n")
    with pytest.raises(Refused, match="told on"):
        rig.keep(ON, 1.0)
    assert not rig.terminals.bath_on
    with pytest.raises(Refused, match="told on"):
        rig.keep(ON, 1.0)
    rig.keep(OFF, 0.5)
    rig.keep(ON, 3.0)
    assert rig.terminals.bath_on


def test_started_at_the_panel_is_refused_and_ended(rig: Rig) -> None:
    rig.keep(OFF, 3.0)
    rig.asked(b"{M140001\r\n")
    with pytest.raises(Refused, match="told off"):
        rig.keep(OFF, 1.0)
    rig.keep(OFF, 1.0)
    assert not rig.terminals.bath_on


def test_a_bath_that_does_not_circulate_is_refused(rig: Rig) -> None:
    rig.keep(OFF, 3.0)
    rig.asked(b"{M160000\r\n")
    with pytest.raises(Refused, match="does not circulate"):
        rig.keep(OFF, 1.0)


@pytest.mark.parametrize(
    ("message", "text"),
    [(b"{M130001\r\n", "process control"), (b"{M180001\r\n", "internal value"), (b"{M190001\r\n", "process value")],
)
def test_control_by_another_sensor_ends_the_session(rig: Rig, message: bytes, text: str) -> None:
    rig.keep(ON, 1.0)
    rig.asked(message)
    with pytest.raises(Restarted, match=text):
        rig.keep(ON, 1.0)


# --- the line


def test_a_lost_answer_is_no_reply_and_the_next_command_is_said_again(rig: Rig) -> None:
    rig.twin.bend = lambda data: b""
    with pytest.raises(NoReply):
        rig.bath.exchange(ON)
    rig.twin.bend = lambda data: data
    rig.bath.confirm()
    rig.keep(ON, 1.0)
    assert rig.terminals.bath_on


def test_the_answer_for_another_address_is_no_answer() -> None:
    rig = Rig().opened()
    rig.twin.bend = lambda data: data.replace(b"{S01", b"{S07")
    with pytest.raises(BadReply, match="address 01"):
        rig.keep(ON, 1.0)


def test_a_bent_package_is_found_by_its_checksum() -> None:
    rig = Rig(protocol="package").opened()
    rig.twin.bend = lambda data: data.replace(b"1068", b"1069")
    with pytest.raises(BadReply, match="checksum"):
        rig.bath.exchange(ON)


def test_an_answer_of_300_ms_is_waited_for() -> None:
    rig = Rig(reply_ms=300).opened()
    assert rig.bath.exchange(ON)["bath_c"].value == 38.25


def test_an_unplugged_line_is_an_error_of_the_system(rig: Rig) -> None:
    rig.line.unplugged = True
    with pytest.raises((OSError, LinkLost)):
        rig.bath.exchange(ON)


# --- options


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"protocol": "pb"}, "protocol = 'pb'; allowed: plain, wide, package, package_wide"),
        ({"watchdog_s": 0}, "watchdog_s = 0; allowed"),
        ({"watchdog_s": 151}, "watchdog_s = 151; allowed"),
        ({"watchdog_s": 3.0}, "watchdog_s = 3.0; allowed"),
        ({"watchdog_s": True}, "watchdog_s = True; allowed"),
        ({"alarm_high_c": 80.0}, "alarm_high_c = 80.0; allowed"),
        ({"alarm_high_c": float("nan")}, "alarm_high_c = nan; allowed"),
        ({"package_values": "vSP,vTI"}, "needs vSP, vTI, vStatus1, vWD1"),
        ({"package_values": "vSP,vTI,vTI,vStatus1,vWD1"}, "each once"),
        ({"watchdog": 3}, "unknown options watchdog"),
    ],
)
def test_a_wrong_option_is_named_with_what_is_allowed(options: dict[str, bool | int | float | str], text: str) -> None:
    rig = Rig()
    with pytest.raises(ValueError, match=text.replace("(", r"\(")):
        FAMILY.make(rig.port, Device(family="huber_pb", port="bath", options=options), "bath")
