"""The relay twin answers the published frames and its timers run in simulated time."""

from __future__ import annotations

import pytest

from sim.devices.rtu import sealed
from sim.devices.twin import Twin, Wiring
from sim.devices.waveshare_relay import RelayBoard, make_twin
from sim.terminals import Terminals


def make(options: dict[str, bool | int | float | str] | None = None) -> tuple[Twin, dict[int, bool]]:
    contacts: dict[int, bool] = {}
    outputs = {channel: lambda on, channel=channel: contacts.__setitem__(channel, on) for channel in range(8)}
    wiring = Wiring(address=1, options=options or {}, terminals=Terminals(), inputs={}, outputs=outputs)
    return make_twin(wiring), contacts


def say(twin: Twin, frame: str, now_s: float) -> str:
    replies = twin.receive(bytes.fromhex(frame), now_s)
    return " ".join(reply.data.hex(" ").upper() for reply in replies)


@pytest.mark.parametrize(
    ("frame", "closed"),
    [
        ("01 05 00 00 FF 00 8C 3A", [0]),
        ("01 05 00 FF FF 00 BC 0A", list(range(8))),
        ("01 05 02 00 00 07 8D B0", [0]),
        ("01 05 02 00 00 0A 4C 75", [0]),
        ("01 05 02 00 00 14 CC 7D", [0]),
        ("01 05 02 00 00 1E 4C 7A", [0]),
        ("01 05 02 01 00 08 9C 74", [1]),
    ],
)
def test_published_writes_close_and_are_echoed(frame: str, closed: list[int]) -> None:
    twin, contacts = make()
    assert say(twin, frame, 1.0) == frame
    assert [channel for channel, on in contacts.items() if on] == closed


def test_the_published_off_read_and_write_all_frames() -> None:
    twin, contacts = make()
    say(twin, "01 05 00 00 FF 00 8C 3A", 1.0)
    assert say(twin, "01 01 00 00 00 08 3D CC", 1.0) == "01 01 01 01 90 48"
    assert say(twin, "01 05 00 00 00 00 CD CA", 1.0) == "01 05 00 00 00 00 CD CA"
    assert contacts == {0: False}
    assert say(twin, "01 0F 00 00 00 08 01 FF BE D5", 1.0).startswith("01 0F 00 00 00 08")
    assert all(contacts.values())


@pytest.mark.parametrize(
    ("body", "reply"),
    [
        ("01 05 00 08 FF 00", "01 85 02 C3 51"),
        ("01 05 00 00 12 34", "01 85 03 02 91"),
        ("01 05 02 00 00 00", "01 85 03 02 91"),
        ("01 05 02 00 80 00", "01 85 03 02 91"),
        ("01 05 05 00 00 01", "01 85 02 C3 51"),
    ],
)
def test_published_exceptions(body: str, reply: str) -> None:
    twin, contacts = make()
    assert say(twin, sealed(bytes.fromhex(body)).hex(), 1.0) == reply
    assert not contacts


def test_a_lease_opens_the_contact_by_itself() -> None:
    twin, contacts = make()
    say(twin, "01 05 02 00 00 14 CC 7D", 1.0)
    twin.tick(2.99)
    assert contacts[0]
    twin.tick(3.0)
    assert not contacts[0]


@pytest.mark.parametrize(("retrigger", "closed"), [(True, True), (False, False)])
def test_a_second_flash_on_restarts_the_lease_only_if_the_board_is_so(retrigger: bool, closed: bool) -> None:
    twin, contacts = make({"sim_retrigger": retrigger})
    say(twin, "01 05 02 00 00 14 CC 7D", 1.0)
    say(twin, "01 05 02 00 00 14 CC 7D", 2.0)
    twin.tick(3.5)
    assert contacts[0] is closed
    twin.tick(4.0)
    assert not contacts[0]


def test_switching_on_for_good_ends_the_lease_and_off_ends_both() -> None:
    twin, contacts = make()
    say(twin, "01 05 02 00 00 14 CC 7D", 1.0)
    say(twin, "01 05 00 00 FF 00 8C 3A", 1.5)
    twin.tick(100.0)
    assert contacts[0]
    say(twin, "01 05 02 00 00 14 CC 7D", 100.0)
    say(twin, "01 05 00 00 00 00 CD CA", 100.5)
    twin.tick(200.0)
    assert not contacts[0]


def test_flash_off_closes_again_and_toggle_toggles() -> None:
    twin, contacts = make()
    say(twin, "01 05 00 00 FF 00 8C 3A", 1.0)
    say(twin, sealed(bytes.fromhex("01 05 04 00 00 0A")).hex(), 1.0)
    assert not contacts[0]
    twin.tick(2.0)
    assert contacts[0]
    say(twin, sealed(bytes.fromhex("01 05 00 00 55 00")).hex(), 3.0)
    assert not contacts[0]


def test_a_power_cut_opens_everything_and_forgets_the_leases() -> None:
    twin, contacts = make()
    say(twin, "01 05 00 FF FF 00 BC 0A", 1.0)
    say(twin, "01 05 02 00 00 14 CC 7D", 1.0)
    twin.power_cycle(1.5)
    assert not any(contacts.values())
    twin.tick(10.0)
    assert not any(contacts.values())


def test_modes_survive_a_power_cut() -> None:
    twin, _ = make()
    assert isinstance(twin, RelayBoard)
    say(twin, sealed(bytes.fromhex("01 06 10 03 00 02")).hex(), 1.0)
    twin.power_cycle(2.0)
    assert twin.modes[3] == 2
    assert say(twin, sealed(bytes.fromhex("01 06 10 03 00 04")).hex(), 3.0).startswith("01 86 03")


def test_the_reply_comes_after_the_set_delay() -> None:
    twin, _ = make({"reply_ms": 12})
    (reply,) = twin.receive(bytes.fromhex("01 01 00 00 00 08 3D CC"), 1.0)
    assert reply.delay_s == pytest.approx(0.012)
