"""The hazard table: what can harm, what controls it, and which tests show that it does.

`hazards.toml` holds it; here are its shape and the links that must not be missing. A control is named by its channel:
C control, P protective, D device, H hardware, U person and screen, E evidence. A C control is a row of the interlock
table or a measure of the vocabulary; every other control is a measure. Not responsible for words on a page
(`hazard_pages`) or for running a test.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, field

from config.problems import ConfigError, Problem
from config.schema import Name, Shape
from config.shape import build

FILE = Path(__file__).parent / "hazards.toml"

Channel = Literal["C", "P", "D", "H", "U", "E"]
HazardId = Annotated[str, Meta(pattern=r"^H\d\d$")]
Words = Annotated[str, Meta(min_length=3, max_length=500)]
Node = Annotated[str, Meta(pattern=r"^tests/[a-z_0-9/]+\.py::\S.*$")]
TestFiles = Annotated[str, Meta(pattern=r"^tests/[a-z_0-9/]+(\.py|/)$")]
Response = Literal["R0", "R1", "R2", "R3", "R4", "held", "refused", "no start"]

_NAMED = re.compile(r"(?<![a-z0-9])h(\d\d)(?![a-z0-9])")


class Measure(Shape, frozen=True, kw_only=True):
    """A control that is no interlock row. `where`: `file.py::name` of its code. `says`: how a reason begins."""

    what: Words
    where: Words
    says: str = ""


class Hazard(Shape, frozen=True, kw_only=True):
    """One row. Severity 4 death or irreversible, 3 serious, 2 reversible, 1 minor. Alarm: every priority there is."""

    situation: Words
    severity: Literal[1, 2, 3, 4]
    causes: tuple[Words, ...]
    controls: dict[Channel, tuple[Name, ...]]
    alarm: tuple[Literal["LOW", "MEDIUM", "HIGH"], ...]
    response: tuple[Response, ...]
    tests: tuple[Node, ...]
    only_the_bench: str = ""
    twin: str = ""


class HazardTable(Shape, frozen=True, kw_only=True):
    """All rows, the vocabulary of measures, and test files (or a folder/) that serve no single hazard, with why."""

    hazards: dict[HazardId, Hazard]
    measures: dict[Channel, dict[Name, Measure]]
    beside: dict[TestFiles, Words] = field(default_factory=dict)


def load(path: Path = FILE) -> HazardTable:
    """The table. Raises ConfigError that names row and key, or the line where the file is no TOML."""
    try:
        return build(tomllib.loads(path.read_text("utf-8")), HazardTable)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([Problem("", "", f"is not TOML: {error}", str(path))]) from error
    except ConfigError as error:
        raise ConfigError(problem._replace(file=str(path)) for problem in error.problems) from error


def broken_links(table: HazardTable, *, interlocks: Mapping[str, Collection[str]]) -> list[Problem]:
    """Every link between hazards and controls that is missing. `interlocks`: the hazards that each row names.

    A row has to be listed under every hazard that it names; a hazard may list further rows that help.
    """
    return [*_hazards_without(table, interlocks), *_controls_without(table, interlocks)]


def missing_tests(table: HazardTable, *, nodes: Collection[str], files: Collection[str] | None = None) -> list[Problem]:
    """Every named test that is not among `nodes`, e.g. what pytest collects or what has passed; only of `files`."""
    known = {form for node in nodes for form in (node, base(node))}
    return [
        Problem(f"hazards.{id_}.tests", node, "is no test, or was not run")
        for id_, hazard in table.hazards.items()
        for node in hazard.tests
        if node not in known and (files is None or node.partition("::")[0] in files)
    ]


def unlinked_tests(table: HazardTable, *, nodes: Collection[str]) -> list[Problem]:
    """Every test among `nodes` that names a hazard which does not list it, and every file that serves no hazard."""
    problems = []
    for node in sorted(nodes):
        for id_ in hazards_named(node):
            listed = table.hazards[id_].tests if id_ in table.hazards else ()
            if node not in listed and base(node) not in listed:
                problems.append(Problem(f"hazards.{id_}.tests", node, "names this hazard and is not listed"))
    linked = {test.partition("::")[0] for hazard in table.hazards.values() for test in hazard.tests}
    return problems + [
        Problem("beside", file, "serves no hazard: link a test of it, or say in [beside] why not")
        for file in sorted({node.partition("::")[0] for node in nodes} - linked)
        if not any(file.startswith(each) for each in table.beside)
    ]


def base(node: str) -> str:
    """A node id without its parameters."""
    return node.partition("[")[0]


def hazards_named(node: str) -> tuple[str, ...]:
    """The hazards that a test names in its own name or parameters, e.g. test_h06_…"""
    return tuple(f"H{digits}" for digits in _NAMED.findall(node.partition("::")[2].replace("_", " ").replace("-", " ")))


def _hazards_without(table: HazardTable, interlocks: Mapping[str, Collection[str]]) -> Iterator[Problem]:
    for id_, hazard in table.hazards.items():
        key = f"hazards.{id_}"
        if not any(hazard.controls.values()):
            yield Problem(f"{key}.controls", "", "is empty; allowed is at least one control")
        for name in ("tests", "causes", "response"):
            if not getattr(hazard, name):
                yield Problem(f"{key}.{name}", "", "is empty; allowed is at least one")
        if len(set(hazard.tests)) != len(hazard.tests):
            yield Problem(f"{key}.tests", "", "lists a test twice")
        for channel, names in hazard.controls.items():
            for name in names:
                row = channel == "C" and name in interlocks
                if not row and name not in table.measures.get(channel, {}):
                    yield Problem(f"{key}.controls.{channel}", name, "is no interlock row and no measure")


def _controls_without(table: HazardTable, interlocks: Mapping[str, Collection[str]]) -> Iterator[Problem]:
    used = {
        (channel, name) for hazard in table.hazards.values() for channel, names in hazard.controls.items()
        for name in names
    }  # fmt: skip
    for channel, measures in table.measures.items():
        for name in measures:
            if (channel, name) not in used:
                yield Problem(f"measures.{channel}.{name}", "", "controls no hazard")
            if channel == "C" and name in interlocks:
                yield Problem(f"measures.{channel}.{name}", "", "is an interlock row already")
    for name, hazards in interlocks.items():
        if not hazards:
            yield Problem("interlock", name, "names no hazard")
        for id_ in hazards:
            controls = table.hazards[id_].controls.get("C", ()) if id_ in table.hazards else None
            if controls is None:
                yield Problem("interlock", name, f"names {id_}, which is no row of the hazard table")
            elif name not in controls:
                yield Problem(f"hazards.{id_}.controls.C", name, "names this hazard and is not listed")
