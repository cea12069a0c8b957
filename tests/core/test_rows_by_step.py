"""In which steps of a treatment each row speaks, as a table: what is broken in PERFUSE, moved into every other step.

What was counted before (a drift, a dose that is due) is carried along and so speaks everywhere it is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from unittest import mock

from interlock_cases import CASES, Case
from make import ORDER_OF_STEPS, picture_of, world_in

from controller.core import interlocks
from controller.core.interlocks import TABLE
from controller.core.situation import Situation

COLUMNS = ("SB", "ST", "PR", "PH", "FI", "WU", "PE", "DR", "RR", "RF", "RD", "RX", "CO")
SPOKEN = """
                      SB ST PR PH FI WU PE DR RR RF RD RX CO
stop                   x  x  x  x  x  x  x  x  x  x  x  x  x
outlet_over            x  x  x  x  x  x  x  x  x  x  x  x  x
inflow_over            x  x  x  x  x  x  x  x  x  x  x  x  x
source_over            x  x  x  x  x  x  x  x  x  x  x  x  x
cavity_over            x  x  x  x  x  x  x  x  x  x  x  x  x
core_trip              x  x  x  x  x  x  x  x  x  x  x  x  x
core_stop              x  x  x  x  x  x  x  x  x  x  x  x  x
no_flow                .  .  .  x  x  x  x  .  .  .  .  .  .
reservoir_low          .  .  x  x  x  x  x  x  .  x  .  .  .
air                    .  .  .  .  x  x  x  .  .  x  .  .  .
line_pressure          x  x  x  x  x  x  x  x  x  x  x  x  x
accumulating           .  .  .  .  x  x  x  .  .  x  x  .  .
cavity_pressure        x  x  x  x  x  x  x  x  x  x  x  x  x
disconnected           .  .  .  x  x  x  x  .  .  x  .  .  .
leak                   x  x  x  x  x  x  x  x  x  x  x  x  x
unbalanced             .  .  .  .  x  .  .  .  .  x  .  .  .
reversed               x  x  x  x  x  x  x  x  x  x  x  x  x
runaway                x  x  x  x  x  x  x  x  x  x  x  x  x
stalled                .  .  .  .  .  .  x  .  .  .  .  .  .
probe_lost             .  .  .  x  x  x  x  .  .  .  .  .  .
twin_lost              .  .  .  x  x  x  x  .  .  .  .  .  .
cavity_lost            .  .  .  .  x  x  x  .  .  .  .  .  .
core_unwatched         .  .  .  .  x  x  x  .  .  .  .  .  .
line_pressure_lost     .  .  .  .  x  x  x  .  .  x  .  .  .
cavity_pressure_lost   .  .  .  .  x  x  x  .  .  x  .  .  .
bubble_lost            .  .  .  .  x  x  x  .  .  x  .  .  .
level_lost             .  .  .  x  x  x  x  .  .  x  .  .  .
swapped                x  x  x  x  x  x  x  x  x  x  x  x  x
order                  x  x  x  x  x  x  x  x  x  x  x  x  x
inflow_disagrees       .  .  .  x  x  x  x  .  .  .  .  .  .
outlet_disagrees       .  .  .  x  x  x  x  .  .  .  .  .  .
twins_apart            .  .  .  x  x  x  x  .  .  .  .  .  .
outflow_disagrees      .  .  .  .  .  x  x  .  .  .  .  .  .
frozen                 .  .  .  x  x  x  x  .  .  .  .  .  .
probe_noise            .  .  .  x  x  x  x  .  .  .  .  .  .
heater_stuck_on        x  x  x  x  x  x  x  x  x  x  x  x  x
over_power             .  .  .  .  .  x  x  .  .  .  .  .  .
setpoint_differs       .  .  .  x  x  x  x  .  .  .  .  .  .
power_scale            x  x  x  x  x  x  x  x  x  x  x  x  x
power_differs          .  .  .  x  x  x  x  .  .  .  .  .  .
heats_over             .  .  .  x  x  x  x  .  .  .  .  .  .
hotter_than_source     .  .  .  .  x  x  x  .  .  .  .  .  .
pump_differs           x  x  x  x  x  x  x  x  x  x  x  x  x
wrong_device           .  x  x  x  x  x  x  x  .  x  .  .  .
device_lost            .  x  x  x  x  x  x  x  .  x  .  .  .
mains_lost             .  .  .  x  x  x  x  .  .  .  .  .  .
restart                x  x  x  x  x  x  x  x  x  x  x  x  x
protective_trip        x  x  x  x  x  x  x  .  .  .  .  .  .
protective_lost        .  x  x  x  x  x  x  .  .  .  .  .  .
protective_refuses     .  .  .  x  x  x  x  .  .  .  .  .  .
late_often             x  x  x  x  x  x  x  x  x  x  x  x  x
unattended             .  .  .  x  x  x  x  .  .  .  .  .  .
overrun                x  x  x  x  x  x  x  x  x  x  x  x  x
drift                  x  x  x  x  x  x  x  x  x  x  x  x  x
overfilled             .  .  .  .  .  x  x  .  .  .  .  .  .
cavity_empties         .  .  .  .  .  x  x  .  .  .  .  .  .
drain_short            x  x  x  x  x  x  x  x  x  x  x  x  x
volume_unaccounted     x  .  .  .  .  .  .  .  .  .  .  .  .
cavity_few             .  .  .  .  x  x  x  .  .  x  .  .  .
cavity_outlier         x  x  x  x  x  x  x  x  x  x  x  x  x
core_lost              .  .  .  .  x  x  x  .  .  x  .  .  .
inflow_differs         .  .  .  x  x  x  x  .  .  .  .  .  .
outlet_differs         .  .  .  x  x  x  x  .  .  .  .  .  .
outflow_differs        .  .  .  .  .  x  x  .  .  .  .  .  .
cavity_spread          .  .  .  .  .  .  x  .  .  .  .  .  .
cavity_frozen          .  .  .  .  x  x  x  .  .  x  .  .  .
sensor_frozen          .  .  x  x  x  x  x  x  .  x  .  .  .
probe_noisy            .  x  x  x  x  x  x  x  x  x  x  x  .
heat_short             .  .  .  .  .  .  x  .  .  .  .  .  .
console_lost           .  x  x  x  x  x  x  x  x  x  x  x  .
clock_jump             x  x  x  x  x  x  x  x  x  x  x  x  x
on_battery             x  x  x  x  x  x  x  x  x  x  x  x  x
device_late            .  x  x  x  x  x  x  x  x  x  x  x  .
host                   x  x  x  x  x  x  x  x  x  x  x  x  x
disk_low               .  x  x  x  x  x  x  x  x  x  x  x  .
core_alarm             x  x  x  x  x  x  x  x  x  x  x  x  x
core_warn              x  x  x  x  x  x  x  x  x  x  x  x  x
core_low               .  .  .  .  x  x  x  .  .  x  .  .  .
cavity_warm            x  x  x  x  x  x  x  x  x  x  x  x  x
cavity_cool            .  .  .  .  .  .  x  .  .  .  .  .  .
line_pressure_high     x  x  x  x  x  x  x  x  x  x  x  x  x
cavity_pressure_high   x  x  x  x  x  x  x  x  x  x  x  x  x
weak_heat              x  x  x  x  x  x  x  x  x  x  x  x  x
at_cap                 .  .  .  .  .  x  x  .  .  .  .  .  .
not_heating            .  .  .  x  x  x  x  .  .  .  .  .  .
heat_off               .  .  .  x  x  x  x  .  .  .  .  .  .
unheated               .  .  .  .  x  x  x  .  .  .  .  .  .
cold_inflow            .  .  .  .  x  x  x  .  .  .  .  .  .
heater_unseen          .  .  .  x  x  x  x  .  .  .  .  .  .
inflow_unseen          .  .  .  .  .  .  .  .  .  x  .  .  .
protective_out         .  .  .  .  .  .  .  x  x  x  x  x  .
slug                   .  .  .  .  x  x  x  .  .  x  .  .  .
agitate                .  .  .  .  .  x  x  .  .  .  .  .  .
dose_due               x  x  x  x  x  x  x  x  x  x  x  x  x
"""


def broken(case: Case) -> Situation:
    """The picture in which the row's condition is there for the first time."""
    world = case.world()
    seen: list[Situation] = []
    evaluate = interlocks.evaluate
    with mock.patch.object(interlocks, "evaluate", lambda latch, now: (seen.append(now), evaluate(latch, now))[1]):
        while case.id not in world.state.latch.since:
            world.pressing = ()
            case.breaking(world)
            seen.clear()
            world.step(*world.pressing, dt_s=case.dt_s)
    return seen[0]


