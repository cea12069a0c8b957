from __future__ import annotations

import pytest

from controller.runtime.commands import Asked, CommandBoard, StopFlag, withdraws
from drivers.roles import BathCommand, PowerCommand, PumpCommand, RelayCommand

ON = BathCommand(True, 42.0)
OFF = BathCommand(False, 20.0)


def board() -> tuple[CommandBoard, StopFlag]:
    stop = StopFlag()
    return CommandBoard(safe={"bath": OFF}, stop=stop), stop


def test_nothing_is_commanded_and_nothing_expires_before_the_first_cycle() -> None:
    assert board()[0].ask("bath", 1e9) == Asked(None, expired=False)


@pytest.mark.parametrize(
    ("age_s", "expected"),
    [
        (0.0, Asked(ON)),
        (0.3, Asked(ON)),
        (0.31, Asked(None)),
        (1.0, Asked(None)),
        (1.01, Asked(None, expired=True)),
        (float("nan"), Asked(None, expired=True)),
    ],
)
def test_a_command_is_sent_while_fresh_then_withheld_then_expired(age_s: float, expected: Asked) -> None:
    pinned, _ = board()
    pinned.publish({"bath": ON}, 100.0)
    assert pinned.ask("bath", 100.0 + age_s) == expected


def test_a_pending_stop_outranks_a_fresh_command_until_a_cycle_has_handled_it() -> None:
    pinned, stop = board()
    pinned.publish({"bath": ON}, 100.0)
    stop.request()
    assert pinned.ask("bath", 100.0) == Asked(OFF)
    # A cycle that had begun before the STOP still publishes what it decided without it.
    pinned.publish({"bath": ON}, 100.05)
    assert pinned.ask("bath", 100.05) == Asked(OFF)
    stop.handled = stop.requested
    assert pinned.ask("bath", 100.05) == Asked(ON)


def test_a_second_stop_during_the_handling_of_the_first_stays_pending() -> None:
    stop = StopFlag()
    stop.request()
    handled = stop.requested
    stop.request()
    stop.handled = handled
    assert stop.pending


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (ON, OFF, True),
        (OFF, ON, False),
        (ON, BathCommand(True, 30.0), False),
        (PowerCommand(True, 0.5), PowerCommand(False, 0.0), True),
        (PumpCommand(100.0), PumpCommand(0.0), True),
        (PumpCommand(100.0), PumpCommand(50.0), False),
        (RelayCommand(frozenset({0, 1}), 2.0), RelayCommand(frozenset({0}), 2.0), True),
        (RelayCommand(frozenset({0}), 2.0), RelayCommand(frozenset({0, 1}), 2.0), False),
        (None, OFF, False),
        (ON, None, False),
    ],
)
def test_only_a_command_that_takes_energy_away_jumps_the_queue(before: object, after: object, expected: bool) -> None:
    assert withdraws(before, after) is expected  # type: ignore[arg-type]
