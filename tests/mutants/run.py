"""`make mutants`: apply each named mutant to a copy of the tree, run its tests, and expect one of them to fail.

Exit codes: 0 every mutant was killed, 1 one survived or could not be judged, 2 its tests fail without any mutant.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import NamedTuple

from mutants import ROOT, Mutant, load

PAGE = ROOT / "docs/mutants.md"
COPIED = ("config", "controller", "drivers", "sim", "tests", "benchmarks", "docs", "pyproject.toml", "Makefile")
LONGEST_S = 300.0
FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.M)


class Verdict(NamedTuple):
    """What became of a mutant: killed by a test, or why not."""

    mutant: Mutant
    killed: bool
    by: str
    took_s: float


def main(arguments: list[str] | None = None) -> int:
    """Judge the mutants that were asked for; write docs/mutants.md when it was all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only these")
    parser.add_argument(
        "--unproven", action="store_true", help="the suite has just passed: skip the run without mutants"
    )
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    given = parser.parse_args(arguments)
    everything = load()
    chosen = [mutant for mutant in everything if not given.names or mutant.name in given.names]
    with tempfile.TemporaryDirectory(prefix="hipec-mutants-") as folder:
        trees = [copy_tree(Path(folder) / str(number)) for number in range(given.workers)]
        named = sorted({test for mutant in chosen for test in mutant.tests})
        code, said = (0, "") if given.unproven else run_tests(trees[0], named)
        if code != 0:
            print(said[-4000:], "the named tests do not pass without a mutant", sep="\n")
            return 2
        verdicts = judge_all(chosen, trees)
    survivors = [verdict for verdict in verdicts if not verdict.killed]
    print(
        f"{len(verdicts) - len(survivors)} of {len(verdicts)} killed", *(v.mutant.name for v in survivors), sep="\n  "
    )
    if len(chosen) == len(everything):
        PAGE.write_text(page(verdicts), "utf-8")
    return 1 if survivors else 0


def judge_all(mutants: Iterable[Mutant], trees: list[Path]) -> list[Verdict]:
    """One verdict for each mutant, in order; every tree serves one at a time."""
    free: Queue[Path] = Queue()
    for tree in trees:
        free.put(tree)

    def one(mutant: Mutant) -> Verdict:
        tree = free.get()
        try:
            verdict = judge(mutant, tree)
        finally:
            free.put(tree)
        word = "killed  " if verdict.killed else "SURVIVED"
        print(f"{word} {mutant.name} ({verdict.took_s:.0f} s) {verdict.by}", flush=True)
        return verdict

    with ThreadPoolExecutor(len(trees)) as pool:
        return list(pool.map(one, mutants))


def judge(mutant: Mutant, tree: Path) -> Verdict:
    """Apply, test, restore."""
    path, began_s = tree / mutant.file, time.monotonic()
    text = path.read_text("utf-8")
    try:
        path.write_text(mutant.applied(text), "utf-8")
        code, said = run_tests(tree, mutant.tests)
    except subprocess.TimeoutExpired:
        return Verdict(mutant, True, f"no end within {LONGEST_S:.0f} s", LONGEST_S)
    finally:
        path.write_text(text, "utf-8")
    failed = FAILED.search(said)
    by = failed[1] if failed else f"pytest ended with {code}: {said[-300:]}" if code else "nothing failed"
    return Verdict(mutant, code == 1 and failed is not None, by, time.monotonic() - began_s)


def run_tests(tree: Path, tests: Iterable[str]) -> tuple[int, str]:
    """Exit code and output of pytest on these tests of that tree, with the code of that tree."""
    options = ["-q", "-x", "-p", "no:cacheprovider", "--tb=line", "--timeout", "120", "-m", ""]
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=tree, env=environment, capture_output=True, text=True, timeout=LONGEST_S * 4, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def copy_tree(where: Path) -> Path:
    """A copy of what the tests need."""
    where.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, where / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, where / name)
    return where


def page(verdicts: list[Verdict]) -> str:
    """The page docs/mutants.md."""
    killed = sum(verdict.killed for verdict in verdicts)
    asked = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    lines = [
        "# Safety mutants\n",
        "Each takes one mitigation away, a row of the interlock table or another control of docs/hazards.md; a named "
        "test has to fail. Written by `make mutants`; do not edit.\n",
        f"{time.strftime('%Y-%m-%d')}, on commit {commit}: {killed} of {len(verdicts)} killed.\n",
        "| mutant | takes away | hazards | file | becomes | killed by |",
        "|---|---|---|---|---|---|",
    ]
    for verdict in verdicts:
        mutant = verdict.mutant
        becomes, by = (" ".join(text.split()).replace("|", "\\|") for text in (mutant.new, verdict.by))
        becomes, by = becomes or "nothing", f"`{by}`" if verdict.killed else "**survived**"
        takes, hazards = ", ".join(mutant.controls), ", ".join(mutant.hazards)
        lines.append(f"| {mutant.name} | {takes} | {hazards} | {mutant.file} | `{becomes}` | {by} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
