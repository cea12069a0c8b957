"""An element in the stream, switched by a solid-state relay: small mass, no temperature bound of its own.

Not responsible for serial protocols (`sim.devices`); it obeys `Terminals` only.
"""

from __future__ import annotations

from sim.plant.bath import FILM_EXPONENT, SAME_FLOW
from sim.plant.faults import Faults
from sim.plant.parameters import FLUID_J_PER_ML_K, REFERENCE_FLOW_LPM, Parameters
from sim.plant.power import HeaterSupply
from sim.terminals import Terminals

LOSS_W_PER_K = 0.3  # insulated body to the room


class InlineHeater:
    """Element temperature `source_c`, fluid leaving `outlet_c` (deg C), electric `power_w`, net `gained_j` so far."""

    __slots__ = (
        "_cell_ml",
        "_element_j_per_k",
        "_flow_ml_s",
        "_max_w",
        "_reference_ua",
        "_room_c",
        "_stagnant_ua",
        "_supply",
        "_terminals",
        "_ua",
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
            cut_out_c=heater.element_overtemperature_c,
            terminals=terminals,
            faults=faults,
        )
        self._room_c = parameters.circuit.room_c
        self._cell_ml = parameters.circuit.exchanger_ml
        self._element_j_per_k = heater.element_j_per_k
        self._reference_ua = heater.exchanger_ua_w_per_k
        self._stagnant_ua = heater.stagnant_ua_w_per_k
        self._max_w = heater.max_power_w
        self._flow_ml_s = -1.0
        self._ua = 0.0

    @property
    def heat_j(self) -> float:
        """Heat above 0 deg C in the element and in the exchanger's fluid."""
        return self._element_j_per_k * self.source_c + self._cell_ml * FLUID_J_PER_ML_K * self.outlet_c

    def step(self, dt_s: float, flow_ml_s: float, inlet_c: float) -> None:
        """Pass `flow_ml_s` (>= 0) of fluid at `inlet_c` for `dt_s`."""
        element_c, cell_c, cell_ml = self.source_c, self.outlet_c, self._cell_ml
        ua = self._stagnant_ua
        ml = flow_ml_s * dt_s
        if ml > 0.0:
            if not -SAME_FLOW < (flow_ml_s - self._flow_ml_s) / flow_ml_s < SAME_FLOW:
                self._flow_ml_s = flow_ml_s
                self._ua = self._reference_ua * (flow_ml_s * 0.06 / REFERENCE_FLOW_LPM) ** FILM_EXPONENT
            if self._ua > ua:
                ua = self._ua
        heat_j = ua * (element_c - cell_c) * dt_s
        self.outlet_c = (cell_ml * cell_c + ml * inlet_c + heat_j / FLUID_J_PER_ML_K) / (cell_ml + ml)
        demand_w = self._terminals.element_fraction * self._max_w
        self.power_w = power_w = self._supply.power_w(dt_s, demand_w, element_c)
        gain_j = (power_w - LOSS_W_PER_K * (element_c - self._room_c)) * dt_s
        self.gained_j += gain_j
        self.source_c = self._terminals.bath_c = element_c + (gain_j - heat_j) / self._element_j_per_k
