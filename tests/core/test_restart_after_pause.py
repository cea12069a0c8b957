"""After a pause of any length nothing hot enters the cavity: the plant's true temperature at the end of the line."""

from __future__ import annotations

import pytest
from runs import Nominal, Run

from controller.core.exchange import Act, Order
from sim.cosim import CYCLE_S

HOT_C = 46.0
HOT_MOST_S = 1.0
OUTLET_MOST_C = 45.5  # half a degree below its trip: regulation asks for no more
AFTER_S = 90.0
PAUSES_S = (2.0, 15.0, 60.0, 240.0)


def hot_seconds(run: Run, seconds: float) -> float:
    """For how long fluid over HOT_C has gone into the cavity."""
    hot = 0
    for _ in range(round(seconds / CYCLE_S)):
        run.cosim.advance()
        hot += run.cosim.terminals.inflow_open and not (run.cosim.plant.entering_cavity_c <= HOT_C)
    return hot * CYCLE_S


@pytest.mark.parametrize("pause_s", PAUSES_S)
@pytest.mark.parametrize("act", [Act.HOLD, Act.STOP], ids=["hold", "stop"])
def test_h07_after_a_pause_of_any_length_no_hot_slug_enters_the_cavity(
    nominal: Nominal, act: Act, pause_s: float
) -> None:
    run = nominal.midway.copy()
    run.ask(act)
    hot_s = hot_seconds(run, pause_s)
    # In a hold the pump carries the heat away; after a stop nothing moves.
    assert (run.cosim.plant.flow_lpm > 1.0) == (act is Act.HOLD)
    assert run.cosim.plant.heater_power_w == 0.0
    if act is Act.STOP:
        run.ask(Act.RESET)
        run.advance(3.0)
    run.ask(Act.RESUME)
    hot_s += hot_seconds(run, AFTER_S)
    assert hot_s <= HOT_MOST_S
    assert run.cosim.terminals.inflow_open
    assert run.trips == ([] if act is Act.HOLD else ["stop"])


@pytest.mark.parametrize("held_s", [15.0, 25.0])
def test_h01_at_little_flow_an_element_that_cooled_in_a_hold_heats_again_without_running_ahead(held_s: float) -> None:
    run = Run("inline", treatment="saline_rehearsal")
    run.reach("warm_up")
    run.ask(Order(Act.FLOW, value=0.5))
    run.advance(200.0)
    run.ask(Act.HOLD)
    run.advance(held_s)
    run.ask(Act.RESUME)
    hottest_c = 0.0
    for _ in range(180):
        run.advance(1.0)
        hottest_c = max(hottest_c, run.cosim.plant.outlet_c)
    assert run.trips == []
    assert hottest_c <= OUTLET_MOST_C
