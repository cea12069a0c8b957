"""Heat off within a second: which faults, struck while the bench heats, must take the power that fast.

These are the faults that are a HIGH hazard from their first instant. A fault whose hazard grows (a drift, a leak, a
bias) is judged by what it does to the true state instead (`monitors`); a lone fault only, because of two nobody can say
which one it was. Not responsible for measuring the time (`runner`).
"""

from __future__ import annotations

from config.schema import Rig
from sim.faults import Fault

BUDGET_S = 1.0
RESOLUTION_S = 0.0  # a moment is looked at once in a period: what is seen off went off up to that much earlier
LEAST_S = 1.5  # a fault that is over before the budget is may pass without
HEAT_PROBES = ("heater_outlet_c", "inflow_c", "outflow_c", "flow_lpm", "outlet_b_c", "inflow_b_c")
DEAD = ("off", "short", "nan")
CUT = ("silent", "unplugged", "half_frame", "wrong_unit_id", "exception_code", "babble")
STOPS_FLOW = ("stall", "reversed")


def must_be_prompt(fault: Fault, rig: Rig) -> bool:
    """Whether this fault, alone, must take the heat within `BUDGET_S`."""
    if fault.duration_s is not None and fault.duration_s < LEAST_S:
        return False
    if fault.name in STOPS_FLOW or (fault.name == "occlusion_in" and fault.value == 1.0):
        return True
    if fault.name in DEAD:
        return fault.target in HEAT_PROBES
    if fault.name in CUT:
        return fault.target in _vital(rig)
    return fault.name in ("kill", "stop")


def _vital(rig: Rig) -> set[str]:
    """Devices and ports without which there must be no heat: actuators, what the heat is judged by, second channel."""
    devices = {rig.actuators.heater, rig.actuators.pump, rig.protective.port}
    devices |= {rig.signals[name].device for name in HEAT_PROBES if name in rig.signals}
    return devices | {rig.devices[name].port for name in devices if name in rig.devices}
