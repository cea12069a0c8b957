"""What people are told has to be there: what to do about the worst, and the unit of every value in its name."""

from __future__ import annotations

from controller.core.conditions import value_of
from controller.core.interlocks import TABLE
from controller.core.signals import TABLE as SIGNALS

ADVICE = {row.id: row.advice for row in TABLE}
TOO_WARM = ("core_warn", "core_alarm", "core_trip", "core_stop")
ENDINGS = {
    "°C": "_c", "L/min": "_lpm", "mmHg": "_mmhg", "mL": "_ml", "mm": "_mm", "W": "_w", "rpm": "_rpm", "min": "_min",
}  # fmt: skip


def test_h13_an_open_line_says_that_hot_cytotoxic_fluid_may_be_out() -> None:
    assert "Hot cytotoxic fluid may be out" in ADVICE["disconnected"]


def test_h03_every_row_of_a_core_that_is_too_warm_says_to_cool_the_patient() -> None:
    for id_ in TOO_WARM:
        assert "cool the patient" in ADVICE[id_].lower(), id_


def test_h40_the_name_of_every_value_ends_in_its_unit() -> None:
    for signal in SIGNALS:
        ending = next((end for end in sorted(ENDINGS.values(), key=len) if signal.name.endswith(end)), "")
        assert ENDINGS.get(signal.unit, "") == ending, f"{signal.name} is in {signal.unit!r}"


def test_h40_a_value_just_below_zero_has_no_sign_and_a_lower_one_has() -> None:
    assert value_of("reservoir_ml", -0.3) == "Reservoir 0 mL"
    assert value_of("reservoir_ml", -0.6) == "Reservoir -1 mL"
