"""What a person may ask for and when: gates, doses, holds, resets; every refusal says what is allowed."""

from __future__ import annotations

import math

import pytest
from interlock_breakings import says
from make import ORDER_OF_STEPS, World, make_cycle, make_treatment, world_in

from controller.core.exchange import Act, Order, ProtectiveStatus
from controller.core.steps import Heat
from controller.core.treatment import phases


def ready_to_dose() -> World:
    world = world_in("warm_up")
    world.until(lambda w: not w.state.gate, within_s=120.0)
    return world


def test_h41_a_dose_in_the_first_cycle_of_warm_up_is_refused() -> None:
    world = world_in("fill", settle_s=20.0)
    world.until(lambda w: w.step_name == "warm_up", within_s=400.0)
    assert world.state.gate
    world.step(Act.DOSE)
    assert "the gate waits for" in world.refused()
    assert world.state.walk.first_dose_s is None
    assert not world.state.walk.confirmed


def test_h41_the_drug_goes_in_only_at_temperature() -> None:
    for step in ORDER_OF_STEPS:
        world = world_in(step)
        world.step(Act.DOSE)
        assert world.refused(), step
        assert world.state.walk.doses == (1 if step not in BEFORE_PERFUSE else 0)


def test_h41_a_cavity_with_one_cool_place_is_not_at_temperature_though_its_mean_is() -> None:
    world = world_in("warm_up")
    ready_c = world.cycle.treatment.ready_c
    world.bent |= {"cavity_1_c": ready_c + 0.7, "cavity_2_c": ready_c + 0.7, "cavity_3_c": ready_c - 0.7}
    world.run(70.0)
    assert world.state.sensed.cavity_mean_c is not None
    assert world.state.sensed.cavity_mean_c >= ready_c
    assert world.state.gate == f"every cavity probe at {ready_c - 0.5:.1f} °C"
    world.step(Act.DOSE)
    assert "refused" in world.refused()
    world.bent["cavity_3_c"] = ready_c
    world.until(lambda w: not w.state.gate, within_s=65.0)


BEFORE_PERFUSE = ("standby", "self_test", "prime", "preheat", "fill", "warm_up")


def test_h41_a_dose_taken_at_an_open_gate_counts_though_the_gate_closes_in_that_instant() -> None:
    world = ready_to_dose()
    world.bent |= {"cavity_1_c": 40.7, "cavity_2_c": 40.6, "cavity_3_c": 40.5}
    world.step(Act.DOSE)
    assert world.refused() == ""
    assert world.step_name == "perfuse"
    assert (world.state.walk.doses, world.state.walk.first_dose_s) == (1, world.now_s)
    world.step(Act.DOSE)
    assert "due at 30 min" in world.refused()
    assert world.state.walk.doses == 1


def test_h41_a_dose_given_while_a_hold_falls_is_not_lost() -> None:
    world = ready_to_dose()
    world.step(Act.DOSE, Act.HOLD)
    assert world.state.walk.doses == 1
    world.run(3.0)
    assert not world.outputs.heat_on
    world.step(Act.RESUME)
    assert world.step_name == "perfuse"
    assert world.state.walk.doses == 1


def test_the_contact_clock_runs_on_through_a_hold_and_ends_perfusion_only_after_resume() -> None:
    world = world_in("perfuse")
    world.step(Act.HOLD)
    world.run(91.0 * 60.0, dt_s=1.0)
    assert world.step_name == "perfuse"
    world.step(Act.RESUME)
    world.run(0.2)
    assert world.step_name == "drain"


def test_fractions_are_due_in_order_two_minutes_early_at_most_and_never_more_than_planned() -> None:
    world = world_in("perfuse")
    world.run(27.0 * 60.0, dt_s=1.0)
    world.step(Act.DOSE)
    assert "due at 30 min" in world.refused()
    world.run(2.0 * 60.0, dt_s=1.0)
    world.step(Order(Act.DOSE, who="nurse", text="lot 7"))
    assert world.state.walk.doses == 2
    assert [event.text for event in world.events if event.kind == "order"] == [
        "dose 2 of 3: 15.9 mg mitomycin, lot 7 (nurse)"
    ]
    world.run(31.0 * 60.0, dt_s=1.0)
    assert "dose_due" in world.state.alarms.active
    world.step(Act.DOSE)
    world.run(5.0)
    assert "dose_due" not in world.state.alarms.active
    world.step(Act.DOSE)
    assert "every fraction has been given" in world.refused()


