"""The page of campaigns remembers every run, and keeps the times of the one with the most."""

from __future__ import annotations

from pathlib import Path

from sim.campaign import note
from sim.campaign.runner import Struck, Verdict
from sim.campaign.summary import nuisance_summary, summary


def _verdicts(count: int, off_s: float) -> list[Verdict]:
    struck = (Struck("stall@1", "stall", "pump", True, off_s, off_s),)
    return [Verdict(n, "prime", (), (), (), struck, 60.0, "", 44.0, 42.0, 37.0) for n in range(count)]


def _rows(path: Path, word: str) -> list[str]:
    return [line for line in path.read_text("utf-8").splitlines() if f"| {word} |" in line]


def test_a_run_is_added_and_the_times_are_those_of_the_most_runs(tmp_path: Path) -> None:
    path = tmp_path / "campaign.md"
    for count, off_s in ((3, 0.4), (5, 0.6), (2, 0.9)):
        verdicts = _verdicts(count, off_s)
        note.of_faults(path, "abc1234", 100, verdicts, summary(verdicts, 2.0))
    assert [line.split("|")[5].strip() for line in _rows(path, "faults")] == ["3", "5", "2"]
    assert _rows(path, "stall") == ["| stall | 5 | 0.60 | 0.60 | 0.60 |"]


def test_treatments_without_a_fault_are_added_beside_them(tmp_path: Path) -> None:
    path = tmp_path / "campaign.md"
    verdicts = _verdicts(3, 0.4)
    note.of_faults(path, "abc1234", 0, verdicts, summary(verdicts, 2.0))
    note.of_nuisance(path, "abc1234", 0, nuisance_summary([], 3.0))
    assert len(_rows(path, "faults")) == len(_rows(path, "no fault")) == len(_rows(path, "stall")) == 1