def steps_of(case: Case, pictures: Mapping[str, Situation]) -> set[str]:
    """The steps in which the row would say something, with the readings of the broken bench."""
    condition = next(row for row in TABLE if row.id == case.id).condition
    seen = broken(case)
    spoken = {case.step}
    assert condition(seen)
    for step, there in pictures.items():
        last = there.last._replace(
            heat_on=there.last.heat_on and seen.last.heat_on,
            inflow_open=there.last.inflow_open and seen.last.inflow_open,
        )
        moved = replace(seen, step=there.step, idle=there.idle, walk=there.walk, last=last, wanted=there.wanted)
        if condition(moved):
            spoken.add(step)
    return spoken


def table() -> str:
    pictures = {step: picture_of(world_in(step)) for step in ORDER_OF_STEPS}
    found: dict[str, set[str]] = {row.id: set() for row in TABLE}
    for case in CASES:
        found[case.id] |= steps_of(case, pictures)
    lines = [f"{'':22}{' '.join(COLUMNS)}"]
    for id_, steps in found.items():
        lines.append(f"{id_:22}" + " ".join(" x" if step in steps else " ." for step in ORDER_OF_STEPS))
    return "\n".join(lines)


def test_h53_each_row_speaks_in_the_steps_of_the_printed_table() -> None:
    now = table()
    assert now == SPOKEN.strip("\n"), f"the table is now:\n{now}"
