"""Named safety mutants: one mitigation taken away in one line, and the tests that must notice.

The `*.toml` of this folder hold them. Not responsible for running anything (`run`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FILES = tuple(sorted(Path(__file__).parent.glob("*.toml")))


class Mutant(NamedTuple):
    """`old` stands exactly once in `file` and becomes `new`; then one of `tests` must fail.

    `controls`: the rows of the interlock table and the measures of the hazard table that it takes away.
    """

    name: str
    hazards: tuple[str, ...]
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    controls: tuple[str, ...] = ()

    def applied(self, text: str) -> str:
        """The file with the mitigation taken away. Raises ValueError when the text is not there exactly once."""
        if (found := text.count(self.old)) != 1:
            raise ValueError(f"{self.name}: {self.old!r} stands {found} times in {self.file}, not once")
        return text.replace(self.old, self.new)


def load(files: Iterable[Path] = FILES) -> tuple[Mutant, ...]:
    """Every mutant of the files, in their order. Raises TypeError for a key that is unknown or missing."""
    return tuple(
        Mutant(name=name, **{key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()})
        for path in files
        for name, entry in tomllib.loads(path.read_text("utf-8")).items()
    )
