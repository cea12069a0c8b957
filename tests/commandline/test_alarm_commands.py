"""`hipec alarms` and `hipec sounds`: the page follows the tables, files are written, misuse is refused."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from controller.app import app
from controller.commandline import alarming
from controller.core.interlocks import TABLE
from controller.sounds.bursts import BURSTS

PAGE = Path(__file__).parents[2] / "docs" / "alarms.md"


def ran(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_alarm_page_follows_the_tables() -> None:
    assert PAGE.read_text("utf-8") == alarming.page(), "run `make docs`"


def test_every_alarm_is_on_the_page_and_in_the_json() -> None:
    page = ran("alarms", "--markdown")
    rows = json.loads(ran("alarms", "--json"))["rows"]
    assert [row["id"] for row in rows] == [row.id for row in TABLE]
    assert all(f"(`{row.id}`)" in page for row in TABLE)
    assert "unanswered for 30 s: a burst every 2.5 s, and the external annunciator sounds" in page


def test_the_sounds_are_written_and_listed(tmp_path: Path) -> None:
    said = json.loads(ran("sounds", "--to", str(tmp_path), "--json"))
    assert [Path(path).name for path in said["files"]] == [*(f"{b.name}.wav" for b in BURSTS), "sounds.json"]
    assert all(Path(path).stat().st_size > 500 for path in said["files"])
    assert [line["name"] for line in said["sounds"]] == [burst.name for burst in BURSTS]


def test_sounds_without_a_folder_is_refused_with_what_is_allowed() -> None:
    result = CliRunner().invoke(app, ["sounds"])
    assert isinstance(result.exception, ValueError)
    assert "allowed: --to FOLDER" in str(result.exception)
