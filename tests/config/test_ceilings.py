"""Every hard ceiling has a line that says where it comes from, with the number that is in the code."""

from __future__ import annotations

import re
from pathlib import Path

from config import schema

PAGE = Path(__file__).parents[2] / "docs" / "decisions" / "11-hard-ceilings.md"
LINE = re.compile(r"^\| (\w+_CEILING_\w+) \| ([\d.]+) (?:°C|mmHg) \| \S", re.MULTILINE)


def test_every_hard_ceiling_stands_on_the_page_with_its_number_and_a_reason() -> None:
    said = {name: float(number) for name, number in LINE.findall(PAGE.read_text("utf-8"))}
    assert said == {name: value for name, value in vars(schema).items() if "_CEILING_" in name}
