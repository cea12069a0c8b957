"""Commands that need no hardware: simulate, sim, faults."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from controller.commandline.loading import load_pair, load_rig
from controller.commandline.options import (
    AsJson,
    FaultList,
    PatientText,
    PortMap,
    RigName,
    TreatmentName,
    parse_ports,
    print_rows,
)
from controller.commandline.summary import summary
from controller.runtime.exits import DONE, FAILED, TRIPPED
from controller.runtime.settings import patient_of


def simulate(
    rig: RigName = "bench",
    treatment: TreatmentName = "mitomycin_90",
    patient: PatientText = "BENCH:170:70",
    seed: int = 0,
    fault: FaultList = None,
    sampled: Annotated[bool, typer.Option(help="Draw patient and circuit from the sampler by --seed.")] = False,
    record: Annotated[Path | None, typer.Option(help="Save the treatment record to this new file.")] = None,
    as_json: AsJson = False,
) -> None:
    """One treatment in virtual time, in this process."""
    from sim.treatment_run import simulate_treatment

    chosen, protocol = load_pair(rig, treatment)
    console = Console(stderr=True)
    with Progress(
        TextColumn("[bold]SIMULATED[/] {task.description:<9}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} min"),
        TimeElapsedColumn(),
        console=console,
        disable=as_json or not console.is_terminal,
        transient=True,
    ) as progress:
        total_min = protocol.duration_min + 30.0
        task = progress.add_task("STANDBY", total=total_min)

        def moved(minutes: float, phase: str) -> None:
            progress.update(task, completed=min(minutes, total_min), description=phase)

        result = simulate_treatment(
            rig=chosen,
            treatment=protocol,
            patient=patient_of(patient),
            seed=seed,
            faults=fault or [],
            sampled=sampled,
            save_to=record,
            progress=moved,
        )
    if as_json:
        sys.stdout.write(json.dumps(result.values, allow_nan=False) + "\n")
    else:
        Console().print(summary(result.values, tripped=result.tripped))
    raise typer.Exit(DONE if result.completed else TRIPPED if result.tripped else FAILED)


def sim(
    rig: RigName = "bench",
    speed: Annotated[float, typer.Option(min=1.0, max=100.0)] = 1.0,
    seed: int = 0,
    port: PortMap = None,
    fault: FaultList = None,
    socket: Annotated[Path | None, typer.Option(help="Where to serve the simulator's own control socket.")] = None,
    as_json: AsJson = False,
) -> None:
    """Only the simulator, as a bench for any controller. Prints where each port is served."""
    from sim import server

    chosen = load_rig(rig)
    raise typer.Exit(
        server.run(
            rig=chosen,
            speed=speed,
            seed=seed,
            ports=parse_ports(port, chosen),
            socket_path=socket,
            json_output=as_json,
            faults=fault or [],
        )
    )


def faults(as_json: AsJson = False) -> None:
    """Every fault that `--fault` takes: what it strikes, what it does, and the VALUE it may have."""
    from sim.fault_catalogue import CATALOGUE

    rows = [
        {
            "fault": name,
            "strikes": spec.kind,
            "what happens": spec.about,
            "VALUE": f"{spec.low:g} to {spec.high:g} {spec.unit} ({spec.value})"
            if spec.unit and spec.unit != "signal"
            else spec.unit.upper(),
        }
        for name, spec in CATALOGUE.items()
    ]
    print_rows(("fault", "strikes", "what happens", "VALUE"), rows, as_json)
