"""The rows that inform: nothing is taken away and nothing latches.

Not responsible for delays or alarm states (`interlocks`, `alarms`).
"""

from __future__ import annotations

from controller.core import conditions as c
from controller.core import conditions_energy as energy
from controller.core import conditions_host as host
from controller.core import conditions_probes as probes
from controller.core import conditions_temperature as heat
from controller.core import conditions_volume as volume
from controller.core.interlocks_row import Interlock, Priority, Response

_R = Response
_HIGH, _MEDIUM, _LOW = Priority.HIGH, Priority.MEDIUM, Priority.LOW

ADVISORIES: tuple[Interlock, ...] = (
    Interlock(
        "drift", ("H14",), c.Level(volume.drifting, 20.0, "mL"), 1.0, _R.R0, _MEDIUM,
        "Level falls", "Look for a slow leak.",
    ),
    Interlock(
        "overfilled", ("H11",), c.Level(volume.overfilled, 80.0, "mL"), 5.0, _R.R0, _MEDIUM,
        "More in the patient than was filled", "Lower the flow, or free the outflow.", 10.0,
    ),
    Interlock(
        "cavity_empties", ("H04", "H22"), c.Level(volume.empties, 150.0, "mL"), 10.0, _R.R0, _MEDIUM,
        "Cavity runs out", "Raise the flow, or raise the drain.", 5.0,
    ),
    Interlock(
        "drain_short", ("H11", "H12"), volume.drain_short, 5.0, _R.R0, _MEDIUM,
        "Drain incomplete", "Free the drain, tilt, agitate; or confirm to go on.",
    ),
    Interlock(
        "volume_unaccounted", ("H11", "H38", "H41"), volume.unaccounted, 0.0, _R.R0, _MEDIUM,
        "In the patient, not accounted for", "Let the cavity drain, see that it is empty; then confirm.",
    ),
    Interlock(
        "cavity_few", ("H18",), probes.cavity_few, 2.0, _R.R0, _MEDIUM,
        "One cavity probe left", "Inflow control only; replace probes, then resume.",
    ),
    Interlock(
        "cavity_outlier", ("H20",), probes.cavity_outlier, 5.0, _R.R0, _MEDIUM,
        "Cavity probe left out", "Check its place.", 30.0,
    ),
    Interlock(
        "core_lost", ("H18",), probes.core_lost, 3.0, _R.R0, _MEDIUM,
        "Core NOT MONITORED", "Check the core probe.",
    ),
    Interlock(
        "inflow_differs", ("H22",),
        c.Level(probes.disagree("inflow_c", "inflow_b_c", "probe_disagreement_warn_c"), 0.1, "°C"),
        10.0, _R.R0, _MEDIUM, "Inflow probes differ", "Compare with a third thermometer.", 20.0,
    ),
    Interlock(
        "outlet_differs", ("H22",),
        c.Level(probes.disagree("heater_outlet_c", "outlet_b_c", "probe_disagreement_warn_c"), 0.1, "°C"),
        10.0, _R.R0, _MEDIUM, "Outlet probes differ", "Compare with a third thermometer.", 20.0,
    ),
    Interlock(
        "outflow_differs", ("H22",), c.Level(probes.outflow_off("probe_disagreement_warn_c"), 0.1, "°C"),
        10.0, _R.R0, _MEDIUM, "Outflow probe differs", "Compare with a third thermometer.", 20.0,
    ),
    Interlock(
        "cavity_spread", ("H22", "H02",), c.Level(probes.cavity_spread, 0.3, "°C"), 60.0, _R.R0, _MEDIUM,
        "Cavity probes differ", "Agitate; check the probes' places.", 60.0,
    ),
    Interlock(
        "cavity_frozen", ("H21",), probes.cavity_frozen, 1.0, _R.R0, _MEDIUM,
        "Cavity probe frozen", "Unplug and replug it.",
    ),
    Interlock(
        "sensor_frozen", ("H21", "H06", "H10", "H13"), probes.sensor_frozen, 0.0, _R.R0, _MEDIUM,
        "Sensor frozen", "Unplug and replug it; until it moves, it guards nothing.",
    ),
    Interlock(
        "probe_noisy", ("H24",), probes.noisy, 2.0, _R.R0, _MEDIUM,
        "Readings disturbed", "Stop electrosurgery near the cables; check plug and shield.", 10.0,
    ),
    Interlock(
        "heat_short", ("H04",), c.Level(energy.heat_short, 50.0, "W"), 30.0, _R.R0, _MEDIUM,
        "Less heat than commanded", "Check heater, contactor, exchanger and outflow probe.", 30.0,
    ),
    Interlock(
        "console_lost", ("H44",), host.console_lost, 0.0, _R.R0, _HIGH,
        "No console", "Open a console; heat goes off after 60 s.",
    ),
    Interlock(
        "clock_jump", ("H36",), host.clock_jump, 0.0, _R.R0, _LOW,
        "Clock was set", "Times in the record before and after differ.", 10.0,
    ),
    Interlock(
        "on_battery", ("H05", "H38"), host.on_battery, 0.3, _R.R0, _MEDIUM,
        "On battery", "Check plug and fuse; drain while the battery lasts.", 3.0,
    ),
    Interlock(
        "device_late", ("H28",), host.device_late, 0.3, _R.R0, _LOW,
        "Device answers late", "Check the cable.", 5.0,
    ),
    Interlock(
        "host", ("H37",), host.host, 0.0, _R.R0, _MEDIUM,
        "Computer", "The text says what beside the control does not work.",
    ),
    Interlock(
        "disk_low", ("H37",), c.Level(host.disk_low, 50.0, "MB"), 0.0, _R.R0, _MEDIUM,
        "Disk of the record nearly full", "Make room on the disk of the data directory; the treatment goes on.", 10.0,
    ),
    Interlock(
        "core_alarm", ("H03",), c.above("core_c", "core_alarm_c", back=0.2), 5.0, _R.R0, _HIGH,
        "Core hot", "Cool the patient; the target is being lowered.", 30.0,
    ),
    Interlock(
        "core_warn", ("H03",), c.above("core_c", "core_warn_c", back=0.2), 10.0, _R.R0, _MEDIUM,
        "Core warm", "Cool the patient.", 60.0,
    ),
    Interlock(
        "core_low", ("H03",), c.Level(heat.core_low, 0.2, "°C"), 60.0, _R.R0, _LOW,
        "Core cool", "Less cooling.", 60.0,
    ),
    Interlock(
        "cavity_warm", ("H02",), c.Level(heat.cavity_warm, 0.2, "°C"), 5.0, _R.R0, _MEDIUM,
        "Cavity warm", "Agitate.", 10.0,
    ),
    Interlock(
        "cavity_cool", ("H04",), c.Level(heat.cavity_cool, 0.2, "°C"), 30.0, _R.R0, _MEDIUM,
        "Cavity cool", "Check the flow; cover the abdomen.", 30.0,
    ),
    Interlock(
        "line_pressure_high", ("H10",), c.above("line_pressure_mmhg", "line_pressure_alarm_mmhg", back=20.0),
        1.0, _R.R0, _MEDIUM, "Line pressure high", "Look for a kink.", 5.0,
    ),
    Interlock(
        "cavity_pressure_high", ("H12",), c.above("cavity_pressure_mmhg", "cavity_pressure_warn_mmhg", back=2.0),
        3.0, _R.R0, _MEDIUM, "Cavity pressure high", "Free the outflow.", 5.0,
    ),
    Interlock(
        "weak_heat", ("H04",), energy.weak_heat, 300.0, _R.R0, _LOW,
        "Heat source at its limit", "Lower the flow.", 30.0,
    ),
    Interlock(
        "at_cap", ("H04",), energy.at_cap, 600.0, _R.R0, _LOW,
        "Inflow at its cap", "Raise the flow, or cover the abdomen.", 60.0,
    ),
    Interlock(
        "not_heating", ("H04",), energy.not_heating, 1.0, _R.R0, _MEDIUM,
        "Not heating", "Check heater, contactor and mains.",
    ),
    Interlock(
        "heat_off", ("H05",), energy.heat_off, 60.0, _R.R0, _MEDIUM,
        "HEAT OFF", "The fluid cools. Resume, or end the treatment.",
    ),
    Interlock(
        "unheated", ("H05",), energy.unheated, 30.0, _R.R0, _MEDIUM,
        "HEAT OFF, unheated fluid into the patient", "Resume, or stop the flow, or drain.",
    ),
    Interlock(
        "cold_inflow", ("H04", "H05"), c.Level(energy.cold_inflow, 0.5, "°C"), 30.0, _R.R0, _MEDIUM,
        "Cold fluid into the patient", "Find out why it is not heated; stop the flow, or drain.", 10.0,
    ),
    Interlock(
        "heater_unseen", ("H18", "H25", "H27"), energy.heater_unseen, 5.0, _R.R0, _MEDIUM,
        "Heater NOT MONITORED", "Check the heater's cable and its settings.", 5.0,
    ),
    Interlock(
        "inflow_unseen", ("H18", "H07"), probes.inflow_unseen, 2.0, _R.R0, _MEDIUM,
        "Fluid to the patient NOT MONITORED", "Check the probe's plug; or end the rinse: drain.",
    ),
    Interlock(
        "protective_out", ("H33",), host.protective_out, 2.0, _R.R0, _MEDIUM,
        "Protective channel is out", "Put it right for the rinse, or drain to end without one.",
    ),
    Interlock(
        "slug", ("H07",), energy.slug, 0.5, _R.R0, _LOW,
        "Hot fluid held in the bypass", "Wait until it has cooled.",
    ),
    Interlock(
        "agitate", ("H04",), host.agitate_due, 0.0, _R.R0, _LOW,
        "Agitate", "Shake and turn the abdomen, then enter it.",
    ),
    Interlock(
        "dose_due", ("H41",), host.dose_due, 0.0, _R.R0, _LOW,
        "Dose due", "Give the fraction and enter it.",
    ),
)  # fmt: skip
