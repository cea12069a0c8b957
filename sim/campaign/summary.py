"""The numbers of a campaign: what `--json` prints and what the tables show.

Times to safe are from the onset of a fault that struck while the heat was on until the power was off, of runs that
ended safe by a trip. Not responsible for how they are shown.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from sim.campaign.campaign import Smallest
from sim.campaign.nuisance import Quiet
from sim.campaign.runner import Verdict


def summary(
    verdicts: Sequence[Verdict], wall_s: float, smallest: Mapping[int, Smallest] = MappingProxyType({})
) -> dict[str, object]:
    """One JSON-able object. `single_fault` counts violating seeds that one fault alone is enough for.

    Two campaigns of the same seeds with one `trace_hash` went alike in every cycle of every run.
    """
    return {
        "simulated": True,
        "runs": len(verdicts),
        "violations": [
            {
                "seed": verdict.seed,
                "step": verdict.step,
                **violation._asdict(),
                "smallest": [str(fault) for fault in smallest[verdict.seed].scenario.faults]
                if verdict.seed in smallest
                else [],
            }
            for verdict in verdicts
            for violation in verdict.violations
        ],
        "violating_seeds": sum(bool(verdict.violations) for verdict in verdicts),
        "single_fault": sum(len(one.scenario.faults) == 1 for one in smallest.values()),
        "trips": sum(bool(verdict.trips) for verdict in verdicts),
        "trips_unjustified": sum(len(verdict.unjustified) for verdict in verdicts),
        "unjustified": [{"seed": verdict.seed, "trip": text} for verdict in verdicts for text in verdict.unjustified],
        "time_to_safe_s": times_to_safe(verdicts),
        "trace_hash": hashlib.sha256("".join(verdict.trace_hash for verdict in verdicts).encode()).hexdigest(),
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


def nuisance_summary(quiet: Sequence[Quiet], wall_s: float) -> dict[str, object]:
    """Of treatments without a fault: trips and false MEDIUM alarms that nothing in the true plant called for."""
    false_medium = [text for one in quiet for text in one.false_medium]
    return {
        "simulated": True,
        "runs": len(quiet),
        "completed": sum(one.completed for one in quiet),
        "trips": [{"number": one.number, "trip": text} for one in quiet for text in one.trips],
        "trips_unjustified": sum(len(one.unjustified) for one in quiet),
        "unjustified": [{"number": one.number, "trip": text} for one in quiet for text in one.unjustified],
        "false_medium_per_100": round(100.0 * len(false_medium) / max(1, len(quiet)), 2),
        "false_medium": [{"number": one.number, "alarm": text} for one in quiet for text in one.false_medium],
        "simulated_s": round(sum(one.simulated_s for one in quiet), 1),
        "wall_s": round(wall_s, 2),
    }
