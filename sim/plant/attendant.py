"""The bedside person of a simulated bench: pours the carrier at the start, rinse fluid after the perfusion, and carrier
again for the next treatment.

Looks only at the plant, as a person would. Not responsible for anything a controller decides.
"""

from __future__ import annotations

from sim.plant.plant import Plant

PERFUSED_ML = 500.0  # a cavity that held this much, with both lines open, has been perfused
EMPTY_ML = 60.0
STILL_S = 60.0  # a person sees the level stand, and lets the console see it, before changing the fluid
STILL_LPM = 0.02
RUN_ON_LPM = 0.1
RUN_ON_S = 45.0  # in the bypass, with the line to the patient shut: so ends a perfusion that is over
PATIENCE_S = 600.0  # without it somebody has stopped the machine and may go on
CHANGE_S = 20.0  # from the emptied reservoir to the next fluid in it


class Attendant:
    """Step it with the plant; `poured` says what was poured last: 0 nothing, 1 carrier, 2 rinse fluid."""

    def __init__(self, plant: Plant) -> None:
        self.poured = 0
        self._plant = plant
        self._perfused = False
        self._looked_s: float | None = None
        self._run_on_s = 0.0
        self._still_since_s: float | None = None
        self._emptied_s: float | None = None

    def step(self, now_s: float) -> None:
        """Look, and act when it is time. `now_s` is any monotonic time in simulated seconds."""
        if self.poured == 0:
            self._pour(1)
        if self._emptied_s is not None:
            if now_s - self._emptied_s >= CHANGE_S:
                self._pour(1 if self.poured == 2 else 2)
            return
        self._see(now_s)
        since_s = self._still_since_s
        if since_s is not None and now_s - since_s >= (STILL_S if self._run_on_s >= RUN_ON_S else PATIENCE_S):
            self._plant.empty_reservoir()
            self._emptied_s = now_s

    def _pour(self, what: int) -> None:
        circuit = self._plant.parameters.circuit
        if what == 1:
            self._plant.pour(circuit.carrier_ml, circuit.carrier_c)
        else:
            self._plant.pour(circuit.rinse_ml, circuit.rinse_c)
        self.poured, self._perfused, self._still_since_s, self._emptied_s = what, False, None, None

    def _see(self, now_s: float) -> None:
        plant, lines = self._plant, self._plant.terminals
        # A fill that was broken off has not been perfused: the carrier is still wanted.
        if plant.cavity_ml > PERFUSED_ML and (self.poured == 2 or (lines.inflow_open and not lines.outflow_closed)):
            self._perfused = True
        if lines.inflow_open:
            self._run_on_s = 0.0
        elif plant.flow_lpm > RUN_ON_LPM and self._looked_s is not None:
            self._run_on_s += now_s - self._looked_s
        self._looked_s = now_s
        if not self._perfused or plant.cavity_ml > EMPTY_ML or abs(plant.flow_lpm) > STILL_LPM:
            self._still_since_s = None
        elif self._still_since_s is None:
            self._still_since_s = now_s
