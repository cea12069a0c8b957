"""Tuples of the hot core are made by place, for speed. Each value here is another one: none can change places."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from make import make_rig

from controller.core import balance, dose, observing
from controller.core.balance import Balance
from controller.core.dose import Dose
from controller.core.exchange import Inputs, Outputs
from controller.core.regulation import Demand, Measured, Mode, Regulation, Regulator
from controller.core.situation import Situation
from controller.core.state import CycleState, remember


def each_in_its_place(made: NamedTuple | Situation, **expected: Any) -> None:
    """Every field is expected, no two of them the same, and each is found under its own name."""
    names = [field.name for field in fields(made)] if isinstance(made, Situation) else made._fields
    assert set(expected) == set(names)
    said = [repr(value) for value in expected.values()]
    assert sorted(said) == sorted(set(said)), "two fields have the same value: a swap would not be seen"
    assert {name: getattr(made, name) for name in names} == expected


def named(kind: type[Any], **real: Any) -> Any:
    """A tuple whose fields hold their own names, but for `real`."""
    return kind(**{**{field: f"its {field}" for field in kind._fields}, **real})


def test_a_balance_that_nothing_changes_is_the_same_field_by_field() -> None:
    before = Balance(
        level_ml=1.0, reference_ml=2.5, carried_ml=5.5, infused_by_flow_ml=4.0, peak_ml=10.5, filled_ml=6.0,
        accepted_ml=7.0, return_lpm=8.0, mark_at_s=9.0, marks=(30.0, *(21.0,) * 10), drift_ml=20.0, lost_ml=29.0,
        settle_at_s=13.0, settle_level_ml=14.0, settled_ml=15.0, lowest_ml=0.5, through_since_s=17.0, refill_ml=None,
        slow_lpm=1.25,
    )  # fmt: skip
    given: dict[str, Any] = {"dt_s": 1e-9, "now_s": 10.0, "reservoir_ml": None, "flow_lpm": 8.0}
    after = balance.step(before, **given, filling=False, drain_open=False, circulating=True)
    each_in_its_place(after, **before._asdict())
    paused = balance.step(before, **given, filling=False, drain_open=False, circulating=True, paused=True)
    assert paused == before._replace(return_lpm=None, unseen=True)
    before = before._replace(marks=(), drift_ml=0.0, lost_ml=0.00, through_since_s=None, refill_ml=18.0)
    after = balance.step(before, **given, filling=False, drain_open=False, circulating=False)
    assert after == before


def test_a_dose_to_which_no_time_is_added_is_the_same_field_by_field() -> None:
    before = Dose(*(float(number) for number in range(1, 13)))
    given = dict.fromkeys(("cavity_mean_c", "cavity_max_c", "inflow_c", "core_c"), 0.5)
    each_in_its_place(dose.step(before, dt_s=0.0, perfusing=False, **given), **before._asdict())


def test_what_both_loops_have_asked_for_stands_under_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    regulator = Regulator(rig=make_rig("bath"))
    for loop in ("_line", "_outlet"):
        monkeypatch.setattr(regulator, loop, SimpleNamespace(step=lambda *_, loop=loop, **__: (0.0, loop)))
    monkeypatch.setattr(regulator, "_bath", lambda *_: Demand(44.0, 0.25, 900.0, "limited", 38.0))  # type: ignore[arg-type]
    state = Regulation(inflow_due_c=40.5, outlet_due_c=41.5)
    made = regulator._inner(
        state, Measured(1.0, 42.0, 41.0, 39.0, 40.0, 40.1, 37.0), mode=Mode.CAVITY, cavity="cavity",  # type: ignore[arg-type]
        inflow_target_c=43.5, at_cap=True, setback_c=0.125, dt_s=0.0,
    )  # fmt: skip
    each_in_its_place(
        made, mode=Mode.CAVITY, cavity="cavity", line="_line", outlet="_outlet", inflow_target_c=43.5,
        bath_setpoint_c=44.0, fraction=0.25, power_w=900.0, at_cap=True, source_limited="limited", setback_c=0.125,
        inlet_c=38.0, inflow_due_c=40.5, outlet_due_c=41.5,
    )  # fmt: skip


def test_what_a_cycle_remembers_stands_under_its_own_name() -> None:
    sensed = SimpleNamespace(good={"flow_lpm": 1.5, "pump_rpm": 100.0})
    before = named(
        CycleState, now_s=100.0, sensed=sensed, outputs=Outputs(pump_lpm=1.5), pump_reference_lpm=1.5,
        pump_changed_s=51.0, flow_since_s=52.0, heat_on_since_s=53.0, heat_off_since_s=54.0,
    )  # fmt: skip
    outputs = Outputs(heat_on=True, pump_lpm=1.51)
    made = remember(
        make_rig(), before, SimpleNamespace(inflow_open=False), outputs, SimpleNamespace(inflow_target_c=None),  # type: ignore[arg-type]
        "the latch", "the alarms", 55.0, 0.1,  # type: ignore[arg-type]
    )  # fmt: skip
    changed = {
        "regulation": made.regulation, "latch": "the latch", "alarms": "the alarms", "outputs": outputs,
        "reset_asked_s": 55.0, "gained": (0.0, 100.0),
    }  # fmt: skip
    assert made.regulation.inflow_target_c is None
    each_in_its_place(made, **{**before._asdict(), **changed})


def test_what_a_cycle_has_seen_stands_under_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = ("volumes", "line", "standing_still", "core", "permits")
    for name in looked_at:
        monkeypatch.setattr(observing, name, lambda *_, name=name: f"new {name}")
    before = named(CycleState, late_cycles=3)
    sensed: Any = SimpleNamespace(good={})
    made = observing.seen(
        "task", before, "step", Inputs({}, overrun_s=0.2), "new tracks", sensed, 0.1, 100.0,  # type: ignore[arg-type]
    )  # fmt: skip
    changed = {
        "now_s": 100.0, "tracks": "new tracks", "sensed": sensed, "volumes": "new volumes", "line": "new line",
        "frozen": "new standing_still", "core": "new core", "permitted": "new permits", "late_cycles": 4,
    }  # fmt: skip
    each_in_its_place(made, **{**before._asdict(), **changed})


def test_what_the_interlocks_look_at_stands_under_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observing, "drain_short_ml", lambda *_: "short")
    monkeypatch.setattr(observing, "next_dose_min", lambda *_: 30.0)
    monkeypatch.setattr(observing, "contact_min", lambda *_: 31.0)
    plan = SimpleNamespace(fractions=(SimpleNamespace(mg=35.0),), drug="saline")
    task: Any = SimpleNamespace(rig="rig", treatment="treatment", fill_ml=3000.0, plan=plan)
    step: Any = SimpleNamespace(name="perfuse")
    walk, volumes = SimpleNamespace(doses=0), SimpleNamespace(in_patient_ml=2900.0)
    last, sensed = Outputs(pump_lpm=1.25), SimpleNamespace(good={"core_c": 37.0}, bad={"core_c": "open"})
    limits = SimpleNamespace(now="limits")
    inputs = named(Inputs)
    state = named(
        CycleState, walk=walk, volumes=volumes, sensed=sensed, outputs=last, limits=limits, pump_changed_s=99.0,
        heat_off_since_s=98.0, heat_on_since_s=97.0, gained=(41.0, 96.0), jog=SimpleNamespace(active=False),
    )  # fmt: skip
    made = observing.situation(task, state, step, "wanted", "regulation", inputs, "who", 100.0)  # type: ignore[arg-type]
    each_in_its_place(
        made, now_s=100.0, idle=False, good=sensed.good, bad=sensed.bad, sensed=sensed, last=last, wanted="wanted",
        step=step, walk=walk, volumes=volumes, regulation="regulation", rig="rig", limits="limits",
        treatment="treatment", fill_ml=3000.0, protective=inputs.protective, link_faults=inputs.link_faults,
        host_faults=inputs.host_faults, overrun_s=inputs.overrun_s, pump_steady_s=1.0, heat_off_s=2.0, heat_on_s=3.0,
        line=state.line, stop_asked="who", in_patient_ml=2900.0, dose_due="35.0 mg saline, due at 30 min",
        no_rise_s=4.0, restarted=inputs.restarted, short_ml="short", identity=state.identity, frozen=state.frozen,
        late_cycles=state.late_cycles, attended_s=inputs.attended_s, wall_jump_s=inputs.wall_jump_s,
        disk_free_mb=inputs.disk_free_mb, core=state.core,
    )  # fmt: skip
    assert isinstance(made, Situation)
