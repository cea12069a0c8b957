"""A row that has become active stays so until its value is at the reset level: nothing chatters at a limit."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock_breakings import reads
from make import World, picture_of, world_in

from controller.core import interlocks
from controller.core.conditions import Level
from controller.core.exchange import Act
from controller.core.interlocks import TABLE, Latch, Response
from controller.core.situation import Situation

ROWS = {row.id: row for row in TABLE}
LEVELS = {row.id: row.condition for row in TABLE if isinstance(row.condition, Level)}


class Edge(NamedTuple):
    """`limit` in the picture of a steady perfusion; `side` +1 when more is worse. The unit is the signal's."""

    id: str
    signal: str
    limit: float
    side: int

    def value(self, outside: float) -> float:
        """`outside` in parts of the band: 0 at the limit, -1 at the reset level."""
        return self.limit + self.side * outside * LEVELS[self.id].back


EDGES = (
    Edge("outlet_over", "heater_outlet_c", 46.0, 1),
    Edge("inflow_over", "inflow_c", 45.5, 1),
    Edge("source_over", "source_c", 47.0, 1),
    Edge("core_trip", "core_c", 39.5, 1),
    Edge("core_stop", "core_c", 40.0, 1),
    Edge("core_alarm", "core_c", 39.0, 1),
    Edge("core_warn", "core_c", 38.5, 1),
    Edge("core_low", "core_c", 34.5, -1),
    Edge("cold_inflow", "inflow_c", 38.0, -1),
    Edge("reservoir_low", "reservoir_ml", 300.0, -1),
    Edge("line_pressure", "line_pressure_mmhg", 300.0, 1),
    Edge("line_pressure_high", "line_pressure_mmhg", 200.0, 1),
    Edge("cavity_pressure", "cavity_pressure_mmhg", 22.0, 1),
    Edge("cavity_pressure_high", "cavity_pressure_mmhg", 18.0, 1),
    Edge("reversed", "flow_lpm", -0.05, -1),
    Edge("stalled", "flow_lpm", 0.75, -1),
    Edge("runaway", "flow_lpm", 2.1, 1),
    Edge("pump_differs", "pump_rpm", 1500.0 / 9.6 * 1.1 + 5.0, 1),
    Edge("power_scale", "heater_power_w", 2400.0, 1),
)
EDGE_IDS = [edge.id for edge in EDGES]
# Rows whose value is made of several signals, or is counted over minutes; their bands are walked through the world.
IN_THE_WORLD = {
    "cavity_over", "cavity_warm", "cavity_cool", "cavity_spread", "accumulating", "overfilled", "drift", "unbalanced",
    "cavity_empties",
    "heater_stuck_on", "heat_short", "inflow_differs", "outlet_differs", "outflow_differs", "disk_low",
}  # fmt: skip


def test_the_reset_level_of_a_row_is_said_with_its_unit_or_is_the_limit_itself() -> None:
    said = {row.id: row.reset_level for row in TABLE}
    assert said["inflow_over"] == "0.5 °C inside"
    assert said["reservoir_low"] == "100 mL inside"
    assert said["stop"] == ""


def test_every_reset_level_has_a_case_here() -> None:
    assert {edge.id for edge in EDGES} | IN_THE_WORLD == set(LEVELS)
    assert all(level.back > 0.0 for level in LEVELS.values())


@pytest.fixture(scope="module")
def picture() -> Situation:
    world = world_in("perfuse", settle_s=90.0)
    world.run(4.0)  # what was commanded has stood
    return picture_of(world)


def seen_over_time(edge: Edge, picture: Situation, values: list[float], cycle_s: float) -> list[bool]:
    """Whether the row is active after each of these values, one per cycle."""
    latch, active = Latch(armed=True), []
    for number, value in enumerate(values):
        now = replace(picture, now_s=picture.now_s + number * cycle_s, good={**picture.good, edge.signal: value})
        latch, present = interlocks.evaluate(latch, now)
        active.append(edge.id in {row.id for row, _ in present})
    return active


