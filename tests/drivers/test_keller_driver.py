"""KELLER transmitters by either protocol: the published frames, and NaN and infinities as faults."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.schema import Device
from drivers.keller import FAMILY, Keller
from drivers.keller_bus import crc16
from drivers.port import Port
from drivers.roles import BadReply, NoReply, PumpCommand, Refused, Restarted, WrongDevice
from sim.devices.keller import Transmitter, make_twin
from sim.devices.rtu import RtuServer, sealed
from sim.devices.twin import Reply, Wiring
from sim.memory import MemoryLine, VirtualClock
from sim.terminals import SHORT, Terminals

BOTH = pytest.mark.parametrize("protocol", ["modbus", "keller"])


class Scripted:
    """A device that answers every question with the same bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def receive(self, data: bytes, now_s: float) -> list[Reply]:
        return [Reply(0.005, self.data)]

    def tick(self, now_s: float) -> None: ...

    def power_cycle(self, now_s: float) -> None: ...


class Bench:
    def __init__(self, protocol: str = "modbus", *, other: object = None, **options: bool | float | str) -> None:
        self.pressure_bar: float | None = 0.0
        self.temperature_c: float | None = 36.5
        self.clock = VirtualClock()
        config = Device(family="keller", port="bus", address=1, options={"protocol": protocol, **options})
        self.twin = make_twin(
            Wiring(
                address=1,
                options=config.options,
                terminals=Terminals(),
                inputs={"pressure_bar": lambda: self.pressure_bar, "temperature_c": lambda: self.temperature_c},
                outputs={},
            )
        )
        self.line = MemoryLine(twins=[other or self.twin], clock=self.clock)  # type: ignore[list-item]
        port = Port(name="bus", line=self.line, clock=self.clock, timeout_s=0.3, char_s=10 / 9600)
        driver = FAMILY.make(port, config, "pressure")
        assert isinstance(driver, Keller)
        self.driver = driver

    def sent_hex(self) -> list[str]:
        return [frame.hex(" ").upper() for frame in self.line.sent]


def test_modbus_asks_with_the_published_frames() -> None:
    bench = Bench()
    bench.driver.exchange(None)
    assert bench.sent_hex() == ["01 03 00 02 00 02 65 CB", "01 03 00 08 00 02 45 C9"]


def test_the_keller_bus_asks_with_the_published_frames() -> None:
    bench = Bench("keller")
    bench.driver.open_session()
    bench.driver.exchange(None)
    assert bench.sent_hex()[0] == "01 30 34 00"
    assert bench.sent_hex()[2] == "01 49 01 50 D6"


def test_the_published_keller_crc_is_high_byte_first() -> None:
    assert crc16(bytes([2, 48])).to_bytes(2, "big") == bytes.fromhex("C4 00")


@BOTH
def test_identity_tells_the_serial_number(protocol: str) -> None:
    bench = Bench(protocol, sim_serial=0x00012345)
    identity = bench.driver.open_session()
    assert (identity.vendor, identity.serial) == ("KELLER", str(0x12345))


def test_the_keller_bus_tells_the_firmware() -> None:
    assert Bench("keller").driver.open_session().firmware == "5.20-12.28"


@BOTH
@given(pressure_bar=st.floats(-0.875, 2.875, width=32), temperature_c=st.floats(-20, 100, width=32))
def test_values_come_through_as_they_are(protocol: str, pressure_bar: float, temperature_c: float) -> None:
    bench = Bench(protocol)
    bench.driver.open_session()
    bench.pressure_bar, bench.temperature_c = pressure_bar, temperature_c
    readings = bench.driver.exchange(None)
    assert readings["pressure_bar"].value == pressure_bar
    assert readings["temperature_c"].value == temperature_c
    assert readings["pressure_bar"].fault is None


@BOTH
@pytest.mark.parametrize(
    ("pressure_bar", "fault"),
    [
        (None, "sensor error (NaN)"),
        (SHORT, "sensor error (NaN)"),
        (9.0, "over range (+inf)"),
        (-2.0, "under range (-inf)"),
    ],
)
def test_what_is_no_pressure_is_a_fault_and_never_a_number(
    protocol: str, pressure_bar: float | None, fault: str
) -> None:
    bench = Bench(protocol)
    bench.driver.open_session()
    bench.pressure_bar = pressure_bar
    readings = bench.driver.exchange(None)
    assert readings["pressure_bar"][::2] == (None, fault)
    assert readings["temperature_c"].value == 36.5


