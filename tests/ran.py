"""Which tests there are and which have passed: what the hazard table is checked against."""

from __future__ import annotations

from pathlib import Path

import pytest

COLLECTED = pytest.StashKey[tuple[str, ...]]()  # node ids before -m and -k have chosen


class Ran:
    """Appends the node ids of the tests that passed to a file: the hazard table is checked against it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{report.nodeid}\n")
