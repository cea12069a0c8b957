"""Speed of a whole simulated treatment per kind of heater, and where its time goes. Printed, never asserted.

.venv/bin/python -m benchmarks.simulate [--treatment NAME] [--once]

The speed is that of `hipec simulate`: all interlocks, alarms and the record in memory, unprofiled. The shares come
from a second, profiled run; the profiler costs each call the same, so stages of many small calls look dearer.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
from collections.abc import Mapping

from config.loading import load_pair
from config.schema import Patient
from sim.treatment_run import simulate_treatment

RIGS = ("bench", "modbus")  # a bath and an inline element
ROUNDS = 3

# Each stage by the end of its file's name and its function. No stage calls another.
STAGES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "plant": (("sim/plant/plant.py", "step"), ("sim/plant/attendant.py", "step")),
    "devices": (("sim/cosim.py", "_read"), ("sim/cosim.py", "_actuate")),
    "sensing": (("controller/core/sensing.py", "step"),),
    "regulation": (("controller/core/regulation.py", "step"),),
    "interlocks": (("controller/core/interlocks.py", "evaluate"), ("controller/core/interlocks.py", "permit")),
    "alarms": (("controller/core/alarms.py", "step"),),
    "dose and volumes": (("controller/core/dose.py", "step"), ("controller/core/balance.py", "step")),
    "protective": (("sim/cosim.py", "_protect"),),
    "record": (("controller/records/memory.py", "sample"), ("controller/core/view.py", "snapshot")),
}


def real_time_factor(rig: str, treatment: str) -> tuple[float, float]:
    """Run one treatment; return minutes simulated and how many times faster than real time."""
    loaded_rig, loaded_treatment = load_pair(rig, treatment)
    result = simulate_treatment(rig=loaded_rig, treatment=loaded_treatment, patient=Patient(), seed=1)
    if not result.completed:
        raise SystemExit(f"{rig}: the treatment ended in {result.values['phase']}: {result.values['trips']}")
    simulated_s, factor = result.values["simulated_s"], result.values["real_time_factor"]
    if not isinstance(simulated_s, float) or not isinstance(factor, float):
        raise TypeError(f"not numbers: {simulated_s!r}, {factor!r}")
    return simulated_s / 60.0, factor


def shares(rig: str, treatment: str) -> dict[str, float]:
    """Where the time goes: share of the whole by stage, the rest under "rest"."""
    profile = cProfile.Profile()
    profile.runcall(real_time_factor, rig, treatment)
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    whole_s = sum(own_s for _, _, own_s, _, _ in stats.values())
    found = {
        stage: sum(
            within_s
            for (file, _, name), (_, _, _, within_s, _) in stats.items()
            if any(name == wanted and file.endswith(end) for end, wanted in functions)
        )
        / whole_s
        for stage, functions in STAGES.items()
    }
    missing = [stage for stage, share in found.items() if share == 0.0]
    if missing:
        raise SystemExit(f"no time was seen in {', '.join(missing)}: a function of STAGES was renamed")
    return {**found, "rest": 1.0 - sum(found.values())}


def main() -> None:
    """Print one line and one table per rig, best of ROUNDS."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--treatment", default="mitomycin_90")
    parser.add_argument("--once", action="store_true", help="one round instead of the best of several")
    asked = parser.parse_args()
    for rig in RIGS:
        rounds = [real_time_factor(rig, asked.treatment) for _ in range(1 if asked.once else ROUNDS)]
        minutes, factor = max(rounds, key=lambda found: found[1])
        kind = load_pair(rig, asked.treatment)[0].heater.kind
        print(f"{rig} ({kind}): {minutes:.0f} min in {minutes * 60.0 / factor:.1f} s, {factor:,.0f} x real time")
        for stage, share in sorted(shares(rig, asked.treatment).items(), key=lambda item: -item[1]):
            print(f"    {stage:<18}{share:6.1%}")


if __name__ == "__main__":
    main()
