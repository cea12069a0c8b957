"""Named safety mutants: one mitigation taken away in one line, and the tests that must notice.

`mutants.toml` holds them. Not responsible for running anything (`run`).
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FILE = Path(__file__).with_name("mutants.toml")


class Mutant(NamedTuple):
    """`old` stands exactly once in `file` and becomes `new`; then one of `tests` must fail."""

    name: str
    hazards: tuple[str, ...]
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def applied(self, text: str) -> str:
        """The file with the mitigation taken away. Raises ValueError when the text is not there exactly once."""
        if (found := text.count(self.old)) != 1:
            raise ValueError(f"{self.name}: {self.old!r} stands {found} times in {self.file}, not once")
        return text.replace(self.old, self.new)


def load(path: Path = FILE) -> tuple[Mutant, ...]:
    """Every mutant of the file, in its order. Raises TypeError for a key that is unknown or missing."""
    entries = tomllib.loads(path.read_text("utf-8"))
    return tuple(
        Mutant(name=name, **{key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()})
        for name, entry in entries.items()
    )
