"""What is demanded of a starved channel is judged by the truth: power while no cycle refreshed it is seen."""

from __future__ import annotations

from typing import Any

from host_hogs import judge_starved
from host_rig import Sample

TRIP = {"id": "overrun", "at_s": 100.0, "text": "Control came late: cycle 2500 ms > 200 ms late, at once"}
AGAIN = {"id": "late_often", "at_s": 100.2, "text": "Control comes late again and again"}


class Seen:
    """A rig that is only looked at: what its controller shows, and its heater after everything."""

    speed = 1.0

    def __init__(self, *trips: dict[str, Any], power_w: float = 0.0, step: str = "perfuse") -> None:
        self._trips = trips
        self._power_w = power_w
        self._step = step

    def state(self) -> dict[str, Any]:
        return {"step": self._step, "hold": "", "trips": list(self._trips)}

    def watch(self, seconds: float) -> list[Sample]:
        return [Sample(110.0, self._power_w, False)]


def _judged(rig: Seen, *powered_s: float) -> list[str]:
    return judge_starved(rig, [Sample(at_s, 500.0, True) for at_s in powered_s])  # type: ignore[arg-type]


def test_h35_a_starved_control_that_trips_owes_power_off_a_second_after_its_last_cycle_in_time() -> None:
    assert _judged(Seen(TRIP, AGAIN), 97.0, 98.4) == []
    assert "no cycle refreshed it" in _judged(Seen(TRIP, AGAIN), 97.0, 98.6)[0]
    assert "no cycle refreshed it" in _judged(Seen(AGAIN | {"at_s": 97.3}, TRIP), 99.5)[-1]


def test_h35_power_that_flows_on_after_the_trip_or_comes_again_is_seen() -> None:
    assert "tripped for overrun" in _judged(Seen(TRIP), 101.2)[0]
    assert _judged(Seen(TRIP), 100.9) == []
    assert "by themselves" in _judged(Seen(TRIP, power_w=300.0))[0]


def test_h35_what_goes_on_within_its_limits_is_as_demanded_and_a_trip_for_anything_else_is_not() -> None:
    stale = {"id": "probe_lost", "at_s": 100.0, "text": "Heater outlet: stale: 1.1 s old, for 0.3 s"}
    assert _judged(Seen(), 99.0, 105.0) == []
    assert _judged(Seen(stale), 99.0) == []
    assert _judged(Seen(step=""), 99.0)
    air = {"id": "air", "at_s": 100.0, "text": "Air in the inflow line"}
    assert "tripped for air" in _judged(Seen(air))[0]
