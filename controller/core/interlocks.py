"""What is allowed: the table of interlocks and advisories, their delays and latches, and the responses.

R0 informs. R1 takes the heat and leaves the flow. R2 takes the heat, stops the inflow and leaves the drain open.
R3 takes the heat, stops the pump and clamps. R4 is R1 with the contactor dropped: control no longer asks for heat, so
the protective channel opens it. A trip latches; trip, reset and re-arm are three acts. Not responsible for telling
anybody (`alarms`).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import NamedTuple

from controller.core import conditions as c
from controller.core.exchange import Outputs
from controller.core.situation import Situation


class Response(enum.IntEnum):
    """What a row takes away; a higher number takes more of the flow."""

    R0 = 0
    R1 = 1
    R4 = 2
    R2 = 3
    R3 = 4


class Priority(enum.IntEnum):
    """IEC 60601-1-8 priorities."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3


class Interlock(NamedTuple):
    """One row. A response above R0 latches. `delay_s` is how long the condition must last."""

    id: str
    hazard: str
    condition: c.Condition
    delay_s: float
    response: Response
    priority: Priority
    title: str
    advice: str
    bypass: bool = False  # after the reset the pump may turn in the bypass, to cool or de-air, before anybody resumes


class Trip(NamedTuple):
    """A latched row: when, and the words of that moment."""

    id: str
    at_s: float
    response: Response
    text: str


class Latch(NamedTuple):
    """The trip latch. `armed` is False from a trip until a person re-arms."""

    trips: tuple[Trip, ...] = ()
    armed: bool = False
    still: bool = False  # a trip has stopped the pump: a reset alone does not start it
    since: Mapping[str, float] = {}  # condition true since, by row

    @property
    def tripped(self) -> bool:
        """A trip waits for its reset."""
        return bool(self.trips)


_R = Response
_HIGH, _MEDIUM, _LOW = Priority.HIGH, Priority.MEDIUM, Priority.LOW

