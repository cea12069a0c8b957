"""The simulated circuit and patient: reservoir -> pump -> exchanger -> inflow line -> cavity -> outflow line.

Fixed steps of at most MAX_STEP_S; every fluid volume mixes exactly, every line is plug flow, so volume and heat are
conserved to rounding. Driven and felt only through `Terminals`. Not responsible for devices, wires or control.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from sim.plant.bath import BathHeater
from sim.plant.cavity import Cavity
from sim.plant.faults import Faults
from sim.plant.inline import InlineHeater
from sim.plant.line import Line
from sim.plant.parameters import Parameters
from sim.plant.patient import Body
from sim.plant.probes import Probe, ProbeBank
from sim.plant.pump import Pump
from sim.plant.reservoir import Reservoir
from sim.terminals import Terminals

MAX_STEP_S = 0.1
DRY_BUBBLE_MM = 10.0  # what the detector sees of a pump that draws air
SUCKS_AIR_ML = 40.0  # a reservoir below this draws air in with the fluid
DREGS_ML = 1.0  # what no pump gets out of it
PROBE_COVERED_ML = 200.0  # cavity probes are fully under fluid from here on
PROBE_ORDER = (
    "heater_outlet_c", "inflow_c", "outflow_c", "cavity_1_c", "cavity_2_c", "cavity_3_c", "core_c", "source_c",
    "flow_lpm", "bubble_mm", "line_pressure_mmhg", "cavity_pressure_mmhg", "reservoir_ml", "outlet_b_c", "inflow_b_c",
)  # fmt: skip


class Plant:
    """True state in its attributes; what the probes make of it is in `terminals.sensed`."""

    def __init__(self, *, parameters: Parameters, terminals: Terminals, seed: int) -> None:
        circuit = parameters.circuit
        self.parameters = parameters
        self.terminals = terminals
        self.faults = Faults()
        self.time_s = 0.0
        self.flow_lpm = 0.0
        self.inflow_c = self.entering_cavity_c = self.outflow_c = circuit.room_c
        self.bubble_mm = self.drained_ml = self.infused_ml = 0.0
        self._room_c = circuit.room_c
        self._reservoir = Reservoir(circuit)
        self._pump = Pump(parameters=circuit, terminals=terminals, faults=self.faults)
        heater = BathHeater if parameters.heater.kind == "bath" else InlineHeater
        self._heater: BathHeater | InlineHeater = heater(parameters=parameters, terminals=terminals, faults=self.faults)
        self._inflow_line = self._line(circuit.inflow_line_ml)
        self._outflow_line = self._line(circuit.outflow_line_ml)
        self._body = Body(parameters=parameters.patient, room_c=circuit.room_c)
        self._cavity = Cavity(
            parameters=parameters,
            faults=self.faults,
            film_w_per_k=self._body.film_w_per_k,
            start_c=self._body.tissue_c,
        )
        self._probes = ProbeBank(
            parameters={name: parameters.probes[name] for name in PROBE_ORDER},
            start=self._truth(),
            room_c=circuit.room_c,
            seed=seed,
        )
        self._probes.step(MAX_STEP_S, self._truth(), terminals.sensed)
        terminals.bath_c = self.bath_c
        self._start_j = self.stored_j

    # --- true state ------------------------------------------------------------------------------------------------

    @property
    def probes(self) -> Mapping[str, Probe]:
        """Each probe by signal name; its `fault` and `fault_value` may be set."""
        return self._probes.probes

    @property
    def reservoir_ml(self) -> float:
        """Fluid in the reservoir."""
        return self._reservoir.ml

    @property
    def reservoir_c(self) -> float:
        """Fluid in the reservoir, deg C."""
        return self._reservoir.c

    @property
    def poured_ml(self) -> float:
        """Poured in so far."""
        return self._reservoir.poured_ml

    @property
    def removed_ml(self) -> float:
        """Thrown away so far."""
        return self._reservoir.removed_ml

    @property
    def spilled_ml(self) -> float:
        """On the floor so far: out of a line, over the reservoir's rim."""
        return self._reservoir.spilled_ml

    @property
    def outlet_c(self) -> float:
        """Fluid leaving the exchanger, deg C."""
        return self._heater.outlet_c

    @property
    def bath_c(self) -> float:
        """Heat source, deg C: the bath, or the inline element."""
        return self._heater.source_c

    @property
    def heater_power_w(self) -> float:
        """Electric power that flows now."""
        return self._heater.power_w

    @property
    def line_pressure_mmhg(self) -> float:
        """After the pump, before the exchanger."""
        return self._pump.pressure_mmhg

    @property
    def cavity_ml(self) -> float:
        """Fluid in the cavity."""
        return self._cavity.ml

    @property
    def cavity_c(self) -> list[float]:
        """Fluid in the three compartments, deg C; tissue temperature while the cavity is empty."""
        return [self._cavity.c1, self._cavity.c2, self._cavity.c3]

    @property
    def cavity_pressure_mmhg(self) -> float:
        """In the cavity, over the atmosphere."""
        return self._cavity.pressure_mmhg

    @property
    def patient_heat_w(self) -> float:
        """From the cavity's fluid into the patient."""
        return self._cavity.patient_heat_w

    @property
    def core_c(self) -> float:
        """Core, deg C."""
        return self._body.core_c

    @property
    def tissue_c(self) -> float:
        """Tissue around the cavity, deg C."""
        return self._body.tissue_c

    @property
    def absorbed_ml(self) -> float:
        """Taken up by the peritoneum so far."""
        return self._cavity.absorbed_ml

    @property
    def evaporated_ml(self) -> float:
        """Evaporated from an open cavity so far."""
        return self._cavity.evaporated_ml

    @property
    def leaked_ml(self) -> float:
        """Lost to the floor so far: past the drapes, out of a line, over the reservoir's rim."""
        return self._cavity.leaked_ml + self.spilled_ml

    @property
    def stored_j(self) -> float:
        """Heat above 0 deg C in all fluid, heater and patient."""
        parts = (self._reservoir, self._heater, self._inflow_line, self._outflow_line, self._cavity, self._body)
        return sum(part.heat_j for part in parts)

    @property
    def energy_error_j(self) -> float:
        """Stored heat minus start minus everything that crossed the boundary. Zero up to rounding."""
        gained_j = self._heater.gained_j + self._body.gained_j + self._reservoir.carried_j - self._cavity.lost_j
        gained_j -= self._inflow_line.lost_j + self._outflow_line.lost_j
        return self.stored_j - self._start_j - gained_j

    @property
    def volume_error_ml(self) -> float:
        """What was poured minus what can be found. Zero up to rounding."""
        found_ml = self.reservoir_ml + self._cavity.ml + self.absorbed_ml + self.evaporated_ml + self.leaked_ml
        return self.poured_ml - self.removed_ml - found_ml

    # --- hands -----------------------------------------------------------------------------------------------------

    def pour(self, ml: float, temperature_c: float) -> None:
        """Pour fluid into the reservoir; what does not fit runs over. Raises ValueError unless ml > 0 and finite."""
        self._reservoir.pour(ml, temperature_c)

    def empty_reservoir(self) -> float:
        """Throw away what the reservoir holds; return how much that was, mL."""
        return self._reservoir.empty()

    # --- time ------------------------------------------------------------------------------------------------------

    def step(self, dt_s: float) -> None:
        """Advance by `dt_s` simulated seconds. Raises ValueError unless 0 < dt_s <= 60."""
        if not 0.0 < dt_s <= 60.0:
            raise ValueError(f"cannot step by {dt_s} s; allowed: more than 0, up to 60")
        if dt_s <= MAX_STEP_S:
            self._advance(dt_s)
        else:
            parts = math.ceil(dt_s / MAX_STEP_S - 1e-9)
            for _ in range(parts):
                self._advance(dt_s / parts)

    def _advance(self, dt_s: float) -> None:
        terminals, cavity, body, reservoir = self.terminals, self._cavity, self._body, self._reservoir
        self.time_s += dt_s
        self._inflow_line.cool(dt_s)
        self._outflow_line.cool(dt_s)
        to_cavity = terminals.inflow_open and terminals.clamp_allowed
        flow_ml_s = self._pump.step(dt_s, cavity.pressure_mmhg if to_cavity else 0.0)
        bubble_mm = self.faults.air_mm
        in_ml = 0.0
        if flow_ml_s > 0.0 and reservoir.ml < SUCKS_AIR_ML:
            bubble_mm = DRY_BUBBLE_MM
            left_ml = reservoir.ml - DREGS_ML
            flow_ml_s *= left_ml / SUCKS_AIR_ML if left_ml > 0.0 else 0.0
        if flow_ml_s > 0.0:
            in_ml = self._forward(dt_s, flow_ml_s, to_cavity)
        elif flow_ml_s < 0.0:
            flow_ml_s = -self._backward(dt_s, -flow_ml_s, to_cavity)
            in_ml = flow_ml_s * dt_s if to_cavity and not self.faults.disconnected else 0.0
        else:
            self._heater.step(dt_s, 0.0, reservoir.c)
            self.inflow_c = self._inflow_line.far_end_c
        self.flow_lpm = flow_ml_s * 0.06
        self.bubble_mm = bubble_mm
        cavity.step(dt_s, in_ml, self.inflow_c, not terminals.outflow_closed, body.tissue_c)
        out_ml = cavity.out_ml
        if out_ml > 0.0:
            self.outflow_c = cavity.out_c
            self.drained_ml += out_ml
            reservoir.take(out_ml, self._outflow_line.push(out_ml, cavity.out_c))
        else:
            self.outflow_c += (self._room_c - self.outflow_c) * dt_s / 300.0
        body.step(dt_s, cavity.patient_heat_w, cavity.absorbed_j)
        reservoir.cool(dt_s)
        self._probes.step(dt_s, self._truth(), terminals.sensed)

    def _forward(self, dt_s: float, flow_ml_s: float, to_cavity: bool) -> float:
        """Reservoir to the inflow line's end; return what enters the cavity, mL."""
        ml = flow_ml_s * dt_s
        self._reservoir.ml -= ml
        self._heater.step(dt_s, flow_ml_s, self._reservoir.c)
        self.inflow_c = end_c = self._inflow_line.push(ml, self._heater.outlet_c)
        if self.faults.disconnected:
            self._reservoir.spill(ml, end_c)
            return 0.0
        if not to_cavity:
            self._reservoir.take(ml, end_c)
            return 0.0
        self.entering_cavity_c = end_c
        self.infused_ml += ml
        return ml

    def _backward(self, dt_s: float, flow_ml_s: float, to_cavity: bool) -> float:
        """Suck from the line's end back into the reservoir; return the flow that is left of it, mL/s."""
        if self.faults.disconnected:
            flow_ml_s = 0.0  # sucks air: nothing liquid moves
            self._heater.step(dt_s, 0.0, self._reservoir.c)
            return 0.0
        held_ml, end_c = (
            (self._cavity.ml, self._cavity.inlet_c) if to_cavity else (self._reservoir.ml, self._reservoir.c)
        )
        ml = min(flow_ml_s * dt_s, held_ml)
        if ml <= 0.0:
            self._heater.step(dt_s, 0.0, self._reservoir.c)
            return 0.0
        if not to_cavity:
            self._reservoir.ml -= ml
        self.inflow_c = end_c
        near_c = self._inflow_line.pull(ml, end_c)
        self._heater.step(dt_s, ml / dt_s, near_c)
        self._reservoir.take(ml, self._heater.outlet_c)
        return ml / dt_s

    def _line(self, volume_ml: float) -> Line:
        circuit = self.parameters.circuit
        return Line(volume_ml=volume_ml, loss_w_per_k_ml=circuit.line_loss_w_per_k_ml, room_c=circuit.room_c)

    def _truth(self) -> tuple[float, ...]:
        """What each probe is exposed to, in PROBE_ORDER."""
        cavity, body, heater = self._cavity, self._body, self._heater
        c1, c2, c3, outlet_c, inflow_c = cavity.c1, cavity.c2, cavity.c3, heater.outlet_c, self.inflow_c
        if cavity.ml < PROBE_COVERED_ML:
            covered, tissue_c = cavity.ml / PROBE_COVERED_ML, body.tissue_c
            c1 = tissue_c + covered * (c1 - tissue_c)
            c2 = tissue_c + covered * (c2 - tissue_c)
            c3 = tissue_c + covered * (c3 - tissue_c)
        return (
            outlet_c, inflow_c, self.outflow_c, c1, c2, c3, body.core_c, heater.source_c,
            self.flow_lpm, self.bubble_mm, self._pump.pressure_mmhg, cavity.pressure_mmhg, self._reservoir.ml,
            outlet_c, inflow_c,
        )  # fmt: skip
