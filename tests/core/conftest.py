"""What the tests of the core share."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pytest
from runs import MIDWAY_S, Nominal, Run


@pytest.fixture(scope="session", params=["bath", "inline"])
def nominal(request: pytest.FixtureRequest) -> Nominal:
    run = Run(request.param)
    run.reach("perfuse")
    run.advance(MIDWAY_S)
    return Nominal(request.param, run)


@pytest.fixture(scope="session")
def finished(nominal: Nominal) -> Run:
    """The same treatment at its end. Only look."""
    run = nominal.midway.copy()
    run.reach("complete")
    return run


STEPS = ("self_test", "prime", "preheat", "fill", "warm_up", "perfuse", "drain", "rinse_ready", "rinse_fill")
INTO_S = 20.0


@pytest.fixture(scope="session", params=["bath", "inline"])
def stages(request: pytest.FixtureRequest) -> Mapping[str, Run]:
    """A rehearsal of the nominal patient, copied some seconds into each step. Copy again before breaking it."""
    run = Run(request.param, treatment="saline_rehearsal")
    copies = {}
    for step in STEPS:
        run.reach(step)
        run.advance(INTO_S if step != "self_test" else 1.0)
        copies[step] = run.copy()
    return MappingProxyType(copies)
