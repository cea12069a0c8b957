"""The perfused cavity: volume, pressure, drain, and three mixing compartments of equal volume.

A puddle is one volume; from PUDDLE_ML on the compartments differ. Flow between them follows from where fluid comes in
and goes out, plus stirring. Every exchange is one heat flow with two ends, so heat is conserved exactly.
Not responsible for the patient behind the wall (`sim.plant.patient`).
"""

from __future__ import annotations

from sim.plant.faults import Faults
from sim.plant.parameters import FLUID_J_PER_ML_K, CircuitParameters, Parameters

PUDDLE_ML = 150.0
OPEN_STIRRING = 3.0  # a hand in the open cavity mixes that much better
EVAPORATION_J_PER_ML = 2400.0


class Cavity:
    """Fluid `ml` at `c1`, `c2`, `c3` (deg C). `out_ml` at `out_c` left through the drain in the last step."""

    __slots__ = (
        "_absorption_ml_s",
        "_collect_ml",
        "_compliance",
        "_dead_ml",
        "_drain_ml_s_mmhg",
        "_evaporation_ml_s",
        "_faults",
        "_film_w_per_k",
        "_free_ml",
        "_head",
        "_in1",
        "_in2",
        "_in3",
        "_mixing",
        "_open_loss",
        "_out1",
        "_out2",
        "_out3",
        "_pressure_share",
        "_rest",
        "_room_c",
        "_wetted_ml",
        "absorbed_j",
        "absorbed_ml",
        "c1",
        "c2",
        "c3",
        "evaporated_ml",
        "leaked_ml",
        "lost_j",
        "ml",
        "out_c",
        "out_ml",
        "patient_heat_w",
        "pressure_mmhg",
    )

    def __init__(self, *, parameters: Parameters, faults: Faults, film_w_per_k: float, start_c: float) -> None:
        cavity, circuit = parameters.cavity, parameters.circuit
        is_open = cavity.technique == "open"
        self.ml = self.out_ml = self.absorbed_ml = self.evaporated_ml = self.leaked_ml = 0.0
        self.c1 = self.c2 = self.c3 = self.out_c = start_c
        self.pressure_mmhg = self.patient_heat_w = self.lost_j = self.absorbed_j = 0.0
        self._faults = faults
        self._room_c = circuit.room_c
        self._film_w_per_k = film_w_per_k
        self._in1, self._in2, self._in3 = cavity.inflow_shares
        self._out1, self._out2, self._out3 = cavity.outflow_shares
        self._mixing = cavity.mixing_per_s * (OPEN_STIRRING if is_open else 1.0)
        self._pressure_share = cavity.open_pressure_share if is_open else 1.0
        self._open_loss = cavity.open_loss_w_per_k if is_open else 0.0
        self._evaporation_ml_s = cavity.open_evaporation_ml_min / 60.0 if is_open else 0.0
        self._absorption_ml_s = cavity.absorption_ml_min / 60.0
        self._free_ml = cavity.free_ml
        self._compliance = cavity.compliance_ml_per_mmhg
        self._rest = cavity.rest_pressure_mmhg
        self._dead_ml = cavity.dead_ml
        self._collect_ml = cavity.collect_ml
        self._wetted_ml = cavity.wetted_ml
        self._set_drain(circuit)

    @property
    def heat_j(self) -> float:
        """Heat above 0 deg C of the fluid."""
        return FLUID_J_PER_ML_K * self.ml * (self.c1 + self.c2 + self.c3) / 3.0

    @property
    def mean_c(self) -> float:
        """Mean of the three compartments."""
        return (self.c1 + self.c2 + self.c3) / 3.0

    @property
    def inlet_c(self) -> float:
        """What the inflow cannulae suck when the flow turns back."""
        return self._in1 * self.c1 + self._in2 * self.c2 + self._in3 * self.c3

    def step(self, dt_s: float, in_ml: float, in_c: float, drain_open: bool, tissue_c: float) -> None:
        """Take `in_ml` at `in_c`, drain, exchange heat with tissue for `dt_s`. Negative `in_ml` sucks fluid back."""
        if self.ml <= 0.0 and in_ml <= 0.0:
            self.out_ml = 0.0
            self._stand_empty(tissue_c)
            return
        there_ml = self.ml + in_ml if in_ml < 0.0 else self.ml
        out_ml = self._drain(dt_s) if drain_open else 0.0
        if out_ml > there_ml:
            out_ml = there_ml
        if self.ml < PUDDLE_ML:
            self._puddle(in_ml, in_c)
        else:
            self._compartments(dt_s, in_ml, in_c, out_ml)
        self.out_ml = out_ml
        self.ml += in_ml - out_ml
        if self.ml <= 0.0:
            self.ml = 0.0
            self._stand_empty(tissue_c)
            return
        wet = self.ml / self._wetted_ml
        if wet > 1.0:
            wet = 1.0
        self._heat(dt_s, wet, tissue_c)
        self._lose(dt_s, wet)

    def _set_drain(self, circuit: CircuitParameters) -> None:
        self._head = circuit.drain_head_mmhg
        self._drain_ml_s_mmhg = 1000.0 / 60.0 / circuit.drain_resistance_mmhg_per_lpm

    def _stand_empty(self, tissue_c: float) -> None:
        self.c1 = self.c2 = self.c3 = tissue_c
        self.pressure_mmhg = self.patient_heat_w = self.absorbed_j = 0.0

    def _drain(self, dt_s: float) -> float:
        ml = self.ml
        stretch_ml = ml - self._free_ml
        drive = self._head + stretch_ml / self._compliance if stretch_ml > 0.0 else self._head
        collected = (ml - self._dead_ml) / self._collect_ml
        if collected <= 0.0:
            return 0.0
        if collected < 1.0:
            drive *= collected
        occlusion = self._faults.occlusion_out
        if occlusion > 0.0:
            drive *= (1.0 - occlusion) * (1.0 - occlusion)
        return drive * self._drain_ml_s_mmhg * dt_s

    def _puddle(self, in_ml: float, in_c: float) -> None:
        mean_c = (self.c1 + self.c2 + self.c3) / 3.0
        if in_ml > 0.0:
            mean_c = (self.ml * mean_c + in_ml * in_c) / (self.ml + in_ml)
        self.c1 = self.c2 = self.c3 = self.out_c = mean_c

    def _compartments(self, dt_s: float, in_ml: float, in_c: float, out_ml: float) -> None:
        c1, c2, c3 = self.c1, self.c2, self.c3
        third_ml = self.ml / 3.0
        change_ml = (in_ml - out_ml) / 3.0
        in1, in2, in3 = self._in1 * in_ml, self._in2 * in_ml, self._in3 * in_ml
        if in_ml > 0.0:
            heat1, heat2, heat3 = in1 * in_c, in2 * in_c, in3 * in_c
        else:
            heat1, heat2, heat3 = in1 * c1, in2 * c2, in3 * c3
        out1, out2, out3 = self._out1 * out_ml, self._out2 * out_ml, self._out3 * out_ml
        spill1 = in1 - out1 - change_ml  # what must run over into the pelvis to keep levels equal
        spill2 = in2 - out2 - change_ml
        run1 = spill1 * (c1 if spill1 > 0.0 else c3)
        run2 = spill2 * (c2 if spill2 > 0.0 else c3)
        stir_ml = self._mixing * self.ml * dt_s
        stir12, stir13, stir23 = stir_ml * (c1 - c2), stir_ml * (c1 - c3), stir_ml * (c2 - c3)
        left_ml = third_ml + change_ml
        self.c1 = (third_ml * c1 + heat1 - out1 * c1 - run1 - stir12 - stir13) / left_ml
        self.c2 = (third_ml * c2 + heat2 - out2 * c2 - run2 + stir12 - stir23) / left_ml
        self.c3 = (third_ml * c3 + heat3 - out3 * c3 + run1 + run2 + stir13 + stir23) / left_ml
        if out_ml > 0.0:
            self.out_c = (out1 * c1 + out2 * c2 + out3 * c3) / out_ml

    def _heat(self, dt_s: float, wet: float, tissue_c: float) -> None:
        ml = self.ml
        c1, c2, c3 = self.c1, self.c2, self.c3
        ua = self._film_w_per_k * wet / 3.0
        per_third = ua * dt_s * 3.0 / (ml * FLUID_J_PER_ML_K)
        self.patient_heat_w = ua * (c1 + c2 + c3 - 3.0 * tissue_c)
        self.c1 = c1 - per_third * (c1 - tissue_c)
        self.c2 = c2 - per_third * (c2 - tissue_c)
        self.c3 = c3 - per_third * (c3 - tissue_c)
        if self._open_loss > 0.0:
            self._lose_open(dt_s, wet)
        stretch_ml = ml - self._free_ml
        if stretch_ml > 0.0:
            self.pressure_mmhg = self._pressure_share * (self._rest + stretch_ml / self._compliance)
        else:
            self.pressure_mmhg = self._pressure_share * self._rest * ml / self._free_ml

    def _lose_open(self, dt_s: float, wet: float) -> None:
        vapour_ml = self._evaporation_ml_s * wet * dt_s  # wet is at most ml / wetted_ml: never more than there is
        heat_j = self._open_loss * wet * (self.mean_c - self._room_c) * dt_s + EVAPORATION_J_PER_ML * vapour_ml
        before_j = self.heat_j
        fall_c = heat_j / (FLUID_J_PER_ML_K * self.ml)
        self.c1 -= fall_c
        self.c2 -= fall_c
        self.c3 -= fall_c
        self.ml -= vapour_ml
        self.evaporated_ml += vapour_ml
        self.lost_j += before_j - self.heat_j

    def _lose(self, dt_s: float, wet: float) -> None:
        mean_j_per_ml = FLUID_J_PER_ML_K * (self.c1 + self.c2 + self.c3) / 3.0
        gone_ml = self._absorption_ml_s * wet * dt_s
        leak_ml = self._faults.leak_ml_min / 60.0 * dt_s
        if leak_ml > self.ml - gone_ml:
            leak_ml = self.ml - gone_ml
        self.ml -= gone_ml + leak_ml
        self.absorbed_ml += gone_ml
        self.absorbed_j = gone_ml * mean_j_per_ml
        if leak_ml > 0.0:
            self.leaked_ml += leak_ml
            self.lost_j += leak_ml * mean_j_per_ml
