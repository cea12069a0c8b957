"""The session self-test as a command, and before a run: no treatment starts without a valid certificate."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from config.loading import load_rig
from config.schema import Rig
from controller.commandline.options import AsJson, PortMap, RunDir, parse_ports, print_rows, repeated
from controller.runtime import certificate

DataDir = Annotated[Path, typer.Option(help="Where the certificate and the records are written.")]
COLUMNS = ("name", "measured", "allowed", "passed")


def selftest(
    rig: Annotated[str | None, typer.Option(help="A rig with real ports. Default: the simulated bench.")] = None,
    simulate: Annotated[bool, typer.Option(help="Serve every port of the rig from the simulator.")] = False,
    port: PortMap = None,
    run_dir: RunDir = None,
    data: DataDir = Path("data"),
    as_json: AsJson = False,
) -> None:
    """The session self-test on real processes: each step with its measured value; certified for 24 h when it passed."""
    chosen = load_rig(rig or "bench")
    parse_ports(port, chosen)
    passed = test(chosen, rig or "bench", simulated=simulate or rig is None, port=port, run_dir=run_dir, data=data,
                  as_json=as_json)  # fmt: skip
    raise typer.Exit(0 if passed else 1)


def ensure(rig: Rig, name: str, *, simulated: bool, port: list[str] | None, run_dir: Path | None, data: Path) -> None:
    """Run the self-test when no valid certificate is there, and say so. Ends with code 1 when it fails."""
    found = certificate.read(certificate.place(data, rig, simulated=simulated))
    why = certificate.refusal(found, rig, simulated=simulated, wall_s=time.time())
    if not why:
        return
    Console(stderr=True, highlight=False).print(f"{why.partition(';')[0]}: running it now, half a minute ...")
    if not test(rig, name, simulated=simulated, port=port, run_dir=run_dir, data=data, as_json=False):
        raise typer.Exit(1)


def test(
    rig: Rig, name: str, *, simulated: bool, port: list[str] | None, run_dir: Path | None, data: Path, as_json: bool
) -> bool:
    """Run it, print every line, and certify what has passed. Raises NotRunning."""
    from controller.runtime.session import run_selftest

    arguments = ["--rig", name, *repeated("--port", port), *(["--simulate"] if simulated else [])]
    with tempfile.TemporaryDirectory(prefix="hipec-selftest-") as folder:
        done = run_selftest(arguments, run_dir or Path(folder), data)
    if done.passed:
        path = certificate.write(data, rig, simulated=simulated, devices=done.devices, lines=done.lines)
    if not as_json:
        verdict = f"passed: {path}" if done.passed else "FAILED, no treatment can start"
        Console().print(f"[bold]{'SIMULATED ' if simulated else ''}self-test {verdict}[/]")
    print_rows(COLUMNS, done.lines, as_json)
    return done.passed
