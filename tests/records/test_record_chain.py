"""A record that was changed in any way is found out, at the row where it was."""

import json
import math
import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from record_parts import event, fill, header

from controller.core.signals import TABLE
from controller.records.chain import GENESIS, canonical, link
from controller.records.reader import Record
from controller.records.rows import TABLES, as_json, event_row, number, text
from controller.records.store import RecordError, Store


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("record") / "whole.sqlite"
    fill(path).close()
    return path


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    path = tmp_path / "copy.sqlite"
    path.write_bytes(finished.read_bytes())
    return path


def change(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def verify(path: Path):
    with Record(path) as record:
        return record.verify()


def test_a_whole_record_is_whole(finished: Path) -> None:
    verdict = verify(finished)
    assert verdict.bad is None
    assert verdict.ended
    assert verdict.rows == 1 + 12 + 3 + 4 + 1
    with Record(finished) as record:
        assert [row["text"] for row in record.rows("events")][:2] == ["event 0", "event 3"]
        assert [row["act"] for row in record.rows("commands")] == ["target"] * 3
        assert record.header["notice"].startswith("SIMULATED")
        assert json.loads(record.header["config"])["rig"]["name"] == "bench"


def test_what_is_missing_is_null_and_says_why(finished: Path) -> None:
    with Record(finished) as record:
        row = next(record.rows("samples"))
    assert row["inflow_c"] == 43.2
    assert row["core_c"] is None
    assert row["flow_lpm"] is None
    assert row["outflow_c"] is None
    assert json.loads(row["bad"]) == {"core_c": "open circuit"}
    readings = json.loads(row["readings"])
    assert readings["inflow_c"] == [43.2, 999.9, "good", ""]
    assert readings["core_c"] == [None, 999.5, "fault", "open circuit"]
    assert readings["flow_lpm"][0] is None
    assert json.loads(row["outputs"])["bath_setpoint_c"] == 44.0
    assert json.loads(row["protective"])["permit"] is True
    assert json.loads(row["faults"]) == {
        "links": [["pump", 990.0, "no reply", False]],
        "host": ["loop 0.31 s late"],
        "late_s": 0.31,
        "attended_s": 0.0,
        "wall_jump_s": 0.0,
        "disk_free_mb": None,
    }
    assert json.loads(row["state"]) == {"phase": "PERFUSE", "hold": ""}


def test_every_recorded_signal_has_a_column(finished: Path) -> None:
    with Record(finished) as record:
        columns = next(record.rows("samples")).keys()
    assert {signal.name for signal in TABLE if signal.recorded} <= set(columns)


@pytest.mark.parametrize("table", list(TABLES))
def test_a_change_in_any_column_of_any_table_is_found(finished: Path, copy: Path, table: str) -> None:
    whole = copy.read_bytes()
    with Record(finished) as record:
        rows = list(record.rows(table))
    row = rows[len(rows) // 2]
    for column in (*TABLES[table], "hash"):
        copy.write_bytes(whole)
        new = "'0'" if isinstance(row[column], str) else "77.5"
        change(copy, f"UPDATE {table} SET {column} = {new} WHERE seq = {row['seq']}")
        verdict = verify(copy)
        assert verdict.bad is not None, column
        assert verdict.bad.seq == row["seq"]
        assert verdict.bad.table == table
        assert not verdict.ended


@pytest.mark.parametrize(
    ("statements", "seq"),
    [
        (["DELETE FROM samples WHERE seq = 8"], 8),
        (["DELETE FROM run"], 0),
        (["UPDATE samples SET seq = 900 WHERE seq = 8"], 8),
        (["UPDATE samples SET seq = 900 WHERE seq = 4", "UPDATE samples SET seq = 4 WHERE seq = 5"], 4),
        (
            [
                "UPDATE samples SET seq = 900 WHERE seq = 4",
                "UPDATE samples SET seq = 4 WHERE seq = 5",
                "UPDATE samples SET seq = 5 WHERE seq = 900",
            ],
            4,
        ),
    ],
)
def test_rows_that_were_dropped_or_reordered_are_found(copy: Path, statements: list[str], seq: int) -> None:
    with Record(copy) as record:
        assert {4, 5, 8} <= {row["seq"] for row in record.rows("samples")}
    change(copy, *statements)
    bad = verify(copy).bad
    assert bad is not None
    assert bad.seq == seq


def test_a_row_that_was_put_in_is_found(copy: Path) -> None:
    columns = "at_s, wall_utc, kind, name, priority, text, hash"
    change(copy, f"INSERT INTO events (seq, {columns}) SELECT 4, {columns} FROM events LIMIT 1")
    bad = verify(copy).bad
    assert bad is not None
    assert bad.seq in (4, 5)


def test_an_end_that_was_cut_off_is_shown_as_not_ended(copy: Path) -> None:
    whole = verify(copy)
    change(copy, "DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)")
    cut = verify(copy)
    assert cut.bad is None
    assert not cut.ended
    assert cut.head != whole.head


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0.0, 1.0, exclude_max=True), bit=st.integers(0, 7))
def test_no_flipped_bit_changes_what_is_read_unseen(finished: Path, copy: Path, where: float, bit: int) -> None:
    whole = finished.read_bytes()
    damaged = bytearray(whole)
    damaged[int(where * len(whole))] ^= 1 << bit
    copy.write_bytes(damaged)
    try:
        with Record(copy) as record:
            verdict = record.verify()
            said = [list(record.rows(table)) for table in TABLES] if verdict.bad is None else None
    except RecordError:
        return
    if said is not None:  # a bit that nothing is read from: what is read is what was written
        with Record(finished) as record:
            assert said == [list(record.rows(table)) for table in TABLES]


