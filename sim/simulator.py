"""One simulated bench in simulated time: plant, twins on their lines, faults, and the person who pours.

Pure of clocks and sockets: whoever owns the time calls `step`. Not responsible for serving it (`sim.server`).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from config.schema import Rig
from sim.assembly import Bench, assemble
from sim.devices.twin import MakeTwin
from sim.faults import Edge, Fault, FaultSchedule, apply_to_links, apply_to_plant, check
from sim.plant.attendant import Attendant
from sim.plant.plant import Plant
from sim.refusal import BadRequest

STEP_S = 0.05
CATCH_UP_S = 2.0
"""How far a late simulator runs after the clock; what lies further back is skipped and counted."""


TRUTH = (
    "flow_lpm",
    "outlet_c",
    "inflow_c",
    "entering_cavity_c",
    "outflow_c",
    "bath_c",
    "reservoir_c",
    "reservoir_ml",
    "cavity_ml",
    "cavity_pressure_mmhg",
    "line_pressure_mmhg",
    "bubble_mm",
    "core_c",
    "tissue_c",
    "heater_power_w",
    "patient_heat_w",
    "poured_ml",
    "removed_ml",
    "spilled_ml",
    "leaked_ml",
    "absorbed_ml",
    "evaporated_ml",
    "infused_ml",
    "drained_ml",
    "volume_error_ml",
)
"""What `truth` tells of the plant."""


class Simulator:
    """Steps a bench every 0.05 s. `origin_s` is the clock's reading at the start; faults count from there."""

    def __init__(
        self,
        *,
        rig: Rig,
        plant: Plant,
        twins: Mapping[str, MakeTwin],
        origin_s: float,
        faults: tuple[Fault, ...] = (),
        seed: int = 0,
    ) -> None:
        self.rig = rig
        self.plant = plant
        self._attendant = Attendant(plant)
        self.bench: Bench = assemble(rig, plant.terminals, twins, seed=seed)
        self.origin_s = origin_s
        self.skipped_s = 0.0
        self.heater_off_at_s: float | None = None
        self._next_s = origin_s + STEP_S
        self._heating = False
        self._schedule = FaultSchedule()
        self._log: list[dict[str, Any]] = []
        for fault in faults:
            self.add_fault(fault, origin_s)

    @property
    def next_s(self) -> float:
        """When the plant takes its next step."""
        return self._next_s

    @property
    def time_s(self) -> float:
        """Simulated seconds since the start."""
        return self._next_s - STEP_S - self.origin_s

    def step(self) -> None:
        """Take the step that is due at `next_s`. The twins' timers are the caller's to run."""
        at_s = self._next_s
        for edge in self._schedule.due(at_s):
            self._apply(edge, at_s)
        self._attendant.step(at_s)
        self.plant.step(STEP_S)
        self._next_s = at_s + STEP_S
        self._watch_heater(at_s)

    def skip_to(self, now_s: float) -> None:
        """Give up what lies too far back to be caught up with; the time lost is counted."""
        behind_s = now_s - self._next_s - CATCH_UP_S
        if behind_s > 0.0:
            lost_s = STEP_S * math.ceil(behind_s / STEP_S)
            self.skipped_s += lost_s
            self._next_s += lost_s

    def add_fault(self, fault: Fault, now_s: float) -> None:
        """Plan a fault whose times count from `now_s`. Raises BadRequest when its target is nothing the rig has."""
        check(fault, signals=self.plant.probes, devices=self.bench.links, ports=self.bench.buses)
        if fault.kind == "host":
            raise BadRequest(f"fault {fault}: a host fault; the simulator owns only the bench")
        self._schedule.add(dataclasses.replace(fault, at_s=now_s + fault.at_s))

    def clear_faults(self, now_s: float) -> None:
        """End every fault and forget those planned."""
        for edge in self._schedule.clear():
            self._apply(edge, now_s)

    def truth(self) -> dict[str, Any]:
        """What really is: the plant, the terminals, the faults, and when heating last ended (clock's seconds)."""
        return {
            "time_s": round(self.time_s, 3),
            "at": self._next_s - STEP_S,
            "plant": _plant_truth(self.plant),
            "terminals": _plain(dataclasses.asdict(self.plant.terminals)),
            "heater_power_w": self.plant.terminals.heater_power_w,
            "heater_off_at": self.heater_off_at_s,
            "faults": [str(self._relative(fault)) for fault in self._schedule.active],
            "fault_log": self._log[-100:],
            "skipped_s": self.skipped_s,
        }

    def _apply(self, edge: Edge, at_s: float) -> None:
        apply_to_plant(edge, self.plant)
        apply_to_links(edge, self.bench.links, self.bench.devices_of)
        self._log.append({"at": at_s, "fault": str(self._relative(edge.fault)), "started": edge.started})

    def _relative(self, fault: Fault) -> Fault:
        return dataclasses.replace(fault, at_s=round(fault.at_s - self.origin_s, 3))

    def _watch_heater(self, at_s: float) -> None:
        heating = self.plant.terminals.heater_power_w > 0.0
        if self._heating and not heating:
            self.heater_off_at_s = at_s
        self._heating = heating


def _plant_truth(plant: Plant) -> dict[str, float]:
    cavity = {f"cavity_{number}_c": value for number, value in enumerate(plant.cavity_c, start=1)}
    return {name: float(getattr(plant, name)) for name in TRUTH} | cavity


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    """With open circuits as null and shorts as text: JSON has no infinity."""
    sensed = {name: _json_number(value) for name, value in record["sensed"].items()}
    return {**record, "sensed": sensed}


def _json_number(value: float | None) -> float | str | None:
    if value is None or math.isfinite(value):
        return value
    return "short" if value < 0.0 else "nan"
