"""Where a record can begin, what happens when it cannot be written, and that nobody waits for it."""

import json
import os
import queue
import resource
import shutil
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from record_parts import START, bench, event, header, inputs, order, sample, view, wait_until

from config.loading import load_pair
from config.schema import Patient, Rig, Treatment
from controller.core.exchange import Inputs, Outputs
from controller.records import recorder as recorder_module
from controller.records.memory import MemoryRecord
from controller.records.opening import latest_of, open_recorder
from controller.records.reader import Record
from controller.records.recorder import Recorder
from controller.records.rows import Row, event_row, sample_rows
from controller.records.store import RecordError, Store


@contextmanager
def recording(path: Path, capacity: int = 100) -> Iterator[Recorder]:
    made = Recorder(store=Store(path, header()), event_log=path.with_suffix(".events.jsonl"), capacity=capacity)
    try:
        yield made
    finally:
        if made._thread.is_alive():
            made.close()


def counted(path: Path, table: str) -> int:
    with Record(path) as record:
        return len(list(record.rows(table)))


# --- beginning -------------------------------------------------------------------------------------------------------


def test_a_record_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "record.sqlite"
    path.write_text("somebody's data")
    with pytest.raises(RecordError, match=r"record\.sqlite: exists"):
        Store(path, header())
    assert path.read_text() == "somebody's data"


def test_h51_what_was_not_there_when_it_was_looked_for_is_not_written_over_either(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "record.sqlite", tmp_path / "elsewhere.sqlite"
    path.symlink_to(elsewhere)  # leads nowhere: it is not there, and yet in the way
    with pytest.raises(RecordError, match=r"record\.sqlite: exists"):
        Store(path, header())
    assert not elsewhere.exists()


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="nowhere: is not a directory"):
        Store(tmp_path / "nowhere" / "record.sqlite", header())


@pytest.mark.skipif(not Path("/proc/sys/kernel").is_dir(), reason="needs a directory that refuses even root")
def test_a_directory_that_cannot_be_written_is_named() -> None:
    with pytest.raises(RecordError, match=r"/proc/sys/kernel/record\.sqlite: "):
        Store(Path("/proc/sys/kernel/record.sqlite"), header())