def test_a_flipped_byte_in_the_text_of_an_event_is_found_there(finished: Path, copy: Path) -> None:
    whole = finished.read_bytes()
    at = whole.index(b"event 6")
    copy.write_bytes(whole[:at] + b"f" + whole[at + 1 :])
    bad = verify(copy).bad
    assert bad is not None
    assert bad.table == "events"


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + b"x" * 4000])
def test_what_is_no_record_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.sqlite"
    path.write_bytes(content)
    with pytest.raises(RecordError, match=r"other\.sqlite: is not a treatment record"):
        Record(path)


def test_a_file_that_is_not_there_is_refused_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="no such file"):
        Record(tmp_path / "none.sqlite")
    assert not (tmp_path / "none.sqlite").exists()


def test_a_record_can_be_read_and_verified_while_it_is_written(tmp_path: Path) -> None:
    store = fill(tmp_path / "live.sqlite")
    try:
        with Record(tmp_path / "live.sqlite") as record:
            assert record.verify().bad is None
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                record.connection.execute("DELETE FROM samples")
    finally:
        store.close()


def test_the_published_hash_of_a_row() -> None:
    # SHA-256 of 32 zero bytes and the row's canonical JSON, computed with sha256sum.
    assert canonical("events", {"b": 1, "a": "é"}) == b'{"a":"\\u00e9","b":1,"table":"events"}'
    assert link(GENESIS, "events", {"b": 1, "a": "é"}) == EXPECTED


EXPECTED = "8580553e24ca736d6d055ceff6a77b2d7f70f4e9950b9562c5a3e68aacc1ac67"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_infinity_gets_into_the_chain(value: float) -> None:
    with pytest.raises(ValueError, match="Out of range"):
        canonical("samples", {"x": value})
    assert number(value) is None
    assert as_json({"x": value}) == '{"x":null}'


@given(st.one_of(st.floats(), st.integers(-(2**53), 2**53), st.none(), st.booleans()))
def test_a_number_is_finite_or_none(value: object) -> None:
    kept = number(value)
    assert kept is None or (isinstance(kept, float) and math.isfinite(kept) and math.copysign(1, kept or 1) in (1, -1))


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(st.tuples(st.text(), st.floats(allow_nan=False, allow_infinity=False)), max_size=5))
def test_any_text_and_any_finite_number_come_back_as_they_were_hashed(tmp_path: Path, said: list) -> None:
    path = Path(tempfile.mkdtemp(dir=tmp_path)) / "record.sqlite"
    store = Store(path, header())
    store.append([event_row(event(at_s, words), 1.7e9) for words, at_s in said])
    store.close()
    with Record(path) as record:
        assert record.verify().bad is None
        assert [row["text"] for row in record.rows("events")] == [text(words) for words, _ in said]
        assert [row["at_s"] for row in record.rows("events")] == [at_s for _, at_s in said]
