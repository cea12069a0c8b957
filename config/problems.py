"""What is wrong with a configuration, in words that name the place, the value and what is allowed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Problem(NamedTuple):
    """One violation: dotted key ("" for the whole file), the value found there, and what is allowed instead."""

    key: str
    value: str
    allowed: str
    file: str = ""

    def __str__(self) -> str:
        found = f"{self.key} = {self.value}" if self.key and self.value else self.key or self.value
        return ": ".join(part for part in (self.file, found, self.allowed) if part)


class ConfigError(Exception):
    """A configuration that must not be used; the text lists every problem, one a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def shown(value: object) -> str:
    """The value as a person wrote it, short enough for one line."""
    text = repr(value) if not isinstance(value, str) else f'"{value}"'
    return text if len(text) <= 60 else text[:57] + "..."
