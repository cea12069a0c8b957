"""The external annunciator: silent only while completed cycles say so, over real drivers and twins in virtual time."""

from __future__ import annotations

import msgspec
import pytest
from test_bench_of_twins import WARM, TwinRig

from config.loading import load_pair, load_rig
from config.schema import Patient
from controller.core.exchange import SAFE
from controller.runtime.loop import PERIOD_S
from sim.cosim import Cosim
from sim.faults import parse
from sim.plant.parameters import parameters_for

QUIET = WARM._replace(quiet=True)
SOUNDS_WITHIN_S = 2.0


def sounds_after_s(rig: TwinRig, *, at_most_s: float = 4.0) -> float:
    """Let nobody say anything any more; seconds until the buzzer sounds."""
    began_s = rig.clock.now()
    while not rig.terminals.annunciator_sounds:
        assert rig.clock.now() - began_s < at_most_s
        rig.clock.sleep(0.01)
        rig.assembled.tick(rig.clock.now())
    return rig.clock.now() - began_s


def test_h42_it_sounds_from_power_on_until_a_cycle_has_been_completed() -> None:
    rig = TwinRig("bench")
    assert rig.terminals.annunciator_sounds
    rig.run_for(2.0, None)
    assert rig.terminals.annunciator_sounds
    rig.run_for(5.0, QUIET)
    assert not rig.terminals.annunciator_sounds


def test_h42_it_stays_silent_for_as_long_as_it_is_refreshed() -> None:
    rig = TwinRig("bench")
    rig.run_for(5.0, QUIET)
    for _ in range(600):
        rig.run_for(PERIOD_S, QUIET)
        assert not rig.terminals.annunciator_sounds


@pytest.mark.parametrize("lasted_s", [5.0, 5.05, 5.1, 5.15, 5.2, 5.25, 5.3])
def test_h33_a_dead_host_is_heard_within_two_seconds(lasted_s: float) -> None:
    """Killed: no thread of it is left, whatever moment of a lease that is."""
    rig = TwinRig("bench")
    rig.run_for(lasted_s, QUIET)
    assert sounds_after_s(rig) <= SOUNDS_WITHIN_S


def test_h34_a_loop_that_hangs_is_heard_within_two_seconds_though_the_ports_live() -> None:
    rig = TwinRig("bench")
    rig.run_for(5.0, QUIET)
    began_s = rig.clock.now()
    while not rig.terminals.annunciator_sounds:
        rig.run_for(0.02, None)
        assert rig.clock.now() - began_s <= SOUNDS_WITHIN_S


def test_h33_a_loop_that_failed_and_an_orderly_end_are_heard() -> None:
    rig = TwinRig("bench")
    rig.run_for(5.0, QUIET)
    rig.run_for(1.0, SAFE)
    assert rig.terminals.annunciator_sounds
    rig.run_for(2.0, QUIET)
    assert not rig.terminals.annunciator_sounds
    rig.bench.end()
    rig.assembled.tick(rig.clock.now())
    assert rig.terminals.annunciator_sounds


def test_h28_a_relay_board_that_hears_nothing_sounds_within_two_seconds() -> None:
    rig, treatment = load_pair("bench", "saline_rehearsal")
    cosim = Cosim(
        rig=rig,
        treatment=treatment,
        patient=Patient(),
        parameters=parameters_for(rig, None, treatment.technique),
        seed=1,
        faults=[parse("silent:relays@5")],
    )
    assert cosim.terminals.annunciator_sounds
    sounded = []
    for _ in range(80):
        cosim.advance()
        sounded.append(cosim.terminals.annunciator_sounds)
    assert not any(sounded[:50])
    assert sounded.index(True) / 10.0 <= 5.0 + SOUNDS_WITHIN_S + 0.1


def test_a_rig_without_one_is_served_all_the_same() -> None:
    silent = msgspec.structs.replace(load_rig("modbus").actuators, annunciator=None)
    rig = TwinRig("modbus", actuators=silent)
    rig.run_for(5.0, QUIET)
    assert rig.terminals.pump_enabled
    assert not rig.terminals.annunciator_sounds
