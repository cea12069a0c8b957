"""The driver of the Pt100 module, against published text and against its twin in virtual time."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.schema import Device as DeviceConfig
from drivers.adam4015 import CHANNELS, FAMILY, checksum, line_length, parse_values
from drivers.port import Port, character_s
from drivers.roles import BadReply, NoReply, PumpCommand, Refused, Restarted, WrongDevice
from sim.devices.adam4015 import make_twin
from sim.devices.twin import Reply, Twin, Wiring
from sim.memory import MemoryLine, VirtualClock
from sim.terminals import SHORT, Terminals

CHAR_S = character_s(9600, "8N1")
OPEN = None
FELT = (37.0, 41.25, 42.5, 42.0, 41.9, 36.6)


class Rig:
    """One module on one line; `felt` is what its six inputs carry."""

    def __init__(
        self,
        *,
        address: int = 1,
        bend: Callable[[bytes], bytes] = lambda data: data,
        **options: bool | int | float | str,
    ) -> None:
        self.felt: list[float | None] = list(FELT)
        self.bend = bend
        inputs = {f"ch{number}_c": (lambda number=number: self.felt[number]) for number in range(6)}
        self.twin: Twin = make_twin(
            Wiring(address=address, options=options, terminals=Terminals(), inputs=inputs, outputs={})
        )
        self.clock = VirtualClock()
        self.line = MemoryLine(twins=[self], clock=self.clock, char_s=CHAR_S)
        self.port = Port(name="p", line=self.line, clock=self.clock, timeout_s=0.3, char_s=CHAR_S)

    def receive(self, data: bytes, now_s: float) -> list[Reply]:
        replies = [Reply(reply.delay_s, self.bend(reply.data)) for reply in self.twin.receive(data, now_s)]
        return [reply for reply in replies if reply.data]

    def tick(self, now_s: float) -> None:
        self.twin.tick(now_s)

    def power_cycle(self, now_s: float) -> None:
        self.twin.power_cycle(now_s)

    def driver(self, *, address: int = 1, **options: bool | int | float | str):
        config = DeviceConfig(family="adam4015", port="p", address=address, options=options)
        return FAMILY.make(self.port, config, "probes")

    def opened(self, **options: bool | int | float | str):
        module = self.driver(**options)
        module.open_session()
        self.line.sent.clear()
        return module


def test_published_checksums():
    assert checksum("#01") == "84"
    assert checksum(">+025.12+037.08") == "EC"


def test_values_and_out_of_range_texts_of_different_length_are_told_apart():
    values = parse_values("+025.12+9999-012.50-0000-000.00+150.00")
    assert values == [25.12, "over range or open (+9999)", -12.5, "under range or shorted (-0000)", 0.0, 150.0]


@pytest.mark.parametrize(
    "body", ["", "+025.12", "+025.12" * 5, "+025.12" * 7, "+0A5.12" + "+025.12" * 5, " +25.12" * 6, "+nan   " * 6]
)
def test_anything_but_six_values_is_a_bad_reply(body):
    with pytest.raises(BadReply):
        parse_values(body)


def test_a_line_without_end_is_refused_and_not_awaited_for_ever():
    assert line_length(b">+025.12") is None
    assert line_length(b"!010\r") == 5
    with pytest.raises(BadReply):
        line_length(b"+" * 65)


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("address", [0, 1, 0xAB, 255])
def test_a_session_identifies_the_module_and_reads_six_temperatures(address, sealed):
    rig = Rig(address=address, checksum=sealed)
    module = rig.driver(address=address, checksum=sealed)
    assert module.open_session() == ("Advantech", "ADAM-4015", "", "A1.06")
    readings = module.exchange(None)
    assert tuple(readings) == module.channels == CHANNELS
    assert tuple(reading.value for reading in readings.values()) == FELT
    assert all(reading.fault is None for reading in readings.values())


def test_requests_are_the_published_bytes():
    rig = Rig()
    module = rig.opened()
    module.exchange(None)
    assert rig.line.sent[0] == b"#0184\r"
    plain = Rig(checksum=False)
    plain.opened(checksum=False).exchange(None)
    assert plain.line.sent == [b"#01\r", b"$01B\r"]


def test_values_are_as_old_as_their_question_so_that_a_break_during_the_answer_is_not_hidden_by_it():
    rig = Rig()
    module = rig.opened()
    asked_s = rig.clock.now()
    assert module.exchange(None)["ch0_c"].at_s == asked_s < rig.clock.now() - 0.05


@given(st.floats(-49.99, 149.98))
def test_every_temperature_in_the_range_arrives_to_a_hundredth(felt):
    rig = Rig()
    rig.felt[3] = felt
    reading = rig.opened().exchange(None)["ch3_c"]
    assert reading.fault is None
    assert reading.value == pytest.approx(felt, abs=0.0051)


@given(st.one_of(st.none(), st.just(SHORT), st.just(math.nan), st.floats(150.0), st.floats(max_value=-50.0)))
def test_an_open_shorted_or_out_of_range_probe_is_a_fault_and_never_a_number(felt):
    rig = Rig()
    rig.felt[2] = felt
    readings = rig.opened().exchange(None)
    assert readings["ch2_c"].value is None
    assert readings["ch2_c"].fault
    assert [readings[channel].value for channel in ("ch1_c", "ch3_c")] == [FELT[1], FELT[3]]


def test_each_fault_says_what_it_is():
    rig = Rig(sim_open_reads_c=-17.0)
    module = rig.opened()
    rig.felt[:] = [160.0, SHORT, OPEN, 150.0, 42.0, 42.0]
    faults = [reading.fault for reading in module.exchange(None).values()]
    assert faults == [
        "over range or open (+9999)",
        "under range or shorted (-0000)",
        "open wire or out of range ($AAB bit 2)",
        "150.0 °C is outside -50..150 °C",
        None,
        None,
    ]


def test_an_open_probe_that_still_shows_a_plausible_number_is_a_fault_within_300_ms_whenever_it_opens():
    slowest_s = 0.0
    for step in range(40):
        rig = Rig(sim_open_reads_c=41.9)
        module = rig.opened()
        opens_s = rig.clock.now() + 0.9 + step * 0.011  # also around the reset flag's turn at one second
        while rig.clock.now() < opens_s:
            assert module.exchange(None)["ch4_c"].value == 41.9
        opens_s, rig.felt[4] = rig.clock.now(), OPEN
        while module.exchange(None)["ch4_c"].value is not None:
            pass
        slowest_s = max(slowest_s, rig.clock.now() - opens_s)
    assert 0.1 < slowest_s <= 0.3


def test_the_values_read_while_the_probe_was_still_open_stay_a_fault_when_the_bits_have_cleared():
    rig = Rig(sim_open_reads_c=41.9)
    module = rig.opened()
    rig.felt[4] = OPEN
    assert module.exchange(None)["ch4_c"].value is None
    rig.clock.sleep(1.0)

    def mends(data: bytes) -> bytes:
        rig.felt[4] = 41.9
        return data

    rig.bend = mends
    assert module.exchange(None)["ch4_c"].fault == "open wire or out of range ($AAB bit 4)"
    assert module.exchange(None)["ch4_c"].value == 41.9


def test_most_of_the_wires_time_goes_to_temperatures():
    rig = Rig()
    module = rig.opened()
    begun_s = rig.clock.now()
    for _ in range(200):
        module.exchange(None)
    wire_allows_s = 200 * ((6 + 46) * CHAR_S + 0.008)
    assert wire_allows_s / (rig.clock.now() - begun_s) >= 0.85


def test_a_reset_of_the_module_is_noticed_within_a_second_or_so_and_only_once():
    rig = Rig()
    module = rig.opened()
    module.exchange(None)
    rig.twin.power_cycle(rig.clock.now())
    cut_s = rig.clock.now()

    def poll_for_two_seconds() -> None:
        while rig.clock.now() < cut_s + 2.0:
            module.exchange(None)

    with pytest.raises(Restarted, match="reset"):
        poll_for_two_seconds()
    assert rig.clock.now() - cut_s <= 1.2
    module.open_session()
    module.exchange(None)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"type_code": "24"}, "sensor type is 24"),
        ({"sim_format": 2}, "data format 2"),
    ],
)
def test_a_module_configured_otherwise_than_the_rig_says_is_refused(options, said):
    rig = Rig(**options)
    with pytest.raises(Refused, match=said):
        rig.driver().open_session()


def test_a_module_that_reports_another_checksum_setting_is_refused():
    rig = Rig(checksum=False, bend=lambda data: data.replace(b"200600", b"200640"))
    with pytest.raises(Refused, match="checksum is True"):
        rig.driver(checksum=False).open_session()


@pytest.mark.parametrize("model", ["4015T", "4018+", "7015"])
def test_another_model_is_named(model):
    rig = Rig(sim_model=model)
    with pytest.raises(WrongDevice, match=f"found '{model.replace('+', '.')}'"):
        rig.driver().confirm()


def test_a_module_with_checksum_is_silent_to_a_host_without():
    rig = Rig(checksum=True)
    with pytest.raises(NoReply):
        rig.driver(checksum=False).open_session()


def test_a_module_without_checksum_is_refused_with_the_remedy_when_the_rig_wants_one():
    rig = Rig(checksum=False)
    with pytest.raises(Refused, match="checksum = false"):
        rig.driver(checksum=True).open_session()


def test_another_address_is_silence():
    with pytest.raises(NoReply):
        Rig(address=2).driver().open_session()


@given(st.integers(0, 44), st.integers(1, 255))
def test_with_checksum_no_changed_byte_passes_for_a_value(place, flip):
    rig = Rig()
    module = rig.opened()
    rig.bend = lambda data: data[:place] + bytes([data[place] ^ flip]) + data[place + 1 :] if len(data) > 40 else data
    with pytest.raises((BadReply, NoReply)):
        module.exchange(None)


def damage(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data.replace(old, new)


@pytest.mark.parametrize(
    ("bend", "said"),
    [
        (damage(b"!0100", b"!0200"), "address '02'"),
        (damage(b"!0100", b"!01G0"), "diagnose bits"),
        (damage(b"!0100", b"!010"), "diagnose bits"),
        (damage(b">", b"!"), "in reply to #01"),
        (damage(b">", b"\xff"), "in reply to #01"),
        (damage(b"037.00", b"0E7.00"), "not channel values"),
    ],
)
def test_damage_that_no_checksum_covers_is_still_a_bad_reply(bend, said):
    rig = Rig(checksum=False)
    module = rig.opened(checksum=False)
    rig.bend = bend
    with pytest.raises(BadReply, match=said):
        module.exchange(None)


@pytest.mark.parametrize(
    ("old", "new", "said"), [(b"!011", b"!01x", "reset flag"), (b"200600", b"2006", "configuration")]
)
def test_damage_of_the_sessions_answers_is_a_bad_reply(old, new, said):
    rig = Rig(checksum=False, bend=damage(old, new))
    with pytest.raises(BadReply, match=said):
        rig.driver(checksum=False).open_session()


def test_an_invalid_command_answer_is_refused_in_words():
    rig = Rig(checksum=False, bend=lambda data: b"?01\r")
    with pytest.raises(Refused, match="invalid command"):
        rig.driver(checksum=False).confirm()


def test_a_module_that_measures_takes_no_command_and_needs_no_stop():
    rig = Rig()
    module = rig.opened()
    with pytest.raises(Refused, match="cannot do"):
        module.exchange(PumpCommand(1.0))
    module.make_safe()
    assert rig.line.sent == []


@pytest.mark.parametrize(
    ("options", "named"),
    [({"checksum": "on"}, "true and false"), ({"type_code": "2A"}, "'20', '21'"), ({"typecode": "20"}, "typecode")],
)
def test_bad_options_are_named_with_what_is_allowed(options, named):
    with pytest.raises(ValueError, match=named):
        Rig().driver(**options)
