"""A circulator and its plate exchanger: thermal mass, the firmware's own PI regulator, effectiveness-NTU plates.

The plates heat what passes; the exchanger's volume then mixes it. Standing fluid creeps towards the bath.
Counter-flow effectiveness: Incropera and DeWitt, Fundamentals of Heat and Mass Transfer, table 11.3.
Not responsible for serial protocols (`sim.devices`); it obeys `Terminals` only.
"""

from __future__ import annotations

import math

from sim.plant.faults import Faults
from sim.plant.parameters import FLUID_J_PER_ML_K, REFERENCE_FLOW_LPM, Parameters
from sim.plant.power import HeaterSupply
from sim.terminals import Terminals

FILM_EXPONENT = 0.65  # of flow in the fluid-side film of corrugated plates
UNPUMPED_W_PER_K = 1.5  # through the hoses when the circulator's pump stands
SAME_FLOW = 0.002  # relative change below which the effectiveness is kept


class BathHeater:
    """Bath temperature `source_c`, fluid leaving `outlet_c` (deg C), electric `power_w`, net `gained_j` so far."""

    __slots__ = (
        "_bath_flow",
        "_bath_j_per_k",
        "_cell_ml",
        "_cooling_w",
        "_effectiveness",
        "_flow_ml_s",
        "_gain",
        "_integral_s",
        "_integral_w",
        "_loss",
        "_max_w",
        "_reference_ua",
        "_room_c",
        "_stagnant_ua",
        "_supply",
        "_terminals",
        "gained_j",
        "outlet_c",
        "power_w",
        "source_c",
    )

    def __init__(self, *, parameters: Parameters, terminals: Terminals, faults: Faults) -> None:
        heater = parameters.heater
        self.source_c = self.outlet_c = parameters.circuit.room_c
        self.power_w = 0.0
        self.gained_j = 0.0
        self._terminals = terminals
        self._supply = HeaterSupply(
            max_power_w=heater.max_power_w,
            cut_out_c=heater.bath_overtemperature_c,
            terminals=terminals,
            faults=faults,
        )
        self._room_c = parameters.circuit.room_c
        self._cell_ml = parameters.circuit.exchanger_ml
        self._bath_j_per_k = heater.bath_ml * FLUID_J_PER_ML_K
        self._bath_flow = heater.bath_flow_lpm * 1000.0 / 60.0 * FLUID_J_PER_ML_K
        self._reference_ua = heater.exchanger_ua_w_per_k
        self._stagnant_ua = heater.stagnant_ua_w_per_k
        self._loss = heater.bath_loss_w_per_k
        self._max_w = heater.max_power_w
        self._cooling_w = heater.bath_cooling_w
        self._gain = heater.bath_gain_w_per_k
        self._integral_s = heater.bath_integral_s
        self._integral_w = 0.0
        self._flow_ml_s = -1.0
        self._effectiveness = 0.0

    @property
    def heat_j(self) -> float:
        """Heat above 0 deg C in the bath and in the exchanger's fluid."""
        return self._bath_j_per_k * self.source_c + self._cell_ml * FLUID_J_PER_ML_K * self.outlet_c

    def step(self, dt_s: float, flow_ml_s: float, inlet_c: float) -> None:
        """Pass `flow_ml_s` (>= 0) of fluid at `inlet_c` for `dt_s`."""
        terminals = self._terminals
        bath_c, cell_c, cell_ml = self.source_c, self.outlet_c, self._cell_ml
        pumped = terminals.bath_circulating or terminals.bath_on
        ml = flow_ml_s * dt_s
        ua = self._stagnant_ua / (1.0 + flow_ml_s) if pumped else UNPUMPED_W_PER_K
        heat_j = ua * (bath_c - cell_c) * dt_s
        if pumped and ml > 0.0:
            if not -SAME_FLOW < (flow_ml_s - self._flow_ml_s) / flow_ml_s < SAME_FLOW:
                self._plates(flow_ml_s)
            heat_j += FLUID_J_PER_ML_K * ml * self._effectiveness * (bath_c - inlet_c)
        self.outlet_c = (cell_ml * cell_c + ml * inlet_c + heat_j / FLUID_J_PER_ML_K) / (cell_ml + ml)
        demand_w = self._regulate(dt_s, bath_c) if terminals.bath_on else 0.0
        self.power_w = power_w = self._supply.power_w(dt_s, demand_w, bath_c)
        gain_j = (power_w - self._loss * (bath_c - self._room_c)) * dt_s
        self.gained_j += gain_j
        self.source_c = terminals.bath_c = bath_c + (gain_j - heat_j) / self._bath_j_per_k

    def _regulate(self, dt_s: float, bath_c: float) -> float:
        """The firmware's PI, with its integral held while the output is at a stop."""
        error_c = self._terminals.bath_setpoint_c - bath_c
        wanted_w = self._gain * error_c + self._integral_w
        if wanted_w > self._max_w:
            if error_c < 0.0:
                self._integral_w += self._gain * error_c / self._integral_s * dt_s
            return self._max_w
        if wanted_w < -self._cooling_w:
            if error_c > 0.0:
                self._integral_w += self._gain * error_c / self._integral_s * dt_s
            return -self._cooling_w
        self._integral_w += self._gain * error_c / self._integral_s * dt_s
        return wanted_w

    def _plates(self, flow_ml_s: float) -> None:
        self._flow_ml_s = flow_ml_s
        film = (flow_ml_s * 0.06 / REFERENCE_FLOW_LPM) ** FILM_EXPONENT
        ua = 2.0 * self._reference_ua * film / (1.0 + film)
        fluid = flow_ml_s * FLUID_J_PER_ML_K
        small, large = (fluid, self._bath_flow) if fluid < self._bath_flow else (self._bath_flow, fluid)
        ratio = small / large
        if ratio > 0.999:
            ntu = ua / small
            share = ntu / (1.0 + ntu)
        else:
            decay = math.exp(-ua / small * (1.0 - ratio))
            share = (1.0 - decay) / (1.0 - ratio * decay)
        self._effectiveness = share * small / fluid
