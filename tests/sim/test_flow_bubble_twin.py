"""The flow and bubble twin answers the published frames and keeps volume and bubble as the real one does."""

from __future__ import annotations

import math
import struct

import pytest

from sim.devices.flow_bubble import FlowBubbleSensor, check6, make_twin
from sim.devices.twin import Wiring
from sim.terminals import Terminals

GET = bytes.fromhex("F1 00 0B 3F 0B 00 01 82 2A 8B 02")


class Bench:
    def __init__(self) -> None:
        self.flow_lpm: float | None = 1.5
        self.bubble_mm: float | None = 0.0
        inputs = {"flow_lpm": lambda: self.flow_lpm, "bubble_mm": lambda: self.bubble_mm}
        twin = make_twin(Wiring(address=1, options={}, terminals=Terminals(), inputs=inputs, outputs={}))
        assert isinstance(twin, FlowBubbleSensor)
        self.twin = twin

    def say(self, data: bytes, now_s: float = 1.0) -> list[bytes]:
        return [reply.data for reply in self.twin.receive(data, now_s)]


@pytest.mark.parametrize(
    "published", ["F1 00 05 29 1E", "F1 00 05 25 06", "F1 00 05 39 3E", GET.hex(), "F2 00 0B 3F 0B 00 01 82 2A 8B 06"]
)
def test_the_check_agrees_with_published_frames(published: str) -> None:
    data = bytes.fromhex(published)
    assert check6(data[:-1]) == data[-1]


def test_values_stand_where_the_source_reads_them() -> None:
    bench = Bench()
    bench.bubble_mm = 4.2
    (reply,) = bench.say(GET)
    assert (len(reply), reply[1:4]) == (23, b"\x00\x17\x3f")
    assert (reply[5], reply[7], reply[12], reply[13], reply[17]) == (0, 0x82, 0x2A, 42, 0x8B)
    assert reply[8:12] == struct.pack("<f", 1500.0)
    assert check6(reply[:-1]) == reply[-1]


def test_identification_is_85_bytes_and_ping_is_answered() -> None:
    bench = Bench()
    assert len(bench.say(bytes.fromhex("F1 00 05 25 06"))[0]) == 85
    assert bench.say(bytes.fromhex("F1 00 05 29 1E")) == [bytes.fromhex("F1 00 05 29 1E")]


def test_another_address_and_a_bad_check_are_not_answered() -> None:
    bench = Bench()
    assert bench.say(bytes.fromhex("F2 00 0B 3F 0B 00 01 82 2A 8B 06")) == []
    assert bench.say(GET[:-1] + b"\x03") == []
    assert len(bench.say(GET, 2.0)) == 1


@pytest.mark.parametrize("cut", range(1, len(GET)))
def test_any_chunking_is_understood(cut: int) -> None:
    bench = Bench()
    assert bench.say(GET[:cut], 1.0) == []
    assert len(bench.say(GET[cut:], 1.001)) == 1


def test_half_a_frame_is_dropped_after_a_silence() -> None:
    bench = Bench()
    bench.say(GET[:5], 1.0)
    assert bench.say(GET[5:], 2.0) == []


def test_a_broken_detector_shows_its_sentinel_and_status_bit() -> None:
    bench = Bench()
    bench.flow_lpm = bench.bubble_mm = None
    (reply,) = bench.say(GET)
    assert math.isnan(struct.unpack("<f", reply[8:12])[0])
    assert (reply[5], reply[13]) == (0x30, 0xFF)


def test_the_biggest_bubble_is_kept_until_asked_and_5_mm_is_an_alarm() -> None:
    bench = Bench()
    for at_s, bubble_mm in ((1.0, 0.0), (1.1, 5.0), (1.2, 3.0), (1.3, 0.0)):
        bench.bubble_mm = bubble_mm
        bench.twin.tick(at_s)
    first, second = bench.say(GET + GET, 2.0)
    assert (first[13], first[5]) == (50, 1)
    assert (second[13], second[5]) == (0, 0)


def test_a_bubble_beyond_the_scale_shows_its_end() -> None:
    bench = Bench()
    bench.bubble_mm = 15.0
    assert bench.say(GET)[0][13] == 100


def test_volume_integrates_resets_and_is_lost_with_the_power() -> None:
    bench = Bench()
    bench.twin.tick(0.0)
    bench.twin.tick(60.0)
    assert bench.twin.volume_ml == pytest.approx(1500.0)
    bench.say(bytes.fromhex("F1 00 05 39 3E"), 60.0)
    assert bench.twin.volume_ml == 0.0
    bench.twin.tick(120.0)
    bench.twin.power_cycle(120.0)
    assert bench.twin.volume_ml == 0.0
