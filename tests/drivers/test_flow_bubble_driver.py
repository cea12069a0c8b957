"""The flow and bubble sensor: published frames out, sentinels and status bits in as faults."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.schema import Device
from drivers.flow_bubble import FAMILY, FlowBubble, crc6, frame
from drivers.port import Port
from drivers.roles import BadReply, NoReply, PumpCommand, Reading, Refused, WrongDevice
from sim.devices.flow_bubble import FlowBubbleSensor, make_twin
from sim.devices.twin import Reply, Wiring
from sim.memory import MemoryLine, VirtualClock
from sim.terminals import Terminals

GET = bytes.fromhex("F1 00 0B 3F 0B 00 01 82 2A 8B 02")


class Scripted:
    """A device that answers every question with the same bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def receive(self, data: bytes, now_s: float) -> list[Reply]:
        return [Reply(0.005, self.data)]

    def tick(self, now_s: float) -> None: ...

    def power_cycle(self, now_s: float) -> None: ...


class Bench:
    def __init__(self, *, address: int = 1, reply: bytes | None = None) -> None:
        self.flow_lpm: float | None = 0.0
        self.bubble_mm: float | None = 0.0
        self.clock = VirtualClock()
        config = Device(family="flow_bubble", port="flow", address=address)
        twin = make_twin(
            Wiring(
                address=address,
                options={},
                terminals=Terminals(),
                inputs={"flow_lpm": lambda: self.flow_lpm, "bubble_mm": lambda: self.bubble_mm},
                outputs={},
            )
        )
        assert isinstance(twin, FlowBubbleSensor)
        self.twin = twin
        answering = twin if reply is None else Scripted(reply)
        char_s = 10 / 115200
        self.line = MemoryLine(twins=[answering], clock=self.clock, char_s=char_s)
        port = Port(name="flow", line=self.line, clock=self.clock, timeout_s=0.1, char_s=char_s)
        driver = FAMILY.make(port, config, "flow")
        assert isinstance(driver, FlowBubble)
        self.driver = driver

    def read(self) -> Mapping[str, Reading]:
        return self.driver.exchange(None)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.1)):
            self.clock.sleep(0.1)
            self.twin.tick(self.clock.now())


def reply_of(*, status: int = 0, flow: float = 1500.0, bubble: int = 0, volume: float = 0.0) -> bytes:
    body = bytes.fromhex("F1 00 17 3F 00") + bytes([status, 0])
    body += b"\x82" + struct.pack("<f", flow) + b"\x2a" + bytes([bubble, 0, 0, 0]) + b"\x8b" + struct.pack("<f", volume)
    return body + bytes([crc6(body)])


@pytest.mark.parametrize(
    ("address", "command", "data", "published"),
    [
        (1, 0x29, "", "F1 00 05 29 1E"),
        (1, 0x25, "", "F1 00 05 25 06"),
        (1, 0x39, "", "F1 00 05 39 3E"),
        (1, 0x3F, "0B 00 01 82 2A 8B", "F1 00 0B 3F 0B 00 01 82 2A 8B 02"),
        (2, 0x3F, "0B 00 01 82 2A 8B", "F2 00 0B 3F 0B 00 01 82 2A 8B 06"),
    ],
)
def test_published_frames_are_made(address: int, command: int, data: str, published: str) -> None:
    assert frame(address, command, bytes.fromhex(data)) == bytes.fromhex(published)


def test_a_session_identifies_and_an_exchange_asks_once() -> None:
    bench = Bench()
    assert bench.driver.open_session().model == "FLOW+BUBBLE SN000001"
    assert bench.line.sent == [bytes.fromhex("F1 00 05 25 06"), GET]
    bench.read()
    assert bench.line.sent[2:] == [GET]
    second = Bench(address=2)
    second.read()
    assert second.line.sent == [bytes.fromhex("F2 00 0B 3F 0B 00 01 82 2A 8B 06")]


@given(flow_lpm=st.floats(-10.0, 10.0), tenths=st.integers(0, 100))
def test_values_come_in_their_units(flow_lpm: float, tenths: int) -> None:
    bench = Bench()
    bench.flow_lpm, bench.bubble_mm = flow_lpm, tenths / 10.0
    readings = bench.read()
    wanted = 0.0 if abs(flow_lpm) < 0.025 else flow_lpm
    assert readings["flow_lpm"].value == pytest.approx(wanted, abs=2e-6) or abs(abs(flow_lpm) - 0.025) < 1e-6
    assert readings["bubble_mm"].value == tenths / 10.0


@pytest.mark.parametrize(("ml_min", "lpm"), [(24.9, 0.0), (-24.9, 0.0), (25.0, 0.025), (-25.0, -0.025)])
def test_a_flow_that_the_sensor_cannot_tell_from_none_is_none(ml_min: float, lpm: float) -> None:
    assert Bench(reply=reply_of(flow=ml_min)).read()["flow_lpm"].value == pytest.approx(lpm)


@pytest.mark.parametrize("flow", [math.nan, math.inf, -math.inf])
def test_a_flow_that_is_no_number_is_a_fault(flow: float) -> None:
    readings = Bench(reply=reply_of(flow=flow, bubble=3, volume=2000.0)).read()
    assert readings["flow_lpm"].value is None
    assert "no measurement" in str(readings["flow_lpm"].fault)
    assert readings["bubble_mm"].value == 0.3
    assert readings["volume_ml"].value == 2.0


