"""Speed of the plant alone: microseconds per 0.1 s step and times real time. Printed, never asserted.

.venv/bin/python -m benchmarks.plant
"""

from __future__ import annotations

import time

from sim.plant.attendant import Attendant
from sim.plant.parameters import HeaterKind, Parameters
from sim.plant.plant import Plant
from sim.terminals import Terminals

STEP_S = 0.1
STEPS = 54_000  # 90 minutes
ROUNDS = 3


def perfusing(kind: HeaterKind) -> Plant:
    """A plant with a filled cavity, circulating at 1.5 L/min and heated."""
    terminals = Terminals()
    plant = Plant(parameters=Parameters.nominal(kind), terminals=terminals, seed=1)
    Attendant(plant).step(0.0)
    terminals.contactor_closed = terminals.pump_enabled = terminals.inflow_open = terminals.outflow_closed = True
    terminals.bath_on = terminals.bath_circulating = True
    terminals.bath_setpoint_c = 44.0
    terminals.element_fraction = 0.15
    terminals.pump_rpm_command = 1500.0 / 9.6
    plant.step(60.0)
    plant.step(50.0)
    terminals.outflow_closed = False
    return plant


def microseconds_per_step(plant: Plant) -> float:
    """Wall time of one step, mean over STEPS."""
    step = plant.step
    start = time.perf_counter()
    for _ in range(STEPS):
        step(STEP_S)
    return (time.perf_counter() - start) / STEPS * 1e6


def main() -> None:
    """Print one line per kind of heater, best of ROUNDS."""
    kinds: tuple[HeaterKind, ...] = ("bath", "inline")
    for kind in kinds:
        best = min(microseconds_per_step(perfusing(kind)) for _ in range(ROUNDS))
        print(f"plant ({kind}): {best:.1f} us per {STEP_S} s step, {STEP_S * 1e6 / best:,.0f} x real time")


if __name__ == "__main__":
    main()
