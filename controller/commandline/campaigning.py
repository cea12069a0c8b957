"""`hipec campaign`: many simulated treatments, judged over the true plant state."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from controller.commandline.options import AsJson, file_given
from controller.runtime.settings import BadSetting


def campaign(
    runs: Annotated[int, typer.Option(min=1, help="How many seeds.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="The first seed, or the first treatment.")] = 0,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes. Default: one for each processor.")] = None,
    dask: Annotated[str | None, typer.Option(help="HOST:PORT of a dask scheduler instead of local processes.")] = None,
    nuisance: Annotated[int | None, typer.Option(min=1, help="N treatments without a fault instead.")] = None,
    level: Annotated[str | None, typer.Option(help="value or byte for every seed. Default: 1 in 25 byte.")] = None,
    out: Annotated[Path, typer.Option(help="Where the page and failing cases are written.")] = Path("build/campaign"),
    note: Annotated[Path | None, typer.Option(help="A page that this run is added to, e.g. docs/campaign.md.")] = None,
    as_json: AsJson = False,
) -> None:
    """Many simulated treatments with sampled patients, people and faults, judged over the true plant state."""
    from sim.campaign import command

    with file_given("--out", out, allowed="a folder that can be made and written"):
        out.mkdir(parents=True, exist_ok=True)
    if note is not None and not note.parent.is_dir():
        raise BadSetting(f"--note {note}: no such folder; allowed: a page in a folder that is there")
    console = Console(stderr=True)
    with (
        command.executor_for(workers, dask) as executor,
        Progress(
            TextColumn("[bold]SIMULATED[/] campaign"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f}  {task.description}"),
            TimeElapsedColumn(),
            console=console,
            disable=as_json or not console.is_terminal,
        ) as progress,
    ):
        task = progress.add_task("", total=nuisance or runs, bad=0)

        def moved(done: int, bad: int) -> None:
            found = progress.tasks[0].fields["bad"] + bad
            progress.update(task, advance=done, bad=found, description=f"{found} bad" if found else "")

        if nuisance:
            outcome = command.nuisance(range(seed, seed + nuisance), executor, noted=note, progress=moved)
        else:
            seeds = range(seed, seed + runs)
            outcome = command.faults(seeds, executor, level=level, out=out, noted=note, progress=moved)
    if as_json:
        sys.stdout.write(json.dumps(outcome.numbers, allow_nan=False) + "\n")
    else:
        outcome.show(Console())
    raise typer.Exit(0 if outcome.good else 1)
