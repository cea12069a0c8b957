"""The seeds on docs/campaign.md that were not clean when they were first run, and what came of them since.

A seed is run again as it was drawn: a run counts for a line only when it drew the same faults. Not responsible for
running one (`hipec campaign --runs 1 --seed N --note docs/campaign.md`) or for the page (`note`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sim.campaign.runner import Verdict

HEAD = ("seed", "commit", "was", "faults drawn", "again on", "result")
CLEAN = "clean"


class Line(NamedTuple):
    """One seed that was not clean; `again` and `result` are "" until it was run again."""

    seed: str
    commit: str
    was: str
    faults: str
    again: str = ""
    result: str = ""


def drawn(verdict: Verdict) -> str:
    """The faults of a run, as they are on the page."""
    return "; ".join(struck.fault for struck in verdict.struck)


def result_of(verdict: Verdict) -> str:
    """What is wrong with a run, or CLEAN."""
    names = [violation.monitor for violation in verdict.violations]
    names += [f"not called for: {text.partition(':')[0]}" for text in verdict.unjustified]
    return ", ".join(dict.fromkeys(names)) or CLEAN


def is_again(lines: Sequence[Line], verdicts: Sequence[Verdict]) -> bool:
    """Whether a run is of nothing but seeds that are listed already, each with the same faults."""
    listed = {(line.seed, line.faults) for line in lines}
    return all((str(verdict.seed), drawn(verdict)) in listed for verdict in verdicts)


def learn(lines: Sequence[Line], commit: str, verdicts: Sequence[Verdict]) -> list[Line]:
    """The lines with what these runs say of them, and a line for each further run that was not clean."""
    known = {(line.seed, line.faults): line for line in lines}
    for verdict in verdicts:
        key, result = (str(verdict.seed), drawn(verdict)), result_of(verdict)
        if key in known:
            known[key] = known[key]._replace(again=commit, result=result)
        elif result != CLEAN:
            known[key] = Line(key[0], commit, result, key[1])
    return list(known.values())


def words(lines: Sequence[Line]) -> str:
    """One sentence: how many there are and what came of them."""
    clean = sum(line.result == CLEAN for line in lines)
    wrong = sum(line.result not in ("", CLEAN) for line in lines)
    left = len(lines) - clean - wrong
    return (
        f"{len(lines)} seeds were not clean when they were first run. Run again, as drawn then, on the commit named: "
        f"clean {clean}, not clean {wrong}, not run again {left}."
    )
