"""Relay outputs hold only as long as commands come, and every write is seen in the coils."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import pytest

from config.schema import Device
from drivers.port import Port
from drivers.roles import (
    BathCommand,
    NoReply,
    PumpCommand,
    Refused,
    RelayCommand,
    Restarted,
    WrongDevice,
)
from drivers.waveshare_relay import FAMILY, WaveshareRelay
from sim.devices.rtu import sealed
from sim.devices.twin import Reply, Wiring
from sim.devices.waveshare_relay import RelayBoard, make_twin
from sim.memory import MemoryLine, VirtualClock
from sim.terminals import Terminals

CHAR_S = 10 / 9600


class Bench:
    def __init__(self, options: Mapping[str, bool | int | float | str] | None = None) -> None:
        self.clock = VirtualClock()
        self.terminals = Terminals()
        config = Device(family="waveshare_relay", port="bus", address=1, options=dict(options or {}))
        twin = make_twin(
            Wiring(
                address=1,
                options=config.options,
                terminals=self.terminals,
                inputs={},
                outputs={
                    0: lambda on: setattr(self.terminals, "pump_enabled", on),
                    1: lambda on: setattr(self.terminals, "inflow_open", on),
                },
            )
        )
        assert isinstance(twin, RelayBoard)
        self.board = twin
        self.line = MemoryLine(twins=[twin], clock=self.clock)
        port = Port(name="bus", line=self.line, clock=self.clock, timeout_s=0.3, char_s=CHAR_S)
        driver = FAMILY.make(port, config, "relays")
        assert isinstance(driver, WaveshareRelay)
        self.driver = driver

    def mask(self, command: RelayCommand | None) -> float | None:
        return self.driver.exchange(command)["closed_mask"].value

    def wait(self, seconds: float) -> None:
        self.clock.sleep(seconds)
        self.board.tick(self.clock.now())

    def sent_hex(self) -> list[str]:
        return [frame.hex(" ").upper() for frame in self.line.sent]


def close(*channels: int, lease_s: float = 2.0) -> RelayCommand:
    return RelayCommand(closed=frozenset(channels), lease_s=lease_s)


def test_a_session_checks_the_modes_opens_everything_and_reads_that_back() -> None:
    bench = Bench()
    bench.board.receive(bytes.fromhex("01 05 00 FF FF 00 BC 0A"), bench.clock.now())
    assert bench.terminals.pump_enabled
    identity = bench.driver.open_session()
    assert identity.model == "Modbus RTU Relay 8CH"
    assert not bench.terminals.pump_enabled
    assert bench.sent_hex() == [
        sealed(bytes.fromhex("01 03 10 00 00 08")).hex(" ").upper(),
        sealed(bytes.fromhex("01 05 00 FF 00 00")).hex(" ").upper(),
        "01 01 00 00 00 08 3D CC",
    ]


@pytest.mark.parametrize(
    ("channel", "lease_s", "frame"),
    [
        (0, 0.7, "01 05 02 00 00 07 8D B0"),
        (0, 1.0, "01 05 02 00 00 0A 4C 75"),
        (0, 2.0, "01 05 02 00 00 14 CC 7D"),
        (0, 3.0, "01 05 02 00 00 1E 4C 7A"),
        (1, 0.8, "01 05 02 01 00 08 9C 74"),
    ],
)
def test_a_channel_is_closed_with_the_published_flash_on_frame(channel: int, lease_s: float, frame: str) -> None:
    bench = Bench()
    assert bench.mask(close(channel, lease_s=lease_s)) == float(1 << channel)
    assert frame in bench.sent_hex()


@pytest.mark.parametrize(("lease_s", "steps"), [(0.19, 1), (1.05, 10), (0.3, 3), (2.0, 20), (1.9999, 19)])
def test_a_lease_is_never_longer_than_asked(lease_s: float, steps: int) -> None:
    bench = Bench()
    bench.driver.exchange(close(2, lease_s=lease_s))
    assert sealed(bytes.fromhex("01 05 02 02 00") + bytes([steps])) in bench.line.sent


def test_a_channel_to_be_open_is_switched_off_with_the_published_frame_and_before_others_close() -> None:
    bench = Bench()
    bench.mask(close(0))
    bench.line.sent.clear()
    assert bench.mask(close(1)) == 2.0
    assert bench.sent_hex()[:2] == ["01 01 00 00 00 08 3D CC", "01 05 00 00 00 00 CD CA"]
    assert bench.sent_hex()[2].startswith("01 05 02 01")
    assert (bench.terminals.pump_enabled, bench.terminals.inflow_open) == (False, True)


def test_leases_are_rearmed_at_least_every_half_second_while_commands_come() -> None:
    bench = Bench()
    armed: list[float] = []
    for _ in range(60):
        bench.line.sent.clear()
        assert bench.mask(close(0)) == 1.0
        if any(frame[1:3] == b"\x05\x02" for frame in bench.line.sent):
            armed.append(bench.clock.now())
        bench.wait(0.1)
    gaps = [later - earlier for earlier, later in itertools.pairwise(armed)]
    assert gaps
    assert max(gaps) <= 0.5


def test_a_rearm_is_spared_when_the_lease_is_fresh() -> None:
    bench = Bench()
    bench.mask(close(0))
    bench.line.sent.clear()
    bench.mask(close(0))
    assert bench.sent_hex() == ["01 01 00 00 00 08 3D CC"]


def test_another_lease_length_is_written_at_once() -> None:
    bench = Bench()
    bench.mask(close(0, lease_s=2.0))
    bench.mask(close(0, lease_s=1.0))
    bench.wait(1.01)
    assert not bench.terminals.pump_enabled


def test_no_command_writes_nothing_and_lets_the_lease_run_out() -> None:
    bench = Bench()
    bench.mask(close(0))
    bench.line.sent.clear()
    seen: list[float | None] = []
    for _ in range(25):
        seen.append(bench.mask(None))
        bench.wait(0.1)
    assert seen[0] == 1.0
    assert seen[-1] == 0.0
    assert not bench.terminals.pump_enabled
    assert set(bench.sent_hex()) == {"01 01 00 00 00 08 3D CC"}


def test_a_lapsed_lease_is_not_silently_closed_again() -> None:
    bench = Bench()
    bench.mask(close(0))
    bench.wait(2.1)
    with pytest.raises(Restarted, match="opened by themselves"):
        bench.mask(close(0))
    assert not bench.terminals.pump_enabled


def test_a_restart_of_the_board_is_seen() -> None:
    bench = Bench()
    bench.mask(close(0, 1))
    bench.board.power_cycle(bench.clock.now())
    assert not bench.terminals.inflow_open
    with pytest.raises(Restarted):
        bench.mask(close(0, 1))


def test_a_board_that_does_not_restart_its_lease_is_found_out_at_the_first_lapse() -> None:
    bench = Bench({"sim_retrigger": False})
    started_s = bench.clock.now()

    def keep_closed() -> None:
        while bench.clock.now() < started_s + 10.0:
            bench.mask(close(0))
            bench.wait(0.05)

    with pytest.raises(Restarted):
        keep_closed()
    assert bench.clock.now() - started_s <= 2.2


def test_a_channel_that_does_not_close_is_refused() -> None:
    bench = Bench()
    bench.board._flash = lambda *args, **kwargs: None  # type: ignore[method-assign]
    with pytest.raises(Refused, match="told to close 3, but none"):
        bench.mask(close(3))


def test_a_channel_that_does_not_open_is_refused() -> None:
    bench = Bench()
    bench.mask(close(3))
    bench.board._switch = lambda *args, **kwargs: None  # type: ignore[method-assign]
    with pytest.raises(Refused, match="told to close none, but 3"):
        bench.mask(close())
    with pytest.raises(Refused, match="told to open all"):
        bench.driver.make_safe()


def test_a_channel_closed_by_somebody_else_is_opened() -> None:
    bench = Bench()
    bench.board.receive(bytes.fromhex("01 05 00 00 FF 00 8C 3A"), bench.clock.now())
    assert bench.terminals.pump_enabled
    assert bench.mask(close()) == 0.0
    assert not bench.terminals.pump_enabled


@pytest.mark.parametrize(
    "command",
    [
        close(8),
        close(-1),
        close(0, lease_s=0.05),
        close(0, lease_s=math.nan),
        close(0, lease_s=math.inf),
        PumpCommand(rpm=1.0),
        BathCommand(on=True, setpoint_c=40.0),
    ],
)
def test_a_command_that_the_board_cannot_carry_out_is_refused_before_anything_is_written(
    command: RelayCommand | PumpCommand | BathCommand,
) -> None:
    bench = Bench()
    with pytest.raises(Refused):
        bench.driver.exchange(command)
    assert bench.line.sent == []


def test_a_channel_in_another_mode_is_refused_at_the_start() -> None:
    bench = Bench({"sim_mode": 2})
    with pytest.raises(Refused, match=r"mode.*allowed is 0"):
        bench.driver.open_session()


def test_a_board_with_fewer_channels_is_the_wrong_device() -> None:
    bench = Bench({"channels": 8})
    bench.board.modes = bench.board.modes[:4]
    bench.board.closed = bench.board.closed[:4]
    with pytest.raises(WrongDevice):
        bench.driver.confirm()


def test_make_safe_opens_everything() -> None:
    bench = Bench()
    bench.mask(close(0, 1, 2))
    bench.driver.make_safe()
    assert bench.board.closed == [False] * 8


def test_a_silent_board_is_no_reply() -> None:
    bench = Bench()
    bench.board.receive = lambda data, now_s: list[Reply]()  # type: ignore[method-assign]
    with pytest.raises(NoReply):
        bench.driver.exchange(None)


@pytest.mark.parametrize("options", [{"channel": 8}, {"channels": 0}, {"channels": 33}, {"channels": True}])
def test_bad_options_are_named(options: dict[str, bool | int | float | str]) -> None:
    with pytest.raises(ValueError, match="allowed"):
        Bench(options)