@pytest.mark.parametrize(("bubble", "text"), [(0xFF, "FF"), (0xFE, "outside 0..100"), (101, "outside 0..100")])
def test_a_bubble_size_that_is_none_is_a_fault_and_never_no_bubble(bubble: int, text: str) -> None:
    reading = Bench(reply=reply_of(bubble=bubble)).read()["bubble_mm"]
    assert reading.value is None
    assert text in str(reading.fault)


@pytest.mark.parametrize(
    ("status", "faulty"),
    [
        (0x00, set()),
        (0x01, set()),
        (0x10, {"bubble_mm"}),
        (0x20, {"flow_lpm", "volume_ml"}),
        (0x40, {"flow_lpm", "volume_ml"}),
        (0x80, {"flow_lpm", "volume_ml", "bubble_mm"}),
    ],
)
def test_status_bits_are_faults_of_the_channels_they_concern(status: int, faulty: set[str]) -> None:
    readings = Bench(reply=reply_of(status=status)).read()
    assert {name for name, reading in readings.items() if reading.fault} == faulty
    assert {name for name, reading in readings.items() if reading.value is None} == faulty


def test_a_bubble_between_two_requests_is_told_once() -> None:
    bench = Bench()
    bench.read()
    bench.bubble_mm = 6.2
    bench.run(0.1)
    bench.bubble_mm = 0.0
    bench.run(0.5)
    assert bench.read()["bubble_mm"].value == 6.2
    assert bench.read()["bubble_mm"].value == 0.0


def test_a_bubble_from_before_the_session_is_not_told() -> None:
    bench = Bench()
    bench.bubble_mm = 9.0
    bench.run(0.1)
    bench.bubble_mm = 0.0
    bench.driver.open_session()
    assert bench.read()["bubble_mm"].value == 0.0


def test_volume_adds_up_in_simulated_time() -> None:
    bench = Bench()
    bench.driver.open_session()
    bench.flow_lpm = 1.2
    bench.run(60.0)
    assert bench.read()["volume_ml"].value == pytest.approx(1200.0, rel=1e-3)


def test_broken_detectors_are_faults() -> None:
    bench = Bench()
    bench.flow_lpm = bench.bubble_mm = None
    readings = bench.read()
    assert readings["flow_lpm"].value is None
    assert readings["bubble_mm"].value is None


@pytest.mark.parametrize(
    "reply",
    [
        reply_of()[:-1] + bytes([reply_of()[-1] ^ 1]),
        b"\xf2" + reply_of()[1:],
        reply_of()[:3] + b"\x25" + reply_of()[4:],
        frame(1, 0x3F, reply_of()[4:-1] + b"\x00"),
        frame(1, 0x3F, reply_of()[4:7] + b"\x81" + reply_of()[8:-1]),
        reply_of() + b"\x00",
    ],
)
def test_a_reply_to_another_question_is_not_taken(reply: bytes) -> None:
    with pytest.raises(BadReply):
        Bench(reply=reply).read()


def test_half_a_reply_is_no_reply() -> None:
    with pytest.raises(NoReply):
        Bench(reply=reply_of()[:20]).read()


@given(flip=st.integers(0, 15 * 8 - 1))
def test_any_single_flipped_bit_up_to_the_bubble_size_is_found(flip: int) -> None:
    bent = bytearray(reply_of(flow=1500.0, bubble=7, volume=123456.0))
    bent[flip // 8] ^= 1 << flip % 8
    with pytest.raises((BadReply, NoReply)):
        Bench(reply=bytes(bent)).read()


def test_the_published_check_misses_flipped_bits_of_the_volume() -> None:
    """A known weakness of the frame, not of this driver: nothing that matters may rest on the volume."""
    bent = bytearray(reply_of(flow=1500.0, volume=123456.0))
    bent[21] ^= 0x20
    reading = Bench(reply=bytes(bent)).read()["volume_ml"]
    assert reading.fault is None
    assert reading.value != pytest.approx(123.456)


def test_another_sensor_is_found_out_after_a_time_out() -> None:
    bench = Bench()
    bench.driver.open_session()
    bench.driver.confirm()
    bench.twin._ident = "OTHER"
    with pytest.raises(WrongDevice, match="'OTHER' answers in the place of"):
        bench.driver.confirm()


def test_a_command_is_refused() -> None:
    bench = Bench()
    with pytest.raises(Refused):
        bench.driver.exchange(PumpCommand(rpm=0.0))
    bench.driver.make_safe()
    assert bench.line.sent == []


@pytest.mark.parametrize(
    "config",
    [
        Device(family="flow_bubble", port="flow", address=0),
        Device(family="flow_bubble", port="flow", address=13),
        Device(family="flow_bubble", port="flow", options={"gain": 2}),
    ],
)
def test_bad_configuration_is_named(config: Device) -> None:
    clock = VirtualClock()
    port = Port(name="flow", line=MemoryLine(twins=[], clock=clock), clock=clock, timeout_s=0.1, char_s=0.0001)
    with pytest.raises(ValueError, match="allowed"):
        FAMILY.make(port, config, "flow")
