"""Texts of the controller name acts; the terminal adds its keys, and only where an act is meant."""

from __future__ import annotations

import re

from controller.core.interlocks import TABLE
from controller.terminal.keys import KEYS, with_keys


def test_no_text_of_the_controller_names_a_key_of_the_terminal() -> None:
    with_key = [row.id for row in TABLE if re.search(r"\([a-zA-Z]\)", row.advice)]
    assert with_key == []


def test_the_terminal_says_which_key_does_what_an_advice_asks() -> None:
    assert with_keys("Find out why; reset, then resume.") == "Find out why; reset (x), then resume (r)."
    assert with_keys("De-air in the bypass before resuming.") == "De-air in the bypass before resuming."
    assert with_keys("Look for air; confirm when primed.") == "Look for air; confirm (c) when primed."
    assert (KEYS["x"][0].value, KEYS["r"][0].value, KEYS["c"][0].value) == ("reset", "resume", "confirm")
