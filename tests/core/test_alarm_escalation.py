"""What is not answered gets louder, and what is answered but lasts comes back: heat that is off is never one beep."""

from __future__ import annotations

from make import World, world_in

from controller.core import alarm_acts
from controller.core import alarms as engine
from controller.core.alarms import AUDIO_PAUSE_MAX_S, OFF_DELAY_S, Alarms
from controller.core.exchange import SAFE, Act, Event, Order
from controller.core.interlocks import TABLE, Interlock, Priority

ROWS = {row.id: row for row in TABLE}
HIGH, MEDIUM = Priority.HIGH, Priority.MEDIUM


def present(*ids: str) -> list[tuple[Interlock, str]]:
    return [(ROWS[id_], f"{id_} is so") for id_ in ids]


def run(
    alarms: Alarms, *ids: str, from_s: float, to_s: float, latched: tuple[str, ...] = ()
) -> tuple[Alarms, list[Event]]:
    """Cycles of one second each."""
    said: list[Event] = []
    for second in range(int(from_s), int(to_s) + 1):
        alarms, events = engine.step(alarms, present(*ids), latched, float(second))
        said.extend(events)
    return alarms, said


def kinds(events: list[Event] | tuple[Event, ...]) -> list[tuple[str, str]]:
    return [(event.kind, event.name) for event in events]


def test_h42_a_high_that_nobody_answers_bursts_faster_after_15_s_and_calls_the_annunciator_after_30_s() -> None:
    alarms, _ = run(Alarms(), "air", from_s=0, to_s=60, latched=("air",))
    heard = [(at_s, alarms.stage(at_s)) for at_s in (0.0, 14.9, 15.0, 29.9, 30.0, 600.0)]
    assert [(at_s, stage.repeat_s, stage.external) for at_s, stage in heard] == [
        (0.0, 5.0, False), (14.9, 5.0, False), (15.0, 2.5, False), (29.9, 2.5, False), (30.0, 2.5, True),
        (600.0, 2.5, True),
    ]  # fmt: skip


def test_an_answered_high_and_a_medium_do_not_escalate() -> None:
    medium, _ = run(Alarms(), "core_warn", from_s=0, to_s=100)
    assert not medium.stage(100.0).external
    high, _ = run(Alarms(), "air", from_s=0, to_s=20, latched=("air",))
    answered, titles = alarm_acts.acknowledge(high, 20.0)
    assert titles == ("Air in the line",)
    assert answered.stage(500.0).after_s == 0.0


def test_a_pause_starts_the_waiting_anew() -> None:
    alarms, _ = run(Alarms(), "air", from_s=0, to_s=40, latched=("air",))
    assert alarms.stage(40.0).external
    paused = alarm_acts.pause_audio(alarms, 40.0)
    assert not paused.stage(41.0).external
    assert not paused.stage(40.0 + AUDIO_PAUSE_MAX_S + 29.0).external
    assert paused.stage(40.0 + AUDIO_PAUSE_MAX_S + 30.0).external


def test_a_pause_is_ended_by_the_operator_by_time_or_by_a_high_and_each_is_logged() -> None:
    warned, _ = run(Alarms(), "core_warn", from_s=0, to_s=1)
    paused = alarm_acts.pause_audio(warned, 1.0)
    resumed = alarm_acts.resume_audio(paused, 5.0)
    assert (resumed.sounding(5.0), resumed.paused) == (MEDIUM, False)
    over, events = run(paused, "core_warn", from_s=2, to_s=121)
    assert [event.text for event in events] == ["audio pause is over"]
    assert over.sounding(121.0) is MEDIUM
    broken, events = engine.step(paused, present("core_warn", "air"), (), 3.0)
    assert events[-1].text == "audio pause broken by: Air in the line"
    assert broken.sounding(3.0) is HIGH


def test_a_latched_alarm_logs_when_its_cause_goes_and_when_it_is_reset() -> None:
    alarms, _ = run(Alarms(), "air", from_s=0, to_s=5, latched=("air",))
    alarms, events = run(alarms, from_s=6, to_s=60, latched=("air",))
    assert [(e.kind, e.at_s, e.text) for e in events] == [
        ("alarm_off", 5.0 + OFF_DELAY_S, "Air in the line: over after 5.0 s, latched until the reset")
    ]
    alarms, events = run(alarms, from_s=61, to_s=61)
    assert kinds(events) == [("alarm_end", "air")]
    assert not alarms.active


def test_h42_a_cause_that_comes_back_to_a_latched_acknowledged_alarm_sounds_again() -> None:
    alarms, _ = run(Alarms(), "air", from_s=0, to_s=5, latched=("air",))
    alarms, _ = alarm_acts.acknowledge(alarms, 5.0)
    alarms, _ = run(alarms, from_s=6, to_s=20, latched=("air",))
    assert alarms.sounding(20.0) is None
    alarms = alarm_acts.pause_audio(alarms, 20.0)
    alarms, events = run(alarms, "air", from_s=21, to_s=21, latched=("air",))
    assert kinds(events) == [("alarm", "air"), ("audio", "pause")]
    assert alarms.sounding(21.0) is HIGH


