"""The command line of the control process: what is controlled, where, and how fast.

Every refusal is one clear line on stderr and exit code 2. Not responsible for the shapes of files (`config`).
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from config.loading import build_patient
from config.problems import ConfigError
from config.schema import Patient, Rig, Treatment
from config.wiring import shared_paths
from controller.runtime.loading import load_pair
from controller.runtime.numbers import number
from controller.runtime.rundir import default_run_dir

PATIENT_FORM = "PSEUDONYM:HEIGHT_CM:WEIGHT_KG, e.g. BENCH:170:70"


class BadSetting(ValueError):
    """An argument that cannot be used; the text names it and says what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a control process is told. `simulated` only labels; it changes nothing that is done."""

    rig: Rig
    treatment: Treatment
    patient: Patient
    run_dir: Path
    data_dir: Path
    speed: float
    simulated: bool
    restarts: int


def default_data_dir() -> Path:
    """~/.local/share/hipec: where treatment records go."""
    return Path.home() / ".local" / "share" / "hipec"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that control and supervisor have in common."""
    parser.add_argument("--rig", default="bench", help="name of a shipped rig, or a TOML file")
    parser.add_argument("--treatment", default="saline_rehearsal", help="name of a shipped treatment, or a TOML file")
    parser.add_argument("--patient", default="BENCH:170:70", metavar=PATIENT_FORM)
    parser.add_argument("--port", action="append", default=[], metavar="NAME=PATH", help="use this path for that port")
    parser.add_argument("--run-dir", type=Path, default=default_run_dir(), help="sockets and lock")
    parser.add_argument("--data-dir", type=Path, default=default_data_dir(), help="treatment records")
    parser.add_argument("--speed", type=float, default=1.0, help="seconds per second; other than 1 only if simulated")


def read(arguments: Sequence[str] | None) -> Settings:
    """Parse and load. Raises BadSetting or config.problems.ConfigError."""
    parser = argparse.ArgumentParser(prog="python -m controller.runtime", description=__doc__, allow_abbrev=False)
    add_arguments(parser)
    parser.add_argument("--simulated", action="store_true", help="label everything SIMULATED")
    parser.add_argument("--restarts", type=int, default=0, help="how often the supervisor has restarted it")
    given = parser.parse_args(arguments)
    check_speed(given.speed, simulated=given.simulated)
    rig, treatment = load_pair(given.rig, given.treatment)
    rig = with_ports(rig, port_paths(given.port))
    return Settings(
        rig=rig,
        treatment=treatment,
        patient=patient_of(given.patient),
        run_dir=given.run_dir,
        data_dir=given.data_dir,
        speed=given.speed,
        simulated=given.simulated,
        restarts=given.restarts,
    )


def patient_of(text: str) -> Patient:
    """PSEUDONYM:HEIGHT_CM:WEIGHT_KG. Raises BadSetting."""
    parts = text.split(":")
    if len(parts) != 3:
        raise BadSetting(f"--patient {text!r}; allowed: {PATIENT_FORM}")
    try:
        return build_patient({"pseudonym": parts[0], **_measures(height_cm=parts[1], weight_kg=parts[2])})
    except (ValueError, ConfigError) as error:
        raise BadSetting(f"--patient {text!r}: {error}; allowed: {PATIENT_FORM}") from error


def _measures(**texts: str) -> dict[str, float]:
    found = {}
    for name, text in texts.items():
        try:
            found[name] = number(text)
        except ValueError as error:
            raise ValueError(f"{name} {error}") from None
    return found


def port_paths(words: Sequence[str]) -> dict[str, str]:
    """NAME=PATH pairs. Raises BadSetting for one that is none, or a name given twice."""
    paths: dict[str, str] = {}
    for word in words:
        name, _, path = word.partition("=")
        if not name or not path:
            raise BadSetting(f"--port {word!r}; allowed: NAME=PATH or NAME=tcp:HOST:PORT")
        if name in paths:
            raise BadSetting(f"--port {word!r}: {name} is given twice; allowed is one path per port")
        paths[name] = path
    return paths


def with_ports(rig: Rig, paths: Mapping[str, str]) -> Rig:
    """The rig with other paths for some of its ports. Raises BadSetting for no such port, one path for two."""
    unknown = sorted(set(paths) - set(rig.ports))
    if unknown:
        raise BadSetting(f"--port {', '.join(unknown)}: rig {rig.name} has {', '.join(sorted(rig.ports))}")
    check_apart({name: port.path for name, port in rig.ports.items()} | dict(paths))
    ports = {name: msgspec.structs.replace(port, path=paths.get(name, port.path)) for name, port in rig.ports.items()}
    return msgspec.structs.replace(rig, ports=ports)


def check_apart(paths: Mapping[str, str]) -> None:
    """Refuse one path for two ports. Raises BadSetting."""
    if shared := shared_paths(paths):
        raise BadSetting("\n".join(f"--port {problem}" for problem in shared))


def with_slack(rig: Rig, slack_s: float) -> Rig:
    """The rig with readings that may be `slack_s` older; 0 s changes nothing."""
    if slack_s == 0.0:
        return rig
    signals = {
        name: msgspec.structs.replace(source, max_age_s=source.max_age_s + slack_s)
        for name, source in rig.signals.items()
    }
    return msgspec.structs.replace(rig, signals=signals)


def check_simulator(*, own: bool, seed: int, faults: Sequence[str]) -> None:
    """Refuse what only a simulator of our own could do. Raises BadSetting."""
    for option, given in (("--seed", seed != 0), ("--fault", bool(faults))):
        if given and not own:
            raise BadSetting(f"{option} is for simulated rigs only")


def check_speed(speed: float, *, simulated: bool) -> None:
    """Real devices live in real time. Raises BadSetting."""
    if not (1.0 <= speed <= 100.0):
        raise BadSetting(f"--speed {speed}; allowed: 1 to 100")
    if speed != 1.0 and not simulated:
        raise BadSetting(f"--speed {speed}; allowed on a rig that is not simulated: 1")
