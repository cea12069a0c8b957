"""What was there for the heat alone is not needed to end a treatment: it drains, is rinsed if it can, and ends.

Each fault stays to the end. The simulated person drains, resets once the drain runs, and does what the console asks.
"""

from __future__ import annotations

import pytest
from runs import START_S, Run

from controller.core.exchange import Act
from sim.faults import parse

LOST = {
    "bath": ("silent:bath", "silent:probes", "off:inflow_c"),
    "inline": ("silent:element", "silent:probes", "off:heater_outlet_c"),
}


@pytest.fixture(scope="module", params=["bath", "inline"])
def warming(request: pytest.FixtureRequest) -> tuple[str, Run]:
    run = Run(request.param, treatment="saline_rehearsal")
    run.reach("warm_up")
    run.advance(60.0)
    return request.param, run


def struck(run: Run, fault: str) -> Run:
    run = run.copy()
    run.cosim.schedule.add(parse(f"{fault}@{run.state.now_s - START_S:.1f}"))
    run.advance(20.0)
    return run


def drained(run: Run) -> Run:
    """Reset in vain, drain, and reset while it drains."""
    assert run.state.latch.tripped
    run.ask(Act.RESET)
    run.advance(5.0)
    assert run.state.latch.tripped
    run.ask(Act.DRAIN)
    run.advance(100.0)
    run.ask(Act.RESET)
    run.advance(3.0)
    assert run.step_name == "drain"
    assert not run.state.latch.tripped
    return run


def steps(run: Run) -> list[str]:
    return [event.name for event in run.events if event.kind == "phase"]


def test_h28_what_only_the_heat_needed_may_be_lost_for_good_and_the_patient_is_drained_rinsed_and_done(
    warming: tuple[str, Run],
) -> None:
    kind, run = warming
    for fault in LOST[kind]:
        lost = drained(struck(run, fault))
        trips = list(lost.trips)
        while lost.step_name != "rinse_fill":
            lost.advance(1.0)
        lost.advance(20.0)
        assert lost.cosim.terminals.inflow_open, fault
        # A rinse of which a probe is NOT MONITORED is ended early by the simulated person.
        lost.advance(1200.0)
        assert [step for step in steps(lost) if step != "rinse_dwell"][-2:] == ["rinse_drain", "complete"], fault
        assert lost.trips == trips, fault
        assert lost.cosim.plant.cavity_ml < 200.0, fault
        assert lost.state.now_s - lost.powered_at_s > 1200.0, fault


def test_h33_without_the_protective_channel_there_is_a_drain_and_an_end_and_its_clamp_keeps_the_rinse_out(
    warming: tuple[str, Run],
) -> None:
    _, run = warming
    lost = drained(struck(run, "silent:protective"))
    assert "protective_out" in lost.state.alarms.active
    lost.advance(600.0)
    assert lost.step_name == "rinse_ready"
    assert "clamp shut; or drain" in lost.state.gate
    lost.ask(Act.DRAIN)
    lost.advance(400.0)
    assert lost.step_name == "complete"
    assert lost.state.now_s - lost.powered_at_s > 1000.0


def test_h28_a_heater_that_is_lost_in_the_drain_trips_nothing_and_one_in_the_preheating_does(
    warming: tuple[str, Run],
) -> None:
    kind, run = warming
    ended = run.copy()
    ended.ask(Act.DRAIN)
    ended.advance(5.0)
    ended = struck(ended, LOST[kind][0])
    assert ended.trips == []
    assert "device_late" in ended.state.alarms.active
    early = Run(kind, treatment="saline_rehearsal")
    early.reach("preheat")
    early.advance(60.0)
    assert "device_lost" in struck(early, LOST[kind][0]).trips


def test_h28_a_pump_or_a_level_that_is_lost_in_the_drain_is_still_a_trip(warming: tuple[str, Run]) -> None:
    _, run = warming
    for device in ("pump", "reservoir_level"):
        ended = run.copy()
        ended.ask(Act.DRAIN)
        ended.advance(5.0)
        assert "device_lost" in struck(ended, f"silent:{device}").trips, device
