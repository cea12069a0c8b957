"""Many seeded kills and stops of the shipped processes, several rigs at once, printed as a table.

    .venv/bin/python tests/hil/host_batch.py --runs 200 --seed 1 --rigs 3        (make hostfaults N=200)

Exit code 1 when one fault was not answered as demanded. Wall time: about 25 s a fault and rig.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

from host_faults import Outcome, Plan, plans, strike
from host_rig import Rig, rig_in
from rich.console import Console
from rich.table import Table

RIGS = ("bench", "modbus")

Tell = Callable[[Outcome], None]


def batch(*, runs: int, seed: int, rigs: int, tell: Tell) -> list[Outcome]:
    """`runs` faults, dealt out to `rigs` benches that run beside each other."""
    dealt = plans(random.Random(seed), runs)
    edges = [number * runs // rigs for number in range(rigs + 1)]
    shares = [dealt[begin:end] for begin, end in pairwise(edges)]
    with ThreadPoolExecutor(rigs) as pool:
        waiting = [pool.submit(_one_rig, share, seed * 100 + number, tell) for number, share in enumerate(shares)]
        return [outcome for future in waiting for outcome in future.result()]


def _one_rig(share: Sequence[Plan], seed: int, tell: Tell) -> list[Outcome]:
    rng = random.Random(seed)
    outcomes = []
    with (
        tempfile.TemporaryDirectory(prefix="hf") as folder,
        rig_in(Path(folder), name=RIGS[seed % len(RIGS)], seed=seed) as rig,
    ):
        rig.start()
        for plan in share:
            outcomes.append(_struck(rig, plan, rng))
            tell(outcomes[-1])
        rig.end_supervisor()
        rig.verify_records()
    return outcomes


def _struck(rig: Rig, plan: Plan, rng: random.Random) -> Outcome:
    """One fault; what did not come that had to come is an outcome too, and the next fault gets a new supervisor."""
    try:
        return strike(rig, plan, rng)
    except (AssertionError, OSError) as error:
        why = f"{type(error).__name__}: {error}; logs: {rig.said()[-600:]}; {rig.last_words()}"
        rig.restart()
        return Outcome(plan, "?", math.nan, None, None, (why,), "")


def line(outcome: Outcome) -> tuple[str, ...]:
    """One row of the table."""
    plan = outcome.plan
    signal = "KILL" if plan.kill else f"STOP {plan.for_s:.1f} s"
    times = (outcome.heat_off_s, outcome.contactor_s)
    heat, contactor = ("-" if seconds is None else f"{seconds:.2f}" for seconds in times)
    return (
        plan.victim, signal, outcome.step, f"{outcome.power_w:.0f}", heat, contactor,
        "; ".join(outcome.wrong) or "as demanded", outcome.said,
    )  # fmt: skip


def table(outcomes: Sequence[Outcome]) -> Table:
    """Every fault of the batch."""
    made = Table(title="SIMULATED: processes killed and stopped while heating")
    for name in ("victim", "signal", "step", "W before", "heat off s", "contactor s", "verdict", "said"):
        made.add_column(name)
    for outcome in outcomes:
        made.add_row(*line(outcome), style="bold" if outcome.wrong else "")
    return made


def summary(outcomes: Sequence[Outcome]) -> Table:
    """Median and longest time to heat off for each victim and signal, where the heat had to go off."""
    made = Table(title="SIMULATED: from the strike to heat off and contactor open, s")
    for name in ("victim", "signal", "n", "heat off median", "max", "contactor max", "not as demanded"):
        made.add_column(name)
    kinds = dict.fromkeys((outcome.plan.victim, outcome.plan.kill) for outcome in outcomes)
    for victim, kill in sorted(kinds):
        those = [one for one in outcomes if (one.plan.victim, one.plan.kill) == (victim, kill)]
        timed = [one for one in those if one.heat_off_s is not None and (kill or one.plan.for_s > 1.0)]
        if victim == "supervisor" and not kill:
            timed = []  # the treatment goes on
        heat = [one.heat_off_s or 0.0 for one in timed]
        median, longest = (f"{statistics.median(heat):.2f}", f"{max(heat):.2f}") if heat else ("-", "-")
        contactor = f"{max(one.contactor_s or 0.0 for one in timed):.2f}" if timed else "-"
        wrong = sum(bool(one.wrong) for one in those)
        made.add_row(victim, "KILL" if kill else "STOP", str(len(those)), median, longest, contactor, str(wrong))
    return made


def main() -> int:
    """Run a batch and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rigs", type=int, default=3, help="benches beside each other")
    given = parser.parse_args()
    console = Console(width=150)
    outcomes = batch(
        runs=given.runs, seed=given.seed, rigs=given.rigs, tell=lambda one: console.print(" | ".join(line(one)))
    )
    console.print(table(outcomes))
    console.print(summary(outcomes))
    wrong = sum(bool(outcome.wrong) for outcome in outcomes)
    console.print(f"{len(outcomes)} faults, seed {given.seed}, {wrong} not as demanded")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