def test_a_read_only_directory_is_named(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere; the test above stands for it")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(RecordError, match="Permission denied"):
            Store(tmp_path / "record.sqlite", header())
    finally:
        tmp_path.chmod(0o700)


def test_a_record_is_durable_by_its_settings(tmp_path: Path) -> None:
    store = Store(tmp_path / "record.sqlite", header())
    assert store._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    store.close()
    assert [path.name for path in tmp_path.iterdir()] == ["record.sqlite"]
    assert (tmp_path / "record.sqlite").stat().st_mode & 0o077 == 0


@contextmanager
def files_at_most(size: int) -> Iterator[None]:
    """A disk that is full after so many bytes of one file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_is_full_at_the_start_leaves_nothing_behind(tmp_path: Path) -> None:
    with files_at_most(4096), pytest.raises(RecordError, match=r"record\.sqlite: "):
        Store(tmp_path / "record.sqlite", header())
    assert list(tmp_path.iterdir()) == []


def test_a_row_that_could_not_be_written_can_be_written_later_and_the_chain_holds(tmp_path: Path) -> None:
    store = Store(tmp_path / "record.sqlite", header())
    with files_at_most(1), pytest.raises(RecordError):
        store.append([event_row(event(1.0, "first"), START.wall_s)])
    store.append([event_row(event(1.0, "second"), START.wall_s)])
    store.close()
    with Record(tmp_path / "record.sqlite") as record:
        assert [row["text"] for row in record.rows("events")] == ["second"]
        assert record.verify().bad is None


def test_a_row_that_is_no_row_leaves_none_of_its_batch(tmp_path: Path) -> None:
    store = Store(tmp_path / "record.sqlite", header())
    good = event_row(event(1.0, "good"), START.wall_s)
    with pytest.raises(RecordError):
        store.append([good, Row("events", {**good.values, "at_s": float("nan")})])
    store.append([good])
    store.close()
    with Record(tmp_path / "record.sqlite") as record:
        assert record.verify()[0::3] == (2, None)


# --- the recorder's thread -------------------------------------------------------------------------------------------


def test_samples_events_and_commands_are_written_in_order_and_the_end_is_marked(tmp_path: Path) -> None:
    path = tmp_path / "record.sqlite"
    with recording(path) as recorder:
        for number in range(30):
            recorder.sample(1000.0 + number, inputs(order()) if number == 7 else inputs(), Outputs(), view())
            recorder.event(event(1000.0 + number, f"event {number}"))
        recorder.close()
        assert recorder.fault == ""
    with Record(path) as record:
        verdict = record.verify()
        assert (verdict.bad, verdict.ended, verdict.rows) == (None, True, 1 + 30 + 30 + 1 + 1)
        assert [row["at_s"] for row in record.rows("samples")] == [1000.0 + number for number in range(30)]
        assert [row["who"] for row in record.rows("commands")] == ["nurse 7"]


def test_an_event_is_on_disk_without_waiting_for_the_next_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "COMMIT_EVERY_S", 3600.0)
    path = tmp_path / "record.sqlite"
    with recording(path) as recorder:
        recorder.sample(1000.0, inputs(), Outputs(), view())
        recorder.event(event())
        wait_until(lambda: counted(path, "events") == 1)
        assert counted(path, "samples") == 1


def test_a_sample_alone_is_on_disk_soon(tmp_path: Path) -> None:
    path = tmp_path / "record.sqlite"
    with recording(path) as recorder:
        recorder.sample(1000.0, inputs(), Outputs(), view())
        wait_until(lambda: counted(path, "samples") == 1, within_s=10.0)
    assert recorder_module.COMMIT_EVERY_S < 1.0


def test_events_are_also_lines_of_a_file_that_only_grows(tmp_path: Path) -> None:
    path = tmp_path / "record.sqlite"
    log = path.with_suffix(".events.jsonl")
    log.write_text('{"text":"of an earlier run"}\n')
    with recording(path) as recorder:
        recorder.event(event(1001.0, "überhitzt\nzwei Zeilen"))
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["text"] for line in lines] == ["of an earlier run", "überhitzt\nzwei Zeilen", "end"]
    assert lines[1]["at_s"] == 1001.0


class Stuck(Store):
    """A disk that answers when it is told to; the header is written at once."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, header())
        self.go = threading.Event()
        self.entered = threading.Event()

    def append(self, rows: list[Row]) -> None:  # type: ignore[override]
        if self.rows:
            self.entered.set()
            assert self.go.wait(30.0)
        super().append(rows)


def test_a_stuck_disk_costs_rows_that_are_counted_told_and_recorded_but_no_time(tmp_path: Path) -> None:
    path = tmp_path / "record.sqlite"
    store = Stuck(path)
    recorder = Recorder(store=store, event_log=path.with_suffix(".events.jsonl"), capacity=10)
    recorder.event(event(1000.0, "first"))
    assert store.entered.wait(10.0)
    for number in range(25):  # nobody takes them: ten fit
        recorder.sample(1001.0 + number, inputs(), Outputs(), view())
    assert recorder.dropped == 15
    assert "15 rows dropped" in recorder.fault
    store.go.set()
    recorder.close()
    with Record(path) as record:
        assert record.verify().bad is None
        texts = [row["text"] for row in record.rows("events")]
        assert texts == ["first", "15 rows dropped: the queue of 10 was full", "end"]
        assert len(list(record.rows("samples"))) == 10


def test_h37_nothing_that_control_hands_over_waits_for_a_stuck_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "record.sqlite"
    store = Stuck(path)
    recorder = Recorder(store=store, event_log=path.with_suffix(".events.jsonl"), capacity=3)
    recorder.event(event(1000.0, "first"))
    assert store.entered.wait(10.0)
    waited: list[object] = []
    put = queue.Queue.put

    def at_once(self: queue.Queue[object], item: object, block: bool = True, timeout: float | None = None) -> None:
        if block:
            waited.append(item)
        put(self, item, block=False)

    monkeypatch.setattr(queue.Queue, "put", at_once)
    for number in range(5):
        recorder.sample(1001.0 + number, inputs(), Outputs(), view())
        recorder.event(event(1001.0 + number, "next"))
    monkeypatch.undo()
    store.go.set()
    recorder.close()
    assert waited == []


def test_h37_a_disk_that_does_not_answer_is_said_while_it_lasts_and_costs_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "STUCK_S", 0.05)
    path = tmp_path / "record.sqlite"
    store = Stuck(path)
    recorder = Recorder(store=store, event_log=path.with_suffix(".events.jsonl"), capacity=10)
    recorder.event(event(1000.0, "first"))
    assert store.entered.wait(10.0)
    wait_until(lambda: "the disk does not answer" in recorder.fault)
    recorder.event(event(1001.0, "meanwhile"))
    store.go.set()
    wait_until(lambda: recorder.fault == "")
    recorder.close()
    with Record(path) as record:
        assert [row["text"] for row in record.rows("events")] == ["first", "meanwhile", "end"]