def test_h04_agitation_is_asked_for_again_and_again_until_it_is_entered_and_only_with_fluid_in_the_cavity() -> None:
    world = world_in("perfuse", settle_s=20.0)
    world.step(Act.AGITATED)
    assert "no agitation is asked for" in world.refused()
    world.cycle = make_cycle(treatment=make_treatment(agitate_every_min=5.0))
    world.step(Act.AGITATED)
    assert world.refused() == ""
    world.run(4.9 * 60.0, dt_s=0.5)
    assert "agitate" not in world.state.alarms.active
    assert 0.0 < world.cycle.view(world.state)["agitate_in_s"] < 10.0
    world.run(10.0, dt_s=0.5)
    assert world.state.alarms.active["agitate"].priority.name == "LOW"
    assert world.outputs.heat_on
    world.step(Act.AGITATED)
    world.run(3.0)
    assert "agitate" not in world.state.alarms.active
    world.step(Act.DRAIN)
    assert world.cycle.view(world.state)["agitate_in_s"] is None
    world.step(Act.AGITATED)
    assert "in DRAIN" in world.refused()


def test_without_a_drug_the_gate_is_confirmed_and_the_clock_starts() -> None:
    world = ready_to_dose()
    world.cycle = make_cycle(treatment=make_treatment(drug=None))
    world.step(Act.DOSE)
    assert "confirm instead" in world.refused()
    world.step(Act.CONFIRM)
    assert world.step_name == "perfuse"
    assert world.state.walk.first_dose_s == world.now_s


@pytest.mark.parametrize("step", ["prime", "preheat", "warm_up"])
def test_a_gate_stays_shut_until_its_condition_has_stood_long_enough(step: str) -> None:
    world = world_in(step)
    table = world.cycle.steps[step]
    world.step(Act.DOSE if table.asks == "dose" else Act.CONFIRM)
    assert "the gate waits for" in world.refused()
    world.until(lambda w: not w.state.gate, within_s=120.0)
    since_s = world.state.walk.gate_since_s
    assert since_s is not None
    assert world.now_s - since_s >= table.steady_s
    world.run(20.0)
    assert world.step_name == step  # an open gate still waits for a person


@pytest.mark.parametrize("step", ORDER_OF_STEPS)
def test_stop_works_in_every_step_within_the_same_cycle(step: str) -> None:
    world = world_in(step)
    out = world.step(Act.STOP)
    assert world.trips == ("stop",)
    assert (out.heat_on, out.pump_lpm, out.pump_enable, out.inflow_open) == (False, 0.0, False, False)


def test_stop_is_taken_whatever_else_is_asked_in_the_same_cycle() -> None:
    world = world_in("perfuse", settle_s=20.0)
    for batch in ((Act.RESUME, Act.STOP, Act.RESET, Act.RESUME), (Act.STOP, Act.RESET, Act.DRAIN, Act.START)):
        other = world.copy()
        out = other.step(*batch)
        assert other.trips == ("stop",)
        assert (out.heat_on, out.pump_lpm, out.inflow_open) == (False, 0.0, False)
        other.run(5.0)
        assert other.trips == ("stop",)


def test_a_stop_pressed_while_a_reset_waits_is_not_cleared_by_it() -> None:
    world = world_in("perfuse", settle_s=20.0)
    world.status = {"trip": "outlet 46.2 °C", "permit": False}
    world.step()
    world.step(Act.RESET)
    world.run(0.5)
    world.step(Act.STOP)
    world.status = {}
    world.run(5.0)
    assert world.trips == ("protective_trip", "stop")
    assert not world.outputs.pump_enable
    world.step(Act.RESET)
    assert world.trips == ()


