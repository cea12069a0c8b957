"""The report of a record: a page that needs nothing else, a table, everything as JSON; and what is damaged is said."""

from __future__ import annotations

import ast
import csv
import io
import json
import sqlite3
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import pytest
from record_parts import event, fill, header

from controller.app import main
from controller.core.exchange import EventKind
from controller.records.forms import FORMS, write
from controller.records.missed import EVERY_S
from controller.records.reader import Record
from controller.records.rows import event_row
from controller.records.store import RecordError, Store
from controller.records.summary import LISTED


@pytest.fixture
def path(tmp_path: Path) -> Path:
    at = tmp_path / "run.sqlite"
    fill(at).close()
    return at


def written(path: Path, form: str) -> str:
    to = io.StringIO()
    write(path, form, to)
    return to.getvalue()


class Links(HTMLParser):
    """Everything that a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [str(value) for name, value in attrs if name in ("src", "href")]
        self.found += [tag] if tag in ("script", "link", "iframe", "img") else []


def test_the_page_names_patient_treatment_hash_and_notice_and_fetches_nothing(path: Path) -> None:
    text = written(path, "html")
    with Record(path) as record:
        head, sha256 = record.verify().head, str(record.header["config_sha256"])
    for said in ("BENCH", "Saline rehearsal", head, sha256, "not for use on patients", "SIMULATED"):
        assert said in text
    links = Links()
    links.feed(text)
    assert links.found == []


def test_the_table_has_a_line_for_each_sample_and_nothing_where_nothing_was_believed(path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(written(path, "csv"))))
    with Record(path) as record:
        samples = list(record.rows("samples"))
    assert len(rows) == len(samples) > 0
    assert {row["word"] for row in rows} == {"SIMULATED"}
    assert json.loads(written(path, "json"))["word"] == "SIMULATED"
    for row, sample in zip(rows, samples, strict=True):
        assert row["core_c"] == ""
        assert sample["core_c"] is None
        assert float(row["inflow_c"]) == pytest.approx(sample["inflow_c"])


def test_a_changed_row_is_said_on_the_page_in_the_json_and_in_every_line_of_the_table(path: Path) -> None:
    damaged(path, "samples SET inflow_c = 40.0")
    assert {row["word"] for row in csv.DictReader(io.StringIO(written(path, "csv")))} == {"SIMULATED DAMAGED"}
    assert json.loads(written(path, "json"))["proof"]["bad"] is not None
    assert "DAMAGED at row" in written(path, "html")


def test_every_kind_of_event_is_one_that_something_emits_and_the_report_lists_no_other() -> None:
    root = Path(__file__).parents[2] / "controller"
    calls = [
        node
        for file in root.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Event" and len(node.args) > 1
    ]
    emitted = {node.args[1].value for node in calls if isinstance(node.args[1], ast.Constant)}
    assert emitted == set(get_args(EventKind))
    assert set(LISTED) <= emitted


def damaged(path: Path, change: str) -> Path:
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE {change} WHERE seq = (SELECT max(seq) FROM samples)")
    return path


def report(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["hipec", "report", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize("form", FORMS)
def test_the_command_says_beside_every_form_whether_the_record_was_changed(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    assert report(monkeypatch, str(path), "--form", form) == 0
    assert "each as it was written; complete" in capsys.readouterr().err
    damaged(path, "samples SET inflow_c = 40.0")
    assert report(monkeypatch, str(path), "--form", form) == 1
    streams = capsys.readouterr()
    assert "DAMAGED at row" in streams.err
    assert streams.out == written(path, form)


def test_a_record_too_damaged_to_be_shown_is_refused_with_its_verdict(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged(path, "samples SET state = '{'")
    assert report(monkeypatch, str(path)) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"hipec: {path}: cannot be shown: malformed JSON; DAMAGED at row")
    assert said.count("\n") == 1


def test_words_of_people_are_shown_as_they_are_and_run_nowhere(tmp_path: Path) -> None:
    at = tmp_path / "run.sqlite"
    store = Store(at, header())
    store.append([event_row(event(text="<script>alert(1)</script>", kind="order"), 1_700_000_000.0)])
    store.close()
    text = written(at, "html")
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)" in text


@pytest.mark.parametrize("form", FORMS)
def test_what_is_no_record_and_what_is_no_form_is_refused(tmp_path: Path, form: str, path: Path) -> None:
    (tmp_path / "text.sqlite").write_text("no record")
    with pytest.raises(RecordError, match="not a treatment record"):
        written(tmp_path / "text.sqlite", form)
    with pytest.raises(ValueError, match="allowed: html, csv, json"):
        written(path, "pdf")


def test_the_process_that_the_console_starts_writes_the_same_and_ends_with_2_when_there_is_none(path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "controller.records", "html", str(path)], capture_output=True, text=True, check=False
    )
    assert (made.returncode, made.stdout) == (0, written(path, "html"))
    none = subprocess.run(
        [sys.executable, "-m", "controller.records", "html", f"{path}.not"], capture_output=True, text=True, check=False
    )
    assert none.returncode == 2
    assert "no such file" in none.stderr


def test_the_command_writes_a_new_file_and_says_in_one_line_what_it_will_not_do(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.html"

    def hipec(record: Path) -> int:
        return report(monkeypatch, str(record), "--out", str(out))

    assert hipec(Path(f"{path}.not")) == 2
    assert "no such file" in capsys.readouterr().err
    assert not out.exists()
    assert hipec(path) == 0
    assert out.read_text() == written(path, "html")
    capsys.readouterr()
    out.write_text("of another treatment")
    assert hipec(path) == 2
    assert capsys.readouterr().err == f"hipec: --out {out}: is there already; allowed: a file that is not\n"
    assert out.read_text() == "of another treatment"
    out = tmp_path / "nowhere" / "report.html"
    assert hipec(path) == 2
    assert "No such file or directory; allowed: a new file in a folder that can be written" in capsys.readouterr().err


def test_who_comes_late_to_a_record_that_has_lost_a_table_gets_one_line(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE samples")
    connection.close()
    words = [sys.executable, "-m", "controller.records", "missed", str(path)]
    ended = subprocess.run(words, capture_output=True, check=False, text=True)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "record: no such table: samples\n"


def test_who_comes_late_gets_a_row_a_second_and_every_event_and_no_number_for_what_was_not_believed(path: Path) -> None:
    words = [sys.executable, "-m", "controller.records", "missed", str(path)]
    made = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
    with Record(path) as record:
        samples, events = list(record.rows("samples")), list(record.rows("events"))
    assert [event[5] for event in made["events"]] == [row["text"] for row in events]
    assert made["at_s"][0] == samples[0]["at_s"]
    gaps = [later - earlier for earlier, later in zip(made["at_s"], made["at_s"][1:], strict=False)]
    assert all(gap >= EVERY_S for gap in gaps)
    assert set(made["columns"]["inflow_c"]) == {43.2}
    assert set(made["columns"]["core_c"]) == {None}
