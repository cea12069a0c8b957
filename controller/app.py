"""The command line, `hipec`. Each command parses, calls one function and turns its outcome into an exit code.

Exit codes: 0 done; 1 failed or violated; 2 usage or configuration error; 3 the treatment ended by a trip.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from config.loading import effective_json, effective_sha256, load_pair, load_rig
from config.problems import ConfigError
from config.schema import Rig
from controller.runtime.client import Client, Refusal, Unreachable
from controller.runtime.rundir import CONTROL_SOCKET, InUse, default_run_dir
from controller.runtime.session import NotRunning
from controller.runtime.settings import BadSetting, patient_of

NOTICE = "Research and bench software. Not a medical device, not for use on patients."

app = typer.Typer(add_completion=False, no_args_is_help=True, help=f"Hyperthermia pump controller. {NOTICE}")

RigName = Annotated[str, typer.Option("--rig", help="Name of a rig that comes with hipec, or a TOML file.")]
TreatmentName = Annotated[str, typer.Option("--treatment", help="Name of a treatment, or a TOML file.")]
PatientText = Annotated[str, typer.Option("--patient", help="PSEUDONYM:HEIGHT_CM:WEIGHT_KG")]
RunDir = Annotated[Path | None, typer.Option("--run-dir", help="Where the sockets are.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout, nothing else.")]
PortMap = Annotated[list[str] | None, typer.Option("--port", help="NAME=PATH or NAME=tcp:HOST:PORT; repeatable.")]
FaultList = Annotated[
    list[str] | None, typer.Option("--fault", help="Simulated rigs: NAME[:TARGET]@T[+DURATION][=VALUE]; repeatable.")
]


def main() -> None:
    """Entry point: configuration errors and refusals are one line and exit code 2."""
    try:
        app()
    except (BadSetting, ConfigError, InUse, OSError, NotRunning, Unreachable, ValueError) as error:
        Console(stderr=True, highlight=False).print(f"hipec: {error}", markup=False, soft_wrap=True)
        sys.exit(2)
    except Refusal as error:
        Console(stderr=True, highlight=False).print(f"refused: {error}", markup=False, soft_wrap=True)
        sys.exit(1)


@app.command()
def run(
    rig: Annotated[str | None, typer.Option(help="A rig with real ports. Default: the simulated bench.")] = None,
    treatment: TreatmentName = "saline_rehearsal",
    patient: PatientText = "BENCH:170:70",
    simulate: Annotated[bool, typer.Option(help="Serve every port of the rig from the simulator.")] = False,
    speed: Annotated[float, typer.Option(min=1.0, max=100.0, help="Simulated rigs only.")] = 1.0,
    seed: int = 0,
    port: PortMap = None,
    fault: FaultList = None,
    run_dir: RunDir = None,
    data: Annotated[Path, typer.Option(help="Where records are written.")] = Path("data"),
    view: Annotated[bool, typer.Option("--view/--no-view", help="The live view in this terminal.")] = True,
) -> None:
    """Start supervisor, control and protective channel on a rig; without --rig, the simulated bench."""
    from controller.runtime import supervisor
    from controller.runtime.session import running
    from controller.terminal.view import show

    simulated = simulate or rig is None
    if speed != 1.0 and not simulated:
        raise ValueError("--speed is for simulated rigs only")
    name = rig or "bench"
    chosen, _ = load_pair(name, treatment)
    patient_of(patient)
    parse_ports(port, chosen)
    where = run_dir or default_run_dir()
    arguments = ["--rig", name, "--treatment", treatment, "--patient", patient, "--data-dir", str(data)]
    arguments += ["--speed", str(speed), "--seed", str(seed), *_repeated("--port", port), *_repeated("--fault", fault)]
    arguments += ["--simulate"] if simulated else []
    if view and sys.stdin.isatty() and sys.stdout.isatty():
        with running(arguments, where):
            show(where)
        raise typer.Exit(0)
    sys.stdout.write(f"{'SIMULATED. ' if simulated else ''}{NOTICE}\nSockets in {where}; Ctrl-C ends.\n")
    sys.stdout.flush()
    raise typer.Exit(supervisor.main([*arguments, "--run-dir", str(where)]))


@app.command()
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
        Console().print(_summary(result.values))
    raise typer.Exit(0 if result.completed else 3 if result.tripped else 1)


@app.command()
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


@app.command()
def check(rig: RigName = "bench", treatment: TreatmentName = "mitomycin_90", as_json: AsJson = False) -> None:
    """Validate a rig and a treatment together; show the effective configuration and its hash."""
    chosen, protocol = load_pair(rig, treatment)
    sha256 = effective_sha256(rig=chosen, treatment=protocol)
    shown = effective_json(rig=chosen, treatment=protocol)
    if as_json:
        sys.stdout.write(f'{{"valid": true, "sha256": "{sha256}", "effective": {shown}}}\n')
        return
    console = Console()
    console.print_json(shown)
    console.print(f"[bold]valid[/]: rig {rig} with treatment {treatment}, SHA-256 {sha256}")


@app.command()
def devices(
    probe: Annotated[bool, typer.Option(help="Ask each device of the rig who it is.")] = False,
    rig: RigName = "bench",
    port: PortMap = None,
    as_json: AsJson = False,
) -> None:
    """Supported device families; with --probe, what answers on the rig's ports."""
    from controller.runtime.probing import probe_rig
    from drivers.catalogue import families

    if probe:
        chosen = load_rig(rig)
        answers = probe_rig(chosen, parse_ports(port, chosen))
        _print_rows(("device", "family", "port", "answer"), answers, as_json)
        raise typer.Exit(0 if all(row["ok"] for row in answers) else 1)
    rows = [
        {
            "family": family.name,
            "title": family.title,
            "roles": ", ".join(family.roles),
            "wire": family.wire,
            "when the host falls silent": family.comm_loss,
            "manual": family.manual,
        }
        for family in families().values()
    ]
    _print_rows(("family", "title", "roles", "wire", "when the host falls silent"), rows, as_json)


