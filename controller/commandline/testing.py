"""The session self-test as a command. `hipec run` starts it too (`processes`) when no valid certificate is there."""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from config.schema import Rig
from controller.commandline.loading import load_rig
from controller.commandline.options import AsJson, PortMap, RunDir, check_ports, label, print_rows, repeated
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
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # unwound: its processes are ended in their order
    chosen = load_rig(rig or "bench")
    simulated = simulate or rig is None
    check_ports(port, chosen, simulated=simulated)
    code = test(chosen, rig or "bench", simulated=simulated, port=port, run_dir=run_dir, data=data, as_json=as_json)
    raise typer.Exit(code)


def test(
    rig: Rig, name: str, *, simulated: bool, port: list[str] | None, run_dir: Path | None, data: Path, as_json: bool
) -> int:
    """Run it, print every line, certify what has passed; the exit code. Raises NotRunning or RecordError."""
    from controller.runtime.session import WHO, run_selftest

    arguments = ["--rig", name, *repeated("--port", port), *(["--simulate"] if simulated else [])]
    with tempfile.TemporaryDirectory(prefix="hipec-selftest-") as folder:
        done = run_selftest(arguments, run_dir or Path(folder), data)
    if done.passed:
        path = certificate.write(data, rig, simulated=simulated, devices=done.devices, lines=done.lines)
    print_rows(COLUMNS, done.lines, as_json, about=label(simulated=simulated))
    if not as_json:
        failed = ", ".join(
            f"{line['name']}: {line['measured']}" if line["name"].startswith(WHO) else str(line["name"])
            for line in done.lines
            if not line["passed"]
        )
        verdict = f"passed: {path}" if done.passed else f"FAILED ({failed}), no treatment can start"
        said = f"{'SIMULATED ' if simulated else ''}self-test {verdict}"
        Console(highlight=False).print(said, style="bold", markup=False, soft_wrap=True)
    return done.code
