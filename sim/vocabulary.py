"""The fault catalogue as one bench can suffer it: every fault with what it strikes there and what its value may be.

For whoever asks a running simulator. Host faults are left out: the simulator owns only the bench.
"""

from __future__ import annotations

from typing import Any

from sim.fault_catalogue import CATALOGUE
from sim.simulator import Simulator


def vocabulary(simulator: Simulator) -> list[dict[str, Any]]:
    """One line for each fault; `targets` is empty where there is only one thing to strike."""
    signals = sorted(simulator.plant.probes)
    targets = {"probe": signals, "link": [*sorted(simulator.bench.links), *sorted(simulator.bench.buses)]}
    return [
        {
            "name": name,
            "strikes": spec.kind,
            "about": spec.about,
            "targets": targets.get(spec.kind, []),
            "unit": spec.unit,
            "value": spec.value,
            "low": spec.low,
            "high": spec.high,
            "partners": signals if spec.unit == "signal" else [],
        }
        for name, spec in CATALOGUE.items()
        if spec.kind != "host"
    ]
