"""Commands of somebody who runs a treatment: run, act, watch."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from config.notice import NOTICE
from controller.commandline.loading import load_pair
from controller.commandline.options import (
    AsJson,
    FaultList,
    PatientText,
    PortMap,
    RunDir,
    TreatmentName,
    check_ports,
    repeated,
)
from controller.console.place import place_of
from controller.runtime.client import Client
from controller.runtime.messages import ACTS, Request, SetUp, order_of
from controller.runtime.numbers import number
from controller.runtime.preflight import taken
from controller.runtime.rundir import CONTROL_SOCKET, default_run_dir, make_run_dir
from controller.runtime.settings import PATIENT_FORM, BadSetting, check_simulator, patient_of

CONSOLE = "127.0.0.1:8765"
WATCH_PATIENCE_S = 2.0  # a controller that runs answers at once
ALLOWED = ("setup", *ACTS)


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
    console: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where the bedside page is served.")] = CONSOLE,
    no_console: Annotated[bool, typer.Option("--no-console", help="No bedside page.")] = False,
    console_remote: Annotated[
        bool, typer.Option("--console-remote", help="Allow a HOST that other machines reach: look, hold and STOP only.")
    ] = False,
    console_certificate: Annotated[Path | None, typer.Option(help="TLS certificate, needed for such a HOST.")] = None,
    console_key: Annotated[Path | None, typer.Option(help="TLS key, needed for such a HOST.")] = None,
    view: Annotated[bool, typer.Option("--view/--no-view", help="The live view in this terminal.")] = True,
) -> None:
    """Start supervisor, control and protective channel on a rig; without --rig, the simulated bench."""
    from controller.records.opening import check_place
    from controller.runtime import supervisor
    from controller.runtime.session import START_FREE_BYTES, running
    from controller.terminal.view import show

    simulated = simulate or rig is None
    if speed != 1.0 and not simulated:
        raise BadSetting("--speed is for simulated rigs only")
    check_simulator(own=simulated, seed=seed, faults=fault or [])
    name = rig or "bench"
    chosen, _ = load_pair(name, treatment)
    patient_of(patient)
    check_ports(port, chosen, simulated=simulated)
    place = (
        None
        if no_console
        else place_of(console, remote=console_remote, tls=console_certificate is not None and console_key is not None)
    )
    where = run_dir or default_run_dir()
    make_run_dir(where)
    check_place(data, START_FREE_BYTES)
    if place is not None and (why := taken(place.host, place.port)):
        raise BadSetting(f"--console {console}: {why}; allowed: another HOST:PORT, or --no-console")
    arguments = ["--rig", name, "--treatment", treatment, "--patient", patient, "--data-dir", str(data)]
    arguments += ["--speed", str(speed), "--seed", str(seed), *repeated("--port", port), *repeated("--fault", fault)]
    arguments += ["--simulate"] if simulated else []
    files = {"--console-certificate": console_certificate, "--console-key": console_key}
    served = [] if no_console else ["--console", console, *(["--console-remote"] if console_remote else [])]
    served += [word for option, path in files.items() if path is not None for word in (option, str(path))]
    arguments += ["--certify", *(served if place is not None else [])]
    if view and _at_a_terminal():
        with running(arguments, where) as supervisor_process:
            show(where, said="" if place is None else f"Console: {place.url}")
            raise typer.Exit(supervisor_process.end())
    sys.stdout.write(f"{'SIMULATED. ' if simulated else ''}{NOTICE}\nSockets in {where}; Ctrl-C ends.\n")
    sys.stdout.flush()
    raise typer.Exit(supervisor.main([*arguments, "--run-dir", str(where)]))


def act(
    what: Annotated[str, typer.Argument(help=", ".join(ALLOWED))],
    value: Annotated[str | None, typer.Argument(help="For target (°C), flow (L/min) and limit.")] = None,
    who: str = "operator",
    text: Annotated[str, typer.Option(help="limit: which one; acknowledge: which alarm; dose: lot;who.")] = "",
    treatment: Annotated[str, typer.Option(help="setup: name of a treatment that comes with hipec.")] = "",
    patient: PatientText = "",
    run_dir: RunDir = None,
) -> None:
    """Ask a running controller for one act, as the keys of the live view do; setup takes --treatment and --patient."""
    if what not in ALLOWED:
        raise BadSetting(f"unknown act {what[:40]!r}; allowed: {', '.join(ALLOWED)}")
    if what == "setup":
        _set_up(run_dir or default_run_dir(), treatment, patient, who)
        return
    wanted = None if value is None else _number(what, value)
    asked = Request(id=1, do="act", act=what, value=wanted, text=text, who=who)
    if what == "stop":
        asked = msgspec.structs.replace(asked, text="", who="")  # STOP carries no words: none may stand in its way
    order_of(asked)  # refused here: nobody need run
    with Client((run_dir or default_run_dir()) / CONTROL_SOCKET) as client:
        if what == "stop":
            client.stop()
        else:
            client.act(what, value=wanted, text=text, who=who)
    Console().print(f"{what}: taken")


def _set_up(run_dir: Path, treatment: str, text: str, who: str) -> None:
    """Show what a treatment means for a patient, and set it up. Raises Refusal outside STANDBY."""
    if not (treatment and text):
        raise BadSetting(f"setup needs --treatment NAME and --patient {PATIENT_FORM}")
    patient = patient_of(text)
    asked = SetUp(
        treatment=treatment, pseudonym=patient.pseudonym, height_cm=patient.height_cm, weight_kg=patient.weight_kg
    )
    with Client(run_dir / CONTROL_SOCKET) as client:
        found = client.preview(asked)
        client.set_up(msgspec.structs.replace(asked, sha256=found["sha256"]), who=who)
    plan = found["plan"]
    doses = ", ".join(f"{each['mg']:.1f} mg at {each['at_min']:g} min" for each in plan["fractions"]) or "no drug"
    body = f"{plan['bsa_m2']:.2f} m2, fill {plan['carrier_ml']:.0f} mL"
    Console().print(f"setup: taken\n{found['title']}\n{patient.pseudonym}: {body}, {plan['drug']} {doses}")


def watch(run_dir: RunDir = None, as_json: AsJson = False) -> None:
    """The live view of a running controller; with --json its state once."""
    from controller.terminal.view import show

    if not (as_json or _at_a_terminal()):
        raise BadSetting("watch draws on a terminal and reads its keys, and this is none; allowed: --json")
    where = run_dir or default_run_dir()
    if as_json:
        with Client(where / CONTROL_SOCKET) as client:
            sys.stdout.write(json.dumps(client.state(), allow_nan=False) + "\n")
        return
    show(where, patience_s=WATCH_PATIENCE_S)


def _at_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _number(what: str, word: str) -> float:
    try:
        return number(word)
    except ValueError as error:
        raise BadSetting(f"{what} {error}") from None
