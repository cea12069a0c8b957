"""The stylesheets of the page: no class means one thing in one of them and another thing in the next."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

CSS = Path(__file__).parents[2] / "controller" / "console" / "static" / "css"
SHARED = {"acts", "engineer", "label", "panel", "press", "titled"}
"""Said to be the same thing wherever they stand."""


def selectors(sheet: Path) -> list[str]:
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)
    return [each.strip() for group in re.findall(r"([^{}]+)\{", text) for each in group.split(",")]


def test_a_class_that_is_styled_wherever_it_stands_has_no_other_meaning_in_another_sheet() -> None:
    everywhere: dict[str, set[str]] = defaultdict(set)
    somewhere: dict[str, set[str]] = defaultdict(set)
    for sheet in CSS.glob("*.css"):
        for selector in selectors(sheet):
            if alone := re.match(r"\.([\w-]+)(?=$|[ :>+])", selector):
                everywhere[alone[1]].add(sheet.name)
            for name in re.findall(r"\.([\w-]+)", selector):
                somewhere[name].add(sheet.name)
    clash = {name: sorted(somewhere[name]) for name in everywhere if len(somewhere[name]) > 1}
    assert {name for name in clash if name not in SHARED} == set(), clash
