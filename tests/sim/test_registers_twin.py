"""The described device's twin serves exactly its map and drives the plant by name."""

from __future__ import annotations

import pytest

from config.schema import Register
from sim.devices.registers import make_twin
from sim.devices.rtu import sealed
from sim.devices.twin import Twin, Wiring
from sim.terminals import Terminals

MAP = (
    Register(channel="temp_c", address=0, scale=0.1, sentinels=(0x7FFF,)),
    Register(channel="flow_lpm", address=1, table="input", type="f32", word_order="low_first"),
    Register(channel="alarm", address=3, table="discrete", type="bit"),
    Register(channel="on", address=0, table="coil", type="bit", writable=True),
    Register(channel="set_c", address=20, scale=0.1, minimum=0.0, maximum=46.0, writable=True),
)


def make(temp_c: float | None = 25.0) -> tuple[Twin, Terminals]:
    terminals = Terminals()
    inputs = {"temp_c": lambda: temp_c, "flow_lpm": lambda: 1.5}
    wiring = Wiring(address=1, options={"sim_alarm": 1}, terminals=terminals, inputs=inputs, outputs={}, registers=MAP)
    return make_twin(wiring), terminals


def say(twin: Twin, body: str) -> str:
    (reply,) = twin.receive(sealed(bytes.fromhex(body)), 1.0)
    return reply.data[:-2].hex(" ").upper()


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("01 03 00 00 00 01", "01 03 02 00 FA"),
        ("01 04 00 01 00 02", "01 04 04 00 00 3F C0"),
        ("01 02 00 03 00 01", "01 02 01 01"),
        ("01 01 00 00 00 01", "01 01 01 00"),
        ("01 03 00 14 00 01", "01 03 02 00 00"),
        ("01 03 00 00 00 02", "01 83 02"),
        ("01 04 00 00 00 01", "01 84 02"),
        ("01 06 00 00 00 05", "01 86 02"),
        ("01 06 00 14 01 CD", "01 86 03"),
        ("01 05 00 00 12 34", "01 85 03"),
        ("01 05 00 07 FF 00", "01 85 02"),
    ],
)
def test_the_map_is_served_and_everything_else_refused(body: str, answer: str) -> None:
    assert say(make()[0], body) == answer


def test_an_open_circuit_shows_the_sentinel() -> None:
    assert say(make(None)[0], "01 03 00 00 00 01") == "01 03 02 7F FF"


def test_the_published_25_degrees_reply() -> None:
    (reply,) = make()[0].receive(sealed(bytes.fromhex("01 03 00 00 00 01")), 1.0)
    assert reply.data == bytes.fromhex("01 03 02 00 FA 38 07")
    assert reply.delay_s == 0.005


def test_writes_drive_the_plant_and_a_power_cut_stops_it() -> None:
    twin, terminals = make()
    say(twin, "01 06 00 14 01 A4")
    assert not terminals.bath_on
    say(twin, "01 05 00 00 FF 00")
    assert (terminals.bath_on, terminals.bath_setpoint_c) == (True, 42.0)
    twin.power_cycle(2.0)
    assert not terminals.bath_on
    assert say(twin, "01 01 00 00 00 01") == "01 01 01 00"
