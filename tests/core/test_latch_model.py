"""The trip latch checked for every latch, every set of present rows and every act: no path to heat past a trip.

Generated from the interlock table: one row stands for all that share response and bypass rule (and, where it matters,
a delay or none), because the latch looks at nothing else. Each check holds for *any* latch, reachable or not, so that
it holds after any history.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations, permutations, product
from typing import NamedTuple, cast

import pytest
from make import World, world_in

from controller.core import interlocks
from controller.core.conditions import Condition
from controller.core.exchange import Act, Outputs
from controller.core.interlocks import TABLE, Interlock, Latch, Response, Trip, evaluate, permit, reset
from controller.core.situation import Situation

NOW_S = 1000.0
LONG_S = 900.0  # longer than any delay
WISHES = tuple(
    Outputs(True, 44.0, 0.5, pump_lpm=1.5, pump_enable=True, inflow_open=inflow, outflow_closed=drain_shut)
    for inflow, drain_shut in product((False, True), repeat=2)
)
GIVES_BACK = (
    Act.START,
    Act.SELF_TEST,
    Act.RESUME,
    Act.CONFIRM,
    Act.DRAIN,
)  # acts after which a stopped pump may turn again


def _present(id_: str) -> Condition:
    return lambda seen: "present" if id_ in cast(Seen, seen).present else ""


def _reported(id_: str) -> Condition:
    return lambda _: "present" if id_ in REPORTED else ""


def _stand_ins(rows: Iterable[Interlock]) -> tuple[Interlock, ...]:
    return tuple(row._replace(condition=_present(row.id)) for row in rows)


class Seen(NamedTuple):
    """All of a situation that a stand-in looks at."""

    present: frozenset[str]
    now_s: float = NOW_S


ROWS = _stand_ins({(row.response, row.bypass): row for row in TABLE}.values())
WITH_AND_WITHOUT_DELAY = _stand_ins({(row.response, row.bypass, row.delay_s > 0.0): row for row in TABLE}.values())
BY_ID = {row.id: row for row in ROWS}
TRIPPING = tuple(row.id for row in ROWS if row.response is not Response.R0)
ALL = frozenset(BY_ID)
REPORTED: set[str] = set()  # what the stand-ins report inside a real cycle


def subsets(ids: tuple[str, ...], most: int = 99) -> Iterator[tuple[str, ...]]:
    return (chosen for size in range(min(most, len(ids)) + 1) for chosen in combinations(ids, size))


def latch_of(trips: tuple[str, ...], armed: bool = False, still: bool = False, since: frozenset[str] = ALL) -> Latch:
    held = tuple(Trip(id_, 0.0, BY_ID[id_].response, "held") for id_ in trips)
    return Latch(held, armed, still, dict.fromkeys(since, NOW_S - LONG_S))


def latches() -> Iterator[Latch]:
    for trips in subsets(TRIPPING):
        for armed, still in product((False, True), repeat=2):
            yield latch_of(trips, armed, still)


def step(latch: Latch, present: frozenset[str]) -> tuple[Latch, tuple[tuple[Interlock, str], ...]]:
    return evaluate(latch, cast(Situation, Seen(present)))


def ids(latch: Latch) -> set[str]:
    return {trip.id for trip in latch.trips}


def no_more(less: Outputs, more: Outputs) -> bool:
    """`less` energises nothing that `more` does not, and keeps no drain shut that `more` leaves open."""
    return (
        less.heat_on <= more.heat_on
        and less.heater_fraction <= more.heater_fraction
        and less.pump_lpm <= more.pump_lpm
        and less.pump_enable <= more.pump_enable
        and less.inflow_open <= more.inflow_open
        and less.outflow_closed <= more.outflow_closed
    )


@pytest.fixture(autouse=True)
def the_table_is_its_stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    world_in("standby")  # is made, and kept, with the real conditions
    monkeypatch.setattr(interlocks, "_CONDITIONS", tuple((row.condition, row) for row in ROWS))
    monkeypatch.setattr(interlocks, "_LEVELS", ())  # `test_reset_levels` has them


def test_the_stand_ins_cover_every_row_of_the_table() -> None:
    assert {(row.response, row.bypass) for row in TABLE} == {(row.response, row.bypass) for row in ROWS}
    assert {row.response for row in ROWS} == set(Response)
    assert any(row.bypass for row in ROWS)


def test_a_cycle_adds_trips_disarms_and_never_takes_a_trip_back() -> None:
    for latch in latches():
        for present in map(frozenset, subsets(tuple(ALL))):
            after, active = step(latch, present)
            assert {row.id for row, _ in active} == present
            new = ids(after) - ids(latch)
            assert after.trips[: len(latch.trips)] == latch.trips
            assert new == {id_ for id_ in present if id_ in TRIPPING} - ids(latch)
            assert after.armed == (latch.armed and not new)
            stops = {id_ for id_ in new if BY_ID[id_].response in (Response.R2, Response.R3) and not BY_ID[id_].bypass}
            assert after.still == (latch.still or bool(stops))


def test_a_row_with_a_delay_trips_only_when_it_has_lasted(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {row.id: row for row in WITH_AND_WITHOUT_DELAY}
    monkeypatch.setattr(interlocks, "_CONDITIONS", tuple((row.condition, row) for row in rows.values()))
    for present in map(frozenset, subsets(tuple(rows))):
        first, active = step(Latch(armed=True), present)
        at_once = {id_ for id_ in present if rows[id_].delay_s == 0.0}
        assert {row.id for row, _ in active} == at_once
        assert ids(first) == {id_ for id_ in at_once if rows[id_].response is not Response.R0}
        assert set(first.since) == present  # and the delay of what has gone begins anew


def test_h18_a_delay_is_its_number_of_cycles_whatever_the_last_digits_of_the_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = next(row for row in WITH_AND_WITHOUT_DELAY if row.response is Response.R1)._replace(delay_s=0.2)
    monkeypatch.setattr(interlocks, "_CONDITIONS", ((row.condition, row),))
    for begun in range(200):
        latch, cycles = Latch(armed=True), 0
        while not latch.tripped and cycles < 9:
            latch, _ = evaluate(latch, cast(Situation, Seen(frozenset({row.id}), 7.0 + (begun + cycles) * 0.1)))
            cycles += 1
        assert cycles == 3  # seen, and two cycles after it


def test_heat_needs_an_armed_latch_without_a_trip_and_responses_take_what_they_say() -> None:
    for latch, wish in product(latches(), WISHES):
        out = permit(wish, latch)
        responses = {trip.response for trip in latch.trips}
        assert no_more(out, wish)
        assert out.heat_on == (latch.armed and not latch.trips)
        assert (out == wish) == (latch.armed and not latch.trips)
        if Response.R2 in responses:
            assert (out.pump_lpm, out.inflow_open, out.outflow_closed) == (0.0, False, False)
        if Response.R3 in responses or (latch.still and not out.heat_on):
            assert (out.pump_lpm, out.pump_enable, out.inflow_open) == (0.0, False, False)
        if responses <= {Response.R1, Response.R4} and not latch.still:
            assert (out.pump_lpm, out.pump_enable, out.inflow_open) == (wish.pump_lpm, True, wish.inflow_open)


def test_p19_one_more_present_row_never_gives_more() -> None:
    for latch in latches():
        allowed = {
            present: [permit(wish, step(latch, present)[0]) for wish in WISHES]
            for present in map(frozenset, subsets(tuple(ALL)))
        }
        for present, before in allowed.items():
            for more in ALL - present:
                assert all(map(no_more, allowed[present | {more}], before))


def test_p20_the_order_of_rows_and_of_their_coming_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    for chosen in subsets(TRIPPING, 3):
        together = step(latch_of((), armed=True), frozenset(chosen))[0]
        wanted = [permit(wish, together) for wish in WISHES]
        for order in permutations(chosen):
            latch = latch_of((), armed=True)
            for id_ in order:
                lasted = latch._replace(since=dict.fromkeys(ALL, NOW_S - LONG_S))
                latch = step(lasted, frozenset({id_}))[0]
            assert ids(latch) == ids(together)
            assert [permit(wish, latch) for wish in WISHES] == wanted
    for table in (ROWS[::-1], ROWS[3:] + ROWS[:3]):
        forward = {present: step(latch_of((), armed=True), frozenset(present))[0] for present in subsets(TRIPPING)}
        with monkeypatch.context() as patch:
            patch.setattr(interlocks, "_CONDITIONS", tuple((row.condition, row) for row in table))
            for present, latch in forward.items():
                turned = step(latch_of((), armed=True), frozenset(present))[0]
                assert (ids(turned), turned.still) == (ids(latch), latch.still)
                assert [permit(wish, turned) for wish in WISHES] == [permit(wish, latch) for wish in WISHES]


def test_a_reset_clears_all_or_nothing_never_arms_and_never_starts_the_pump() -> None:
    for latch in latches():
        for present in map(frozenset, subsets(tuple(ALL), 3)):
            active = tuple((BY_ID[id_], "present") for id_ in present)
            after, stay = reset(latch, active)
            assert {trip.id for trip in stay} == ids(latch) & present
            assert after.trips == (latch.trips if stay else ())
            assert not after.armed or (stay and latch.armed)
            assert after.still == latch.still
            if latch.trips:
                assert not any(permit(wish, after).heat_on for wish in WISHES)


# --- the same stand-ins inside the real cycle, with every act ---------------------------------------------------------


def placed(world: World, latch: Latch, *, hold: bool, asked: bool) -> World:
    world = world.copy()
    walk = world.state.walk._replace(hold="held by somebody" if hold else "")
    heat = latch.armed and not latch.trips and not hold
    outputs = world.state.outputs._replace(heat_on=heat)
    asked_s = world.now_s - 0.5 if asked else None
    world.state = world.state._replace(latch=latch, walk=walk, outputs=outputs, reset_asked_s=asked_s)
    world.outputs = outputs
    return world


@pytest.mark.parametrize("where", ["standby", "perfuse", "fill"])
@pytest.mark.parametrize("act", [None, *Act], ids=lambda act: act.value if act else "none")
def test_no_act_in_any_latch_passes_a_trip_and_only_start_and_resume_arm(
    act: Act | None, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = world_in(where)
    monkeypatch.setattr(interlocks, "_CONDITIONS", tuple((_reported(row.id), row) for row in ROWS))
    for trips in subsets(TRIPPING, 2):
        for armed, still, hold, asked in product((False, True), repeat=4):
            if armed and trips:
                continue  # no cycle makes it, see above
            latch = latch_of(trips, armed, still)._replace(since=dict.fromkeys(ALL, base.now_s - LONG_S))
            for present in subsets(TRIPPING, 1):
                REPORTED.clear()
                REPORTED.update(present)
                world = placed(base, latch, hold=hold, asked=asked)
                world.step(*([act] if act else []))
                judge(world, latch, act, frozenset(present), asked)


def judge(world: World, before: Latch, act: Act | None, present: frozenset[str], asked: bool) -> None:
    after, out = world.state.latch, world.outputs
    new = ids(after) - ids(before)
    assert ids(after) >= present, "what is present is latched"
    if new:
        assert not after.armed
    assert not (after.armed and after.trips)
    if out.heat_on:
        assert after.armed
        assert not after.trips
        assert not present
    if after.armed and not before.armed:
        assert act in (Act.START, Act.RESUME, Act.SELF_TEST)
        assert not before.trips
    if before.trips and not after.trips:
        assert act is Act.RESET or asked
        assert not after.armed
        assert not present
    if before.still and not after.still:
        assert act in GIVES_BACK
        assert not before.trips
    if any(BY_ID[id_].response is Response.R3 for id_ in ids(after)):
        assert (out.pump_lpm, out.pump_enable, out.inflow_open) == (0.0, False, False)
    if any(BY_ID[id_].response is Response.R2 for id_ in ids(after)):
        assert (out.pump_lpm, out.inflow_open, out.outflow_closed) == (0.0, False, False)
