"""The browser, and rigs that are gone after the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from at_the_page import CHROMIUM, Bedside, Shipped
from playwright.sync_api import Browser, sync_playwright


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert CHROMIUM is not None, "CI needs chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        )
        yield started
        started.close()


@pytest.fixture
def bedside(tmp_path: Path) -> Iterator[Callable[..., Bedside]]:
    made: list[Bedside] = []

    def make(**more: Any) -> Bedside:
        made.append(Bedside(tmp_path / f"run{len(made)}", **more))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Shipped]]:
    made: list[Shipped] = []

    def make(**more: Any) -> Shipped:
        made.append(Shipped(tmp_path_factory.mktemp("shipped"), **more))
        return made[-1]

    yield make
    for each in made:
        each.close()