@pytest.mark.parametrize("edge", EDGES, ids=EDGE_IDS)
@given(inside=st.lists(st.floats(-0.99, -0.01), min_size=1, max_size=40))
def test_h53_a_value_inside_the_band_begins_nothing_and_ends_nothing(
    edge: Edge, picture: Situation, inside: list[float]
) -> None:
    band = [edge.value(part) for part in inside]
    cycle_s = ROWS[edge.id].delay_s + 0.1  # one cycle is enough for any delay
    assert not any(seen_over_time(edge, picture, band, cycle_s))
    over = [edge.value(0.2)] * 2
    assert all(seen_over_time(edge, picture, [*over, *band], cycle_s)[1:])
    back = [edge.value(-1.01)]
    assert not any(seen_over_time(edge, picture, [*over, *back, *band], cycle_s)[2:])


@pytest.mark.parametrize("edge", EDGES, ids=EDGE_IDS)
def test_h53_what_has_not_lasted_its_delay_has_no_reset_level_yet(edge: Edge, picture: Situation) -> None:
    delay_s = ROWS[edge.id].delay_s
    if delay_s < 0.1:
        return
    short, band = [edge.value(0.2)], [edge.value(-0.5)] * 20
    assert not any(seen_over_time(edge, picture, short + band, delay_s / 3.0))


TRIPPING = [edge for edge in EDGES if ROWS[edge.id].response is not Response.R0]


@pytest.mark.parametrize("edge", TRIPPING, ids=[edge.id for edge in TRIPPING])
def test_h53_a_trip_is_not_reset_between_its_limit_and_its_reset_level(edge: Edge, picture: Situation) -> None:
    now = replace(picture, good={**picture.good, edge.signal: edge.value(0.2)})
    latch, _ = interlocks.evaluate(Latch(armed=True), now)
    later = replace(now, now_s=now.now_s + ROWS[edge.id].delay_s + 0.1)
    latch, active = interlocks.evaluate(latch, later)
    assert edge.id in {trip.id for trip in latch.trips}
    for part, resets in ((-0.01, False), (-0.5, False), (-0.99, False), (-1.01, True)):
        moved = replace(later, good={**picture.good, edge.signal: edge.value(part)})
        _, active = interlocks.evaluate(latch, moved)
        _, stay = interlocks.reset(latch, active)
        assert (edge.id not in {trip.id for trip in stay}) == resets, part


def walked(world: World, id_: str, outside: dict[str, float], band: dict[str, float], back: dict[str, float]) -> None:
    """Inside the band nothing begins; from outside it lasts through the band; at the reset level it ends."""
    delay_s = ROWS[id_].delay_s + 1.0
    for values, expected in ((band, False), (outside, True), (band, True), (back, False), (band, False)):
        for _ in range(round((delay_s + ROWS[id_].off_delay_s) / 0.2)):
            reads(**values)(world)
            world.step(dt_s=0.2)
        assert (id_ in world.state.alarms.active) is expected, (id_, values)


CAVITY = ("cavity_1_c", "cavity_2_c", "cavity_3_c")


@pytest.mark.parametrize(
    ("id_", "outside", "band", "back"),
    [
        ("cavity_warm", {"cavity_2_c": 43.1}, {"cavity_2_c": 42.9}, {"cavity_2_c": 42.7}),
        (
            "cavity_cool", dict.fromkeys(CAVITY, 40.5), dict.fromkeys(CAVITY, 40.8), dict.fromkeys(CAVITY, 41.0),
        ),
        ("inflow_differs", {"inflow_c": 44.7}, {"inflow_c": 44.45}, {"inflow_c": 44.2}),
        ("outlet_differs", {"heater_outlet_c": 44.9}, {"heater_outlet_c": 44.65}, {"heater_outlet_c": 44.4}),
        ("cavity_spread", {"cavity_3_c": 39.9}, {"cavity_3_c": 40.25}, {"cavity_3_c": 40.6}),
        ("outflow_differs", {"outflow_c": 41.0}, {"outflow_c": 41.22}, {"outflow_c": 41.5}),
    ],
)  # fmt: skip
def test_h53_an_advisory_does_not_come_and_go_with_a_value_at_its_limit(
    id_: str, outside: dict[str, float], band: dict[str, float], back: dict[str, float]
) -> None:
    walked(world_in("perfuse", settle_s=310.0), id_, outside, band, back)


