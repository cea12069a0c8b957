"""Rigs and treatments from TOML files: read, judged against shape and rules, or refused with every reason.

A name is looked up among the files shipped here; anything with a slash or ending in .toml is a path.
Not responsible for the meaning of a value (`config.schema`) or for a driver's own options (`drivers`).
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from config.families import FAMILIES, FamilyFacts
from config.problems import ConfigError, Problem, shown
from config.rules import level_problems, match_problems, treatment_problems
from config.schema import Patient, Rig, Treatment
from config.shape import build
from config.wiring import wiring_problems

Shape = TypeVar("Shape", Rig, Treatment)
Judge = Callable[[Rig], list[Problem]]

RIGS = Path(__file__).parent / "rigs"
TREATMENTS = Path(__file__).parent / "treatments"
LARGEST_FILE = 1_000_000  # bytes; a configuration is a few thousand


def list_rigs() -> tuple[str, ...]:
    """Names of the shipped rigs."""
    return _names(RIGS)


def list_treatments() -> tuple[str, ...]:
    """Names of the shipped treatments."""
    return _names(TREATMENTS)


def load_rig(
    name_or_path: str | Path, *, families: Mapping[str, FamilyFacts] = FAMILIES, judges: Sequence[Judge] = ()
) -> Rig:
    """The rig of that name or file. Raises ConfigError with every violation of shape, levels and wiring.

    `judges` are asked too: those who know what the configuration does not (drivers, simulated devices).
    """
    return _refused_or(*_judged(name_or_path, RIGS, Rig, _rig_rules(families, judges)))


def load_treatment(name_or_path: str | Path) -> Treatment:
    """The treatment of that name or file. Raises ConfigError with every violation."""
    return _refused_or(*_judged(name_or_path, TREATMENTS, Treatment, treatment_problems))


def load_pair(
    rig: str | Path,
    treatment: str | Path,
    *,
    families: Mapping[str, FamilyFacts] = FAMILIES,
    judges: Sequence[Judge] = (),
) -> tuple[Rig, Treatment]:
    """A rig, and a treatment that may run on it. Raises ConfigError with the violations of each and of both."""
    read_rig, problems = _judged(rig, RIGS, Rig, _rig_rules(families, judges))
    read_treatment, more = _judged(treatment, TREATMENTS, Treatment, treatment_problems)
    problems += more
    if read_rig is not None and read_treatment is not None:
        file = str(_path(treatment, TREATMENTS))
        problems += [each._replace(file=file) for each in match_problems(read_rig, read_treatment)]
    return _refused_or(read_rig, problems), _refused_or(read_treatment, problems)


def treatments_for(rig: Rig) -> dict[str, Treatment]:
    """The shipped treatments that may run on this rig, by name. Raises ConfigError for a file that is none."""
    loaded = {name: load_treatment(name) for name in list_treatments()}
    return {name: treatment for name, treatment in loaded.items() if not match_problems(rig, treatment)}


def build_patient(data: dict[str, Any]) -> Patient:
    """A patient from plain values, e.g. of a form or command line. Raises ConfigError."""
    return build(data, Patient)


def effective_json(*, rig: Rig, treatment: Treatment | None = None, patient: Patient | None = None) -> str:
    """All that is in force, defaults included, in one canonical form: sorted keys, no spaces, ASCII."""
    whole = {"rig": rig, "treatment": treatment, "patient": patient}
    return json.dumps(msgspec.to_builtins(whole), sort_keys=True, separators=(",", ":"), allow_nan=False)


def effective_sha256(*, rig: Rig, treatment: Treatment | None = None, patient: Patient | None = None) -> str:
    """SHA-256 of the effective configuration, in hex: the same for two files that mean the same."""
    return hashlib.sha256(effective_json(rig=rig, treatment=treatment, patient=patient).encode()).hexdigest()


def _rig_rules(families: Mapping[str, FamilyFacts], judges: Sequence[Judge]) -> Judge:
    def rules(rig: Rig) -> list[Problem]:
        found = level_problems(rig) + wiring_problems(rig, families)
        known = {problem.key for problem in found}  # a judge may find again what was found
        return found + [problem for judge in judges for problem in judge(rig) if problem.key not in known]

    return rules


def _judged(
    name_or_path: str | Path, folder: Path, shape: type[Shape], rules: Callable[[Shape], list[Problem]]
) -> tuple[Shape | None, list[Problem]]:
    """What the file holds, as soon as it has the shape, and everything that is wrong with it."""
    path = _path(name_or_path, folder)
    read: Shape | None = None
    try:
        read = build(_read(path, folder), shape)
        found: Iterable[Problem] = rules(read)
    except ConfigError as error:
        found = error.problems
    return read, [problem._replace(file=str(path)) for problem in found]


def _refused_or(read: Shape | None, problems: list[Problem]) -> Shape:
    if problems or read is None:
        raise ConfigError(problems)
    return read


def _read(path: Path, folder: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        allowed = f"no such file; allowed is a path or one of {', '.join(_names(folder))}"
        raise ConfigError([Problem("", "", allowed)]) from None
    except OSError as error:
        raise ConfigError([Problem("", "", f"cannot be read: {error.strerror}")]) from error
    if len(raw) > LARGEST_FILE:
        raise ConfigError([Problem("", "", f"is too large; allowed are {LARGEST_FILE} bytes")])
    return _parse(raw)


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        text = shown(raw[error.start : error.start + 1])
        raise ConfigError([Problem("", text, f"is not UTF-8 (at line {line}); allowed is TOML in UTF-8")]) from error
    except tomllib.TOMLDecodeError as error:
        lines = raw.count(b"\n") + 1
        reason = str(error).replace("at end of document", f"at line {lines}, the end of the document")
        raise ConfigError([Problem("", "", f"is not TOML: {reason}")]) from error
    except RecursionError as error:
        raise ConfigError([Problem("", "", "is nested too deeply; allowed are the tables of the schema")]) from error


def _path(name_or_path: str | Path, folder: Path) -> Path:
    text = str(name_or_path)
    return Path(text) if "/" in text or text.endswith(".toml") else folder / f"{text}.toml"


def _names(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in folder.glob("*.toml")))
