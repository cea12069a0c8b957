"""A session self-test for the tests: run once, on real processes, and certified where asked."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from config.loading import load_rig
from controller.runtime import certificate
from controller.runtime.session import SelfTest, run_selftest


@functools.cache
def tested(rig: str) -> SelfTest:
    """The self-test of a simulated rig."""
    with tempfile.TemporaryDirectory(prefix="hipec-t-") as folder:
        return run_selftest(["--rig", rig, "--simulate"], Path(folder) / "run", Path(folder) / "data")


def certify(data_dir: Path, rig: str = "bench", *, simulated: bool = True) -> Path:
    """Put a certificate into `data_dir`; also for twins that are served as if they were a real rig."""
    done = tested(rig)
    assert done.passed, done.lines
    return certificate.write(data_dir, load_rig(rig), simulated=simulated, devices=done.devices, lines=done.lines)
