"""A whole mitomycin treatment of the nominal patient on each shipped rig, in virtual time, judged by true values."""

from __future__ import annotations

import pytest
from make import ORDER_OF_STEPS
from runs import Nominal, Run

from controller.core.exchange import Act


def test_the_treatment_walks_through_every_step_in_order_and_completes(finished: Run) -> None:
    assert [event.name for event in finished.events if event.kind == "phase"] == list(ORDER_OF_STEPS[1:])
    assert finished.trips == []
    assert finished.powered_at_s < finished.state.now_s - 600.0


def test_no_alarm_above_low_and_no_refused_order_in_a_nominal_treatment(finished: Run) -> None:
    assert finished.alarms("HIGH", "MEDIUM") == []
    assert [event for event in finished.events if event.kind == "refused"] == []
    reminders = finished.alarms("LOW")
    assert (set(reminders), reminders.count("dose_due")) == ({"agitate", "dose_due"}, 2)
    assert 9 <= reminders.count("agitate") <= 10


def test_the_cavity_is_within_41_to_43_for_nearly_all_of_perfusion(finished: Run) -> None:
    dose = finished.state.dose
    assert dose.n == pytest.approx(54000, abs=20)
    assert dose.in_band / dose.n >= 0.99
    assert dose.unknown_min == 0.0
    assert finished.coldest_perfused_c >= 40.9
    assert dose.mean_c == pytest.approx(42.0, abs=0.1)
    assert dose.sd_c <= 0.2


def test_h01_the_inflow_never_exceeds_its_cap_by_more_than_a_third_of_a_degree(finished: Run) -> None:
    assert finished.state.dose.inflow_max_c is not None
    assert (
        max(finished.hottest_inflow_c, finished.state.dose.inflow_max_c) <= finished.cosim.rig.limits.inflow_cap_c + 0.3
    )


def test_h02_the_hottest_place_in_the_cavity_overshoots_the_target_by_less_than_a_third_of_a_degree(
    finished: Run,
) -> None:
    assert finished.state.dose.cavity_max_c is not None
    assert max(finished.hottest_cavity_c, finished.state.dose.cavity_max_c) <= finished.cosim.treatment.target_c + 0.3


def test_h03_the_core_of_a_cooled_patient_stays_below_its_warning_level(finished: Run) -> None:
    assert finished.state.dose.core_max_c is not None
    assert max(finished.hottest_core_c, finished.state.dose.core_max_c) < 38.5


def test_h14_what_is_counted_into_the_patient_is_what_is_there(nominal: Nominal, finished: Run) -> None:
    assert abs(nominal.midway.volume_error_ml) <= 50.0
    assert abs(finished.volume_error_ml) <= 50.0
    assert finished.cosim.plant.cavity_ml <= 60.0


def test_three_fractions_are_given_and_the_contact_time_is_that_of_the_protocol(finished: Run) -> None:
    doses = [event for event in finished.events if event.kind == "order" and event.name == "dose"]
    assert len(doses) == 3
    perfuse, drain = (next(e.at_s for e in finished.events if e.name == name) for name in ("perfuse", "drain"))
    assert (drain - perfuse) / 60.0 == pytest.approx(90.0, abs=0.01)


def test_the_thermal_dose_is_that_of_the_held_temperature(finished: Run) -> None:
    dose = finished.state.dose
    assert dose.cem43_min == pytest.approx(22.5, abs=1.0)
    assert dose.min_41 >= 90.0
    assert dose.min_above_43 == 0.0


def test_a_held_treatment_resumes_and_finds_its_temperature_again(nominal: Nominal) -> None:
    run = nominal.midway.copy()
    run.ask(Act.HOLD)
    run.advance(120.0)
    assert run.cosim.plant.heater_power_w == 0.0
    assert run.state.sensed.cavity_mean_c is not None
    assert run.state.sensed.cavity_mean_c < 41.9
    run.ask(Act.RESUME)
    run.advance(400.0)
    assert run.trips == []
    assert run.state.sensed.cavity_mean_c == pytest.approx(42.0, abs=0.2)
    assert run.hottest_inflow_c <= run.cosim.rig.limits.inflow_cap_c + 0.3
    assert run.hottest_cavity_c <= 42.3


def test_h09_after_air_reset_bypass_and_resume_the_treatment_goes_on(nominal: Nominal) -> None:
    run = nominal.midway.copy()
    run.strike("air", within_s=1.0)
    assert run.trips == ["air"]
    run.advance(20.0)
    run.ask(Act.RESET)
    run.advance(5.0)
    assert run.cosim.plant.flow_lpm > 0.5
    assert not run.cosim.terminals.inflow_open
    assert run.cosim.plant.heater_power_w == 0.0
    run.cosim.plant.faults.air_mm = 0.0
    run.ask(Act.RESUME)
    run.advance(300.0)
    assert run.trips == ["air"]
    assert run.cosim.terminals.inflow_open
    assert run.cosim.plant.heater_power_w > 0.0
    assert run.hottest_inflow_c <= run.cosim.rig.limits.inflow_cap_c + 0.3


def test_h41_the_treatment_clock_stands_still_once_the_drug_is_drained(finished: Run) -> None:
    drain, rinse = (next(e.at_s for e in finished.events if e.name == name) for name in ("drain", "rinse_ready"))
    perfuse = next(e.at_s for e in finished.events if e.name == "perfuse")
    shown = finished.cosim.cycle.view(finished.state)
    assert shown["contact_min"] == pytest.approx((rinse - perfuse) / 60.0, abs=0.01)
    assert 90.0 < (drain - perfuse) / 60.0 + 0.01 < float(str(shown["contact_min"])) < 100.0


def test_h14_each_fill_is_reckoned_up_filled_drained_and_left(finished: Run) -> None:
    treated, rinsed = finished.state.volumes.accounts
    assert treated.filled_ml == pytest.approx(finished.cosim.cycle.fill_ml, abs=30.0)
    assert treated.drained_ml is not None
    assert rinsed.drained_ml is not None
    assert 0.0 <= treated.left_ml <= 300.0
    assert rinsed.left_ml == pytest.approx(finished.state.volumes.carried_ml)
    assert treated.drained_ml + treated.left_ml == pytest.approx(treated.filled_ml or 0.0, abs=250.0)
