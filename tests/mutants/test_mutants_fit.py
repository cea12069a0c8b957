"""The named mutants fit the present tree: each can be applied, takes a control away, and names tests that exist."""

from __future__ import annotations

import pytest
from mutants import ROOT, Mutant, load
from ran import COLLECTED

from config.hazards import base
from config.hazards import load as load_hazards
from controller.core import interlocks

MUTANTS = load()
TABLE = load_hazards()
SOFTWARE = {name for channel, measures in TABLE.measures.items() if channel != "H" for name in measures}


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_mutant_changes_one_place_and_still_is_a_program(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text("utf-8")
    changed = mutant.applied(text)
    assert changed != text
    compile(changed, mutant.file, "exec")


@pytest.mark.parametrize("control", sorted({row.id for row in interlocks.TABLE} | SOFTWARE))
def test_every_interlock_row_and_every_software_measure_has_a_mutant(control: str) -> None:
    assert any(control in mutant.controls for mutant in MUTANTS), "and nothing shows that its tests would notice"


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_mutant_takes_away_what_the_hazard_table_names(mutant: Mutant) -> None:
    assert mutant.controls
    assert set(mutant.controls) <= {row.id for row in interlocks.TABLE} | SOFTWARE
    assert set(mutant.hazards) <= set(TABLE.hazards)


def test_no_mutant_is_there_twice_and_each_names_its_tests() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert len({(mutant.file, mutant.old, mutant.new) for mutant in MUTANTS}) == len(MUTANTS)
    assert all(mutant.tests for mutant in MUTANTS)
    assert [test for mutant in MUTANTS for test in mutant.tests if "::" not in test] == []


def test_the_named_tests_exist(request: pytest.FixtureRequest) -> None:
    """Judges the files that this session collects whole: all of them in `make test`."""
    nodes = request.config.stash[COLLECTED]
    known = {form for node in nodes for form in (node, base(node), node.partition("::")[0])}
    parts = {argument.partition("::")[0] for argument in request.config.args if "::" in argument}
    whole = {node.partition("::")[0] for node in nodes} - parts
    missing = [f"{m.name}: {t}" for m in MUTANTS for t in m.tests if t.partition("::")[0] in whole and t not in known]
    assert "\n".join(missing) == ""
