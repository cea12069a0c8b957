"""`hipec campaign` without its command line: run, shrink what violates, write the page and the cases, say how it went.

Not responsible for parsing or progress bars (`controller.commandline.campaigning`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from sim.campaign import note, tables
from sim.campaign.campaign import (
    Progress,
    dask_executor,
    keep,
    local_executor,
    plot_worst,
    run_campaign,
    run_nuisance,
    shrink_all,
)
from sim.campaign.runner import Verdict
from sim.campaign.scenario import EngineName
from sim.campaign.summary import nuisance_summary, summary
from sim.refusal import BadRequest

FALSE_MEDIUM_PER_100 = 1.0
LEVELS: dict[str | None, EngineName | None] = {None: None, "value": "value", "byte": "byte"}


class Outcome(NamedTuple):
    """The numbers, whether they are good, and how to show them."""

    numbers: dict[str, object]
    good: bool
    show: Callable[[Console], None]


def executor_for(workers: int | None, dask: str | None) -> Executor:
    """Local processes, or a dask cluster when an address is given. Raises BadRequest when that cannot be reached."""
    return local_executor(workers) if dask is None else dask_executor(dask)


def faults(
    seeds: range, executor: Executor, *, level: str | None, out: Path, noted: Path | None, progress: Progress
) -> Outcome:
    """Seeds with faults; added to the page `noted`. Raises BadRequest on a level that there is not."""
    if level not in LEVELS:
        raise BadRequest(f"--level {level!r}; allowed: value, byte")
    engine, commit = LEVELS[level], note.commit_now()
    verdicts, wall_s = run_campaign(seeds, executor, progress=progress, engine=engine)
    smallest = shrink_all(verdicts, executor, engine=engine)
    numbers = summary(verdicts, wall_s, smallest)
    numbers["cases"] = [str(path) for path in keep(out / "cases", smallest.values())]
    numbers["page"] = str(plot_worst(out / "worst.html", verdicts, numbers, executor, engine=engine))
    if noted:
        note.of_faults(noted, commit, seeds.start, verdicts, numbers)
    return Outcome(numbers, not numbers["violations"], _shown(verdicts, numbers))


def nuisance(treatments: range, executor: Executor, *, noted: Path | None, progress: Progress) -> Outcome:
    """Treatments without a fault; added to the page `noted`."""
    commit = note.commit_now()
    quiet, wall_s = run_nuisance(treatments, executor, progress=progress)
    numbers = nuisance_summary(quiet, wall_s)
    if noted:
        note.of_nuisance(noted, commit, treatments.start, numbers)
    false_alarms = numbers["false_medium_per_100"]
    few = isinstance(false_alarms, float) and false_alarms <= FALSE_MEDIUM_PER_100

    def show(console: Console) -> None:
        console.print_json(data=numbers)

    return Outcome(numbers, not numbers["unjustified"] and few, show)


def _shown(verdicts: Sequence[Verdict], numbers: dict[str, object]) -> Callable[[Console], None]:
    return lambda console: tables.show(console, verdicts, numbers)