def test_a_refused_reset_leaves_every_trip_latched() -> None:
    world = world_in("perfuse", settle_s=20.0)
    world.bent["core_c"] = 38.9
    world.step()
    world.bent["core_c"] = 40.3
    world.run(3.0)
    world.step(Act.STOP)
    first = world.trips
    assert first == ("core_trip", "core_stop", "stop")
    world.step(Act.RESET)
    refused = world.refused()
    for _ in range(30):
        world.step()
        refused += world.refused()
        assert world.trips == first
        assert not world.outputs.pump_enable
    assert "the cause is still there: Core too hot" in refused


def test_a_reset_waits_up_to_two_seconds_for_the_protective_channel() -> None:
    world = world_in("perfuse", settle_s=20.0)
    world.status = {"trip": "control silent", "permit": False}
    world.step()
    before = world.outputs.protective_reset
    world.step(Act.RESET)
    assert world.outputs.protective_reset == before + 1
    assert world.trips == ("protective_trip",)
    world.run(1.0)
    world.status = {}
    world.step()
    assert world.trips == ()
    assert not world.state.latch.armed
    assert world.state.walk.hold.startswith("tripped: Protective channel tripped")


def test_start_is_possible_only_in_standby_and_without_a_trip() -> None:
    for step in ORDER_OF_STEPS[1:]:
        world = world_in(step)
        world.step(Act.START)
        assert "start is allowed in STANDBY" in world.refused()
    world = world_in("standby")
    world.step(Act.STOP)
    world.step(Act.START)
    assert "reset first" in world.refused()
    world.step(Act.RESET)
    world.step(Act.START)
    assert world.step_name == "self_test"


@pytest.mark.parametrize(
    ("bent", "status", "said"),
    [
        ({"flow_lpm": 0.2}, {}, "flow with the pump stopped"),
        ({"heater_power_w": 300.0}, {}, "heater power while off"),
        ({"reservoir_ml": 2000.0}, {}, "reservoir"),
        ({"cavity_2_c": None}, {}, "cavity_2_c"),
        ({}, {"trip": "probe"}, "protective channel"),
        ({}, {"at_s": 0.0}, "protective channel"),
        ({}, {"contactor_closed": True}, "contactor"),
        ({}, {"outlet_b_c": 45.0}, "heater_outlet_c against outlet_b_c"),
        ({}, {"inflow_b_c": None}, "inflow_c against inflow_b_c"),
    ],
)
def test_nothing_turns_before_every_line_of_the_self_test_passes(
    bent: dict[str, float | None], status: dict[str, object], said: str
) -> None:
    world = world_in("standby")
    world.step(Act.START)
    world.bent, world.status = dict(bent), status
    for _ in range(100):
        world.step()
        assert world.step_name == "self_test"
        assert not world.outputs.pump_enable
    if not world.trips:
        assert said in world.state.gate
    assert said in {check.name for check in world.state.checks if not check.passed}


def test_hold_takes_the_heat_and_only_resume_gives_it_back() -> None:
    world = world_in("perfuse", settle_s=20.0)
    world.step(Act.HOLD)
    assert not world.outputs.heat_on
    assert world.outputs.pump_enable
    assert world.outputs.inflow_open
    world.run(60.0)
    assert not world.outputs.heat_on
    world.step(Act.RESUME)
    world.until(lambda w: w.outputs.heat_on, within_s=2.0)
    world.step(Act.RESUME)
    assert "nothing is held" in world.refused()


@pytest.mark.parametrize("step", ["standby", "complete"])
def test_there_is_nothing_to_hold_when_idle(step: str) -> None:
    world = world_in(step)
    world.step(Act.HOLD)
    assert "nothing to hold" in world.refused()


@pytest.mark.parametrize("step", ORDER_OF_STEPS)
def test_drain_ends_perfusion_from_where_fluid_is_in_the_patient_and_takes_the_heat(step: str) -> None:
    world = world_in(step)
    world.step(Act.DRAIN)
    if step in ("fill", "warm_up", "perfuse"):
        assert world.step_name == "drain"
        assert (world.outputs.heat_on, world.outputs.inflow_open, world.outputs.outflow_closed) == (False,) * 3
    elif step in ("rinse_ready", "rinse_fill", "rinse_dwell"):
        assert world.step_name == "rinse_drain"
    else:
        assert "nothing to drain" in world.refused()


