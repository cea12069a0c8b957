"""Conditions of flow and pressure: heat without flow, air, an open line, a pump that does something else.

Not responsible for delays, latches or responses (`interlocks`).
"""

from __future__ import annotations

from controller.core.conditions import lost, over, under, value_of
from controller.core.situation import Situation

STALL_RUN_UP_S = 3.0
FLOW_LEAST_LPM = 0.2
RPM_LEAST = 2.0
BACKWARDS_LPM = 0.05
RPM_SHARE, RPM_APART = 0.1, 5.0  # of the told speed and in rpm: how far the read-back may be away
FLOW_SHARE = 0.5  # of what the pump is set to: a pump that stands is found before its flow has run down
RUNAWAY_SHARE, RUNAWAY_LPM = 1.3, 0.15  # of what the pump is set to: more than a new tube and the meter explain
DROP_LEFT = 0.65  # of the learned pressure drop; with the far end of a line off, less is left
DROP_LEAST_MMHG = 8.0  # below it the transmitter's noise decides


def heat_without_flow(s: Situation) -> str:
    """Heat is commanded without both proofs of flow: the meter's value and the pump's own read-back."""
    if not s.last.heat_on:
        return ""
    flow, rpm = s.good.get("flow_lpm"), s.good.get("pump_rpm")
    if flow is None:
        return f"{lost(s, 'flow_lpm')}, while heating"
    least_lpm = max(s.limits.heat_flow_min_lpm, FLOW_SHARE * s.last.pump_lpm)
    if not flow >= least_lpm:
        return f"{under('flow_lpm', flow, round(least_lpm, 2))} while heating"
    if rpm is None:
        return f"{lost(s, 'pump_rpm')}, while heating"
    if not abs(rpm) >= RPM_LEAST:
        return f"{under('pump_rpm', rpm, RPM_LEAST)} while heating"
    return ""


def air(s: Situation) -> str:
    """A bubble at the detector while the line is open to the patient."""
    size = s.good.get("bubble_mm")
    if not s.last.inflow_open or size is None or size < s.limits.bubble_trip_mm:
        return ""
    return f"{value_of('bubble_mm', size)} >= {s.limits.bubble_trip_mm:g} mm"


def disconnected(s: Situation) -> str:
    """The line's pressure drop is far below what it was at this flow: the line is open somewhere."""
    ratio, expected = s.line.ratio, s.line.expected_mmhg
    if ratio is None or ratio >= DROP_LEFT or expected < DROP_LEAST_MMHG or not (s.last.inflow_open or s.last.heat_on):
        return ""
    return f"Line pressure drop {ratio * expected:.0f} mmHg, {DROP_LEFT * expected:.0f} mmHg at least expected"


def reversed_flow(s: Situation, back: float = 0.0) -> str:
    """The fluid runs backwards."""
    flow = s.good.get("flow_lpm")
    limit = back - BACKWARDS_LPM
    return "" if flow is None or flow > limit else f"{value_of('flow_lpm', flow)} < {limit:g} L/min, backwards"


def runaway(s: Situation, back: float = 0.0) -> str:
    """The pump delivers clearly more than it was told to."""
    flow = s.good.get("flow_lpm")
    if flow is None or s.pump_steady_s < STALL_RUN_UP_S:
        return ""
    most = RUNAWAY_SHARE * s.last.pump_lpm + RUNAWAY_LPM - back
    return "" if flow <= most else f"{over('flow_lpm', flow, round(most, 2))} at set {s.last.pump_lpm:.2f} L/min"


def stalled(s: Situation, back: float = 0.0) -> str:
    """The pump is told to run and the fluid does not move."""
    flow = s.good.get("flow_lpm")
    asked = s.last.pump_lpm
    if flow is None or asked < FLOW_LEAST_LPM or s.pump_steady_s < STALL_RUN_UP_S:
        return ""
    least = FLOW_SHARE * asked + back
    return "" if flow >= least else f"{under('flow_lpm', flow, round(least, 2))} at set {asked:.2f} L/min"


def pump_differs(s: Situation, back: float = 0.0) -> str:
    """The pump reads back another speed than it was told: somebody or something else commands it."""
    rpm = s.good.get("pump_rpm")
    if rpm is None or s.pump_steady_s < STALL_RUN_UP_S:
        return ""
    told = s.last.pump_lpm * 1000.0 / s.rig.circuit.pump_ml_per_rev
    limit = RPM_SHARE * told + RPM_APART - back
    if abs(rpm - told) <= limit:
        return ""
    return f"{value_of('pump_rpm', rpm)}, {told:.1f} rpm told: more than {limit:.1f} rpm apart"
