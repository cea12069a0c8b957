"""What a rig file tells a simulated device is refused in words when the twin cannot take it, and the table is whole."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from config.loading import RIGS, load_rig
from config.schema import Device, Register, Rig
from sim.assembly import assemble
from sim.devices import options
from sim.devices.catalogue import twins
from sim.devices.options import OPTIONS, Option, known, options_problems
from sim.refusal import BadRequest
from sim.terminals import Terminals


def told(family: str, **given: Option) -> Device:
    return Device(family=family, port="p", options=given)


def rig_with(device: str, **given: Option) -> Rig:
    rig = load_rig("bench")
    changed = msgspec.structs.replace(rig.devices[device], options=given)
    return msgspec.structs.replace(rig, devices={**rig.devices, device: changed})


def test_the_table_names_every_family_and_every_option_that_its_twin_reads() -> None:
    assert set(OPTIONS) == set(twins())
    for family, named in OPTIONS.items():
        text = (Path(options.__file__).parent / f"{family}.py").read_text()
        assert set(re.findall(r'"(sim_\w+)"', text)) == set(named), family


@pytest.mark.parametrize(
    ("device", "said"),
    [
        (
            told("huber_pb", sim_max_setpoint_c="4,2"),
            'sim_max_setpoint_c = "4,2": allowed is a number from -200',
        ),
        (told("huber_pb", sim_unlicensed="7"), "allowed is PB variables"),
        (told("keller", reply_ms="abc"), 'options.reply_ms = "abc": allowed is a number from 0 to 10000'),
        (told("keller", reply_ms=-5), "options.reply_ms = -5"),
        (told("keller", reply_ms=True), "options.reply_ms = True"),
        (told("keller", sim_serial=1.5), "allowed is a whole number"),
        (told("keller", sim_serial_register=1), "allowed is true or false"),
        (told("watson_marlow", sim_max_rpm=-1.0), "options.sim_max_rpm = -1.0"),
        (told("watson_marlow", sim_min_gap_ms=float("nan")), "options.sim_min_gap_ms = nan"),
        (told("lead_fluid", sim_max_rpm=3), "is not known; allowed are reply_ms"),
        (told("registers", sim_level_ml=3), "is not known; allowed are reply_ms, sim_identity, sim_watchdog_s"),
    ],
)
def test_an_option_that_a_twin_cannot_take_is_named_with_what_is_allowed(device: Device, said: str) -> None:
    (problem,) = options_problems(device)
    assert said in str(problem)


def test_a_described_device_may_be_told_what_each_of_its_registers_shows() -> None:
    register = Register(channel="level_ml", address=0)
    device = Device(family="registers", port="p", registers=(register,), options={"sim_level_ml": -3.5})
    assert "sim_level_ml" in known(device)
    assert options_problems(device) == []


def test_the_shipped_rigs_have_nothing_to_refuse() -> None:
    for path in RIGS.glob("*.toml"):
        assert options.twin_problems(load_rig(path)) == []


@pytest.mark.parametrize(
    ("device", "given", "said"),
    [
        ("bath", {"sim_max_setpoint_c": "4,2", "reply_ms": -1}, "devices.bath.options.sim_max_setpoint_c"),
        ("bath", {"package_values": "vSP,nonsense"}, "devices.bath.options: "),
        ("relays", {"channels": "x"}, "devices.relays.options: "),
    ],
)
def test_a_bench_with_such_an_option_is_a_refusal_and_no_traceback(
    device: str, given: dict[str, Option], said: str
) -> None:
    with pytest.raises(BadRequest, match=re.escape(said)):
        assemble(rig_with(device, **given), Terminals(), twins())
