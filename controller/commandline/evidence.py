"""Commands that show what the safety of the machine rests on.

Not responsible for the table (`config.hazards`) or for running a test.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from config import hazard_pages
from config.hazards import broken_links, load, missing_tests
from controller.commandline.options import AsJson, check_one_form, file_given
from controller.runtime.settings import BadSetting


def hazards(
    only: Annotated[list[str] | None, typer.Argument(help="Rows, e.g. H06, with every test. Default: all.")] = None,
    ran: Annotated[Path | None, typer.Option(help="Names of tests that passed: is every linked one there?")] = None,
    markdown: Annotated[bool, typer.Option(help="The page docs/hazards.md.")] = False,
    as_json: AsJson = False,
) -> None:
    """The hazards, what controls each and which tests show it. Exit code 1 when a link is missing."""
    from controller.core.interlocks import TABLE

    check_one_form(markdown=markdown, as_json=as_json)
    table = load()
    only = [id_.upper() for id_ in only or ()]
    if unknown := set(only) - set(table.hazards):
        raise BadSetting(f"no hazard {', '.join(sorted(unknown))}; allowed: {', '.join(table.hazards)}")
    if only and ran is not None:
        raise BadSetting("--ran judges all hazards; allowed: without rows")
    problems = broken_links(table, interlocks={row.id: row.hazards for row in TABLE})
    if ran is not None:
        with file_given("--ran", ran, allowed="a file that pytest --ran=FILE has written"):
            nodes = ran.read_text("utf-8").splitlines()
        problems += missing_tests(table, nodes=nodes)
    sys.stderr.writelines(f"{problem}\n" for problem in problems)
    chosen = {id_: row for id_, row in table.hazards.items() if not only or id_ in only}
    shown = msgspec.structs.replace(table, hazards=chosen)
    if as_json:
        sys.stdout.write(json.dumps(hazard_pages.plain(shown), ensure_ascii=False, allow_nan=False) + "\n")
    elif markdown:
        sys.stdout.write(hazard_pages.page(shown, interlock_rows()))
    elif ran is not None:
        sys.stdout.write(f"{len(chosen)} hazards, {len(problems)} links missing\n")
    else:
        sys.stdout.write("\n".join(hazard_pages.lines(shown, whole=bool(only))) + "\n")
    raise typer.Exit(1 if problems else 0)


def interlock_rows() -> list[dict[str, str]]:
    """The interlock table in words, for the page."""
    from controller.core.interlocks import TABLE

    return [
        {
            "row": row.id,
            "hazards": ", ".join(row.hazards),
            "response": row.response.name,
            "delay": f"{row.delay_s:g} s",
            "reset level": row.reset_level,
            "priority": row.priority.name,
            "title": row.title,
            "what to do": row.advice,
        }
        for row in TABLE
    ]