def test_an_infinite_temperature_is_a_fault_too() -> None:
    reply = sealed(b"\x01\x03\x04" + struct.pack(">f", math.inf))
    readings = Bench(other=Scripted(reply)).driver.exchange(None)
    assert readings["temperature_c"][::2] == (None, "over range (+inf)")


def test_the_temperature_can_be_left_out() -> None:
    bench = Bench(temperature=False)
    assert bench.driver.channels == ("pressure_bar",)
    assert set(bench.driver.exchange(None)) == {"pressure_bar"}
    assert len(bench.line.sent) == 1


def test_a_firmware_without_serial_number_is_known_by_its_registers() -> None:
    bench = Bench(sim_serial_register=False)
    assert bench.driver.open_session().serial == ""
    bench.driver.confirm()
    assert bench.sent_hex()[-1] == "01 03 00 02 00 02 65 CB"


@BOTH
def test_confirming_the_same_transmitter_passes_and_another_one_is_found_out(protocol: str) -> None:
    bench = Bench(protocol)
    bench.driver.open_session()
    bench.driver.confirm()
    assert isinstance(bench.twin, Transmitter)
    bench.twin._serial += 1
    bench.twin._bus._serial += 1
    with pytest.raises(WrongDevice, match="in the place of"):
        bench.driver.confirm()


def test_a_device_that_refuses_the_registers_is_the_wrong_one() -> None:
    with pytest.raises(WrongDevice, match="illegal function"):
        Bench(other=RtuServer(unit=1, reply_s=0.005, handlers={})).driver.open_session()


def test_a_power_cut_is_seen_on_the_keller_bus() -> None:
    bench = Bench("keller")
    bench.driver.open_session()
    bench.twin.power_cycle(bench.clock.now())
    with pytest.raises(Restarted, match="not initialised"):
        bench.driver.exchange(None)
    bench.driver.open_session()
    assert bench.driver.exchange(None)["pressure_bar"].value == 0.0


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (bytes.fromhex("01 30 05 14 0C 1C 0A 00 00 00"), BadReply),
        (bytes.fromhex("02 30"), BadReply),
        (bytes.fromhex("01 45"), BadReply),
        (bytes.fromhex("01"), NoReply),
        (bytes.fromhex("01 B0 01") + crc16(bytes.fromhex("01 B0 01")).to_bytes(2, "big"), WrongDevice),
    ],
)
def test_a_keller_reply_that_does_not_fit_is_not_taken(reply: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        Bench("keller", other=Scripted(reply)).driver.open_session()


def test_a_modbus_byte_order_on_the_keller_bus_is_a_wrong_crc() -> None:
    body = bytes.fromhex("01 30 05 14 0C 1C 0A 00")
    with pytest.raises(BadReply, match="CRC"):
        Bench("keller", other=Scripted(sealed(body))).driver.open_session()


def test_a_command_is_refused() -> None:
    bench = Bench()
    with pytest.raises(Refused):
        bench.driver.exchange(PumpCommand(rpm=0.0))
    bench.driver.make_safe()
    assert bench.line.sent == []


@pytest.mark.parametrize("options", [{"protocol": "can"}, {"temperature": 1}, {"range": 3}])
def test_bad_options_are_named(options: dict[str, bool | float | str]) -> None:
    with pytest.raises(ValueError, match="allowed"):
        Bench(**{"protocol": "modbus", **options})  # type: ignore[arg-type]


def test_the_address_that_all_answer_is_refused() -> None:
    clock = VirtualClock()
    port = Port(name="bus", line=MemoryLine(twins=[], clock=clock), clock=clock, timeout_s=0.3, char_s=0.001)
    with pytest.raises(ValueError, match="every transmitter"):
        FAMILY.make(port, Device(family="keller", port="bus", address=250), "pressure")
