"""Every fault there is, by name: what it strikes, what its value means, within which bounds, and which hazards it is.

Not responsible for reading, scheduling or applying one (`sim.faults`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["probe", "link", "heater", "pump", "host"]
Value = float | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultName:
    """One line of the catalogue. `value` is the default; `low`..`high` bound it; `knob` names the plant's field."""

    kind: Kind
    about: str
    unit: str = ""
    value: Value = None
    low: float = 0.0
    high: float = 0.0
    knob: str = ""
    duration_s: float | None = None


def _probe(about: str, unit: str = "", value: Value = None, low: float = 0.0, high: float = 0.0) -> FaultName:
    return FaultName(kind="probe", about=about, unit=unit, value=value, low=low, high=high)


def _link(about: str, unit: str = "", value: Value = None, low: float = 0.0, high: float = 0.0) -> FaultName:
    return FaultName(kind="link", about=about, unit=unit, value=value, low=low, high=high)


CATALOGUE: Mapping[str, FaultName] = {
    # probes: TARGET is a signal
    "off": _probe("open circuit: wire broken or probe pulled off"),
    "short": _probe("short circuit"),
    "stuck": _probe("keeps the value it had"),
    "drift": _probe("runs away steadily", "unit/min", 0.5, -100.0, 100.0),
    "bias": _probe("reads that much too high", "unit", 2.0, -1000.0, 1000.0),
    "spike": _probe("single jumps of that height", "unit", 10.0, -1000.0, 1000.0),
    "noise": _probe("that much rms noise", "unit", 1.0, 0.0, 1000.0),
    "nan": _probe("the transmitter says not-a-number"),
    "swapped": _probe("plugs exchanged: shows the signal named by VALUE", "signal", ""),
    "wrong_unit": _probe("shows °F"),
    "dislodged": _probe("slips out and hangs in air of that temperature", "°C", 21.0, 0.0, 60.0),
    # links: TARGET is a device, or a port for all of its devices
    "silent": _link("cut off: hears nothing, says nothing"),
    "slow": _link("answers that much later", "s", 0.15, 0.0, 10.0),
    "garbled": _link("bits flip in that share of its replies", "share", 1.0, 0.0, 1.0),
    "half_frame": _link("its replies break off in the middle"),
    "late_reply": _link("answers that much later, after the time-out", "s", 0.45, 0.0, 10.0),
    "wrong_unit_id": _link("answers with another unit's address"),
    "exception_code": _link("refuses everything with that Modbus exception", "code", 4.0, 1.0, 255.0),
    "babble": _link("talks without end"),
    "unplugged": _link("the port's cable is pulled; with DURATION it comes back"),
    "replugged": FaultName(kind="link", about="pulled and, after DURATION, back at the same path", duration_s=2.0),
    "power_cycled": _link("brown-out: volatile settings are lost; dead for DURATION"),
    # heater
    "stuck_on": FaultName(kind="heater", about="heats at full power whatever is asked", knob="heater_stuck_on"),
    "stuck_off": FaultName(kind="heater", about="does not heat", knob="heater_stuck_off"),
    "weak": FaultName(
        kind="heater", about="share of its power left", unit="share", value=0.3, high=1.0, knob="heater_gain"
    ),
    "delayed": FaultName(
        kind="heater", about="follows that much later", unit="s", value=20.0, high=600.0, knob="heater_delay_s"
    ),
    "mains_lost": FaultName(
        kind="heater",
        about="no mains: no power, and an input for mains says so",
        knob="mains_lost",
    ),
    # pump and circuit
    "stall": FaultName(kind="pump", about="the rotor stands", knob="pump_stall"),
    "runaway": FaultName(
        kind="pump", about="turns at VALUE", unit="rpm", value=265.0, low=0.0, high=1000.0, knob="pump_runaway_rpm"
    ),
    "reversed": FaultName(kind="pump", about="turns the other way", knob="pump_reversed"),
    "tube_wear": FaultName(
        kind="pump", about="share of the stroke lost", unit="share", value=0.3, high=1.0, knob="tube_wear"
    ),
    "occlusion_in": FaultName(
        kind="pump", about="inflow line closed to that share", unit="share", value=1.0, high=1.0, knob="occlusion_in"
    ),
    "occlusion_out": FaultName(
        kind="pump", about="outflow line closed to that share", unit="share", value=1.0, high=1.0, knob="occlusion_out"
    ),
    "leak": FaultName(
        kind="pump", about="lost from the cavity", unit="mL/min", value=100.0, high=5000.0, knob="leak_ml_min"
    ),
    "air": FaultName(kind="pump", about="bubbles of that size", unit="mm", value=8.0, high=20.0, knob="air_mm"),
    "disconnected": FaultName(kind="pump", about="the inflow line came off", knob="disconnected"),
    # host: parsed here, applied by who owns the processes
    "time_jump": FaultName(
        kind="host", about="the wall clock jumps", unit="s", value=3600.0, low=-86400.0, high=86400.0
    ),
    "cpu_starved": FaultName(kind="host", about="other load takes the processor"),
    "disk_full": FaultName(kind="host", about="no space left for the record"),
    "disk_slow": FaultName(kind="host", about="each commit takes that long", unit="s", value=5.0, high=60.0),
    "console_lost": FaultName(kind="host", about="the console goes away"),
    "console_flood": FaultName(kind="host", about="the console sends without end"),
    "kill": FaultName(kind="host", about="SIGKILL to the process TARGET"),
    "stop": FaultName(kind="host", about="SIGSTOP to the process TARGET, SIGCONT after DURATION"),
}

HAZARDS: Mapping[str, tuple[str, ...]] = {
    # probes
    "off": ("H18",),
    "short": ("H19",),
    "stuck": ("H21",),
    "drift": ("H22",),
    "bias": ("H22",),
    "spike": ("H24",),
    "noise": ("H24",),
    "nan": ("H18",),
    "swapped": ("H23",),
    "wrong_unit": ("H40",),
    "dislodged": ("H20",),
    # links
    "silent": ("H28",),
    "slow": ("H29", "H35"),
    "garbled": ("H29",),
    "half_frame": ("H29",),
    "late_reply": ("H29",),
    "wrong_unit_id": ("H30",),
    "exception_code": ("H28", "H32"),
    "babble": ("H29", "H31"),
    "unplugged": ("H28",),
    "replugged": ("H28", "H49"),
    "power_cycled": ("H28", "H38"),
    # heater
    "stuck_on": ("H25", "H27"),
    "stuck_off": ("H04", "H05"),
    "weak": ("H04",),
    "delayed": ("H01",),
    "mains_lost": ("H05", "H38"),
    # pump and circuit
    "stall": ("H06", "H17"),
    "runaway": ("H16",),
    "reversed": ("H15",),
    "tube_wear": ("H06", "H17"),
    "occlusion_in": ("H06", "H10"),
    "occlusion_out": ("H11", "H12"),
    "leak": ("H08", "H14"),
    "air": ("H09",),
    "disconnected": ("H13",),
    # host
    "time_jump": ("H36",),
    "cpu_starved": ("H34", "H35"),
    "disk_full": ("H37",),
    "disk_slow": ("H34", "H37"),
    "console_lost": ("H44",),
    "console_flood": ("H45",),
    "kill": ("H33", "H49"),
    "stop": ("H34",),
}
"""Which hazards of config/hazards.toml a fault is: what each of them puts to the test."""
