"""The bedside person of a simulated bench: pours the carrier at the start and changes it for rinse fluid once.

Looks only at the plant, as a person would. Not responsible for anything a controller decides.
"""

from __future__ import annotations

from sim.plant.plant import Plant

PERFUSED_ML = 500.0  # a cavity that held this much, with both lines open, has been perfused
EMPTY_ML = 60.0
STILL_S = 60.0  # a person sees the level stand, and lets the console see it, before changing the fluid
STILL_LPM = 0.02
CHANGE_S = 20.0  # from the emptied reservoir to the rinse fluid in it


class Attendant:
    """Step it with the plant; `poured` counts what was done: 0 nothing, 1 carrier, 2 rinse fluid."""

    def __init__(self, plant: Plant) -> None:
        self.poured = 0
        self._plant = plant
        self._perfused = False
        self._still_since_s: float | None = None
        self._emptied_s: float | None = None

    def step(self, now_s: float) -> None:
        """Look, and act when it is time. `now_s` is any monotonic time in simulated seconds."""
        plant, circuit = self._plant, self._plant.parameters.circuit
        if self.poured == 0:
            plant.pour(circuit.carrier_ml, circuit.carrier_c)
            self.poured = 1
        if self.poured == 2:
            return
        if self._emptied_s is not None:
            if now_s - self._emptied_s >= CHANGE_S:
                plant.pour(circuit.rinse_ml, circuit.rinse_c)
                self.poured = 2
            return
        cavity_ml, lines = plant.cavity_ml, plant.terminals
        # A fill that was broken off has not been perfused: the carrier is still wanted.
        if cavity_ml > PERFUSED_ML and lines.inflow_open and not lines.outflow_closed:
            self._perfused = True
        if not self._perfused or cavity_ml > EMPTY_ML or abs(plant.flow_lpm) > STILL_LPM:
            self._still_since_s = None
        elif self._still_since_s is None:
            self._still_since_s = now_s
        elif now_s - self._still_since_s >= STILL_S:
            plant.empty_reservoir()
            self._emptied_s = now_s
