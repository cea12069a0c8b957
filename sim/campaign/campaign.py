"""Run many seeds over an executor of `concurrent.futures`, block by block; make what violates small and keep it.

Not responsible for one seed (`runner`), or for showing the result (`summary`, `tables`, `report`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sim.campaign import cases
from sim.campaign.nuisance import Quiet, run_quiet
from sim.campaign.report import Traced, trace, worst, write
from sim.campaign.runner import Treated, Verdict, run_block, run_scenario
from sim.campaign.scenario import Base, EngineName, Scenario, base_of_seed, scenario_of
from sim.campaign.shrink import shrink
from sim.refusal import BadRequest

Progress = Callable[[int, int], None]
"""Called with the runs done and the violations found since the last call."""

_Result = TypeVar("_Result")


class Smallest(NamedTuple):
    """What is left of a violating seed, and what it still violates."""

    scenario: Scenario
    verdict: Verdict


def blocks(seeds: Iterable[int]) -> dict[Base, list[int]]:
    """Seeds by the base they share."""
    found: dict[Base, list[int]] = {}
    for seed in seeds:
        found.setdefault(base_of_seed(seed), []).append(seed)
    return found


def run_campaign(
    seeds: Iterable[int], executor: Executor, *, progress: Progress, engine: EngineName | None = None
) -> tuple[list[Verdict], float]:
    """Every verdict, in the order of the seeds, and the wall time. The order of work changes nothing in either."""
    begun = time.perf_counter()
    verdicts: list[Verdict] = []
    futures = [executor.submit(run_block, base, mine, engine) for base, mine in blocks(seeds).items()]
    for done in _in_time(futures):
        verdicts += done
        progress(len(done), sum(bool(verdict.violations) for verdict in done))
    verdicts.sort(key=lambda verdict: verdict.seed)
    return verdicts, time.perf_counter() - begun


def run_nuisance(numbers: Iterable[int], executor: Executor, *, progress: Progress) -> tuple[list[Quiet], float]:
    """The treatments of these numbers, without a fault, and the wall time."""
    begun = time.perf_counter()
    quiet: list[Quiet] = []
    for one in _in_time([executor.submit(run_quiet, number) for number in numbers]):
        quiet.append(one)
        progress(1, len(one.unjustified))
    return sorted(quiet), time.perf_counter() - begun


def shrink_all(
    verdicts: Sequence[Verdict], executor: Executor, *, engine: EngineName | None = None
) -> dict[int, Smallest]:
    """The smallest scenario of every violating seed."""
    futures = [executor.submit(shrink_seed, verdict.seed, engine) for verdict in verdicts if verdict.violations]
    return {smallest.scenario.seed: smallest for smallest in _in_time(futures)}


def shrink_seed(seed: int, engine: EngineName | None) -> Smallest:
    """One seed made small."""
    treated = Treated(base_of_seed(seed))
    scenario = shrink(treated, scenario_of(seed, treated.bench, engine=engine))
    return Smallest(scenario, run_scenario(treated, scenario))


def keep(folder: Path, smallest: Iterable[Smallest]) -> list[Path]:
    """Write each as a regression case."""
    return [cases.save(folder, one.scenario, one.verdict) for one in smallest]


def plot_worst(
    path: Path,
    verdicts: Sequence[Verdict],
    numbers: dict[str, Any],
    executor: Executor,
    *,
    engine: EngineName | None = None,
) -> Path:
    """The page of the worst runs, each run once more for its trace."""
    futures = [executor.submit(trace_seed, verdict.seed, engine) for verdict in worst(verdicts)]
    return write(path, [future.result() for future in futures], numbers)


def trace_seed(seed: int, engine: EngineName | None) -> Traced:
    """One seed with its moments."""
    treated = Treated(base_of_seed(seed))
    return trace(treated, scenario_of(seed, treated.bench, engine=engine))


def local_executor(workers: int | None) -> Executor:
    """Processes on this machine; as many as it has processors when not told."""
    return ProcessPoolExecutor(max_workers=workers or len(os.sched_getaffinity(0)))


def dask_executor(address: str) -> Executor:
    """The same interface on a dask cluster. Raises BadRequest when dask.distributed is missing or nobody answers."""
    try:
        distributed: Any = import_module("distributed")
    except ImportError as error:
        raise BadRequest("--dask needs dask.distributed: run .venv/bin/pip install -e '.[dask]'") from error
    try:
        executor: Executor = distributed.Client(address).get_executor()
    except OSError as error:
        raise BadRequest(f"--dask {address}: no scheduler answers there: {error}") from error
    return executor


def _in_time(futures: Sequence[Future[_Result]]) -> Iterator[_Result]:
    """Each result when it is there; on any failure the rest is not begun."""
    try:
        yield from (future.result() for future in as_completed(futures))
    finally:
        for future in futures:
            future.cancel()
