"""The page of campaigns remembers every run, what came of each seed that was not clean, and pools the times to safe."""

from __future__ import annotations

from pathlib import Path

from config.hazards import load
from sim.campaign import note
from sim.campaign.onset import Struck
from sim.campaign.runner import Verdict, Violation
from sim.campaign.summary import nuisance_summary, summary
from sim.fault_catalogue import CATALOGUE, HAZARDS

VIOLATION = Violation("P3 power without a fresh command", 3.0, "500 W")


def _verdict(seed: int, *, off_s: float = 0.4, fault: str = "stall@1", wrong: bool = False) -> Verdict:
    struck = (Struck(fault, "stall", "pump", True, off_s, off_s),)
    violations = (VIOLATION,) if wrong else ()
    return Verdict(seed, "prime", violations, (), (), struck, 60.0, "", 44.0, 42.0, 37.0)


def _note(path: Path, commit: str, verdicts: list[Verdict]) -> None:
    note.of_faults(path, commit, verdicts[0].seed, verdicts, summary(verdicts, 2.0))


def _rows(path: Path, word: str) -> list[str]:
    return [line for line in path.read_text("utf-8").splitlines() if f"| {word} |" in line]


def test_the_times_are_those_of_all_runs_of_the_commit_with_the_most_each_seed_once(tmp_path: Path) -> None:
    path = tmp_path / "campaign.md"
    _note(path, "aaaaaaa", [_verdict(n) for n in range(12)])
    assert _rows(path, "stall") == ["| stall | H06 H17 | 12 |  |  | 0.40 |"]
    _note(path, "aaaaaaa", [_verdict(n, off_s=0.6) for n in range(8, 20)])
    _note(path, "bbbbbbb", [_verdict(n, off_s=0.9) for n in range(20)])
    assert [line.split("|")[5].strip() for line in _rows(path, "faults")] == ["12", "12", "20"]
    assert _rows(path, "stall") == ["| stall | H06 H17 | 20 | 0.60 | 0.60 | 0.60 |"]
    assert "over the 24 runs with faults of commit aaaaaaa" in path.read_text("utf-8")


def test_treatments_without_a_fault_are_added_beside_them(tmp_path: Path) -> None:
    path = tmp_path / "campaign.md"
    _note(path, "abc1234", [_verdict(n) for n in range(3)])
    note.of_nuisance(path, "abc1234", 0, nuisance_summary([], 3.0))
    assert len(_rows(path, "faults")) == len(_rows(path, "no fault")) == len(_rows(path, "stall")) == 1


def test_a_seed_that_was_not_clean_is_listed_until_the_same_draw_is_run_again_and_its_outcome_stands_beside_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "campaign.md"
    _note(path, "aaaaaaa", [_verdict(7, wrong=True), _verdict(8)])
    was = "| 7 | aaaaaaa | P3 power without a fresh command | stall@1 |"
    assert _rows(path, "stall@1") == [f"{was}  |  |"]
    assert "clean 0, not clean 0, not run again 1" in path.read_text("utf-8")
    _note(path, "bbbbbbb", [_verdict(7, fault="stall@2")])
    assert _rows(path, "stall@1") == [f"{was}  |  |"]
    _note(path, "ccccccc", [_verdict(7, wrong=True)])
    assert _rows(path, "stall@1") == [f"{was} ccccccc | P3 power without a fresh command |"]
    assert "clean 0, not clean 1, not run again 0" in path.read_text("utf-8")
    _note(path, "ddddddd", [_verdict(7)])
    assert _rows(path, "stall@1") == [f"{was} ddddddd | clean |"]
    assert "clean 1, not clean 0, not run again 0" in path.read_text("utf-8")
    assert [line.split("|")[2].strip() for line in _rows(path, "faults")] == ["aaaaaaa", "bbbbbbb"]


def test_every_fault_is_a_hazard_of_the_table() -> None:
    assert HAZARDS.keys() == CATALOGUE.keys()
    assert {id_ for hazards in HAZARDS.values() for id_ in hazards} <= load().hazards.keys()
    assert all(HAZARDS.values())