def test_h37_the_room_on_the_disk_is_measured_again_and_again_and_an_old_measure_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    usage = shutil.disk_usage
    monkeypatch.setattr(recorder_module, "MEASURE_EVERY_S", 0.0)

    def measured(place: Path) -> object:
        asked.append(threading.current_thread().name)
        if len(asked) > 3:
            raise OSError("the disk has gone")
        return usage(place)._replace(free=len(asked) * 10**6)

    monkeypatch.setattr(recorder_module.shutil, "disk_usage", measured)
    with recording(tmp_path / "record.sqlite") as recorder:
        assert recorder.free_mb == 1.0
        for number in (2, 3, 4):
            recorder.event(event(1000.0 + number))
            wait_until(lambda number=number: len(asked) >= number)
        assert set(asked[1:]) == {"recorder"}
        assert recorder.free_mb == 3.0
        monkeypatch.setattr(recorder_module, "MEASURED_COUNTS_S", 0.0)
        assert recorder.free_mb is None


def test_a_full_disk_is_a_fault_that_goes_when_there_is_room_again_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "record.sqlite"
    with recording(path) as recorder:
        with files_at_most(1):
            recorder.event(event(1000.0, "while it was full"))
            wait_until(lambda: "rows wait" in recorder.fault)
            assert str(path) in recorder.fault
            assert "event log" in recorder.fault
        wait_until(lambda: recorder.fault == "")
    with Record(path) as record:
        assert record.verify().bad is None
        assert [row["text"] for row in record.rows("events")] == ["while it was full", "end"]
    assert "while it was full" in path.with_suffix(".events.jsonl").read_text()


def test_a_disk_that_stays_full_makes_closing_an_error_not_a_hang(tmp_path: Path) -> None:
    path = tmp_path / "record.sqlite"
    with recording(path) as recorder, files_at_most(1):
        recorder.event(event(1000.0, "lost"))
        wait_until(lambda: "rows wait" in recorder.fault)
        with pytest.raises(RecordError, match=r"record\.sqlite"):
            recorder.close()


def test_a_recorder_that_fails_by_a_defect_says_so(tmp_path: Path) -> None:
    with recording(tmp_path / "record.sqlite") as recorder:
        recorder.event("no event")  # type: ignore[arg-type]
        wait_until(lambda: "the recorder failed" in recorder.fault)
        with pytest.raises(RecordError, match="the recorder failed"):
            recorder.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_h37_a_recorder_whose_thread_died_without_a_word_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Recorder, "_collect", lambda recorder: sys.exit())
    with recording(tmp_path / "record.sqlite") as recorder:
        wait_until(lambda: "nothing is recorded" in recorder.fault)


def test_h38_a_record_that_is_not_complete_keeps_every_row_and_has_no_end(tmp_path: Path) -> None:
    path = tmp_path / "record.sqlite"
    with recording(path) as recorder:
        recorder.event(event(1000.0, "the last"))
        recorder.close(complete=False)
    with Record(path) as record:
        assert (record.verify().bad, record.verify().ended) == (None, False)
        assert [row["text"] for row in record.rows("events")] == ["the last"]


def test_closing_leaves_no_thread_and_no_file_open(tmp_path: Path) -> None:
    before = (threading.active_count(), len(os.listdir("/proc/self/fd")))
    with recording(tmp_path / "record.sqlite"):
        assert threading.active_count() == before[0] + 1
    assert (threading.active_count(), len(os.listdir("/proc/self/fd"))) == before


def test_a_reader_that_is_still_there_at_the_end_spoils_nothing(tmp_path: Path) -> None:
    path = tmp_path / "record.sqlite"
    with recording(path) as recorder:
        recorder.event(event())
        wait_until(lambda: counted(path, "events") == 1)
        with Record(path) as reader:
            rows = reader.rows("events")
            next(rows)
            recorder.close()
    with Record(path) as record:
        assert record.verify()[2:] == (True, None)


# --- of a run --------------------------------------------------------------------------------------------------------


@dataclass
class Run:
    rig: Rig
    treatment: Treatment
    data_dir: Path
    patient: Patient = field(default_factory=Patient)
    speed: float = 1.0
    simulated: bool = True


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(*bench(), data_dir=tmp_path / "data" / "deeper")


def test_a_run_gets_a_new_file_that_names_it(run: Run) -> None:
    for _ in range(2):
        open_recorder(run, least_free_bytes=0).close()
    names = sorted(path.name for path in run.data_dir.iterdir() if path.suffix == ".sqlite")
    assert len(names) == 2
    assert all(name.endswith("_bench_saline_rehearsal_BENCH_SIMULATED.sqlite") for name in names)
    with Record(run.data_dir / names[0]) as record:
        assert record.verify().ended
        assert record.header["simulated"] == 1
        assert record.header["rig"] == "bench"