def test_a_tripped_treatment_can_be_drained_before_and_after_the_reset() -> None:
    world = world_in("perfuse", settle_s=20.0)
    world.bent["bubble_mm"] = 8.0
    world.run(0.5)
    world.step(Act.DRAIN)
    assert world.step_name == "drain"
    world.run(60.0)
    assert (world.trips, world.outputs.pump_enable) == (("air",), False)
    world.bent = {}
    world.step(Act.RESET)
    world.until(lambda w: w.step_name == "rinse_ready", within_s=400.0)
    assert not world.outputs.heat_on


def test_h49_under_a_trip_a_short_drain_is_confirmed_only_after_the_reset_and_says_so() -> None:
    world = world_in("perfuse", settle_s=20.0)
    world.step(Act.STOP)
    world.bent["reservoir_ml"] = world.reservoir_ml  # nothing comes back
    world.step(Act.DRAIN)
    world.until(lambda w: bool(w.cycle.view(w.state)["short_ml"]), within_s=300.0)
    assert (world.step_name, world.trips, world.state.walk.hold) == ("drain", ("stop",), "")
    world.step(Act.CONFIRM)
    assert world.refused().endswith("a trip is latched; reset first")
    assert not world.state.walk.short_accepted
    world.step(Act.RESET)
    world.run(0.5)
    world.step(Act.CONFIRM)
    assert world.refused() == ""
    world.until(lambda w: w.step_name == "rinse_ready", within_s=10.0)


@pytest.mark.parametrize(("step", "act"), [("warm_up", Act.DOSE), ("preheat", Act.CONFIRM), ("prime", Act.CONFIRM)])
def test_h49_a_gate_under_a_trip_asks_for_the_reset_then_for_the_resume(step: str, act: Act) -> None:
    world = world_in(step)
    world.step(Act.STOP)
    world.step(act)
    assert world.refused().endswith("a trip is latched; reset first")
    world.step(Act.RESET)
    world.run(0.5)
    world.step(act)
    assert world.refused().endswith("resume first")


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, 38.9, 42.9, 47.0, 4.2])
def test_h39_a_target_outside_the_limits_is_refused_with_the_limits(value: float | None) -> None:
    world = world_in("perfuse")
    world.step(Order(Act.TARGET, value=value))
    assert world.refused().endswith("is not allowed: 39 to 42.8 °C")
    assert world.state.walk.target_c == 42.0


@pytest.mark.parametrize("value", [None, math.nan, math.inf, 0.3, 2.6, -1.0])
def test_h39_a_flow_outside_the_limits_is_refused_with_the_limits(value: float | None) -> None:
    world = world_in("perfuse")
    world.step(Order(Act.FLOW, value=value))
    assert world.refused().endswith("is not allowed: 0.4 to 2.5 L/min")
    assert world.state.walk.flow_lpm == 1.5


def test_a_change_of_target_and_flow_says_from_what_to_what() -> None:
    world = world_in("perfuse")
    world.step(Order(Act.TARGET, who="a", value=41.5), Order(Act.FLOW, who="b", value=1.2))
    assert [event.text for event in world.events] == ["target 42.0 -> 41.5 °C (a)", "flow 1.50 -> 1.20 L/min (b)"]


def test_h18_cavity_control_falls_to_inflow_control_and_only_a_person_steps_up_again() -> None:
    world = world_in("perfuse", settle_s=20.0)
    world.bent |= {"cavity_1_c": None, "cavity_2_c": None}
    world.run(3.0)
    assert world.state.demoted
    assert world.outputs.heat_on
    world.run(5.0)
    target_c = world.state.regulation.inflow_target_c
    assert target_c is not None
    assert target_c <= 43.0
    world.bent = {}
    world.run(30.0)
    assert world.state.demoted
    assert world.cycle.view(world.state)["mode"] == "inflow control"
    world.step(Act.RESUME)
    world.run(1.0)
    assert world.cycle.view(world.state)["mode"] == "cavity control"


