"""One probe tells the core: a reading that a body cannot have is doubted, and nothing that a body does is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core import core_watch
from controller.core.core_watch import FALL_C_PER_S, FELL_C, WARMED_C, CoreWatch

WEIGHT_KG = 70.0


def looked(watch: CoreWatch, core_c: float | None, *, w: float = 250.0, s: float = 1.0, on: bool = True) -> CoreWatch:
    return core_watch.step(watch, core_c=core_c, patient_w=w, weight_kg=WEIGHT_KG, heating=on, dt_s=s)


def followed(readings: list[float | None], **more: float) -> CoreWatch:
    watch = CoreWatch()
    for core_c in readings:
        watch = looked(watch, core_c, **more)
    return watch


@given(st.lists(st.floats(-FALL_C_PER_S, 0.01), min_size=1, max_size=300))
def test_a_core_that_rises_or_cools_as_a_body_can_is_believed(steps: list[float]) -> None:
    core_c, watch = 37.0, CoreWatch()
    for step in steps:
        core_c += step if step else 1e-6
        watch = looked(watch, core_c)
        assert watch.doubt == ""


@given(st.floats(FELL_C + 0.05, 10.0), st.floats(35.0, 39.4))
def test_a_core_that_falls_at_once_is_doubted_at_once_and_for_as_long_as_a_body_would_need(
    fall_c: float, core_c: float
) -> None:
    watch = followed([core_c, core_c - fall_c])
    assert "cannot have fallen" in watch.doubt
    needed_s = (fall_c - FELL_C) / FALL_C_PER_S
    assert looked(watch, core_c - fall_c - 1e-6, s=0.9 * needed_s - 1.0).doubt != ""
    assert looked(watch, core_c - fall_c - 1e-6, s=1.1 * needed_s).doubt == ""


def test_a_core_that_stands_to_its_last_digit_is_doubted_when_the_heat_could_have_warmed_it() -> None:
    store_j_per_k = WEIGHT_KG * core_watch.BODY_J_PER_KG_K
    due_s = round(WARMED_C * store_j_per_k / (300.0 + core_watch.METABOLISM_W))
    assert followed([37.5] * (due_s - 2), w=300.0).doubt == ""
    assert "stands at 37.50" in followed([37.5] * (due_s + 3), w=300.0).doubt
    moving = [37.5 if n // 60 % 2 else 37.6 for n in range(3 * due_s)]
    assert followed(moving, w=300.0).doubt == ""


def test_without_heat_into_the_patient_nothing_is_remembered_and_what_a_person_changed_is_taken() -> None:
    doubted = followed([38.0, 36.0])
    assert doubted.doubt
    rested = looked(doubted, 36.0, on=False)
    assert rested == CoreWatch()
    assert looked(rested, 36.0).doubt == ""


def test_a_missing_core_changes_nothing_and_unknown_uptake_is_no_heat() -> None:
    watch = followed([38.0, 36.0])
    assert looked(watch, None) == watch
    assert core_watch.uptake_w(flow_lpm=None, inflow_c=44.0, outflow_c=41.0) == 0.0
    assert core_watch.uptake_w(flow_lpm=1.0, inflow_c=44.0, outflow_c=41.0) == pytest.approx(3 * 68.6)
    assert core_watch.uptake_w(flow_lpm=1.0, inflow_c=40.0, outflow_c=41.0) == 0.0


def test_a_core_that_is_not_a_number_is_doubted() -> None:
    assert followed([37.0, float("nan")]).doubt != ""
