"""The open reservoir: fluid poured in, pumped out and run back, its loss to the room, and what ends on the floor.

Keeps the books of everything that a hand pours in or throws away and of everything spilled, over its rim or out of an
open line. Not responsible for what moves the fluid (`sim.plant.plant`).
"""

from __future__ import annotations

from sim.plant.parameters import FLUID_J_PER_ML_K, CircuitParameters


class Reservoir:
    """Fluid `ml` at `c` (deg C). `carried_j` is heat poured in minus heat thrown away, spilled or lost to the room."""

    __slots__ = (
        "_full_ml",
        "_loss_w_per_k_ml",
        "_room_c",
        "c",
        "carried_j",
        "ml",
        "poured_ml",
        "removed_ml",
        "spilled_ml",
    )

    def __init__(self, circuit: CircuitParameters) -> None:
        self.c = circuit.room_c
        self.ml = self.poured_ml = self.removed_ml = self.spilled_ml = self.carried_j = 0.0
        self._room_c = circuit.room_c
        self._full_ml = circuit.reservoir_full_ml
        self._loss_w_per_k_ml = circuit.reservoir_loss_w_per_k / circuit.reservoir_full_ml

    @property
    def heat_j(self) -> float:
        """Heat above 0 deg C of the fluid."""
        return FLUID_J_PER_ML_K * self.ml * self.c

    def pour(self, ml: float, temperature_c: float) -> None:
        """Pour fluid in by hand. Raises ValueError unless ml > 0 and finite."""
        if not 0.0 < ml < 1e6 or not 0.0 <= temperature_c <= 100.0:
            raise ValueError(f"cannot pour {ml} mL at {temperature_c} deg C")
        self.poured_ml += ml
        self.carried_j += FLUID_J_PER_ML_K * ml * temperature_c
        self.take(ml, temperature_c)

    def empty(self) -> float:
        """Throw away what it holds; return how much that was, mL."""
        ml = self.ml
        self.removed_ml += ml
        self.carried_j -= FLUID_J_PER_ML_K * ml * self.c
        self.ml = 0.0
        return ml

    def take(self, ml: float, temperature_c: float) -> None:
        """Let fluid run in and mix; what does not fit runs over."""
        before_ml = self.ml
        after_ml = before_ml + ml
        self.c = (before_ml * self.c + ml * temperature_c) / after_ml
        self.ml = after_ml
        if after_ml > self._full_ml:
            self.ml = self._full_ml
            self.spill(after_ml - self._full_ml, self.c)

    def spill(self, ml: float, temperature_c: float) -> None:
        """Book fluid that is on the floor."""
        self.spilled_ml += ml
        self.carried_j -= FLUID_J_PER_ML_K * ml * temperature_c

    def cool(self, dt_s: float) -> None:
        """Lose heat to the room for `dt_s`."""
        if self.ml > 0.0:
            loss_j = self._loss_w_per_k_ml * self.ml * (self.c - self._room_c) * dt_s
            self.carried_j -= loss_j
            self.c -= loss_j / (FLUID_J_PER_ML_K * self.ml)
