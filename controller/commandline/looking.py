"""Commands that look at a rig: check, devices."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from config.doses import dose_plan
from config.loading import effective_json, effective_sha256
from config.schema import Patient, Rig, Treatment
from controller.commandline.loading import load_pair, load_rig
from controller.commandline.options import (
    AsJson,
    PortMap,
    RigName,
    TreatmentName,
    parse_ports,
    print_rows,
)
from controller.runtime.settings import BadSetting

DEFAULT_RIG = "bench"


def check(rig: RigName = DEFAULT_RIG, treatment: TreatmentName = "mitomycin_90", as_json: AsJson = False) -> None:
    """Validate a rig and a treatment together; show what is in force, and its hash. --json has all of it."""
    chosen, protocol = load_pair(rig, treatment)
    sha256 = effective_sha256(rig=chosen, treatment=protocol)
    if as_json:
        shown = effective_json(rig=chosen, treatment=protocol)
        sys.stdout.write(f'{{"valid": true, "sha256": "{sha256}", "effective": {shown}}}\n')
        return
    console = Console()
    console.print(f"[bold]valid[/]: rig {rig} with treatment {treatment}, SHA-256 {sha256}", soft_wrap=True)
    for table in (_wiring(chosen), _limits(chosen), _protocol(protocol)):
        console.print(table)


def devices(
    probe: Annotated[bool, typer.Option(help="Ask each device of the rig who it is.")] = False,
    rig: RigName = DEFAULT_RIG,
    port: PortMap = None,
    as_json: AsJson = False,
) -> None:
    """Supported device families; with --probe, what answers on the rig's ports."""
    from controller.runtime.probing import probe_rig
    from drivers.catalogue import families

    if not probe and (port or rig != DEFAULT_RIG):
        raise BadSetting("--rig and --port: only with --probe")
    if probe:
        chosen = load_rig(rig)
        answers = probe_rig(chosen, parse_ports(port, chosen))
        print_rows(("device", "family", "port", "answer"), answers, as_json)
        raise typer.Exit(1 if any(row["ok"] is False for row in answers) else 0)
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
    print_rows(("family", "title", "roles", "wire", "when the host falls silent"), rows, as_json)


def _wiring(rig: Rig) -> Table:
    table = Table(title=f"Rig {rig.name}: {rig.description}", title_justify="left")
    for column in ("port", "path", "device", "family", "signals"):
        table.add_column(column, overflow="fold")
    for name, config in rig.ports.items():
        path = f"{config.path}\n{config.baud} {config.frame}"
        on_it = [device for device, at in rig.devices.items() if at.port == name]
        if not on_it and name == rig.protective.port:
            table.add_row(name, path, "protective channel", "", "outlet_b_c, inflow_b_c")
        for row, device in enumerate(on_it):
            read = ", ".join(signal for signal, source in rig.signals.items() if source.device == device)
            table.add_row(*(("", "") if row else (name, path)), device, rig.devices[device].family, read)
    return table


def _limits(rig: Rig) -> Table:
    return _two_columns("Limits in force", msgspec.structs.asdict(rig.limits))


def _protocol(treatment: Treatment) -> Table:
    facts = {
        key: value
        for key, value in msgspec.structs.asdict(treatment).items()
        if isinstance(value, int | float | str) and key not in ("name", "title", "source")
    }
    patient = Patient()
    for fraction in dose_plan(treatment, patient).fractions:
        facts[f"dose at {fraction.at_min:g} min"] = (
            f"{fraction.mg:.1f} mg for {patient.height_cm:g} cm and {patient.weight_kg:g} kg"
        )
    return _two_columns(treatment.title, facts)


def _two_columns(title: str, facts: Mapping[str, object]) -> Table:
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for key, value in facts.items():
        table.add_row(key, f"{value:g}" if isinstance(value, float) else str(value))
    return table
