"""The alarm panel of the live view: what stands for itself in full, the rest as numbers, and what is not watched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from make import World, world_in
from rich.console import Console

from controller.core.exchange import Act, LinkFault, Order
from controller.terminal.layout import render

WIDTH = 100


def shown(world: World) -> str:
    console = Console(width=WIDTH, record=True, force_terminal=False)
    with console.capture() as capture:
        state: dict[str, Any] = dict(world.cycle.view(world.state))
        console.print(render(state, age_s=0.1, lost="", said=""))
    return capture.get()


def perfusing(breaking: Callable[[World], None], seconds: float) -> World:
    world = world_in("perfuse", settle_s=20.0)
    breaking(world)
    world.run(seconds)
    return world


def bubble(world: World) -> None:
    world.bent["bubble_mm"] = 8.0


def core_gone(world: World) -> None:
    world.bent["core_c"] = None


def device_gone(world: World) -> None:
    world.link_faults = (LinkFault("line_pressure", world.now_s, "does not answer"),)
    world.bent |= {"line_pressure_mmhg": None, "bubble_mm": None}


def test_without_an_alarm_the_panel_is_one_quiet_line() -> None:
    text = shown(world_in("perfuse", settle_s=20.0))
    assert "no alarm" in text
    assert not any(word in text for word in ("NOT MONITORED", "PAUSED", "unanswered", "not sounding"))


def test_h42_a_pause_shows_its_countdown_and_how_it_ends() -> None:
    world = perfusing(bubble, 1.0)
    world.step(Act.AUDIO_PAUSE)
    world.run(23.0)
    assert "AUDIO PAUSED, 97 s left (P ends it)" in shown(world)
    world.step(Act.AUDIO_RESUME)
    assert "PAUSED" not in shown(world)


def test_h42_what_nobody_answers_says_so_and_stops_saying_it_when_answered() -> None:
    world = perfusing(bubble, 16.0)
    assert "unanswered for 15 s or more: a acknowledges" in shown(world)
    world.run(16.0)
    assert "unanswered for 30 s or more, annunciator sounds" in shown(world)
    world.step(Act.ACKNOWLEDGE)
    text = shown(world)
    assert "unanswered" not in text
    assert "acknowledged" in text


def test_h43_consequences_are_a_number_and_the_cause_stands_in_full() -> None:
    world = perfusing(device_gone, 1.5)
    text = shown(world)
    assert "Device lost: line pressure: does not answer" in text
    assert "not sounding" in text
    assert "Line pressure not monitored:" not in text
    assert sum(bool(alarm.because) for alarm in world.state.alarms.active.values()) >= 2


def test_h18_what_is_not_monitored_is_named_with_its_reason() -> None:
    assert "NOT MONITORED  core_c (open circuit): 5 alarms" in shown(perfusing(core_gone, 1.0))


def test_h39_a_limit_that_waits_for_confirmation_shows_old_and_new() -> None:
    world = world_in("perfuse", settle_s=20.0)
    world.step(Order(Act.LIMIT, value=38.0, text="core_warn_c"))
    world.run(10.0)
    assert "To confirm within 50 s: Core warning 38.5 -> 38.0 °C" in shown(world)
