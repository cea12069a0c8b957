"""Host faults in virtual time: a process killed or stopped, late cycles, a record that cannot be written."""

from __future__ import annotations

import pytest
from preheating import preheating

from config.loading import load_pair
from controller.core.exchange import Event
from sim.cosim import CYCLE_S, START_S, Cosim
from sim.faults import parse
from sim.hosts import check_host

HEATING_S = 420.0  # preheating in the bypass


def _struck(fault: str, *, for_s: float = 8.0) -> tuple[Cosim, list[Event], float | None]:
    """Run into a host fault while heating; return the bench, what happened, and seconds until the heat was off."""
    rig, _ = load_pair("modbus", "saline_rehearsal")
    cosim, events = preheating(rig, fault=fault, for_s=HEATING_S)
    off_s = None
    for _ in range(round(for_s / CYCLE_S)):
        cosim.advance()
        if off_s is None and cosim.terminals.heater_power_w == 0.0:
            off_s = cosim.now_s - START_S - HEATING_S
    return cosim, events, off_s


@pytest.mark.parametrize(
    "fault", ["kill:control@420+3", "stop:control@420+3", "kill:protective@420+3", "stop:control@420"]
)
def test_a_process_that_is_gone_takes_the_heat_away_within_a_second(fault: str) -> None:
    cosim, _, off_s = _struck(fault)
    assert off_s is not None
    assert off_s <= 1.0 + CYCLE_S / 2
    assert cosim.terminals.heater_power_w == 0.0


def test_a_killed_control_begins_anew_in_standby_and_a_stopped_one_goes_on_tripped() -> None:
    assert _struck("kill:control@420+3")[0].state.walk.step == "standby"
    stopped = _struck("stop:control@420+3")[0]
    assert stopped.state.walk.step != "standby"
    assert "overrun" in {trip.id for trip in stopped.state.latch.trips}


def test_late_cycles_trip_and_a_full_disk_only_says_so() -> None:
    late, _, off_s = _struck("cpu_starved@420+5")
    assert [trip.id for trip in late.state.latch.trips] == ["overrun", "late_often"]
    assert off_s is not None
    full, events, off_s = _struck("disk_full@420+5")
    assert off_s is None
    assert not full.state.latch.tripped
    assert [event.name for event in events if event.kind == "alarm"] == ["host", "disk_low"]


def test_h44_a_console_that_is_gone_for_a_minute_takes_the_heat_and_one_that_comes_back_in_time_does_not() -> None:
    gone, events, off_s = _struck("console_lost@420", for_s=70.0)
    assert [event.name for event in events if event.kind == "alarm"] == ["console_lost", "unattended"]
    assert [trip.id for trip in gone.state.latch.trips] == ["unattended"]
    assert off_s is not None
    assert 60.0 <= off_s <= 61.0
    back, events, off_s = _struck("console_lost@420+30", for_s=70.0)
    assert [event.name for event in events if event.kind == "alarm"] == ["console_lost"]
    assert not back.state.latch.tripped
    assert off_s is None


def test_h36_a_wall_clock_that_is_set_and_set_back_is_said_twice_and_moves_no_heat() -> None:
    cosim, events, off_s = _struck("time_jump@421+20=-86400", for_s=40.0)
    assert [event.name for event in events if event.kind == "alarm"] == ["clock_jump", "clock_jump"]
    assert off_s is None
    assert not cosim.state.latch.tripped


@pytest.mark.parametrize("fault", ["kill:recorder@1", "kill@1", "console_flood@1", "disk_slow@1"])
def test_what_virtual_time_does_not_have_is_refused(fault: str) -> None:
    with pytest.raises(ValueError, match=r"virtual time|real processes"):
        check_host(parse(fault))