def test_h53_a_disk_that_was_nearly_full_has_room_again_before_it_is_over() -> None:
    world = world_in("perfuse", settle_s=30.0)
    for free_mb, present in ((201.0, False), (199.0, True), (201.0, True), (249.0, True), (251.0, False)):
        world.disk_free_mb = free_mb
        world.run(11.0)
        assert ("disk_low" in world.state.alarms.active) is present, free_mb


def test_h53_a_cavity_that_has_tripped_is_reset_only_when_it_has_cooled() -> None:
    world = world_in("perfuse", settle_s=30.0)
    for hot_c, resets in ((43.6, False), (43.4, False), (43.1, True)):
        for _ in range(30):
            reads(cavity_1_c=hot_c)(world)
            world.step()
        assert "cavity_over" in world.trips
        world.step(Act.RESET)
        world.run(2.5)
        assert ("cavity_over" not in world.trips) is resets, hot_c


def test_h53_a_heater_that_still_draws_a_little_stays_stuck() -> None:
    world = world_in("perfuse", settle_s=30.0)
    world.step(Act.HOLD)
    for power_w, tripped in ((90.0, False), (110.0, True), (90.0, True), (70.0, False)):
        world.bent["heater_power_w"] = power_w
        world.run(5.0)
        if world.trips:
            world.step(Act.RESET)
            world.run(2.5)
        assert ("heater_stuck_on" in world.trips) is tripped, power_w


def test_h53_the_reset_level_is_never_outside_the_limit() -> None:
    """Whatever the situation: what the limit calls wrong, the reset level calls wrong too."""
    for step in ("fill", "warm_up", "perfuse", "rinse_fill"):
        picture = picture_of(world_in(step, settle_s=20.0))
        for name in picture.good:
            for value in (-1e4, -1.0, 0.0, 5.0, 38.0, 39.7, 42.0, 44.0, 47.0, 150.0, 310.0, 1e5, float("nan")):
                bent = replace(picture, good={**picture.good, name: value}, heat_off_s=10.0)
                for id_, level in LEVELS.items():
                    assert not level(bent) or level.stays(bent), (id_, name, value)


def test_h11_h14_volumes_that_were_too_far_apart_come_well_together_before_it_is_over() -> None:
    rows = (
        ("accumulating", "perfuse"),
        ("overfilled", "perfuse"),
        ("unbalanced", "fill"),
        ("drift", "perfuse"),
        ("cavity_empties", "perfuse"),
    )
    for id_, step in rows:
        level = LEVELS[id_]
        picture = picture_of(world_in(step, settle_s=20.0))
        volumes = picture.volumes
        for part, limit, stays in ((0.2, True, True), (-0.5, False, True), (-1.1, False, False)):
            outside_ml = part * level.back
            if id_ == "accumulating":
                assert volumes.accepted_ml is not None
                bent = replace(picture, in_patient_ml=volumes.accepted_ml + 180.0 + outside_ml)
            elif id_ == "overfilled":
                assert volumes.filled_ml is not None
                bent = replace(picture, in_patient_ml=volumes.filled_ml + 280.0 + outside_ml)
            elif id_ == "cavity_empties":
                assert volumes.filled_ml is not None
                bent = replace(picture, in_patient_ml=0.5 * volumes.filled_ml - outside_ml, now_s=picture.now_s + 30.0)
            elif id_ == "drift":
                bent = replace(picture, volumes=volumes._replace(drift_ml=100.0 + outside_ml))
            else:
                assert volumes.reference_ml is not None
                low_ml = volumes.reference_ml - volumes.infused_by_flow_ml - 250.0 - outside_ml
                bent = replace(picture, volumes=volumes._replace(level_ml=low_ml))
            assert (bool(level(bent)), bool(level.stays(bent))) == (limit, stays), (id_, part)


def test_h04_heat_that_is_short_stays_so_until_it_is_well_there_again() -> None:
    level = LEVELS["heat_short"]
    picture = picture_of(world_in("perfuse", kind="inline", settle_s=310.0))
    for outlet_c, limit, stays in ((41.9, True, True), (42.2, False, True), (43.0, False, False)):
        last = picture.last._replace(heater_fraction=0.25)  # 500 W told: 150 W is short, 200 W is over
        bent = replace(picture, last=last, good={**picture.good, "heater_outlet_c": outlet_c, "outflow_c": 40.5})
        assert (bool(level(bent)), bool(level.stays(bent))) == (limit, stays), outlet_c
