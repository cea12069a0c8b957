"""Many seeded kills and stops of the shipped processes in every heated phase, several rigs at once, as tables.

    .venv/bin/python tests/hil/host_batch.py --runs 200 --seed 1 --rigs 3        (make hostfaults N=200)

Every other rig runs at speed 1 and is struck in PREHEAT, the others run `--speed` times faster and are struck in all
phases. With --note FILE the result replaces that page. Exit code 1 when one fault was not answered as demanded.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

from host_faults import PHASES, Outcome, Plan, plans, strike
from host_rig import Rig, rig_in
from host_tables import line, page, summary, table
from rich.console import Console

from sim.campaign.note import commit_now

RIGS = ("bench", "modbus")
REAL_TIME_SHARE = 0.3  # of the strikes, at speed 1

Tell = Callable[[Outcome], None]


def batch(*, runs: int, seed: int, rigs: int, speed: float, tell: Tell) -> list[Outcome]:
    """`runs` faults, dealt out to `rigs` benches that run beside each other; the first of them at speed 1."""
    rng = random.Random(seed)
    early = round(runs * REAL_TIME_SHARE)
    shares = [(1.0, plans(rng, early, PHASES[:1]))]
    edges = [number * (runs - early) // (rigs - 1) for number in range(rigs)]
    shares += [(speed, plans(rng, end - begin, PHASES)) for begin, end in pairwise(edges)]
    with ThreadPoolExecutor(rigs) as pool:
        waiting = [
            pool.submit(_one_rig, share, at, seed * 100 + number, tell) for number, (at, share) in enumerate(shares)
        ]
        return [outcome for future in waiting for outcome in future.result()]


def _one_rig(share: Sequence[Plan], speed: float, seed: int, tell: Tell) -> list[Outcome]:
    rng = random.Random(seed)
    outcomes = []
    with (
        tempfile.TemporaryDirectory(prefix="hf") as folder,
        rig_in(Path(folder), name=RIGS[seed % len(RIGS)], seed=seed, speed=speed, console=True) as rig,
    ):
        rig.start()
        for plan in share:
            outcomes.append(_struck(rig, plan, rng))
            tell(outcomes[-1])
        rig.end_supervisor()
        rig.verify_records()
    return outcomes


def _struck(rig: Rig, plan: Plan, rng: random.Random) -> Outcome:
    """One fault; what did not come that had to come is an outcome too, and the next fault gets a new bench."""
    try:
        outcome = strike(rig, plan, rng)
        if plan.lethal and plan.victim != "sim" and plan.phase != "preheat":
            rig.new_bench()  # another treatment needs another patient: this one is full
        return outcome
    except (AssertionError, OSError) as error:
        why = f"{type(error).__name__}: {error}; logs: {rig.said()[-600:]}; {rig.last_words()}"
        rig.new_bench()
        return Outcome(plan, plan.phase, math.nan, None, None, (why,), "", rig.speed)


def main() -> int:
    """Run a batch and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rigs", type=int, default=3, help="benches beside each other, at least 2")
    parser.add_argument("--speed", type=float, default=4.0, help="of all but the first")
    parser.add_argument("--note", type=Path, help="write the result to this page")
    given = parser.parse_args()
    console = Console(width=150)
    commit = commit_now()
    told: list[Outcome] = []

    def tell(outcome: Outcome) -> None:
        console.print(" | ".join(line(outcome)), markup=False)
        told.append(outcome)
        if given.note:
            given.note.write_text(page(told, commit=commit, seed=given.seed, planned=given.runs))

    outcomes = batch(runs=given.runs, seed=given.seed, rigs=given.rigs, speed=given.speed, tell=tell)
    console.print(table(outcomes))
    console.print(summary(outcomes))
    wrong = sum(bool(outcome.wrong) for outcome in outcomes)
    console.print(f"{len(outcomes)} faults, seed {given.seed}, {wrong} not as demanded")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
