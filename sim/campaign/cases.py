"""Regression cases: scenarios that once violated a property, one JSON file each, run again by the tests for ever.

Not responsible for finding them (`campaign`) or for making them small (`shrink`).
"""

from __future__ import annotations

import json
from pathlib import Path

from sim.campaign.runner import Verdict
from sim.campaign.scenario import Scenario, from_json, to_json
from sim.refusal import BadRequest


def save(folder: Path, scenario: Scenario, verdict: Verdict) -> Path:
    """Write one case, named after its seed, with what it violated."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"seed_{scenario.seed}.json"
    said = [f"{violation.monitor}: {violation.text}" for violation in verdict.violations]
    path.write_text(json.dumps({"violated": said, **to_json(scenario)}, indent=1, ensure_ascii=False) + "\n")
    return path


def load(path: Path) -> Scenario:
    """Read one case. Raises BadRequest naming the file when it is none."""
    try:
        return from_json(json.loads(path.read_text()))
    except (KeyError, TypeError, ValueError) as error:
        raise BadRequest(f"{path}: no campaign case: {error}") from error
