"""Alarm conditions: acknowledged, audio paused and reset are three things; the first cause stays first."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from make import world_in

from controller.core import alarm_acts, alarm_table
from controller.core import alarms as engine
from controller.core.alarms import AUDIO_PAUSE_MAX_S, OFF_DELAY_S, Alarms
from controller.core.exchange import Act
from controller.core.interlocks import TABLE, Interlock, Priority

ROWS = {row.id: row for row in TABLE}
HIGH, MEDIUM, LOW = Priority.HIGH, Priority.MEDIUM, Priority.LOW


def present(*ids: str) -> list[tuple[Interlock, str]]:
    return [(ROWS[id_], f"{id_} is so") for id_ in ids]


def after(*ids: str, latched: tuple[str, ...] = (), before: Alarms | None = None, now_s: float = 0.0) -> Alarms:
    return engine.step(before if before is not None else Alarms(), present(*ids), latched, now_s)[0]


def test_each_onset_and_each_end_is_one_event() -> None:
    alarms, events = engine.step(Alarms(), present("drift"), (), 10.0)
    assert [(e.kind, e.name, e.priority) for e in events] == [("alarm", "drift", "MEDIUM")]
    assert events[0].text == "Level falls: drift is so. Look for a slow leak."
    alarms, events = engine.step(alarms, present("drift"), (), 11.0)
    assert events == ()
    alarms, events = engine.step(alarms, (), (), 11.0 + OFF_DELAY_S / 2)
    assert events == ()
    alarms, events = engine.step(alarms, (), (), 11.0 + OFF_DELAY_S)
    assert [(e.kind, e.name) for e in events] == [("alarm_end", "drift")]
    assert not alarms.active


def test_h42_acknowledging_stops_the_sound_of_this_occurrence_only() -> None:
    alarms, _ = alarm_acts.acknowledge(after("drift"), 0.0)
    assert alarms.sounding(1.0) is None
    assert alarms.active["drift"].present
    again = after("drift", "line_pressure_high", before=alarms, now_s=2.0)
    assert again.sounding(2.0) is MEDIUM
    gone = after(before=alarms, now_s=5.0)
    assert after("drift", before=gone, now_s=6.0).sounding(6.0) is MEDIUM


def test_h42_an_audio_pause_ends_by_itself_after_120_s() -> None:
    alarms = alarm_acts.pause_audio(after("drift"), 100.0)
    assert alarms.sounding(100.0 + AUDIO_PAUSE_MAX_S - 0.1) is None
    assert alarms.sounding(100.0 + AUDIO_PAUSE_MAX_S) is MEDIUM


@given(seconds=st.floats(allow_nan=True, allow_infinity=True), now_s=st.floats(0.0, 1e6))
def test_h42_no_pause_is_longer_than_120_s(seconds: float, now_s: float) -> None:
    alarms = alarm_acts.pause_audio(after("drift"), now_s, seconds)
    assert alarms.sounding(now_s + AUDIO_PAUSE_MAX_S + 1e-6) is MEDIUM


def test_h42_a_new_high_breaks_the_pause_and_a_new_medium_does_not() -> None:
    paused = alarm_acts.pause_audio(after("core_low"), 0.0)
    assert after("core_low", "drift", before=paused, now_s=1.0).sounding(1.0) is None
    assert after("core_low", "air", before=paused, now_s=1.0).sounding(1.0) is HIGH


def test_a_high_that_was_there_before_the_pause_does_not_break_it() -> None:
    paused = alarm_acts.pause_audio(after("air"), 0.0)
    assert after("air", before=paused, now_s=1.0).sounding(1.0) is None


def test_a_latched_alarm_stays_when_its_cause_has_gone() -> None:
    alarms = after("air", latched=("air",))
    alarms = after(latched=("air",), before=alarms, now_s=500.0)
    assert (alarms.active["air"].present, alarms.active["air"].latched) == (False, True)
    assert alarms.sounding(500.0) is HIGH
    alarms = after(latched=("air",), before=alarms, now_s=500.5)
    assert alarms.active["air"].latched
    alarms = after(before=alarms, now_s=501.0)
    assert not alarms.active


def test_h43_the_first_alarm_of_a_burst_is_marked_and_ranked_first_of_its_priority() -> None:
    alarms = after("stalled", now_s=1.0)
    alarms = after("no_flow", "stalled", "air", "core_low", before=alarms, now_s=1.0)
    assert [a.id for a in alarms.ranked()] == ["stalled", "air", "no_flow", "core_low"]
    assert [a.id for a in alarms.ranked() if a.first] == ["stalled"]


def test_h43_the_first_out_stays_on_top_when_it_comes_and_goes() -> None:
    both = ("stalled", "air")
    alarms = after(*both, latched=both, before=after("stalled", latched=both, now_s=1.0), now_s=2.0)
    alarms = after("air", latched=both, before=alarms, now_s=500.0)
    alarms = after(*both, latched=both, before=alarms, now_s=501.0)
    assert alarms.active["stalled"].since_s > alarms.active["air"].since_s
    assert [a.id for a in alarms.ranked()] == ["stalled", "air"]


def test_h43_a_higher_priority_ranks_before_the_first_out() -> None:
    alarms = after("air", "drift", before=after("drift"), now_s=1.0)
    assert [a.id for a in alarms.ranked()] == ["air", "drift"]
    assert alarms.active["drift"].first


def test_h43_what_only_informs_takes_no_first_mark_from_what_comes_after_it() -> None:
    alarms = after("core_low", now_s=1.0)
    assert alarms.active["core_low"].priority is LOW
    assert not alarms.active["core_low"].first
    alarms = after("stalled", "air", before=alarms, now_s=1.1)  # the first of them is about to end
    assert [a.id for a in alarms.ranked() if a.first] == ["stalled"]
    alarms = after("stalled", "air", before=alarms, now_s=500.0)
    assert "core_low" not in alarms.active
    assert [a.id for a in alarms.ranked() if a.first] == ["stalled"]


def test_h43_nothing_becomes_part_of_a_burst_by_rising() -> None:
    assert {about.priority for about in alarm_table.ROWS.values() if about.rises_s} <= {MEDIUM, HIGH}


@example([(["device_lost"], "", 1.0), (["bubble_lost"], "pause", 0.5), ([], "", 0.5)])
@given(
    moments=st.lists(
        st.tuples(
            st.lists(st.sampled_from(sorted(ROWS)), unique=True, max_size=4),
            st.sampled_from(("", "acknowledge", "pause")),
            st.floats(0.1, 60.0),
        ),
        max_size=20,
    )
)
def test_whatever_is_present_is_shown_and_what_sounds_is_the_highest_not_acknowledged(
    moments: list[tuple[list[str], str, float]],
) -> None:
    alarms, now_s, paused_s = Alarms(), 0.0, -1e9
    for ids, act, dt_s in moments:
        now_s += dt_s
        heard = {a.id for a in alarms.active.values() if a.loud and a.priority is HIGH}
        alarms, _ = engine.step(alarms, present(*ids), (), now_s)
        # New, raised, heard again, or no longer a consequence of one that has ended.
        if any(a.loud and a.priority is HIGH and a.id not in heard for a in alarms.active.values()):
            paused_s = -1e9
            assert alarms.sounding(now_s) is HIGH
        if act == "acknowledge":
            alarms, _ = alarm_acts.acknowledge(alarms, now_s)
        elif act == "pause":
            alarms, paused_s = alarm_acts.pause_audio(alarms, now_s), now_s
        assert set(ids) <= set(alarms.active)
        loud = [a.priority for a in alarms.active.values() if not a.acknowledged and not a.because]
        quiet = now_s - paused_s < AUDIO_PAUSE_MAX_S
        assert alarms.sounding(now_s) == (None if quiet or not loud else max(loud))
        assert sum(a.first for a in alarms.active.values()) <= 1


@pytest.mark.parametrize("act", [Act.ACKNOWLEDGE, Act.AUDIO_PAUSE])
def test_h42_neither_acknowledging_nor_pausing_moves_an_interlock(act: Act) -> None:
    world = world_in("perfuse", settle_s=20.0)
    world.bent["bubble_mm"] = 8.0
    world.run(0.5)
    quiet = world.copy()
    quiet.step(act)
    world.step()
    assert quiet.state.latch == world.state.latch
    assert quiet.outputs == world.outputs
    assert (quiet.state.alarms.sounding(quiet.now_s), world.state.alarms.sounding(world.now_s)) == (None, HIGH)
    quiet.bent = {}
    quiet.run(5.0)
    assert quiet.trips == ("air",)
    assert quiet.state.alarms.active["air"].latched


def test_a_reset_ends_the_alarm_and_not_before() -> None:
    world = world_in("perfuse", settle_s=20.0)
    world.bent["bubble_mm"] = 8.0
    world.run(0.5)
    world.bent = {}
    world.run(30.0)
    assert "air" in world.state.alarms.active
    world.step(Act.RESET)
    world.run(1.5)
    assert "air" not in world.state.alarms.active


def test_h43_a_consequence_is_logged_and_listed_and_does_not_sound() -> None:
    alarms, events = engine.step(after("device_lost"), present("device_lost", "bubble_lost"), (), 0.5)
    assert alarms.active["bubble_lost"].because == "device_lost"
    assert [e.kind for e in events] == ["alarm", "alarm_because"]
    assert [a.id for a in alarms.ranked()] == ["device_lost", "bubble_lost"]
    acknowledged, _ = alarm_acts.acknowledge(alarms, 0.5)
    assert acknowledged.sounding(1.0) is None


def test_h43_a_consequence_that_came_first_is_still_one_and_keeps_its_first_mark() -> None:
    alarms = after("device_lost", "bubble_lost", before=after("bubble_lost"), now_s=0.4)
    assert alarms.active["bubble_lost"].because == "device_lost"
    assert alarms.active["bubble_lost"].first


def test_h43_only_the_cause_asks_to_be_heard() -> None:
    alarms = after("device_lost", "bubble_lost")
    assert (alarms.active["device_lost"].loud, alarms.active["bubble_lost"].loud) == (True, False)


def test_h43_what_comes_long_after_its_possible_cause_stands_for_itself_and_sounds() -> None:
    alarms, _ = alarm_acts.acknowledge(after("device_lost"), 0.0)
    late = after("device_lost", "bubble_lost", before=alarms, now_s=10.5)
    assert late.active["bubble_lost"].because == ""
    assert late.sounding(10.5) is HIGH


def test_h43_a_consequence_sounds_when_its_cause_has_gone_and_breaks_a_pause() -> None:
    alarms = alarm_acts.pause_audio(after("device_lost", "bubble_lost"), 0.0)
    alarms = after("bubble_lost", before=alarms, now_s=0.5)
    assert alarms.sounding(0.5) is None
    alarms, events = engine.step(alarms, present("bubble_lost"), (), 2.0)
    assert ("alarm_because", "bubble_lost") in [(e.kind, e.name) for e in events]
    assert alarms.sounding(2.0) is HIGH


@given(ids=st.lists(st.sampled_from(sorted(ROWS)), unique=True, min_size=1, max_size=12))
def test_h43_suppression_never_lowers_what_sounds(ids: list[str]) -> None:
    assert after(*ids).sounding(0.0) is max(ROWS[id_].priority for id_ in ids)