@app.command()
def selftest(
    rig: Annotated[str | None, typer.Option(help="A rig with real ports. Default: the simulated bench.")] = None,
    simulate: Annotated[bool, typer.Option(help="Serve every port of the rig from the simulator.")] = False,
    speed: Annotated[float, typer.Option(min=1.0, max=100.0)] = 1.0,
    port: PortMap = None,
    run_dir: RunDir = None,
    as_json: AsJson = False,
) -> None:
    """Run the session self-test on a rig and print each check with its measured value."""
    from controller.runtime.session import run_selftest

    name = rig or "bench"
    parse_ports(port, load_rig(name))
    simulated = simulate or rig is None
    arguments = ["--rig", name, "--speed", str(speed), *_repeated("--port", port)]
    arguments += ["--simulate"] if simulated else []
    with tempfile.TemporaryDirectory(prefix="hipec-selftest-") as folder:
        where = Path(folder)
        checks, passed = run_selftest([*arguments, "--data-dir", str(where / "data")], run_dir or where)
    if not as_json:
        Console().print(f"[bold]{'SIMULATED ' if simulated else ''}self-test {'passed' if passed else 'FAILED'}[/]")
    _print_rows(("name", "measured", "allowed", "passed"), checks, as_json)
    raise typer.Exit(0 if passed else 1)


@app.command()
def act(
    what: Annotated[str, typer.Argument(help="start, confirm, dose, hold, resume, stop, reset, drain, target, flow …")],
    value: Annotated[float | None, typer.Argument(help="For target (°C) and flow (L/min).")] = None,
    who: str = "operator",
    text: str = "",
    run_dir: RunDir = None,
) -> None:
    """Ask a running controller for one act, as the keys of the live view do."""
    with Client((run_dir or default_run_dir()) / CONTROL_SOCKET) as client:
        if what == "stop":
            client.stop()
        else:
            client.act(what, value=value, text=text, who=who)
    Console().print(f"{what}: taken")


@app.command()
def watch(run_dir: RunDir = None, as_json: AsJson = False) -> None:
    """The live view of a running controller; with --json its state once."""
    from controller.terminal.view import show

    where = run_dir or default_run_dir()
    if as_json:
        with Client(where / CONTROL_SOCKET) as client:
            sys.stdout.write(json.dumps(client.state(), allow_nan=False) + "\n")
        return
    show(where)


def parse_ports(texts: list[str] | None, rig: Rig) -> dict[str, str]:
    """Read NAME=PATH overrides. Raises ValueError that names the rig's ports."""
    found: dict[str, str] = {}
    for text in texts or []:
        name, equals, path = text.partition("=")
        if not equals or not path or name not in rig.ports:
            raise ValueError(f"--port {text!r}: allowed: NAME=PATH with NAME one of {', '.join(sorted(rig.ports))}")
        found[name] = path
    return found


def _repeated(option: str, values: list[str] | None) -> list[str]:
    return [word for value in values or [] for word in (option, value)]


def _summary(values: dict[str, object]) -> Table:
    table = Table(title=f"SIMULATED treatment: {values['phase']}", caption=NOTICE, show_header=False)
    for key, value in values.items():
        if key in ("trips", "alarms") and isinstance(value, list):
            said = "\n".join(f"{line['at_min']:.1f} min  {line['text']}" for line in value) or "none"
            table.add_row(key, said)
        elif isinstance(value, float):
            table.add_row(key, f"{value:.2f}")
        else:
            table.add_row(key, str(value))
    return table


def _print_rows(columns: tuple[str, ...], rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps({"rows": rows}, allow_nan=False) + "\n")
        return
    table = Table()
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(str(row[column]) for column in columns))
    Console().print(table)
