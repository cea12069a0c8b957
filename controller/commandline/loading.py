"""Rigs and treatments from files, judged by all who will ever use them: configuration, drivers, simulated devices.

So that `check` says at once what `run` would say later, one device at a time.
"""

from __future__ import annotations

from config import loading
from config.schema import Rig, Treatment


def load_rig(name_or_path: str) -> Rig:
    """The rig of that name or file. Raises ConfigError with every violation."""
    return loading.load_rig(name_or_path, judges=_judges())


def load_pair(rig: str, treatment: str) -> tuple[Rig, Treatment]:
    """A rig, and a treatment that may run on it. Raises ConfigError with every violation."""
    return loading.load_pair(rig, treatment, judges=_judges())


def _judges() -> tuple[loading.Judge, ...]:
    from drivers.judging import driver_problems  # here: a command that reads no rig does not wait for pymodbus
    from sim.devices.options import twin_problems

    return driver_problems, twin_problems
