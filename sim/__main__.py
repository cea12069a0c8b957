"""`python -m sim --rig R`: the simulator alone, to be the bench of any controller. SIMULATED is on all it prints."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from config.loading import load_rig
from config.problems import ConfigError
from sim import server
from sim.refusal import BadRequest

USAGE_ERROR = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line, load the rig, serve it. Returns the exit code: 0 stopped, 2 refused."""
    asked = _parser().parse_args(argv)
    try:
        rig = load_rig(asked.rig)
        ports = _ports(asked.port)
    except (BadRequest, ConfigError) as error:
        print(f"SIMULATED {asked.rig}: {error}", file=sys.stderr)  # noqa: T201
        return USAGE_ERROR
    return server.run(
        rig=rig,
        speed=asked.speed,
        seed=asked.seed,
        ports=ports,
        socket_path=asked.socket,
        json_output=asked.json,
        faults=asked.fault,
        die_with_parent=asked.die_with_parent,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sim", description=__doc__, allow_abbrev=False)
    parser.add_argument("--rig", default="bench", help="name of a shipped rig, or a TOML file")
    parser.add_argument("--speed", type=float, default=1.0, help="simulated seconds per second")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="say where the ports are as one JSON line")
    parser.add_argument("--socket", type=Path, help="where the control socket stands")
    parser.add_argument("--port", action="append", default=[], metavar="NAME=PATH|tcp:HOST:PORT")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME[:TARGET]@T[+DURATION][=VALUE]")
    parser.add_argument("--die-with-parent", action="store_true", help="stop when the process that started it ends")
    return parser


def _ports(words: Sequence[str]) -> dict[str, str]:
    """NAME=WHERE pairs. Raises BadRequest on one that is none, or a name given twice."""
    ports: dict[str, str] = {}
    for word in words:
        name, _, where = word.partition("=")
        if not name or not where:
            raise BadRequest(f"--port {word}: allowed: NAME=PATH or NAME=tcp:HOST:PORT")
        if name in ports:
            raise BadRequest(f"--port {word}: {name} is given twice")
        ports[name] = where
    return ports


if __name__ == "__main__":
    sys.exit(main())
