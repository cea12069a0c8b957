"""The rows that take energy away: each latches until a person resets it; only a start, self-test, jog or resume arms.

Not responsible for delays or the latch (`interlocks`).
"""

from __future__ import annotations

from controller.core import conditions as c
from controller.core import conditions_energy as energy
from controller.core import conditions_flow as flow
from controller.core import conditions_host as host
from controller.core import conditions_probes as probes
from controller.core import conditions_temperature as heat
from controller.core import conditions_volume as volume
from controller.core.interlocks_row import Interlock, Priority, Response

_R = Response
_HIGH = Priority.HIGH

TRIPS: tuple[Interlock, ...] = (
    Interlock(
        "stop", ("H00",), host.stop, 0.0, _R.R3, _HIGH,
        "STOP pressed", "Find out why; reset, then resume.",
    ),
    Interlock(
        "outlet_over", ("H01",), c.above("heater_outlet_c", "outlet_trip_c", back=1.0), 0.2, _R.R3, _HIGH,
        "Heater outlet too hot", "Clamp stays shut. Let it cool in the bypass; check flow and heater.", bypass=True,
    ),
    Interlock(
        "inflow_over", ("H01",), c.above("inflow_c", "inflow_trip_c", back=0.5), 0.3, _R.R3, _HIGH,
        "Inflow too hot", "Clamp stays shut. Let it cool in the bypass; check set-point and flow.", bypass=True,
    ),
    Interlock(
        "source_over", ("H01",), c.Level(energy.source_over, 0.5, "°C"), 0.5, _R.R1, _HIGH,
        "Heat source too hot", "Check the circulator.",
    ),
    Interlock(
        "cavity_over", ("H02",), c.Level(heat.cavity_over, 0.3, "°C"), 0.8, _R.R1, _HIGH,
        "Cavity too hot", "Agitate; check the probe's place.",
    ),
    Interlock(
        "core_trip", ("H03",), c.above("core_c", "core_trip_c", back=0.2), 2.0, _R.R1, _HIGH,
        "Core too hot", "Cool the patient; tell the anaesthetist.",
    ),
    Interlock(
        "core_stop", ("H03",), c.above("core_c", "core_stop_c", back=0.3), 2.0, _R.R2, _HIGH,
        "Core dangerously hot", "Drain; cool the patient.",
    ),
    Interlock(
        "no_flow", ("H06",), flow.heat_without_flow, 0.2, _R.R4, _HIGH,
        "Heat without flow", "Look for a kink or clamp.",
    ),
    Interlock(
        "reservoir_low", ("H08",), c.Level(volume.reservoir_low, 100.0, "mL"), 0.5, _R.R3, _HIGH,
        "Reservoir low", "Add carrier; look for a leak.",
    ),
    Interlock(
        "air", ("H09",), flow.air, 0.0, _R.R3, _HIGH,
        "Air in the line", "De-air in the bypass before resuming.", bypass=True,
    ),
    Interlock(
        "line_pressure", ("H10",), c.above("line_pressure_mmhg", "line_pressure_trip_mmhg", back=100.0),
        0.2, _R.R2, _HIGH,
        "Line pressure too high", "Look for a kink or clamp in the inflow line.",
    ),
    Interlock(
        "accumulating", ("H11",), c.Level(volume.accumulating, 80.0, "mL"), 1.0, _R.R2, _HIGH,
        "Volume accumulates in the patient", "Free the outflow or lower the flow; look for a spill.",
    ),
    Interlock(
        "cavity_pressure", ("H12",), c.above("cavity_pressure_mmhg", "cavity_pressure_trip_mmhg", back=4.0),
        0.5, _R.R2, _HIGH,
        "Cavity pressure too high", "Free the outflow; let fluid out.",
    ),
    Interlock(
        "disconnected", ("H13", "H06"), flow.disconnected, 1.0, _R.R3, _HIGH,
        "Inflow line open", "Hot cytotoxic fluid may be out: find the open joint; if none, check the pump.",
    ),
    Interlock(
        "leak", ("H14",), volume.leaking, 10.0, _R.R2, _HIGH,
        "Volume is being lost", "Look under the drapes and along the lines.",
    ),
    Interlock(
        "unbalanced", ("H14",), c.Level(volume.unbalanced, 50.0, "mL"), 2.0, _R.R2, _HIGH,
        "Volumes do not agree", "Look for a leak.",
    ),
    Interlock(
        "reversed", ("H15",), c.Level(flow.reversed_flow, 0.02, "L/min"), 0.4, _R.R3, _HIGH,
        "Flow runs backwards", "Check the tubing in the pump.",
    ),
    Interlock(
        "runaway", ("H16",), c.Level(flow.runaway, 0.05, "L/min"), 1.0, _R.R3, _HIGH,
        "Pump delivers too much", "Check the pump drive.",
    ),
    Interlock(
        "stalled", ("H17", "H10"), c.Level(flow.stalled, 0.1, "L/min"), 1.0, _R.R4, _HIGH,
        "Pump does not deliver", "Look for a kink.",
    ),
    Interlock(
        "probe_lost", ("H18",), probes.heating_probe_lost, 0.2, _R.R1, _HIGH,
        "Probe lost while heating", "Check the plug; if it says jumps, unplug it and plug it in again.",
    ),
    Interlock(
        "twin_lost", ("H18", "H20"), probes.twin_lost, 1.0, _R.R1, _HIGH,
        "Second probe lost", "No heat on one probe alone: check the protective channel's probes.",
    ),
    Interlock(
        "cavity_lost", ("H18",), probes.cavity_lost, 0.5, _R.R1, _HIGH,
        "No cavity temperature", "Check probes and plugs.",
    ),
    Interlock(
        "core_unwatched", ("H18", "H03"), probes.core_unwatched, 120.0, _R.R1, _HIGH,
        "Core not monitored, heat off", "Replace the core probe or put it right, reset, resume.",
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
        "level_lost", ("H18", "H08"), volume.level_lost, 0.5, _R.R3, _HIGH,
        "Reservoir level not monitored", "Check the transmitter.",
    ),
    Interlock(
        "swapped", ("H23",), probes.swapped, 0.0, _R.R1, _HIGH,
        "Probe plugs exchanged", "Put the plugs right, reset, resume: the next heating checks it again.",
    ),
    Interlock(
        "order", ("H20", "H08"), probes.order_broken, 5.0, _R.R1, _HIGH,
        "Outlet and inflow far apart", "Check both probes, heater and mains.",
    ),
    Interlock(
        "inflow_disagrees", ("H22",), probes.disagree("inflow_c", "inflow_b_c", "probe_disagreement_trip_c"),
        9.0, _R.R1, _HIGH, "Inflow probes disagree", "One probe is wrong: check both.",
    ),
    Interlock(
        "outlet_disagrees", ("H22",), probes.disagree("heater_outlet_c", "outlet_b_c", "probe_disagreement_trip_c"),
        9.0, _R.R1, _HIGH, "Outlet probes disagree", "One probe is wrong: check both.",
    ),
    Interlock(
        "twins_apart", ("H20", "H22",), probes.twins_apart, 1.0, _R.R1, _HIGH,
        "Probes at one place far apart", "One is out of its place: check both.",
    ),
    Interlock(
        "outflow_disagrees", ("H20", "H22",), probes.outflow_off("probe_disagreement_trip_c"), 9.0, _R.R1, _HIGH,
        "Outflow probe out of place", "Check the outflow probe, its plug and its place.",
    ),
    Interlock(
        "frozen", ("H21",), probes.frozen, 0.0, _R.R1, _HIGH,
        "Probe frozen", "Unplug and replug it; check its transmitter.",
    ),
    Interlock(
        "probe_noise", ("H24",), probes.heating_noisy, 10.0, _R.R1, _HIGH,
        "Probe disturbed", "Stop electrosurgery near the cables; check plug and shield.",
    ),
    Interlock(
        "heater_stuck_on", ("H25",), c.Level(energy.heater_stuck_on, 20.0, "W"), 0.5, _R.R4, _HIGH,
        "Heater does not switch off", "Pull the heater's plug.",
    ),
    Interlock(
        "over_power", ("H27",), energy.over_power, 5.0, _R.R4, _HIGH,
        "Too much heat", "Check the heater's wiring.",
    ),
    Interlock(
        "setpoint_differs", ("H27", "H31"), energy.setpoint_differs, 1.5, _R.R1, _HIGH,
        "Heater set-point differs", "Somebody or something else writes to the heater.",
    ),
    Interlock(
        "power_scale", ("H27",), c.Level(energy.power_scale, 100.0, "W"), 2.0, _R.R4, _HIGH,
        "Heater reports too much power", "Wrong scale or wrong device: check the heater.",
    ),
    Interlock(
        "power_differs", ("H27", "H31",), energy.power_differs, 1.0, _R.R4, _HIGH,
        "Heater gives more than told", "Check who else commands the heater, and its wiring.",
    ),
    Interlock(
        "heats_over", ("H25", "H27",), energy.heats_over, 10.0, _R.R4, _HIGH,
        "Bath heats above its set-point", "Check the circulator.",
    ),
    Interlock(
        "hotter_than_source", ("H22", "H27",), energy.hotter_than_source, 5.0, _R.R1, _HIGH,
        "Outlet hotter than its source", "A probe is wrong: check outlet and bath probes.",
    ),
    Interlock(
        "pump_differs", ("H16", "H31",), c.Level(flow.pump_differs, 2.0, "rpm"), 1.5, _R.R3, _HIGH,
        "Pump speed differs", "Somebody or something else commands the pump.",
    ),
    Interlock(
        "wrong_device", ("H30", "H32",), host.wrong_device, 0.0, _R.R4, _HIGH,
        "Wrong device", "Connect the device that the rig file names, then restart.",
    ),
    Interlock(
        "device_lost", ("H28",), host.device_lost, 0.0, _R.R4, _HIGH,
        "Device lost", "Check cable and supply, then reset.",
    ),
    Interlock(
        "mains_lost", ("H05", "H38"), host.mains_lost, 0.5, _R.R1, _HIGH,
        "Mains lost, heat off", "Put the mains back, reset, resume; or drain while the battery lasts.",
    ),
    Interlock(
        "restart", ("H33", "H38"), host.restarted, 0.0, _R.R1, _HIGH,
        "Restarted", "Look at the patient and the record, then reset. Nothing goes on by itself.",
    ),
    Interlock(
        "protective_trip", ("H33",), host.protective_trip, 0.0, _R.R4, _HIGH,
        "Protective channel tripped", "Heat stays off. Remedy what it names, then reset.",
    ),
    Interlock(
        "protective_lost", ("H33",), host.protective_lost, 0.2, _R.R4, _HIGH,
        "Protective channel lost", "No heat without it: check its cable and supply, then reset.",
    ),
    Interlock(
        "protective_refuses", ("H33",), host.protective_refuses, 0.5, _R.R4, _HIGH,
        "Protective channel refuses heat", "Remedy what it names, then reset.",
    ),
    Interlock(
        "late_often", ("H35",), host.late_often, 0.0, _R.R1, _HIGH,
        "Control comes late again and again", "The computer is overloaded: close what else runs.",
    ),
    Interlock(
        "unattended", ("H44",), host.unattended, 0.0, _R.R1, _HIGH,
        "Nobody attends", "Open a console and look, then reset.",
    ),
    Interlock(
        "overrun", ("H35",), host.overrun, 0.0, _R.R1, _HIGH,
        "Control came late", "The computer is overloaded.",
    ),
)  # fmt: skip
