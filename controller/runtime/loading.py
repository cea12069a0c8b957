"""Rigs and treatments from files, judged by the drivers too: what is loaded here can be run.

`config.loading` may not know the drivers. Not responsible for whether a device is there (`preflight`, `probing`).
"""

from __future__ import annotations

from config import loading
from config.schema import Rig, Treatment


def load_pair(rig: str, treatment: str) -> tuple[Rig, Treatment]:
    """A rig, and a treatment that may run on it. Raises ConfigError with every violation."""
    from drivers.judging import driver_problems  # here: who reads no rig does not wait for pymodbus

    return loading.load_pair(rig, treatment, judges=(driver_problems,))