def test_the_table_of_steps_is_closed_and_heats_only_where_it_says() -> None:
    for treatment in (make_treatment(), make_treatment(rinse_ml=0)):
        table = phases(treatment)
        assert tuple(step.name for step in table) == tuple(
            name for name in ORDER_OF_STEPS if treatment.rinse_ml > 0 or not name.startswith("rinse")
        )
        names = {step.name for step in table} | {"rinse_ready"}
        assert all(step.then in names for step in table)
        assert {step.name for step in table if step.heat is not Heat.OFF} == {"preheat", "fill", "warm_up", "perfuse"}
        assert {step.name for step in table if step.heat is Heat.CAVITY} == {"warm_up", "perfuse"}
        assert all(step.doing.endswith(".") and step.person.endswith(".") for step in table)


def test_without_a_rinse_the_treatment_ends_after_the_drain() -> None:
    world = world_in("perfuse")
    world.cycle = make_cycle(treatment=make_treatment(rinse_ml=0))
    world.step(Act.DRAIN)
    world.until(lambda w: w.step_name != "drain", within_s=400.0)
    assert world.step_name == "complete"


def test_h33_a_protective_status_without_probes_leaves_them_unknown() -> None:
    world = world_in("standby")
    inputs = world.inputs()._replace(protective=ProtectiveStatus(world.now_s + 0.1, True, False))
    state, _, _ = world.cycle.step(world.state, inputs, world.now_s + 0.1)
    assert {"outlet_b_c", "inflow_b_c"} <= set(state.sensed.bad)


@pytest.mark.parametrize("step", ["prime", "preheat", "warm_up", "perfuse"])
def test_after_a_stop_the_pump_stands_through_the_reset_until_somebody_resumes(step: str) -> None:
    world = world_in(step, settle_s=10.0)
    world.step(Act.STOP)
    world.step(Act.RESET)
    world.run(10.0)
    assert world.trips == ()
    assert (world.outputs.pump_lpm, world.outputs.pump_enable, world.outputs.heat_on) == (0.0, False, False)
    world.step(Act.RESUME)
    world.run(2.0)
    assert world.outputs.pump_enable


def test_after_a_stop_a_drained_patient_can_still_be_rinsed_without_heat() -> None:
    world = world_in("perfuse", settle_s=20.0)
    world.step(Act.STOP)
    world.step(Act.DRAIN)
    world.step(Act.RESET)
    world.until(lambda w: w.step_name == "rinse_ready" and not w.state.gate, within_s=600.0)
    world.step(Act.CONFIRM)
    world.run(5.0)
    assert world.step_name == "rinse_fill"
    assert world.outputs.pump_enable
    assert not world.outputs.heat_on


@pytest.mark.parametrize("step", ["rinse_ready", "rinse_fill", "rinse_dwell"])
def test_h52_a_rinse_that_cannot_go_on_can_be_ended_and_is_drained(step: str) -> None:
    world = world_in(step)
    world.step(Act.DRAIN)
    assert world.step_name == "rinse_drain"
    world.run(2.0)
    assert (world.outputs.inflow_open, world.outputs.outflow_closed, world.outputs.heat_on) == (False, False, False)
    world.until(lambda w: w.step_name == "complete", within_s=600.0, dt_s=0.5)


@pytest.mark.parametrize("bubble_mm", [1.0, 5.0, math.nan, None])
def test_h09_prime_is_not_over_while_bubbles_pass_or_may_pass(bubble_mm: float | None) -> None:
    world = world_in("prime")
    world.bent["bubble_mm"] = bubble_mm
    world.run(30.0)
    assert world.state.gate
    world.step(Act.CONFIRM)
    world.run(1.0)
    assert world.step_name == "prime"


@pytest.mark.parametrize("name", ["heater_outlet_c", "inflow_c"])
def test_h22_prime_is_not_over_while_a_probe_of_the_stream_cannot_be_compared(name: str) -> None:
    world = world_in("prime")
    world.bent[name] = None
    world.run(30.0)
    assert world.state.gate == f"a reading of {name}"
    world.step(Act.CONFIRM)
    assert "refused" in world.refused()
    assert world.step_name == "prime"
    del world.bent[name]
    world.until(lambda w: not w.state.gate, within_s=40.0)


def test_h52_a_rinse_ends_its_fill_when_the_cavity_is_full_before_the_plan_is() -> None:
    world = world_in("rinse_fill")
    full = 0.8 * world.cycle.rig.limits.cavity_pressure_warn_mmhg
    world.bent["cavity_pressure_mmhg"] = full - 0.5
    world.run(5.0)
    assert world.step_name == "rinse_fill"
    before_ml = world.cavity_ml
    world.bent["cavity_pressure_mmhg"] = full
    world.until(lambda w: w.step_name == "rinse_dwell", within_s=3.0)
    assert world.cavity_ml - before_ml < 100.0
    assert not world.outputs.inflow_open
    assert not world.trips


