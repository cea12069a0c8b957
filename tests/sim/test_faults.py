"""The one vocabulary of faults: reading it, scheduling it, applying it."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.fault_catalogue import CATALOGUE
from sim.faults import Edge, Fault, FaultSchedule, apply_to_links, apply_to_plant, check, parse
from sim.links import LinkState, flipped, from_another_unit, modbus_crc, refusal
from sim.refusal import BadRequest


@dataclass
class Knobs:
    pump_stall: bool = False
    leak_ml_min: float = 0.0
    heater_gain: float = 1.0


@dataclass
class Probe:
    fault: str | None = None
    fault_value: object = None


class Plant:
    def __init__(self) -> None:
        self.faults = Knobs()
        self.probes = {"inflow_c": Probe()}


def test_a_fault_is_read_with_target_time_duration_and_value() -> None:
    assert parse("bias:inflow_c@600+30=1.5") == Fault(
        name="bias", target="inflow_c", at_s=600.0, duration_s=30.0, value=1.5
    )
    assert parse("stall@15min") == Fault(name="stall", at_s=900.0)
    assert parse("leak@1.5s").value == 100.0, "a leak has a size even when none is given"
    assert parse("swapped:inflow_c@1=outflow_c").value == "outflow_c"
    assert parse("replugged:bath@1").duration_s == 2.0, "a replugged cable comes back"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("stall", "not of the form"),
        ("", "not of the form"),
        ("explode@3", "no fault 'explode'; allowed: air"),
        ("off@3", "needs a TARGET (a signal)"),
        ("silent@3", "needs a TARGET (a device or a port)"),
        ("stall:pump@3", "takes no TARGET"),
        ("stall@-3", "is no time"),
        ("stall@nan", "is no time"),
        ("stall@3+inf", "is no time"),
        ("stall@4,2", "is no time"),
        ("stall@3=1", "takes no VALUE"),
        ("weak@3=nan", "allowed: 0 to 1 share"),
        ("weak@3=1.1", "allowed: 0 to 1 share"),
        ("weak@3=4,2", "allowed: 0 to 1 share"),
        ("leak@3=-1", "allowed: 0 to 5000 mL/min"),
        ("swapped:inflow_c@3", "needs =SIGNAL"),
    ],
)
def test_a_malformed_fault_says_what_is_wrong_and_what_is_allowed(text: str, says: str) -> None:
    with pytest.raises(ValueError, match="fault ") as error:
        parse(text)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@given(
    name=st.sampled_from(sorted(set(CATALOGUE) - {"swapped"})),
    at_s=st.integers(0, 9999),
    duration_s=st.none() | st.integers(1, 999),
)
def test_every_fault_reads_back_what_it_prints(name: str, at_s: int, duration_s: int | None) -> None:
    target = ":x" if CATALOGUE[name].kind in ("probe", "link") else ""
    fault = parse(f"{name}{target}@{at_s}" + ("" if duration_s is None else f"+{duration_s}"))
    assert parse(str(fault)) == fault


@given(st.text(max_size=40))
def test_any_text_is_a_fault_or_one_clear_error(text: str) -> None:
    try:
        said = f"fault {parse(text).name!r}"
    except ValueError as error:
        said = str(error)
    assert said.startswith("fault ")


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("off:nowhere@1", "no signal 'nowhere'; allowed: inflow_c"),
        ("swapped:inflow_c@1=nowhere", "no signal 'nowhere'; allowed: inflow_c"),
        ("silent:nowhere@1", "no device or port 'nowhere'; allowed: "),
        ("off:inflow_c@1", ""),
        ("silent:bath@1", ""),
        ("unplugged:heater@1", ""),
        ("stall@1", ""),
        ("kill:control@1", ""),
    ],
)
def test_a_target_is_refused_exactly_when_the_rig_does_not_have_it(text: str, missing: str) -> None:
    said = ""
    try:
        check(parse(text), signals=["inflow_c"], devices=["bath"], ports=["heater"])
    except BadRequest as error:
        said = str(error)
    assert missing in said
    assert bool(said) is bool(missing)


def test_edges_come_once_and_in_order_of_time() -> None:
    stall, off = parse("stall@10+5"), parse("off:inflow_c@12")
    schedule = FaultSchedule([off, stall])
    assert schedule.due(9.9) == []
    assert schedule.next_s == 10.0
    assert schedule.due(12.0) == [Edge(stall, True), Edge(off, True)]
    assert schedule.active == (stall, off)
    assert schedule.due(15.0) == [Edge(stall, False)]
    assert schedule.due(99.0) == []
    assert schedule.active == (off,)


def test_clearing_ends_what_is_active_and_forgets_what_is_planned() -> None:
    schedule = FaultSchedule([parse("stall@1"), parse("leak@50")])
    schedule.due(1.0)
    assert [edge.fault.name for edge in schedule.clear()] == ["stall"]
    assert schedule.due(100.0) == []


def test_a_plant_fault_turns_the_knob_and_its_end_turns_it_back() -> None:
    plant = Plant()
    for text in ("stall@1", "leak@1=40", "weak@1=0.25"):
        apply_to_plant(Edge(parse(text), True), plant)
    assert plant.faults == Knobs(pump_stall=True, leak_ml_min=40.0, heater_gain=0.25)
    for text in ("stall@1", "leak@1=40", "weak@1=0.25"):
        apply_to_plant(Edge(parse(text), False), plant)
    assert plant.faults == Knobs()


def test_a_probe_fault_strikes_the_named_probe() -> None:
    plant = Plant()
    fault = parse("bias:inflow_c@1=3")
    apply_to_plant(Edge(fault, True), plant)
    assert plant.probes["inflow_c"] == Probe("bias", 3.0)
    apply_to_plant(Edge(fault, False), plant)
    assert plant.probes["inflow_c"] == Probe()


LINK_FAULTS = sorted(name for name, spec in CATALOGUE.items() if spec.kind == "link")


@pytest.mark.parametrize("name", LINK_FAULTS)
def test_every_link_fault_is_felt_and_its_end_heals(name: str) -> None:
    links = {"bath": LinkState(), "pump": LinkState()}
    fault = parse(f"{name}:bath@1+5")
    apply_to_links(Edge(fault, True), links, {"a": ["bath"], "b": ["pump"]})
    assert not links["bath"].healthy
    assert links["pump"].healthy
    apply_to_links(Edge(fault, False), links, {"a": ["bath"], "b": ["pump"]})
    assert links["bath"].healthy
    assert links["bath"].power_cycles == (name == "power_cycled")


def test_a_fault_of_a_port_strikes_all_its_devices() -> None:
    links = {"a": LinkState(), "b": LinkState(), "c": LinkState()}
    apply_to_links(Edge(parse("silent:bus@1"), True), links, {"bus": ["a", "b"], "other": ["c"]})
    assert [links[name].silent for name in "abc"] == [True, True, False]


def test_pulling_a_devices_cable_pulls_its_port() -> None:
    links = {"a": LinkState(), "b": LinkState()}
    apply_to_links(Edge(parse("unplugged:a@1"), True), links, {"bus": ["a", "b"]})
    assert links["b"].unplugged


PV = bytes.fromhex("0103020102")
REPLY = PV + modbus_crc(PV).to_bytes(2, "little")


def test_the_modbus_crc_agrees_with_a_published_frame() -> None:
    assert modbus_crc(bytes.fromhex("010300000008")).to_bytes(2, "little") == bytes.fromhex("440C")


def test_a_reply_from_another_unit_is_correct_in_itself() -> None:
    other = from_another_unit(REPLY)
    assert other[0] == 2
    assert modbus_crc(other[:-2]).to_bytes(2, "little") == other[-2:]
    assert from_another_unit(b"!014015\r") == b"!114015\r"
    assert from_another_unit(b"[S01B10007D009F19D\r") == b"[S11B10007D009F19E\r"


def test_a_refusal_is_a_modbus_exception_and_silence_elsewhere() -> None:
    assert refusal(bytes.fromhex("01050000FF008C3A"), 2) == bytes.fromhex("018502C351")
    assert refusal(b"!014015\r", 2) == b""


@given(data=st.binary(min_size=1, max_size=40), seed=st.integers(0, 1000))
def test_a_garbled_reply_differs_in_exactly_one_bit(data: bytes, seed: int) -> None:
    bent = flipped(data, Random(seed))
    assert len(bent) == len(data)
    assert sum((a ^ b).bit_count() for a, b in zip(data, bent, strict=True)) == 1
