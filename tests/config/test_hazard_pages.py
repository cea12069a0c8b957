"""What `hipec hazards` and docs/hazards.md show of the table: all of it, legibly, and nothing older."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from config.hazard_pages import WIDTH, lines, page, plain
from config.hazards import FILE, load
from controller.app import app
from controller.commandline.evidence import interlock_rows
from controller.core.interlocks import TABLE

ROOT = FILE.parents[1]
TABLE_OF_HAZARDS = load()
RUNNER = CliRunner()


def test_the_committed_page_is_the_generated_one() -> None:
    generated = page(TABLE_OF_HAZARDS, interlock_rows())
    assert (ROOT / "docs/hazards.md").read_text("utf-8") == generated, "run `make docs`"


def test_the_page_has_every_hazard_control_test_and_interlock() -> None:
    text = page(TABLE_OF_HAZARDS, interlock_rows())
    for id_, hazard in TABLE_OF_HAZARDS.hazards.items():
        assert f"## {id_} {hazard.situation}" in text
        assert all(node in text for node in hazard.tests)
        assert all(name in text for names in hazard.controls.values() for name in names)
    assert all(f"| {row.id} | {', '.join(row.hazards)} | {row.response.name} |" in text for row in TABLE)


@pytest.mark.parametrize("whole", [False, True])
def test_lines_fit_a_terminal_except_for_names_that_cannot_be_broken(whole: bool) -> None:
    for line in lines(TABLE_OF_HAZARDS, whole=whole):
        assert len(line) <= WIDTH or len(line.split()) <= 2, line


def test_json_has_every_row_with_its_controls_by_channel() -> None:
    result = RUNNER.invoke(app, ["hazards", "--json"])
    assert result.exit_code == 0
    said = json.loads(result.stdout)
    assert said == json.loads(json.dumps(plain(TABLE_OF_HAZARDS)))
    assert [row["id"] for row in said["hazards"]] == list(TABLE_OF_HAZARDS.hazards)
    for row in said["hazards"]:
        assert all(set(control) == {"channel", "id"} for control in row["controls"])


def test_one_row_is_shown_with_all_its_tests_and_an_unknown_one_is_refused() -> None:
    result = RUNNER.invoke(app, ["hazards", "H26"])
    assert result.exit_code == 0
    assert all(node in result.stdout for node in TABLE_OF_HAZARDS.hazards["H26"].tests)
    assert "H27" not in result.stdout
    refused = RUNNER.invoke(app, ["hazards", "H77"])
    assert isinstance(refused.exception, ValueError)
    assert "no hazard H77; allowed: H00" in str(refused.exception)


def test_a_test_that_was_not_run_is_a_missing_link(tmp_path: Path) -> None:
    ran = sorted({node for hazard in TABLE_OF_HAZARDS.hazards.values() for node in hazard.tests})
    file = tmp_path / "ran"
    file.write_text("\n".join(f"{node}[parameter]" for node in ran))
    assert RUNNER.invoke(app, ["hazards", "--ran", str(file)]).exit_code == 0
    file.write_text("\n".join(ran[1:]))
    result = RUNNER.invoke(app, ["hazards", "--ran", str(file)])
    assert result.exit_code == 1
    assert f"tests = {ran[0]}: is no test, or was not run" in result.output
