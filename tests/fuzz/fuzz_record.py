"""A record whose file was damaged: read whole, found broken, or refused; nothing else may come out."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from fuzz_guide import Guide
from fuzz_mutator import bend
from fuzz_target import Escape

from config.loading import load_pair
from config.schema import Patient
from controller.core.exchange import Event
from controller.records.header import Started, header_row
from controller.records.reader import END, Record, Verdict
from controller.records.rows import event_row
from controller.records.store import RecordError, Store


class RecordTarget:
    """A damaged file is verified to a verdict, or is no record; never anything else, never found whole."""

    name = "record"

    def __init__(self) -> None:
        self.guide = Guide("controller/records")
        self._folder = tempfile.TemporaryDirectory(prefix="fz")
        self._path = Path(self._folder.name) / "r.sqlite"
        rig, treatment = load_pair("bench", "saline_rehearsal")
        started = Started(at_s=1.0, wall_s=1.7e9)
        header = header_row(rig=rig, treatment=treatment, patient=Patient(), simulated=True, speed=1.0, started=started)
        store = Store(self._path, header)
        store.append([event_row(Event(float(n), "note", "fuzz", f"event {n}"), 1.7e9 + n) for n in range(20)])
        store.append([event_row(Event(30.0, *END), 1.7e9 + 30)])
        store.close()
        self._bytes = self._path.read_bytes()
        self._verdict = self._verify()

    def once(self, rng: random.Random) -> int:
        frame = bend(self.guide.pick(self._bytes, rng), (self._bytes,), rng)
        self.guide.run(lambda: self.give(0, frame), lambda: frame)
        return 1

    def give(self, at: int, frame: bytes) -> None:
        self._path.write_bytes(frame)
        try:
            verdict = self._verify()
        except RecordError:
            return
        except Exception as error:
            raise Escape(self.name, at, frame[:64], f"{type(error).__name__}: {error}") from error
        if verdict.bad is None and verdict.ended and verdict.head != self._verdict.head:
            raise Escape(self.name, at, frame[:64], f"found whole with another head: {verdict}")

    def close(self) -> None:
        self._folder.cleanup()

    def _verify(self) -> Verdict:
        with Record(self._path) as record:
            return record.verify()
