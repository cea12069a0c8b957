"""Run many seeds over an executor of `concurrent.futures`, block by block, and add them up.

Not responsible for one seed (`runner`), for the executor, or for showing the result (`report`, `controller.app`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed

from sim.campaign.runner import Verdict, run_block
from sim.campaign.scenario import SEEDS_PER_BASE, EngineName

Progress = Callable[[int, int], None]
"""Called with the seeds done and the violations found since the last call."""


def blocks(seeds: Iterable[int]) -> dict[int, list[int]]:
    """Seeds by the base they share."""
    found: dict[int, list[int]] = {}
    for seed in seeds:
        found.setdefault(seed // SEEDS_PER_BASE, []).append(seed)
    return found


def run_campaign(
    seeds: Iterable[int], executor: Executor, *, progress: Progress, engine: EngineName | None = None
) -> tuple[list[Verdict], float]:
    """Every verdict, in the order of the seeds, and the wall time. The order of work changes nothing in either."""
    begun = time.perf_counter()
    verdicts: list[Verdict] = []
    for done in _in_time(executor, blocks(seeds), engine):
        verdicts += done
        progress(len(done), sum(bool(verdict.violations) for verdict in done))
    verdicts.sort(key=lambda verdict: verdict.seed)
    return verdicts, time.perf_counter() - begun


def local_executor(workers: int | None) -> Executor:
    """Processes on this machine; as many as it has processors when not told."""
    return ProcessPoolExecutor(max_workers=workers or len(os.sched_getaffinity(0)))


def _in_time(executor: Executor, work: dict[int, list[int]], engine: EngineName | None) -> Iterator[list[Verdict]]:
    futures: list[Future[list[Verdict]]] = [
        executor.submit(run_block, number, seeds, engine) for number, seeds in work.items()
    ]
    try:
        for future in as_completed(futures):
            yield future.result()
    finally:
        for future in futures:
            future.cancel()
