"""Commands about what is kept: the report of a record, and the PINs of the page."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from controller.commandline.options import file_given
from controller.runtime.settings import BadSetting

if TYPE_CHECKING:
    from controller.records.reader import Verdict


def report(
    record: Annotated[Path, typer.Argument(help="A record, data/*.sqlite.")],
    form: Annotated[
        Literal["html", "csv", "json"], typer.Option(help="Printable page, samples, or all of it.")
    ] = "html",
    out: Annotated[Path | None, typer.Option(help="The file to write. Default: stdout.")] = None,
) -> None:
    """A treatment's report from its record, and on stderr whether anything in it was changed: then exit code 1."""
    from controller.records.forms import said, write

    if out is None:
        verdict = write(record, form, sys.stdout)
    else:
        verdict = _written(record, form, out)
        Console().print(f"{out}: written", soft_wrap=True)
    sys.stderr.write(f"{record}: {said(verdict)}\n")
    raise typer.Exit(0 if verdict.bad is None else 1)


def _written(record: Path, form: str, out: Path) -> Verdict:
    """Write to a new file, which is removed again when that fails."""
    from controller.records.forms import write

    if out.exists():
        raise BadSetting(f"--out {out}: is there already; allowed: a file that is not")
    with file_given("--out", out, allowed="a new file in a folder that can be written"):
        file = out.open("x", encoding="utf-8")
    try:
        with file:
            return write(record, form, file)
    except BaseException:
        out.unlink()
        raise


def pin(
    role: Annotated[Literal["operator", "engineer"], typer.Argument(help="Whose.")],
    data: Annotated[Path, typer.Option(help="Where the records, and the PINs, are.")] = Path("data"),
) -> None:
    """Set the PIN of a role at the page. Asked for twice, never shown; the page needs it from its next start."""
    from controller.console.pins import write_pin
    from controller.console.sessions import Role
    from controller.runtime.supervisor import PINS

    if not sys.stdin.isatty():
        raise BadSetting("a PIN is typed at a terminal, not piped or given on the command line")
    first = getpass.getpass(f"New PIN for {role}: ")
    if getpass.getpass("The same again: ") != first:
        raise BadSetting("the two are not the same; nothing was changed")
    with file_given("--data", data, allowed="a folder that can be made and written"):
        write_pin(data / PINS, Role[role.upper()], first)
    Console().print(f"{data / PINS}: PIN of {role} set; start the console again to ask for it")
