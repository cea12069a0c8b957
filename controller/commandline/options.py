"""Options and small helps that several commands share."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from config.schema import Rig
from controller.runtime.preflight import missing_ports
from controller.runtime.settings import BadSetting, check_apart, port_paths, with_ports

SIMULATED = "SIMULATED"
NOTHING: Mapping[str, Any] = MappingProxyType({})

RigName = Annotated[str, typer.Option("--rig", help="Name of a rig that comes with hipec, or a TOML file.")]
TreatmentName = Annotated[str, typer.Option("--treatment", help="Name of a treatment, or a TOML file.")]
PatientText = Annotated[str, typer.Option("--patient", help="PSEUDONYM:HEIGHT_CM:WEIGHT_KG")]
RunDir = Annotated[Path | None, typer.Option("--run-dir", help="Where the sockets are.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout, nothing else.")]
PortMap = Annotated[list[str] | None, typer.Option("--port", help="NAME=PATH or NAME=tcp:HOST:PORT; repeatable.")]
FaultList = Annotated[
    list[str] | None,
    typer.Option("--fault", help="Simulated rigs: NAME[:TARGET]@T[+DURATION][=VALUE], see `hipec faults`; repeatable."),
]


def parse_ports(texts: list[str] | None, rig: Rig) -> dict[str, str]:
    """Read NAME=PATH overrides. Raises BadSetting: no such port, one given twice, one path for two of them."""
    found = port_paths(texts or [])
    for name, path in found.items():
        if name not in rig.ports:
            allowed = f"allowed: NAME=PATH with NAME one of {', '.join(sorted(rig.ports))}"
            raise BadSetting(f"--port '{name}={path}': {allowed}")
    check_apart(found)
    return found


def check_ports(texts: list[str] | None, rig: Rig, *, simulated: bool) -> None:
    """Refuse NAME=PATH overrides that cannot be, and a real rig whose devices are not there. Raises BadSetting."""
    there = with_ports(rig, parse_ports(texts, rig))
    if not simulated and (missing := missing_ports(there)):
        raise BadSetting(missing)


@contextlib.contextmanager
def file_given(option: str, path: Path, *, allowed: str) -> Iterator[None]:
    """While a file or folder that somebody named is opened: what goes wrong is a BadSetting with what is allowed."""
    try:
        yield
    except OSError as error:
        raise BadSetting(f"{option} {path}: {error.strerror or error}; allowed: {allowed}") from error


def check_one_form(*, markdown: bool, as_json: bool) -> None:
    """Raise BadSetting for two forms of one answer."""
    if markdown and as_json:
        raise BadSetting("--markdown and --json: allowed is one of them")


def repeated(option: str, values: list[str] | None) -> list[str]:
    """The option before each value, for another process's command line."""
    return [word for value in values or [] for word in (option, value)]


def label(*, simulated: bool) -> dict[str, Any]:
    """What every object about a run says first."""
    return {"simulated": simulated, "word": SIMULATED if simulated else ""}


def print_rows(
    columns: Sequence[str], rows: Sequence[dict[str, Any]], as_json: bool, *, about: Mapping[str, Any] = NOTHING
) -> None:
    """A table with these columns, or every key of every row as JSON, with what there is to say of them all."""
    if as_json:
        sys.stdout.write(json.dumps({**about, "rows": rows}, allow_nan=False) + "\n")
        return
    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row[column]) for column in columns))
    Console().print(table)


def _cell(value: object) -> str:
    return {True: "yes", False: "NO"}[value] if isinstance(value, bool) else str(value)
