"""Begins the record of a run in the data directory: checks the place, names the file, starts the recorder.

Not responsible for the settings themselves (`controller.runtime.settings` reads them).
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Protocol

from config.schema import Patient, Rig, Treatment
from controller.records.header import Started, header_row
from controller.records.recorder import Recorder
from controller.records.store import RecordError, Store

LEAST_FREE_BYTES = 200_000_000
"""Room to begin, or to begin anew after a crash late in a treatment; at a START there has to be more (`core.orders`).
Ten samples a second of up to 4.6 kB are 500 MB in three hours."""


class About(Protocol):
    """What a record has to know of the run it belongs to."""

    @property
    def rig(self) -> Rig: ...
    @property
    def treatment(self) -> Treatment: ...
    @property
    def patient(self) -> Patient: ...
    @property
    def data_dir(self) -> Path: ...
    @property
    def speed(self) -> float: ...
    @property
    def simulated(self) -> bool: ...


def open_recorder(about: About, least_free_bytes: int = LEAST_FREE_BYTES) -> Recorder:
    """A new record and its recorder. Raises RecordError (an OSError) that names the place and what is wrong."""
    started = Started(at_s=time.monotonic() * about.speed, wall_s=time.time())
    check_place(about.data_dir, least_free_bytes)
    header = header_row(
        rig=about.rig,
        treatment=about.treatment,
        patient=about.patient,
        simulated=about.simulated,
        speed=about.speed,
        started=started,
    )
    path = new_path(about.data_dir, about, started.wall_s)
    store = Store(path, header)
    try:
        recorder = Recorder(store=store, event_log=path.with_suffix(".events.jsonl"), latest=latest_of(about))
    except RecordError:
        store.close()
        raise
    try:
        recorder.claim()
    except RecordError:
        recorder.close(complete=False)
        raise
    return recorder


def latest_of(about: About) -> Path:
    """The file that names the record begun last: names sort by a clock that may have been set back since."""
    kind = "simulated" if about.simulated else "real"
    return about.data_dir / f".latest-{about.rig.name}-{kind}"


def new_path(directory: Path, about: About, wall_s: float) -> Path:
    """A name that sorts by time and says what it is: rig, treatment, pseudonym, and SIMULATED where it is so."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(wall_s)) + f"-{int(wall_s % 1 * 1e6):06d}"
    words = [stamp, about.rig.name, about.treatment.name, about.patient.pseudonym]
    return directory / ("_".join([*words, "SIMULATED"] if about.simulated else words) + ".sqlite")


def check_place(directory: Path, least_free_bytes: int = LEAST_FREE_BYTES) -> None:
    """Make the data directory where it is not there. Raises RecordError when a treatment cannot be recorded in it."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        free = shutil.disk_usage(directory).free
    except OSError as error:
        allowed = "allowed: a directory that can be made and written"
        raise RecordError(f"data directory {directory}: {error.strerror}; {allowed}") from error
    if free < least_free_bytes:
        raise RecordError(
            f"data directory {directory}: {free / 1e6:.0f} MB free, at least {least_free_bytes / 1e6:.0f} MB are needed"
        )
