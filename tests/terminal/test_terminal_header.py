"""What stands on the terminal's screen whatever else there is: whose treatment, simulated or not, tripped or held."""

from __future__ import annotations

from typing import Any

import pytest
from make import World, world_in
from rich.console import Console

from controller.core.exchange import Act
from controller.terminal.layout import STALE_S, render

FRESH_S, OLD_S = 0.1, STALE_S + 60.0


def shown(state: dict[str, Any], age_s: float = FRESH_S) -> str:
    console = Console(width=110, record=True, force_terminal=False)
    with console.capture() as capture:
        console.print(render(state, age_s=age_s, lost="", said=""))
    return capture.get()


def perfusing(act: Act | None = None) -> dict[str, Any]:
    world: World = world_in("perfuse", settle_s=20.0)
    if act is not None:
        world.step(act)
    return dict(world.cycle.view(world.state))


@pytest.mark.parametrize("age_s", [FRESH_S, OLD_S])
def test_h41_treatment_rig_and_patient_are_shown_with_data_and_without(age_s: float) -> None:
    state = perfusing()
    text = shown(state, age_s)
    for said in (state["treatment_title"], f"rig {state['rig']}", f"patient {state['patient']}"):
        assert said in text


@pytest.mark.parametrize("age_s", [FRESH_S, OLD_S])
def test_h48_simulated_is_said_with_data_and_without_and_only_then(age_s: float) -> None:
    state = perfusing()
    assert "SIMULATED" in shown({**state, "runtime": {"simulated": True}}, age_s)
    assert "SIMULATED" not in shown({**state, "runtime": {"simulated": False}}, age_s)


@pytest.mark.parametrize(
    ("act", "mark", "what"),
    [
        (Act.STOP, "TRIPPED in PERFUSE", "x to reset. Heat and flow wait for r after that"),
        (Act.HOLD, "HELD in PERFUSE", "r to resume; until then nothing heats"),
    ],
)
def test_h05_a_trip_and_a_hold_stand_over_the_temperatures_with_what_to_press(act: Act, mark: str, what: str) -> None:
    calm, text = shown(perfusing()), shown(perfusing(act))
    assert mark in text
    assert what in text
    assert mark not in calm
    assert what not in calm