def test_h05_heat_off_comes_back_two_minutes_after_it_was_acknowledged_and_is_high_after_five() -> None:
    alarms, _ = run(Alarms(), "heat_off", from_s=0, to_s=10)
    alarms, _ = alarm_acts.acknowledge(alarms, 10.0)
    alarms, events = run(alarms, "heat_off", from_s=11, to_s=129)
    assert (events, alarms.sounding(129.0)) == ([], None)
    alarms, events = run(alarms, "heat_off", from_s=130, to_s=299)
    assert kinds(events) == [("alarm_again", "heat_off")]
    assert alarms.sounding(299.0) is MEDIUM
    alarms, events = run(alarms, "heat_off", from_s=300, to_s=300)
    assert kinds(events) == [("alarm_raised", "heat_off")]
    assert alarms.sounding(300.0) is HIGH
    assert alarms.stage(331.0).external


def test_h05_a_held_treatment_reminds_of_the_heat_that_is_off() -> None:
    world = world_in("perfuse", settle_s=20.0)
    world.step(Act.HOLD)
    world.run(29.0, dt_s=0.2)
    assert not world.state.alarms.active
    world.run(2.0, dt_s=0.2)
    assert world.state.alarms.active["unheated"].text == "in PERFUSE (held by operator)"
    world.step(Act.ACKNOWLEDGE)
    assert world.state.alarms.sounding(world.now_s) is None
    world.run(30.0, dt_s=0.2)
    assert world.state.alarms.sounding(world.now_s) is HIGH
    world.step(Act.RESUME)
    world.run(10.0)
    assert not world.state.alarms.active


def test_h05_heat_that_is_off_with_nothing_going_into_the_patient_is_medium_for_five_minutes() -> None:
    world = world_in("preheat", settle_s=20.0)
    world.step(Act.HOLD)
    world.run(62.0, dt_s=0.2)
    assert {id_: alarm.priority for id_, alarm in world.state.alarms.active.items()} == {"heat_off": MEDIUM}
    world.run(300.0, dt_s=0.5)
    assert world.state.alarms.active["heat_off"].priority is HIGH


def ordered(world: World, *orders: Order) -> list[str]:
    world.step(*orders)
    return [event.text for event in world.events if event.kind in ("order", "refused")]


def test_what_people_do_to_alarms_is_logged_with_who_and_refused_when_there_is_nothing() -> None:
    world = world_in("perfuse", settle_s=20.0)
    assert ordered(world, Order(Act.ACKNOWLEDGE)) == ["acknowledge refused: every alarm is acknowledged already"]
    assert ordered(world, Order(Act.AUDIO_RESUME)) == ["audio_resume refused: the audio is not paused"]
    world.bent["bubble_mm"] = 8.0
    world.step()
    assert ordered(world, Order(Act.ACKNOWLEDGE, text="core_warn")) == [
        "acknowledge refused: 'core_warn' is no alarm now; there are: air"
    ]
    assert ordered(world, Order(Act.AUDIO_PAUSE, who="ann")) == ["audio paused for 120 s (ann)"]
    assert ordered(world, Order(Act.AUDIO_RESUME, who="bob")) == ["audio pause ended (bob)"]
    assert ordered(world, Order(Act.ACKNOWLEDGE, who="cy", text="air")) == ["acknowledged: Air in the line (cy)"]


def test_the_pause_counts_down_in_the_view() -> None:
    world = world_in("perfuse", settle_s=20.0)
    world.step(Act.AUDIO_PAUSE)
    world.run(20.0)
    left_s = world.cycle.view(world.state)["audio_paused_s"]
    assert isinstance(left_s, float)
    assert abs(left_s - 100.0) < 0.2
    world.run(101.0)
    assert world.cycle.view(world.state)["audio_paused_s"] == 0.0
    assert not world.state.alarms.paused


def test_h42_h05_the_annunciator_is_let_go_after_30_s_without_an_answer_and_held_again_after_it() -> None:
    world = world_in("perfuse", settle_s=20.0)
    assert world.outputs.quiet
    world.bent["bubble_mm"] = 8.0
    world.run(29.0)
    assert world.outputs.quiet
    world.run(2.0)
    assert not world.outputs.quiet
    assert world.cycle.view(world.state)["annunciator"] == "sounds"
    world.step(Act.ACKNOWLEDGE)
    assert world.outputs.quiet
    assert world.cycle.view(world.state)["annunciator"] == "held silent"


def test_what_every_failure_ends_in_lets_the_annunciator_sound() -> None:
    assert not SAFE.quiet


def test_h36_each_step_of_the_wall_clock_is_an_event_of_its_own_however_soon_it_follows() -> None:
    world = world_in("standby")
    told = []
    for tick in range(40):
        world.wall_jump_s = {2: 3600.0, 3: -3600.0, 20: 2.0}.get(tick, 0.0)
        world.step(*((Act.ACKNOWLEDGE,) if tick == 10 else ()))
        told += [event.text for event in world.events if event.kind == "alarm"]
    assert [text.split(" > ")[0] for text in told] == [
        "Clock was set: the wall clock jumped by 3600.0 s",
        "Clock was set: the wall clock jumped by -3600.0 s",
        "Clock was set: the wall clock jumped by 2.0 s",
    ]
    assert not world.state.alarms.active["clock_jump"].acknowledged


def test_h42_a_high_alarm_that_no_page_could_sound_sounds_outside_at_once() -> None:
    for attended_s, quiet in ((0.0, True), (2.5, False)):
        world = world_in("perfuse")
        world.attended_s = attended_s
        world.step(Act.STOP)
        assert world.outputs.quiet is quiet
        world.step(Act.ACKNOWLEDGE)
        world.step()
        assert world.outputs.quiet
