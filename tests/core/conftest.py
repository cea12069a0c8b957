"""What the tests of the core share. Property tests here judge values, never wall time."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import settings
from runs import MIDWAY_S, Run

settings.register_profile("core", deadline=None)
settings.load_profile("core")


class Nominal(NamedTuple):
    """One whole treatment of the nominal patient, and a copy of it from the middle of PERFUSE. Look, or copy."""

    kind: str
    midway: Run
    finished: Run


@pytest.fixture(scope="session", params=["bath", "inline"])
def nominal(request: pytest.FixtureRequest) -> Nominal:
    run = Run(request.param)
    run.reach("perfuse")
    run.advance(MIDWAY_S)
    midway = run.copy()
    run.reach("complete")
    return Nominal(request.param, midway, run)