TABLE: tuple[Interlock, ...] = (
    Interlock("stop", "H00", c.stop, 0.0, _R.R3, _HIGH, "STOP pressed", "Find out why; reset (x), then resume (r)."),
    Interlock(
        "outlet_over", "H01", c.above("heater_outlet_c", "outlet_trip_c"), 0.2, _R.R3, _HIGH,
        "Heater outlet too hot", "Clamp stays shut. Let it cool in the bypass; check flow and heater.", True,
    ),
    Interlock(
        "inflow_over", "H01", c.above("inflow_c", "inflow_trip_c"), 0.3, _R.R3, _HIGH,
        "Inflow too hot", "Clamp stays shut. Let it cool in the bypass; check set-point and flow.", True,
    ),
    Interlock(
        "source_over", "H01", c.source_over, 0.5, _R.R1, _HIGH, "Heat source too hot", "Check the circulator.",
    ),
    Interlock(
        "cavity_over", "H02", c.cavity_over, 0.8, _R.R1, _HIGH, "Cavity too hot", "Agitate; check the probe's place.",
    ),
    Interlock(
        "core_trip", "H03", c.above("core_c", "core_trip_c"), 2.0, _R.R1, _HIGH,
        "Core too hot", "Cool the patient; tell the anaesthetist.",
    ),
    Interlock(
        "core_stop", "H03", c.above("core_c", "core_stop_c"), 2.0, _R.R2, _HIGH,
        "Core dangerously hot", "Drain; cool the patient.",
    ),
    Interlock(
        "no_flow", "H06", c.heat_without_flow, 0.3, _R.R4, _HIGH, "Heat without flow", "Look for a kink or clamp.",
    ),
    Interlock(
        "reservoir_low", "H08", c.reservoir_low, 0.5, _R.R3, _HIGH, "Reservoir low", "Add carrier; look for a leak.",
    ),
    Interlock("air", "H09", c.air, 0.0, _R.R3, _HIGH, "Air in the line", "De-air in the bypass before resuming.", True),
    Interlock(
        "line_pressure", "H10", c.above("line_pressure_mmhg", "line_pressure_trip_mmhg"), 0.2, _R.R2, _HIGH,
        "Line pressure too high", "Look for a kink or clamp in the inflow line.",
    ),
    Interlock(
        "accumulating", "H11", c.accumulating, 2.0, _R.R2, _HIGH,
        "Volume accumulates in the patient", "Free the outflow; look for a spill.",
    ),
    Interlock(
        "cavity_pressure", "H12", c.above("cavity_pressure_mmhg", "cavity_pressure_trip_mmhg"), 0.5, _R.R2, _HIGH,
        "Cavity pressure too high", "Free the outflow; let fluid out.",
    ),
    Interlock(
        "disconnected", "H13", c.disconnected, 1.0, _R.R3, _HIGH,
        "Inflow line open", "Hot cytotoxic fluid may be out: find the open joint.",
    ),
    Interlock("drift", "H14", c.drifting, 1.0, _R.R0, _MEDIUM, "Level falls", "Look for a slow leak."),
    Interlock(
        "unbalanced", "H14", c.unbalanced, 2.0, _R.R2, _HIGH, "Volumes do not agree", "Look for a leak.",
    ),
    Interlock(
        "reversed", "H15", c.reversed_flow, 0.4, _R.R3, _HIGH, "Flow runs backwards", "Check the tubing in the pump.",
    ),
    Interlock("runaway", "H16", c.runaway, 1.0, _R.R3, _HIGH, "Pump delivers too much", "Check the pump drive."),
    Interlock("stalled", "H17", c.stalled, 1.0, _R.R4, _HIGH, "Pump does not deliver", "Look for a kink."),
    Interlock(
        "probe_lost", "H18", c.heating_probe_lost, 0.2, _R.R1, _HIGH, "Probe lost while heating", "Check the plug.",
    ),
    Interlock(
        "cavity_lost", "H18", c.cavity_lost, 0.5, _R.R1, _HIGH, "No cavity temperature", "Check probes and plugs.",
    ),
    Interlock(
        "cavity_few", "H18", c.cavity_few, 2.0, _R.R0, _MEDIUM,
        "One cavity probe left", "Inflow control only; replace probes, then resume.",
    ),
    Interlock(
        "cavity_outlier", "H20", c.cavity_outlier, 5.0, _R.R0, _MEDIUM, "Cavity probe left out", "Check its place.",
    ),
    Interlock(
        "line_pressure_lost", "H18", c.guard_lost("line_pressure_mmhg"), 0.5, _R.R3, _HIGH,
        "Line pressure not monitored", "Check the transmitter.",
    ),
    Interlock(
        "cavity_pressure_lost", "H18", c.guard_lost("cavity_pressure_mmhg"), 0.5, _R.R2, _HIGH,
        "Cavity pressure not monitored", "Check the transmitter.",
    ),
    Interlock(
        "bubble_lost", "H18", c.guard_lost("bubble_mm"), 0.5, _R.R3, _HIGH, "Air not monitored", "Check the detector.",
    ),
    Interlock(
        "level_lost", "H18", c.guard_lost("reservoir_ml"), 0.5, _R.R3, _HIGH,
        "Reservoir level not monitored", "Check the transmitter.",
    ),
    Interlock("core_lost", "H18", c.core_lost, 3.0, _R.R0, _MEDIUM, "Core NOT MONITORED", "Check the core probe."),
    Interlock(
        "order", "H20", c.order_broken, 5.0, _R.R1, _HIGH, "Probe out of the fluid", "Check inflow and outlet probes.",
    ),
    Interlock(
        "inflow_disagrees", "H22", c.disagree("inflow_c", "inflow_b_c", "probe_disagreement_trip_c"), 9.0, _R.R1, _HIGH,
        "Inflow probes disagree", "One probe is wrong: check both.",
    ),
    Interlock(
        "outlet_disagrees", "H22", c.disagree("heater_outlet_c", "outlet_b_c", "probe_disagreement_trip_c"), 9.0,
        _R.R1, _HIGH, "Outlet probes disagree", "One probe is wrong: check both.",
    ),
    Interlock(
        "inflow_differs", "H22", c.disagree("inflow_c", "inflow_b_c", "probe_disagreement_warn_c"), 10.0, _R.R0,
        _MEDIUM, "Inflow probes differ", "Compare with a third thermometer.",
    ),
    Interlock(
        "heater_stuck_on", "H25", c.heater_stuck_on, 0.5, _R.R4, _HIGH,
        "Heater does not switch off", "Pull the heater's plug.",
    ),
    Interlock("over_power", "H27", c.over_power, 5.0, _R.R4, _HIGH, "Too much heat", "Check the heater's wiring."),
    Interlock(
        "setpoint_differs", "H27", c.setpoint_differs, 1.5, _R.R1, _HIGH,
        "Heater set-point differs", "Somebody or something else writes to the heater.",
    ),
    Interlock(
        "device_lost", "H28", c.device_lost, 0.0, _R.R4, _HIGH, "Device lost", "Check cable and supply, then reset.",
    ),
    Interlock("device_late", "H28", c.device_late, 0.3, _R.R0, _LOW, "Device answers late", "Check the cable."),
    Interlock(
        "protective_trip", "H33", c.protective_trip, 0.0, _R.R4, _HIGH, "Protective channel tripped", "Find the cause.",
    ),
    Interlock(
        "protective_lost", "H33", c.protective_lost, 0.2, _R.R4, _HIGH,
        "Protective channel lost", "No heat without it: check its port.",
    ),
    Interlock(
        "protective_refuses",
        "H33",
        c.protective_refuses,
        0.5,
        _R.R4,
        _HIGH,
        "Protective channel refuses heat",
        "See its reason.",
    ),
    Interlock("overrun", "H35", c.overrun, 0.0, _R.R1, _HIGH, "Control came late", "The computer is overloaded."),
    Interlock("host", "H37", c.host, 0.0, _R.R0, _MEDIUM, "Computer", "See the text."),
    Interlock(
        "core_alarm", "H03", c.above("core_c", "core_alarm_c"), 5.0, _R.R0, _HIGH,
        "Core hot", "Cool the patient; the target is being lowered.",
    ),
    Interlock(
        "core_warn", "H03", c.above("core_c", "core_warn_c"), 10.0, _R.R0, _MEDIUM, "Core warm", "Cool the patient.",
    ),
    Interlock("core_low", "H03", c.core_low, 60.0, _R.R0, _LOW, "Core cool", "Less cooling."),
    Interlock("cavity_warm", "H02", c.cavity_warm, 5.0, _R.R0, _MEDIUM, "Cavity warm", "Agitate."),
    Interlock("cavity_cool", "H04", c.cavity_cool, 30.0, _R.R0, _MEDIUM, "Cavity cool", "Check flow and cover."),
    Interlock(
        "line_pressure_high", "H10", c.above("line_pressure_mmhg", "line_pressure_alarm_mmhg"), 1.0, _R.R0, _MEDIUM,
        "Line pressure high", "Look for a kink.",
    ),
    Interlock(
        "cavity_pressure_high", "H12", c.above("cavity_pressure_mmhg", "cavity_pressure_warn_mmhg"), 3.0, _R.R0,
        _MEDIUM, "Cavity pressure high", "Free the outflow.",
    ),
    Interlock("weak_heat", "H04", c.weak_heat, 300.0, _R.R0, _LOW, "Heat source at its limit", "Lower the flow."),
    Interlock("at_cap", "H04", c.at_cap, 600.0, _R.R0, _LOW, "Inflow at its cap", "Raise the flow or cover."),
    Interlock(
        "not_heating", "H04", c.not_heating, 1.0, _R.R0, _MEDIUM, "Not heating", "Check heater, contactor and mains.",
    ),
    Interlock("slug", "H07", c.slug, 0.5, _R.R0, _LOW, "Hot fluid held in the bypass", "Wait until it has cooled."),
    Interlock("dose_due", "H41", c.dose_due, 0.0, _R.R0, _LOW, "Dose due", "Give the fraction and enter it."),
)  # fmt: skip


