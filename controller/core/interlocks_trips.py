"""The rows that take energy away: each latches until a person resets it, and only a resume re-arms.

Not responsible for delays or the latch (`interlocks`).
"""

from __future__ import annotations

from controller.core import conditions as c
from controller.core import conditions_flow as flow
from controller.core import conditions_host as host
from controller.core import conditions_temperature as heat
from controller.core import conditions_volume as volume
from controller.core.interlocks_row import Interlock, Priority, Response

_R = Response
_HIGH = Priority.HIGH

TRIPS: tuple[Interlock, ...] = (
    Interlock(
        "stop", ("H00",), host.stop, 0.0, _R.R3, _HIGH,
        "STOP pressed", "Find out why; reset (x), then resume (r).",
    ),
    Interlock(
        "outlet_over", ("H01",), c.above("heater_outlet_c", "outlet_trip_c"), 0.2, _R.R3, _HIGH,
        "Heater outlet too hot", "Clamp stays shut. Let it cool in the bypass; check flow and heater.", True,
    ),
    Interlock(
        "inflow_over", ("H01",), c.above("inflow_c", "inflow_trip_c"), 0.3, _R.R3, _HIGH,
        "Inflow too hot", "Clamp stays shut. Let it cool in the bypass; check set-point and flow.", True,
    ),
    Interlock(
        "source_over", ("H01",), heat.source_over, 0.5, _R.R1, _HIGH,
        "Heat source too hot", "Check the circulator.",
    ),
    Interlock(
        "cavity_over", ("H02",), heat.cavity_over, 0.8, _R.R1, _HIGH,
        "Cavity too hot", "Agitate; check the probe's place.",
    ),
    Interlock(
        "core_trip", ("H03",), c.above("core_c", "core_trip_c"), 2.0, _R.R1, _HIGH,
        "Core too hot", "Cool the patient; tell the anaesthetist.",
    ),
    Interlock(
        "core_stop", ("H03",), c.above("core_c", "core_stop_c"), 2.0, _R.R2, _HIGH,
        "Core dangerously hot", "Drain; cool the patient.",
    ),
    Interlock(
        "no_flow", ("H06",), flow.heat_without_flow, 0.2, _R.R4, _HIGH,
        "Heat without flow", "Look for a kink or clamp.",
    ),
    Interlock(
        "reservoir_low", ("H08",), volume.reservoir_low, 0.5, _R.R3, _HIGH,
        "Reservoir low", "Add carrier; look for a leak.",
    ),
    Interlock(
        "air", ("H09",), flow.air, 0.0, _R.R3, _HIGH,
        "Air in the line", "De-air in the bypass before resuming.", True,
    ),
    Interlock(
        "line_pressure", ("H10",), c.above("line_pressure_mmhg", "line_pressure_trip_mmhg"), 0.2, _R.R2, _HIGH,
        "Line pressure too high", "Look for a kink or clamp in the inflow line.",
    ),
    Interlock(
        "accumulating", ("H11",), volume.accumulating, 1.0, _R.R2, _HIGH,
        "Volume accumulates in the patient", "Free the outflow; look for a spill.",
    ),
    Interlock(
        "cavity_pressure", ("H12",), c.above("cavity_pressure_mmhg", "cavity_pressure_trip_mmhg"), 0.5, _R.R2, _HIGH,
        "Cavity pressure too high", "Free the outflow; let fluid out.",
    ),
    Interlock(
        "disconnected", ("H13",), flow.disconnected, 1.0, _R.R3, _HIGH,
        "Inflow line open", "Hot cytotoxic fluid may be out: find the open joint.",
    ),
    Interlock(
        "leak", ("H14",), volume.leaking, 10.0, _R.R2, _HIGH,
        "Volume is being lost", "Look under the drapes and along the lines.",
    ),
    Interlock(
        "unbalanced", ("H14",), volume.unbalanced, 2.0, _R.R2, _HIGH,
        "Volumes do not agree", "Look for a leak.",
    ),
    Interlock(
        "reversed", ("H15",), flow.reversed_flow, 0.4, _R.R3, _HIGH,
        "Flow runs backwards", "Check the tubing in the pump.",
    ),
    Interlock(
        "runaway", ("H16",), flow.runaway, 1.0, _R.R3, _HIGH,
        "Pump delivers too much", "Check the pump drive.",
    ),
    Interlock(
        "stalled", ("H17",), flow.stalled, 1.0, _R.R4, _HIGH,
        "Pump does not deliver", "Look for a kink.",
    ),
    Interlock(
        "probe_lost", ("H18",), heat.heating_probe_lost, 0.2, _R.R1, _HIGH,
        "Probe lost while heating", "Check the plug.",
    ),
    Interlock(
        "cavity_lost", ("H18",), heat.cavity_lost, 0.5, _R.R1, _HIGH,
        "No cavity temperature", "Check probes and plugs.",
    ),
    Interlock(
        "line_pressure_lost", ("H18",), c.guard_lost("line_pressure_mmhg"), 0.5, _R.R3, _HIGH,
        "Line pressure not monitored", "Check the transmitter.",
    ),
    Interlock(
        "cavity_pressure_lost", ("H18",), c.guard_lost("cavity_pressure_mmhg"), 0.5, _R.R2, _HIGH,
        "Cavity pressure not monitored", "Check the transmitter.",
    ),
    Interlock(
        "bubble_lost", ("H18",), c.guard_lost("bubble_mm"), 0.5, _R.R3, _HIGH,
        "Air not monitored", "Check the detector.",
    ),
    Interlock(
        "level_lost", ("H18",), c.guard_lost("reservoir_ml"), 0.5, _R.R3, _HIGH,
        "Reservoir level not monitored", "Check the transmitter.",
    ),
    Interlock(
        "swapped", ("H23",), heat.swapped, 0.0, _R.R1, _HIGH,
        "Probe plugs exchanged", "Put the plugs right, reset, resume: the first heat shows it again.",
    ),
    Interlock(
        "order", ("H20",), heat.order_broken, 5.0, _R.R1, _HIGH,
        "Probe out of the fluid", "Check inflow and outlet probes.",
    ),
    Interlock(
        "inflow_disagrees", ("H22",), c.disagree("inflow_c", "inflow_b_c", "probe_disagreement_trip_c"),
        9.0, _R.R1, _HIGH, "Inflow probes disagree", "One probe is wrong: check both.",
    ),
    Interlock(
        "outlet_disagrees", ("H22",), c.disagree("heater_outlet_c", "outlet_b_c", "probe_disagreement_trip_c"),
        9.0, _R.R1, _HIGH, "Outlet probes disagree", "One probe is wrong: check both.",
    ),
    Interlock(
        "heater_stuck_on", ("H25",), heat.heater_stuck_on, 0.5, _R.R4, _HIGH,
        "Heater does not switch off", "Pull the heater's plug.",
    ),
    Interlock(
        "over_power", ("H27",), heat.over_power, 5.0, _R.R4, _HIGH,
        "Too much heat", "Check the heater's wiring.",
    ),
    Interlock(
        "setpoint_differs", ("H27",), heat.setpoint_differs, 1.5, _R.R1, _HIGH,
        "Heater set-point differs", "Somebody or something else writes to the heater.",
    ),
    Interlock(
        "device_lost", ("H28",), host.device_lost, 0.0, _R.R4, _HIGH,
        "Device lost", "Check cable and supply, then reset.",
    ),
    Interlock(
        "restart", ("H33", "H38"), host.restarted, 0.0, _R.R1, _HIGH,
        "Restarted", "Look at the patient and the record, then reset. Nothing goes on by itself.",
    ),
    Interlock(
        "protective_trip", ("H33",), host.protective_trip, 0.0, _R.R4, _HIGH,
        "Protective channel tripped", "Find the cause.",
    ),
    Interlock(
        "protective_lost", ("H33",), host.protective_lost, 0.2, _R.R4, _HIGH,
        "Protective channel lost", "No heat without it: check its port.",
    ),
    Interlock(
        "protective_refuses", ("H33",), host.protective_refuses, 0.5, _R.R4, _HIGH,
        "Protective channel refuses heat", "See its reason.",
    ),
    Interlock(
        "overrun", ("H35",), host.overrun, 0.0, _R.R1, _HIGH,
        "Control came late", "The computer is overloaded.",
    ),
)  # fmt: skip
