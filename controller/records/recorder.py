"""Writes the record on a thread of its own, so that control never waits for a disk.

`sample` and `event` only put references into a bounded queue. What does not fit is dropped, counted, alarmed on through
`fault` and recorded as an event. What cannot be written is kept and tried again. What is free on the disk is measured
on the same thread: a disk that hangs is never asked by anybody who must not wait.
Not responsible for the file's shape (`store`) or for what a fault leads to (control's alarm).
"""

from __future__ import annotations

import contextlib
import math
import os
import queue
import shutil
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from controller.core.exchange import Event, Inputs, Outputs
from controller.records.reader import END
from controller.records.rows import Row, Sample, as_json, event_row, sample_rows
from controller.records.store import RecordError, Store

COMMIT_EVERY_S = 0.8  # with the time of the commit itself this stays under a second
CAPACITY = 2000  # samples and events: minutes of a run, some tens of megabytes
DROPS_SHOWN_S = 10.0
STUCK_S = 2.0  # a commit that takes longer is said while it lasts
MEASURE_EVERY_S = 2.0
MEASURED_COUNTS_S = 10.0
END_WITHIN_S = 10.0

Item = Sample | tuple[Event, float]


class Recorder:
    """Begins its thread at once; `close` ends it. A sample is on disk within a second, an event at once."""

    def __init__(self, *, store: Store, event_log: Path, latest: Path | None = None, capacity: int = CAPACITY) -> None:
        self.dropped = 0
        self._store = store
        self._latest = latest
        self._capacity = capacity
        self._queue: queue.Queue[Item | None] = queue.Queue(capacity)
        self._unwritten: list[Row] = []
        self._unlogged: list[bytes] = []
        self._dropped_told = 0
        self._dropped_wall_s = 0.0
        self._last_at_s = 0.0
        self._store_fault = ""
        self._log_fault = ""
        self._asked_s = math.inf  # since when the disk has been asked for something, on the wall
        self._free_mb, self._measured_s = math.nan, -math.inf
        self._measure()
        self._complete = True
        self._ending = threading.Event()
        self._log = _open_log(event_log)
        # A daemon, so that a disk which never answers cannot keep a finished process alive; `close` joins it.
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    @property
    def path(self) -> Path:
        """The file of this record."""
        return self._store.path

    @property
    def fault(self) -> str:
        """Why something is not written, or ""."""
        drops = ""
        if self.dropped and time.monotonic() - self._dropped_wall_s < DROPS_SHOWN_S:
            drops = f"{self.dropped} rows dropped, the disk is too slow"
        stuck = ""
        if time.monotonic() - self._asked_s > STUCK_S:
            stuck = f"the disk does not answer for more than {STUCK_S:g} s; what comes is kept in memory"
        gone = "" if self._thread.is_alive() or self._ending.is_set() else "nothing is recorded, its thread has ended"
        return "; ".join(text for text in (gone, stuck, self._store_fault, self._log_fault, drops) if text)

    @property
    def free_mb(self) -> float | None:
        """MB free on the disk of this record, or None when that could not be measured lately."""
        return self._free_mb if time.monotonic() - self._measured_s <= MEASURED_COUNTS_S else None

    def sample(self, at_s: float, inputs: Inputs, outputs: Outputs, view: Mapping[str, object]) -> None:
        """Keep one sample. Never waits."""
        self._put(Sample(at_s, time.time(), inputs, outputs, view))

    def event(self, event: Event) -> None:
        """Keep one event. Never waits."""
        self._put((event, time.time()))

    def claim(self) -> None:
        """Be the record that the next start reads: named in `latest`. Raises RecordError; may wait for the disk."""
        if (place := self._latest) is None:
            return
        fresh = place.with_name(f"{place.name}.new")
        try:
            fresh.write_text(self.path.name, "utf-8")
            fresh.replace(place)  # whole or not at all, whenever the process ends
        except OSError as error:
            raise RecordError(f"{place}: {error.strerror}; allowed: a file that can be written") from error

    def close(self, *, complete: bool = True) -> None:
        """Write what is waiting and the row that says the record is complete. Raises RecordError if that failed.

        Without that row the next controller takes this one for ended in the middle, and says so.
        """
        self._complete = complete
        self._ending.set()
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(None)  # wakes it; a full queue is awake anyway
        self._thread.join(END_WITHIN_S)
        if self._thread.is_alive():
            raise RecordError(f"{self._store.path}: the disk did not answer within {END_WITHIN_S} s")
        if self._store_fault:
            raise RecordError(self._store_fault)

    def _put(self, item: Item) -> None:
        try:
            self._queue.put_nowait(item)
        except queue.Full:
            self.dropped += 1
            self._dropped_wall_s = time.monotonic()

    # --- the recorder's thread -------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not (self._ending.is_set() and (self._queue.empty() or self._store_fault)):
                self._collect()
                self._tell_drops()
                self._ask_disk()
            self._finish()
        except Exception as error:
            # A thread that dies unseen would be a record that ends unseen.
            self._store_fault = f"{self._store.path}: the recorder failed: {error!r}"
        finally:
            os.close(self._log)
            self._store.close()

    def _collect(self) -> None:
        """Take what comes until an event comes or the oldest is due. A failed write is given time to recover."""
        until_s = time.monotonic() + COMMIT_EVERY_S
        urgent = False
        while len(self._unwritten) < self._capacity:
            left_s = 0.0 if urgent or self._ending.is_set() else until_s - time.monotonic()
            try:
                item = self._queue.get(timeout=left_s) if left_s > 0 else self._queue.get_nowait()
            except queue.Empty:
                break
            if item is not None:
                urgent = self._take(item) or urgent
        if self._store_fault:
            self._ending.wait(max(0.0, until_s - time.monotonic()))

    def _take(self, item: Item) -> bool:
        if isinstance(item, Sample):
            self._last_at_s = item.at_s
            self._unwritten.extend(sample_rows(item))
            return False
        self._add_event(*item)
        return True

    def _add_event(self, event: Event, wall_s: float) -> None:
        row = event_row(event, wall_s)
        self._last_at_s = event.at_s
        self._unwritten.append(row)
        if len(self._unlogged) < self._capacity:
            self._unlogged.append(as_json(row.values).encode() + b"\n")

    def _tell_drops(self) -> None:
        dropped = self.dropped - self._dropped_told
        if dropped:
            self._dropped_told += dropped
            text = f"{dropped} rows dropped: the queue of {self._capacity} was full"
            self._add_event(Event(self._last_at_s, "fault", "recorder", text, "MEDIUM"), time.time())

    def _ask_disk(self) -> None:
        self._asked_s = time.monotonic()
        self._write()
        self._measure()
        self._asked_s = math.inf

    def _measure(self) -> None:
        if time.monotonic() - self._measured_s < MEASURE_EVERY_S:
            return
        with contextlib.suppress(OSError):  # then it is not known, once the last value is too old
            self._free_mb = shutil.disk_usage(self._store.path.parent).free / 1e6
            self._measured_s = time.monotonic()

    def _write(self) -> None:
        self._write_log()
        if not self._unwritten:
            return
        try:
            self._store.append(self._unwritten)
        except RecordError as error:
            self._store_fault = f"{error} ({len(self._unwritten)} rows wait)"
            return
        self._unwritten.clear()
        self._store_fault = ""

    def _write_log(self) -> None:
        try:
            while self._unlogged:
                written = os.write(self._log, self._unlogged[0])
                self._unlogged[0] = self._unlogged[0][written:]
                if not self._unlogged[0]:
                    del self._unlogged[0]
            self._log_fault = ""
        except OSError as error:
            self._log_fault = f"event log: {error.strerror}"

    def _finish(self) -> None:
        if self._complete:
            self._add_event(Event(self._last_at_s, *END), time.time())
        self._write()


def _open_log(path: Path) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_DSYNC | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise RecordError(f"{path}: {error.strerror}") from error
