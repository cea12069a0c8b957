"""Make a violating scenario smaller while it still violates: fewer faults, a simpler person, a shorter run.

What is left says whether one fault is enough. Not responsible for keeping the result (`cases`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from sim.campaign.person import Conduct
from sim.campaign.runner import Treated, Verdict, run_scenario
from sim.campaign.scenario import Scenario

MARGIN_S = 2.0
PLAIN = Conduct()

Runs = Callable[[Scenario], Verdict]


def shrink(treated: Treated, scenario: Scenario) -> Scenario:
    """The smallest scenario found that violates one of the same monitors; itself when it does not violate."""
    return shrink_with(lambda smaller: run_scenario(treated, smaller), scenario)


def shrink_with(runs: Runs, scenario: Scenario) -> Scenario:
    """The same, however a scenario is run."""
    first = runs(scenario).violations
    if not first:
        return scenario
    wanted = {violation.monitor for violation in first}
    smaller = True
    while smaller:
        smaller = False
        for simpler in _simpler(scenario):
            if {violation.monitor for violation in runs(simpler).violations} & wanted:
                scenario, smaller = simpler, True
                break
    end_s = max(violation.at_s for violation in runs(scenario).violations) + MARGIN_S
    shorter = replace(scenario, horizon_s=round(min(scenario.horizon_s, end_s), 1))
    return shorter if runs(shorter).violations else scenario


def _simpler(scenario: Scenario) -> Iterator[Scenario]:
    """Every scenario that is one step smaller, the largest step first."""
    faults, conduct = scenario.faults, scenario.conduct
    for index in range(len(faults)):
        if len(faults) > 1:
            yield replace(scenario, faults=faults[:index] + faults[index + 1 :])
    if conduct != PLAIN:
        yield replace(scenario, conduct=PLAIN)
    for index in range(len(conduct.whims)):
        fewer = conduct.whims[:index] + conduct.whims[index + 1 :]
        yield replace(scenario, conduct=replace(conduct, whims=fewer))
    if conduct.reset_after_s is not None:
        yield replace(scenario, conduct=replace(conduct, reset_after_s=None))
    for index, fault in enumerate(faults):
        if fault.duration_s is not None and fault.name != "replugged":
            rest = (*faults[:index], replace(fault, duration_s=None), *faults[index + 1 :])
            yield replace(scenario, faults=rest)
