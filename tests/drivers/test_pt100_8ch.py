"""The driver of the Pt100 board: published frames, sentinels, and its twin in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.schema import Device as DeviceConfig
from drivers.port import Port, character_s
from drivers.pt100_8ch import CHANNELS, FAMILY, SENTINELS, classify
from drivers.roles import BadReply, NoReply, PumpCommand, Refused, WrongDevice
from sim.devices.pt100_8ch import make_twin
from sim.devices.rtu import sealed
from sim.devices.twin import Reply, Wiring
from sim.memory import MemoryLine, VirtualClock
from sim.terminals import SHORT, Terminals

CHAR_S = character_s(9600, "8N1")
FELT = (42.0, 43.5, 41.0, 41.9, 42.1, 42.4, 36.6, 44.0)


class Rig:
    """One board on one line; `felt` is what its probes carry, `bend` what becomes of its replies."""

    def __init__(self, *, bend: Callable[[bytes], bytes] = lambda data: data, **options: Any) -> None:
        self.felt: list[float | None] = list(FELT)
        self.bend = bend
        inputs = {f"ch{number}_c": (lambda number=number: self.felt[number]) for number in range(8)}
        self.twin = make_twin(Wiring(address=1, options=options, terminals=Terminals(), inputs=inputs, outputs={}))
        clock = self.clock = VirtualClock()
        self.line = MemoryLine(twins=[self], clock=clock, char_s=CHAR_S)
        port = Port(name="probes", line=self.line, clock=clock, timeout_s=0.3, char_s=CHAR_S)
        config = DeviceConfig(family="pt100_8ch", port="probes", address=1, options=options)
        self.driver: Any = FAMILY.make(port, config, "probes")

    def receive(self, data: bytes, now_s: float) -> list[Reply]:
        return [Reply(reply.delay_s, self.bend(reply.data)) for reply in self.twin.receive(data, now_s)]

    def tick(self, now_s: float) -> None:
        self.twin.tick(now_s)

    def power_cycle(self, now_s: float) -> None:
        self.twin.power_cycle(now_s)

    def values(self) -> list[float | None]:
        return [reading.value for reading in self.driver.exchange(None).values()]


def test_the_published_question_is_what_it_sends_and_eight_temperatures_come_back():
    rig = Rig()
    assert rig.values() == list(FELT)
    assert [frame.hex(" ").upper() for frame in rig.line.sent] == ["01 03 00 00 00 08 44 0C"]
    assert tuple(rig.driver.exchange(None)) == CHANNELS == rig.driver.channels


def test_values_are_as_old_as_their_question_so_that_a_break_during_the_answer_is_not_hidden_by_it():
    rig = Rig()
    rig.values()
    asked_s = rig.clock.now()
    assert rig.driver.exchange(None)["ch0_c"].at_s == asked_s < rig.clock.now()


def test_the_reply_for_25_degrees_is_taken_with_the_right_crc():
    rig = Rig(bend=lambda _data: bytes.fromhex("01 03 02 00 FA 38 07"))
    assert rig.driver._unit.read_holding(0, 1) == [250]


def test_the_reply_for_25_degrees_as_the_data_sheet_prints_it_is_refused():
    rig = Rig(bend=lambda _data: bytes.fromhex("01 03 02 00 FA B8 44"))
    with pytest.raises(BadReply, match="CRC"):
        rig.driver._unit.read_holding(0, 1)


@pytest.mark.parametrize(
    ("raw", "word"), [(0x7FFF, "open"), (6500, "open"), (9999, "over"), (0x8000, "short"), (0x10000 - 1800, "short")]
)
def test_every_known_number_for_a_broken_probe_is_a_fault(raw, word):
    value, fault = classify(raw)
    assert value is None
    assert fault is not None
    assert word in fault


@pytest.mark.parametrize("raw", [1201, 6490, 6499, 9998, 0x10000 - 401, 0x10000 - 1790, 0x8001])
def test_a_number_near_a_sentinel_is_outside_the_range_and_no_temperature_either(raw):
    value, fault = classify(raw)
    assert value is None
    assert fault is not None
    assert "outside -40.0 to 120.0" in fault


@pytest.mark.parametrize(
    ("raw", "value"), [(1200, 120.0), (0, 0.0), (0xFFFF, -0.1), (0x10000 - 400, -40.0), (420, 42.0)]
)
def test_a_number_in_the_range_is_a_temperature(raw, value):
    assert classify(raw) == (value, None)


@given(st.integers(0, 0xFFFF))
def test_every_number_is_a_temperature_in_the_range_or_a_fault_and_never_both(raw):
    value, fault = classify(raw)
    assert (value is None) is (fault is not None)
    assert value is None or -40.0 <= value <= 120.0
    signed = raw - 0x10000 if raw >= 0x8000 else raw
    assert signed not in SENTINELS or value is None


def test_a_broken_probe_is_a_fault_of_its_channel_only():
    rig = Rig()
    rig.felt[2], rig.felt[5] = None, SHORT
    readings = rig.driver.exchange(None)
    assert {name for name, reading in readings.items() if reading.fault} == {"ch2_c", "ch5_c"}
    assert readings["ch2_c"].value is None
    assert readings["ch5_c"].value is None
    assert readings["ch0_c"].value == 42.0


def test_a_session_names_it_and_a_confirmation_asks_again():
    rig = Rig()
    assert rig.driver.open_session().model == "8-channel Pt100 board"
    rig.driver.confirm()
    rig.driver.make_safe()
    assert len(rig.line.sent) == 2


def test_a_unit_that_refuses_the_question_is_the_wrong_device():
    rig = Rig(bend=lambda _data: sealed(bytes.fromhex("01 83 02")))
    with pytest.raises(WrongDevice, match="eight registers"):
        rig.driver.open_session()
    with pytest.raises(WrongDevice):
        rig.driver.confirm()


def test_it_takes_no_command():
    with pytest.raises(Refused, match="takes no PumpCommand"):
        Rig().driver.exchange(PumpCommand(1.0))


@pytest.mark.parametrize("keep", [0, 1, 4, 20])
def test_half_a_reply_is_no_reply(keep):
    rig = Rig(bend=lambda data: data[:keep])
    with pytest.raises(NoReply):
        rig.driver.exchange(None)


@given(st.integers(0, 20 * 8 - 1))
def test_no_single_wrong_bit_passes(bit):
    def flip(data: bytes) -> bytes:
        bent = bytearray(data)
        bent[bit // 8] ^= 1 << bit % 8
        return bytes(bent)

    with pytest.raises((BadReply, NoReply, Refused)):
        Rig(bend=flip).driver.exchange(None)


def test_an_unknown_option_is_refused_in_words():
    with pytest.raises(ValueError, match="probes: unknown options kind"):
        Rig(kind="cwt")