def test_a_real_run_is_not_called_simulated(run: Run) -> None:
    run.simulated = False
    open_recorder(run, least_free_bytes=0).close()
    path = next(run.data_dir.glob("*.sqlite"))
    assert "SIMULATED" not in path.name
    with Record(path) as record:
        assert record.header["notice"].startswith("Research and bench software. Not a medical device")


def test_a_nearly_full_data_directory_is_refused_with_what_is_needed(run: Run) -> None:
    with pytest.raises(RecordError, match=r"deeper: \d+ MB free, at least 1152921504607 MB are needed"):
        open_recorder(run, least_free_bytes=2**60)
    assert list(run.data_dir.iterdir()) == []


def test_a_data_directory_that_is_a_file_is_refused(run: Run, tmp_path: Path) -> None:
    run.data_dir = tmp_path / "file"
    run.data_dir.write_text("")
    with pytest.raises(RecordError, match="data directory"):
        open_recorder(run)


def test_the_record_begun_last_is_named_beside_it(run: Run) -> None:
    for _ in range(2):
        open_recorder(run, least_free_bytes=0).close()
    newest = max(run.data_dir.glob("*.sqlite"), key=lambda path: path.name)
    assert latest_of(run).read_text() == newest.name


def test_a_place_that_cannot_be_named_in_is_refused_and_leaves_no_thread_and_no_lock(run: Run) -> None:
    latest_of(run).mkdir(parents=True)
    threads = threading.active_count()
    with pytest.raises(RecordError, match=r"\.latest-bench-simulated: .*; allowed: a file that can be written"):
        open_recorder(run, least_free_bytes=0)
    assert threading.active_count() == threads


def test_equal_configurations_have_equal_hashes_and_others_not(run: Run) -> None:
    first = header(rig=run.rig, treatment=run.treatment)
    assert header(rig=run.rig, treatment=run.treatment).values["config_sha256"] == first.values["config_sha256"]
    other = header(rig=run.rig, treatment=run.treatment, patient=Patient(weight_kg=71.0))
    assert other.values["config_sha256"] != first.values["config_sha256"]


# --- in memory -------------------------------------------------------------------------------------------------------


def test_a_record_in_memory_becomes_the_same_rows_as_one_on_disk(tmp_path: Path) -> None:
    memory = MemoryRecord(started=START)
    expected: list[Row] = []
    for number in range(5):
        kept = sample(1000.0 + number, order())
        memory.sample(kept.at_s, kept.inputs, kept.outputs, kept.view)
        memory.event(event(1000.0 + number))
        expected += [*sample_rows(kept), event_row(event(1000.0 + number), START.wall_s + number)]
    assert list(memory.rows()) == expected
    head = memory.save(tmp_path / "record.sqlite", header())
    with Record(tmp_path / "record.sqlite") as record:
        assert record.verify() == (1 + 15 + 1, head, True, None)


def test_an_empty_record_in_memory_can_be_saved(tmp_path: Path) -> None:
    MemoryRecord(started=START).save(tmp_path / "record.sqlite", header())
    with Record(tmp_path / "record.sqlite") as record:
        assert record.verify().ended


def test_what_the_real_cycle_shows_can_be_recorded(tmp_path: Path) -> None:
    from controller.core.cycle import Cycle

    rig, treatment = load_pair("bench", "mitomycin_90")
    cycle = Cycle(rig=rig, treatment=treatment, patient=Patient())
    state, outputs, events = cycle.step(cycle.initial(1000.0), Inputs({}, (order(),)), 1000.1)
    memory = MemoryRecord(started=START)
    memory.sample(1000.1, Inputs({}, (order(),)), outputs, cycle.view(state))
    for happened in events:
        memory.event(happened)
    memory.save(tmp_path / "record.sqlite", header())
    with Record(tmp_path / "record.sqlite") as record:
        assert record.verify().ended
        row = next(record.rows("samples"))
        assert json.loads(row["state"])["phase"]
        assert row["inflow_c"] is None


def test_time_and_wall_time_belong_together(tmp_path: Path) -> None:
    before_s = time.time()
    with recording(tmp_path / "record.sqlite") as recorder:
        recorder.event(event(55.5))
    with sqlite3.connect(tmp_path / "record.sqlite") as connection:
        at_s, wall = connection.execute("SELECT at_s, wall_utc FROM events").fetchone()
    connection.close()
    assert at_s == 55.5
    assert wall.endswith("+00:00")
    assert wall >= time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(before_s))
