"""Probe after probe fails in perfusion: cavity control, inflow control, heat off with flow, flow stopped; and up again.

Down it goes by itself, up only by a person: a probe that comes back changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import Nominal
from runs import Run

from controller.core.exchange import Act
from controller.core.regulation import Mode
from sim.cosim import START_S
from sim.faults import parse

AWAY_S, STAYS_S = 20.0, 30.0
CAVITY, INFLOW = Mode.CAVITY, Mode.INFLOW


def lose(run: Run, *signals: str, for_s: float) -> None:
    """Pull these plugs; after so long they are back. Goes on for a few seconds, until every delay has passed."""
    at_s = run.state.now_s - START_S
    for signal in signals:
        run.cosim.schedule.add(parse(f"off:{signal}@{at_s:.1f}+{for_s:g}"))
    run.advance(5.0)


def rung(run: Run) -> tuple[Mode | None, bool]:
    """What regulates the heat, None for no heat, and whether fluid goes into the patient."""
    outputs = run.cosim.outputs
    flows = run.cosim.terminals.inflow_open and outputs.pump_enable and outputs.pump_lpm > 0.0
    return (run.state.regulation.mode if outputs.heat_on else None), flows


def seen(run: Run, seconds: float) -> Iterator[tuple[Mode | None, bool]]:
    """The rungs of so long."""
    for _ in range(round(seconds)):
        run.advance(1.0)
        yield rung(run)


@pytest.fixture
def run(nominal: Nominal) -> Run:
    copied = nominal.midway.copy()
    assert rung(copied) == (CAVITY, True)
    return copied


def test_h18_each_lost_probe_is_one_rung_down_and_the_last_stops_the_flow(run: Run) -> None:
    lose(run, "cavity_1_c", "cavity_2_c", for_s=600.0)
    assert rung(run) == (INFLOW, True)
    assert not run.trips
    lose(run, "cavity_3_c", for_s=600.0)
    assert rung(run) == (None, True)
    assert run.trips == ["cavity_lost"]
    assert run.cosim.plant.heater_power_w == 0.0
    lose(run, "bubble_mm", for_s=600.0)
    assert rung(run) == (None, False)
    assert run.trips == ["cavity_lost", "bubble_lost"]
    assert run.cosim.plant.flow_lpm == pytest.approx(0.0, abs=0.05)


def test_h18_cavity_probes_that_come_back_do_not_bring_cavity_control_back_and_a_resume_does(run: Run) -> None:
    lose(run, "cavity_1_c", "cavity_2_c", for_s=AWAY_S)
    assert set(seen(run, AWAY_S + STAYS_S)) == {(INFLOW, True)}
    assert run.state.sensed.cavity_valid == 3
    run.ask(Act.RESUME)
    run.advance(1.0)
    assert rung(run) == (CAVITY, True)


def test_h18_heat_that_went_with_the_cavity_probes_comes_back_only_by_reset_and_resume(run: Run) -> None:
    lose(run, "cavity_1_c", "cavity_2_c", "cavity_3_c", for_s=AWAY_S)
    assert set(seen(run, AWAY_S + STAYS_S)) == {(None, True)}
    run.ask(Act.RESUME)
    assert set(seen(run, 5.0)) == {(None, True)}
    run.ask(Act.RESET)
    assert set(seen(run, STAYS_S)) == {(None, True)}
    assert not run.state.latch.tripped
    run.ask(Act.RESUME)
    run.advance(10.0)
    assert rung(run) == (CAVITY, True)


def test_h18_flow_that_went_with_its_guard_comes_back_only_by_reset_and_resume_and_on_the_rung_that_is_left(
    run: Run,
) -> None:
    lose(run, "cavity_1_c", "cavity_2_c", for_s=600.0)
    lose(run, "bubble_mm", for_s=AWAY_S)
    assert set(seen(run, AWAY_S + STAYS_S)) == {(None, False)}
    run.ask(Act.RESET)
    assert set(seen(run, STAYS_S)) == {(None, False)}
    assert not run.state.latch.tripped
    run.ask(Act.RESUME)
    run.advance(60.0)
    assert rung(run) == (INFLOW, True)


def test_h18_probes_that_are_gone_for_a_moment_change_no_rung_and_the_demand_stands_still(run: Run) -> None:
    at_s = run.state.now_s - START_S
    for signal in ("cavity_1_c", "cavity_2_c"):
        run.cosim.schedule.add(parse(f"off:{signal}@{at_s:.1f}+1.5"))
    seen_here = set()
    for _ in range(80):
        run.advance(0.1)
        seen_here.add(rung(run))
    assert seen_here == {(CAVITY, True)}
    assert not run.alarms("MEDIUM", "HIGH")
