"""A peristaltic pump against its line: shaft speed, flow after slip, and the pressure the line builds up.

Flow and pressure are the closed solution of `Q = Qth (1 - p / p_stall)` and `p = p_far + k (a Q + b Q^2)`; the
pressure that is shown follows with the tube's compliance. Not responsible for where the fluid goes.
"""

from __future__ import annotations

import math

from sim.plant.faults import Faults
from sim.plant.parameters import CircuitParameters
from sim.terminals import Terminals

SETTLE_S = 0.1  # of pressure in an open line
SHUT = 1e-3  # an occluded bore still weeps
OFF_SHARE = 0.4  # of the resistance is left when the line came off at its far end


class Pump:
    """Shaft in rpm (signed), flow in mL/s (signed, positive to the patient), pressure in mmHg after the pump."""

    __slots__ = (
        "_accel",
        "_compliance",
        "_faults",
        "_linear",
        "_max_rpm",
        "_ml_per_rev",
        "_square",
        "_stall",
        "_terminals",
        "flow_ml_s",
        "pressure_mmhg",
        "rpm",
    )

    def __init__(self, *, parameters: CircuitParameters, terminals: Terminals, faults: Faults) -> None:
        self.rpm = 0.0
        self.flow_ml_s = 0.0
        self.pressure_mmhg = 0.0
        self._terminals = terminals
        self._faults = faults
        self._accel = parameters.pump_rpm_per_s
        self._max_rpm = parameters.pump_max_rpm
        self._ml_per_rev = parameters.pump_ml_per_rev
        self._stall = parameters.stall_pressure_mmhg
        self._linear = parameters.line_resistance_mmhg_per_lpm * 0.06
        self._square = parameters.line_resistance_mmhg_per_lpm2 * 0.06**2
        self._compliance = parameters.line_compliance_ml_per_mmhg

    def step(self, dt_s: float, far_mmhg: float) -> float:
        """Turn for `dt_s` against `far_mmhg` at the line's far end; return the flow in mL/s."""
        faults = self._faults
        rpm = self._turn(dt_s)
        ideal = rpm * self._ml_per_rev / 60.0 * (1.0 - faults.tube_wear)
        if faults.pump_reversed:
            ideal = -ideal
        size = ideal if ideal >= 0.0 else -ideal
        narrowing = 1.0
        if faults.occlusion_in > 0.0:
            narrowing = max(1.0 - faults.occlusion_in, SHUT) ** -2
        if faults.disconnected:
            narrowing, far_mmhg = OFF_SHARE, 0.0
        linear = narrowing * self._linear
        square = narrowing * self._square
        per_stall = size / self._stall
        b = 1.0 + linear * per_stall
        flow = 0.0
        if size > 0.0:
            c = size - far_mmhg * per_stall
            flow = 2.0 * c / (b + math.sqrt(b * b + 4.0 * square * per_stall * c)) if c > 0.0 else 0.0
        drop = flow * (linear + square * flow)
        if ideal < 0.0:
            flow, drop = -flow, -drop
        target = far_mmhg + drop
        change = (target - self.pressure_mmhg) * dt_s / (SETTLE_S + dt_s)
        most = (size + 2.0) / self._compliance * dt_s
        self.pressure_mmhg += most if change > most else -most if change < -most else change
        self.flow_ml_s = flow
        return flow

    def _turn(self, dt_s: float) -> float:
        terminals, faults = self._terminals, self._faults
        target = 0.0
        if terminals.pump_enabled:
            target = terminals.pump_rpm_command if faults.pump_runaway_rpm is None else faults.pump_runaway_rpm
            if not -self._max_rpm <= target <= self._max_rpm:
                target = math.copysign(self._max_rpm, target)
        rpm = self.rpm
        if rpm != target:
            most = self._accel * dt_s
            change = target - rpm
            rpm = rpm + most if change > most else rpm - most if change < -most else target
        if faults.pump_stall:
            rpm = 0.0
        self.rpm = rpm
        terminals.pump_rpm = rpm
        terminals.pump_revolutions += rpm * dt_s / 60.0
        return rpm
