"""What the live view shows when nothing new comes: no old number as if it were new."""

from __future__ import annotations

import re
from typing import Any

import pytest
from rich.console import Console

from controller.terminal.layout import render

STATE: dict[str, Any] = {
    "phase": "PERFUSE",
    "treatment_title": "Mitomycin 90 min",
    "values": {"cavity_mean_c": 42.03, "inflow_c": 44.11, "flow_lpm": 1.52, "core_c": 37.4},
    "target_c": 42.0,
    "heat_on": True,
    "pump_lpm": 1.5,
}


def shown(state: dict[str, Any], age_s: float) -> str:
    console = Console(width=100, record=True, force_terminal=False)
    with console.capture() as capture:
        console.print(render(state, age_s=age_s, lost="control is gone", said=""))
    return capture.get()


@pytest.mark.parametrize(("state", "age_s"), [(STATE, 1.1), (STATE, 3600.0), (STATE, float("nan")), ({}, 0.0)])
def test_h44_a_state_older_than_a_second_is_no_data_and_no_number(state: dict[str, Any], age_s: float) -> None:
    text = shown(state, age_s)
    assert "NO DATA" in text
    assert "control is gone" in text
    assert not re.search(r"42\.0|44\.11|1\.5|37\.4", text)
    assert "█" not in text
    assert "no alarm" not in text


def test_h44_a_fresh_state_is_shown_with_its_numbers() -> None:
    text = shown(STATE, 0.2)
    assert "NO DATA" not in text
    assert all(number in text for number in ("42.03", "44.11", "1.52", "37.40"))