def test_h52_no_rinse_goes_in_before_the_perfusate_was_out_of_the_reservoir() -> None:
    world = world_in("rinse_ready")
    world.rinse_poured, world.reservoir_ml = True, 6000.0  # nobody changes anything
    world.run(60.0)
    assert world.state.gate == "the perfusate out of the reservoir"
    world.step(Act.CONFIRM)
    world.run(5.0)
    assert world.step_name == "rinse_ready"
    world.reservoir_ml = 0.0
    world.run(20.0)
    assert "mL of rinse" in world.state.gate
    world.reservoir_ml = 6000.0
    world.run(5.0)
    assert world.state.gate == "reservoir level steady"
    world.until(lambda w: not w.state.gate, within_s=60.0)


def test_h18_fluid_of_unknown_temperature_waits_is_said_and_the_rinse_can_be_ended() -> None:
    world = world_in("rinse_ready")
    world.bent["inflow_c"] = None
    says(inflow_b_c=None)(world)  # what the protective channel knows of that place would do
    world.until(lambda w: not w.state.gate, within_s=60.0)
    world.step(Act.CONFIRM)
    world.until(lambda w: w.step_name == "rinse_fill", within_s=10.0)
    world.run(5.0)
    assert not world.outputs.inflow_open
    alarm = world.state.alarms.active["inflow_unseen"]
    assert (alarm.priority.name, "drain" in alarm.advice) == ("MEDIUM", True)
    world.step(Act.DRAIN)
    world.until(lambda w: w.step_name == "complete", within_s=600.0, dt_s=0.5)


def test_h41_a_confirmation_that_was_meant_for_another_step_passes_no_gate() -> None:
    world = world_in("prime")
    world.until(lambda w: not w.state.gate, within_s=120.0)
    world.step(Order(Act.CONFIRM, text="standby"))
    assert "it was meant for standby; now it is PRIME" in world.refused()
    assert world.step_name == "prime"
    world.step(Order(Act.CONFIRM, text="prime"))
    assert world.step_name == "preheat"


def test_h49_a_reset_clears_nothing_when_a_trip_has_come_that_the_person_has_not_seen() -> None:
    world = world_in("preheat")
    world.step(Act.STOP)
    world.bent["heater_outlet_c"] = math.nan
    world.until(lambda w: len(w.state.latch.trips) > 1, within_s=5.0)
    world.bent.clear()
    world.run(5.0)
    seen, *unseen = [trip.id for trip in world.state.latch.trips]
    world.step(Order(Act.RESET, text=seen))
    assert "another trip has come since" in world.refused()
    assert world.state.latch.tripped
    world.step(Order(Act.RESET, text=",".join((seen, *unseen))))
    world.run(3.0)
    assert not world.state.latch.tripped


@pytest.mark.parametrize("step", ORDER_OF_STEPS)
def test_h41_another_treatment_is_set_up_before_the_fill_or_after_the_end_and_never_with_a_patient_connected(
    step: str,
) -> None:
    world = world_in(step)
    refused = world.cycle.in_the_way(world.state)
    if step in ("standby", "self_test", "prime", "complete"):
        assert refused == ""
    elif step == "preheat":
        assert refused == "the circuit is heated; hold first"
    else:
        assert "set-up is allowed before FILL and in COMPLETE" in refused
    assert world.cycle.view(world.state)["set_up_refused"] == refused


def test_h07_a_heated_circuit_is_left_only_after_the_pump_has_carried_the_heat_away() -> None:
    world = world_in("preheat")
    world.run(5.0)
    assert world.outputs.heat_on
    world.step(Act.HOLD)
    world.run(10.0)
    assert world.cycle.in_the_way(world.state) == "the circuit cools; set-up is allowed in 50 s"
    world.run(51.0)
    assert world.outputs.pump_lpm > 0.0
    assert world.cycle.in_the_way(world.state) == ""
