"""What the step card says in a real browser: what the machine waits for, and what a person does about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from at_the_page import MARKS, SOON_MS, Bedside, do_next, open_page
from playwright.sync_api import Browser, expect
from staging import State, staged

from controller.core import selftest
from controller.core.selftest import Check, Proof

pytestmark = MARKS
Make = Callable[..., Bedside]
PROOFS = selftest.proofs(Proof(), None)


def check(name: str, measured: str, allowed: str, *, passed: bool = False) -> Check:
    return Check(name, measured, allowed, passed)


def test_a_self_test_that_does_not_pass_says_in_words_what_to_mend_and_goes_on_by_itself(
    browser: Browser, bedside: Make
) -> None:
    rig = bedside(speed=10, faults=("off:core_c@1+200",))
    page = open_page(browser, rig)
    do_next(page)
    card = page.get_by_label("Step", exact=True)
    expect(card).to_contain_text("Mend what is named; the test goes on by itself.", timeout=SOON_MS)
    expect(card).to_contain_text(re.compile(r"Core \(oesophagus\): .*, allowed: a valid reading"))
    assert "_c" not in card.inner_text()
    page.click("[data-view=guide]")
    expect(page.locator("#view-guide")).to_contain_text("Heater outlet against Heater outlet (protective)")
    page.click("[data-view=main]")
    expect(page.locator("#phase")).to_have_text("PRIME", timeout=SOON_MS)
    page.close()


LEASE = check("contactor opens without its lease", "3.10 s", "0 to 1.2 s")
MANY = [check(name, "open circuit", "a valid reading") for name in ("inflow_c", "core_c", "flow_lpm", "bubble_mm")]


@pytest.mark.parametrize(
    ("checks", "for_s", "waits", "person"),
    [
        (PROOFS, 5.0, "the proof of the contactor", "Wait."),
        (PROOFS, 16.0, "contactor closes when asked: unknown", "then Hold and Resume: it is tested anew."),
        ([LEASE], 5.0, "its lease: 3.10 s, allowed: 0 to 1.2 s", "then Hold and Resume: it is tested anew."),
        ([*MANY, *PROOFS], 60.0, "a valid reading; 1 more: see Guide", "the test goes on by itself."),
    ],
)
def test_what_fails_in_the_proof_of_the_contactor_is_tested_anew_by_a_person(
    browser: Browser, bedside: Make, checks: list[Check], for_s: float, waits: str, person: str
) -> None:
    shown: dict[str, Any] = {"step": "self_test", "phase": "SELF_TEST", "gate": "", "person": "Wait.", "now_s": 100.0}
    shown["checks"] = [line._asdict() for line in checks]
    page = staged(browser, bedside(speed=10), lambda state: state.update(shown))
    shown["now_s"] += for_s
    card = page.get_by_label("Step", exact=True)
    expect(card).to_contain_text(waits)
    expect(card).to_contain_text(person)
    page.close()


@pytest.mark.parametrize(("step", "waits"), [("standby", "for you"), ("complete", "for nothing")])
def test_before_and_after_a_treatment_the_machine_waits_for_no_gate(
    browser: Browser, bedside: Make, step: str, waits: str
) -> None:
    def change(state: State) -> None:
        state.update(step=step, phase=step.upper(), gate="start", asks="")

    page = staged(browser, bedside(speed=10), change)
    expect(page.get_by_label("Step", exact=True).locator(".say dd").nth(1)).to_have_text(waits)
    page.close()
