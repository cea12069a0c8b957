"""The numbers of a campaign: what `--json` prints and what the tables show.

Times to safe are from the onset of a fault that struck while the heat was on until the power was off, of runs that
ended safe by a trip. Not responsible for how they are shown.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from sim.campaign.runner import Verdict


def summary(verdicts: Sequence[Verdict], wall_s: float) -> dict[str, object]:
    """One JSON-able object."""
    return {
        "simulated": True,
        "runs": len(verdicts),
        "violations": [
            {"seed": verdict.seed, "step": verdict.step, **violation._asdict()}
            for verdict in verdicts
            for violation in verdict.violations
        ],
        "trips": sum(bool(verdict.trips) for verdict in verdicts),
        "trips_unjustified": sum(len(verdict.unjustified) for verdict in verdicts),
        "unjustified": [{"seed": verdict.seed, "trip": text} for verdict in verdicts for text in verdict.unjustified],
        "time_to_safe_s": times_to_safe(verdicts),
        "simulated_s": round(sum(verdict.simulated_s for verdict in verdicts), 1),
        "wall_s": round(wall_s, 2),
    }


def times_to_safe(verdicts: Sequence[Verdict]) -> dict[str, dict[str, float]]:
    """By fault: how many struck a heating bench alone and ended in heat off, and p50, p99 and max of the time."""
    return {
        name: {
            "n": len(times),
            "p50": round(percentile(times, 0.5), 2),
            "p99": round(percentile(times, 0.99), 2),
            "max": round(times[-1], 2),
        }
        for name, times in off_times(verdicts).items()
    }


def off_times(verdicts: Sequence[Verdict]) -> dict[str, list[float]]:
    """By fault: seconds to heat off, sorted. Only runs with one fault: of several, nobody can say which it was."""
    found: dict[str, list[float]] = {}
    for verdict in verdicts:
        if len(verdict.struck) == 1 and verdict.struck[0].heating and verdict.struck[0].off_s is not None:
            found.setdefault(verdict.struck[0].name, []).append(verdict.struck[0].off_s)
    return {name: sorted(found[name]) for name in sorted(found)}


def percentile(values: Sequence[float], share: float) -> float:
    """Of sorted values, the smallest that is not below that share of them."""
    return values[max(0, math.ceil(share * len(values)) - 1)]
