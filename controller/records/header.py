"""The first row of a record: which software ran which configuration for whom, where and since when.

Not responsible for reading the configuration (`config.loading`).
"""

from __future__ import annotations

import platform
import sqlite3
from typing import NamedTuple

from config.loading import effective_json, effective_sha256
from config.notice import NOTICE
from config.schema import Patient, Rig, Treatment
from controller.records.rows import Row, wall_utc
from controller.records.software import software


class Started(NamedTuple):
    """When the run began: the same moment on both clocks."""

    at_s: float  # monotonic, `speed` times the wall's pace
    wall_s: float  # since 1970, UTC


def header_row(
    *, rig: Rig, treatment: Treatment, patient: Patient, simulated: bool, speed: float, started: Started
) -> Row:
    """Configuration as it was in effect, and its SHA-256."""
    return Row(
        "run",
        {
            "at_s": started.at_s,
            "wall_utc": wall_utc(started.wall_s),
            "software_version": software(),
            "notice": f"SIMULATED. {NOTICE}" if simulated else NOTICE,
            "simulated": int(simulated),
            "speed": float(speed),
            "rig": rig.name,
            "treatment": treatment.name,
            "patient": patient.pseudonym,
            "config": effective_json(rig=rig, treatment=treatment, patient=patient),
            "config_sha256": effective_sha256(rig=rig, treatment=treatment, patient=patient),
            "host": f"{platform.platform()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
        },
    )
