"""The named mutants fit the present tree: each can be applied, means a hazard, and names tests that exist."""

from __future__ import annotations

import pytest
from mutants import ROOT, Mutant, load
from ran import COLLECTED

from config.hazards import base
from config.hazards import load as load_hazards

MUTANTS = load()
LEAST = 60
# Rows whose software part is procedure or arithmetic of another room; the bench or the record's own tests hold them.
BESIDE = {"H05", "H13", "H24", "H45", "H52"}


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_mutant_changes_one_place_and_still_is_a_program(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text("utf-8")
    changed = mutant.applied(text)
    assert changed != text
    compile(changed, mutant.file, "exec")


def test_every_hazard_that_software_controls_has_a_mutant() -> None:
    table = load_hazards()
    named = {id_ for mutant in MUTANTS for id_ in mutant.hazards}
    assert named <= set(table.hazards)
    assert set(table.hazards) - named <= BESIDE, sorted(set(table.hazards) - named)
    assert len(MUTANTS) >= LEAST


def test_no_mutant_is_there_twice_and_each_has_tests() -> None:
    assert len({(mutant.file, mutant.old, mutant.new) for mutant in MUTANTS}) == len(MUTANTS)
    assert all(mutant.tests for mutant in MUTANTS)


def test_the_named_tests_exist(request: pytest.FixtureRequest) -> None:
    """Judges the files that this session collects whole: all of them in `make test`."""
    nodes = request.config.stash[COLLECTED]
    known = {form for node in nodes for form in (node, base(node), node.partition("::")[0])}
    parts = {argument.partition("::")[0] for argument in request.config.args if "::" in argument}
    whole = {node.partition("::")[0] for node in nodes} - parts
    missing = [f"{m.name}: {t}" for m in MUTANTS for t in m.tests if t.partition("::")[0] in whole and t not in known]
    assert "\n".join(missing) == ""
