"""The first row of a record: which software ran which configuration for whom, where and since when.

Not responsible for reading the configuration (`config.loading`).
"""

from __future__ import annotations

import hashlib
import platform
import sqlite3
from typing import NamedTuple

import msgspec

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
    config = config_json(rig, treatment, patient)
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
            "config": config,
            "config_sha256": config_sha256(rig, treatment, patient),
            "host": f"{platform.platform()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
        },
    )


def config_json(rig: Rig, treatment: Treatment, patient: Patient) -> str:
    """The effective configuration, keys sorted, so that equal configurations have equal hashes."""
    return msgspec.json.encode({"rig": rig, "treatment": treatment, "patient": patient}, order="sorted").decode()


def config_sha256(rig: Rig, treatment: Treatment, patient: Patient) -> str:
    """Of `config_json`, in hex."""
    return hashlib.sha256(config_json(rig, treatment, patient).encode()).hexdigest()