_CONDITIONS = tuple((row.condition, row) for row in TABLE)


def evaluate(latch: Latch, situation: Situation) -> tuple[Latch, tuple[tuple[Interlock, str], ...]]:
    """Return the new latch and every row that is active now, with its words, in the table's order."""
    since = latch.since
    now_s = situation.now_s
    starting: dict[str, float] = {}
    active: list[tuple[Interlock, str]] = []
    for condition, row in _CONDITIONS:
        text = condition(situation)
        if text:
            began_s = since.get(row.id, now_s)
            starting[row.id] = began_s
            if now_s - began_s >= row.delay_s:
                active.append((row, text))
    if not active and not starting and not since:
        return latch, ()
    held = {trip.id for trip in latch.trips}
    new = tuple(
        Trip(row.id, now_s, row.response, f"{row.title}: {text}")
        for row, text in active
        if row.response is not Response.R0 and row.id not in held
    )
    still = any(
        row.response in (Response.R2, Response.R3) and not row.bypass for row, _ in active if row.id not in held
    )
    return Latch(latch.trips + new, latch.armed and not new, latch.still or still, starting), tuple(active)


def permit(outputs: Outputs, latch: Latch) -> Outputs:
    """Take away from `outputs` what the latched trips, or the missing re-arming, do not allow."""
    if latch.armed and not latch.trips:
        return outputs
    responses = {trip.response for trip in latch.trips}
    outputs = outputs._replace(heat_on=False, heater_fraction=0.0)
    if latch.still:
        outputs = outputs._replace(pump_lpm=0.0, pump_enable=False, inflow_open=False)
    if Response.R2 in responses:
        outputs = outputs._replace(pump_lpm=0.0, inflow_open=False, outflow_closed=False)
    if Response.R3 in responses:
        # After an R2 the drain stays open: a STOP must not shut in an over-full cavity.
        outputs = outputs._replace(pump_lpm=0.0, pump_enable=False, inflow_open=False)
    return outputs


def reset(latch: Latch, active: tuple[tuple[Interlock, str], ...]) -> tuple[Latch, tuple[Trip, ...]]:
    """Clear the latch when every cause is gone, else nothing; return it and the trips whose cause stays. Never arms."""
    live = {row.id for row, _ in active}
    stay = tuple(trip for trip in latch.trips if trip.id in live)
    return (latch if stay else latch._replace(trips=(), armed=False)), stay
