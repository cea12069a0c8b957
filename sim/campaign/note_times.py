"""The times to safe on docs/campaign.md: pooled over every run of one commit, kept by seed in docs/campaign.json.

A seed that is run twice counts once. Shown is the commit with the most runs; a median and a 99th percentile of few
values say nothing and are left out. Not responsible for measuring (`runner`) or for the page (`note`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from sim.campaign.runner import Verdict
from sim.campaign.summary import off_times, percentile
from sim.fault_catalogue import HAZARDS

HEAD = ("fault alone, while heating", "hazards", "n", "p50 s", "p99 s", "max s")
FEW = 20

Times = dict[str, dict[str, dict[str, float]]]
"""Seconds to heat off by commit, fault and seed."""


def read(path: Path) -> Times:
    """What was kept; nothing when there is no file."""
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def add(times: Times, commit: str, verdicts: Sequence[Verdict]) -> Times:
    """With the runs of this commit in it."""
    kept = {name: dict(of_seed) for name, of_seed in times.get(commit, {}).items()}
    for verdict in verdicts:
        for name, (off_s, *_) in off_times([verdict]).items():
            kept.setdefault(name, {})[str(verdict.seed)] = round(off_s, 2)
    return {**times, commit: kept}


def write(path: Path, times: Times) -> None:
    """Keep them."""
    path.write_text(json.dumps(times, indent=1, sort_keys=True) + "\n", "utf-8")


def rows(of_fault: Mapping[str, Mapping[str, float]]) -> list[tuple[str, ...]]:
    """One for each fault of one commit."""
    return [
        (name, " ".join(HAZARDS[name]), str(len(of_seed)), *_spread(sorted(of_seed.values())))
        for name, of_seed in sorted(of_fault.items())
    ]


def _spread(off_s: Sequence[float]) -> tuple[str, str, str]:
    few = len(off_s) < FEW
    middle, most = ("", "") if few else (f"{percentile(off_s, share):.2f}" for share in (0.5, 0.99))
    return middle, most, f"{off_s[-1]:.2f}"
