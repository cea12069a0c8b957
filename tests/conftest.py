"""Every test gives back what it took: threads, child processes, file descriptors. Properties judge values, not time."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from ran import COLLECTED, Ran

GRACE_S = 2.0  # a thread or child that was told to end may still be ending


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--ran", type=Path, metavar="FILE", help="append the node ids of the tests that passed")


def pytest_configure(config: pytest.Config) -> None:
    settings.register_profile("hipec", deadline=None)
    settings.load_profile("hipec")
    path = config.getoption("--ran")
    if path and not hasattr(config, "workerinput"):  # with pytest-xdist the first process hears of every test
        config.pluginmanager.register(Ran(path))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    config.stash[COLLECTED] = tuple(item.nodeid for item in items)
    items.sort(key=_longest_allowed_s, reverse=True)  # or a worker begins the longest test when the others are done


def _longest_allowed_s(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0]) if marker is not None and marker.args else 0.0


def _threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.is_alive()}


def _children() -> set[int]:
    children: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        try:
            children.update(int(pid) for pid in (task / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue  # the thread ended while we looked
    return children


def _descriptors() -> dict[int, str]:
    found: dict[int, str] = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue  # the descriptor of the listing itself
    return found


def _leaks(threads: set[threading.Thread], children: set[int], descriptors: dict[int, str]) -> list[str]:
    leaks = [f"thread {thread.name}" for thread in _threads() - threads]
    leaks += [f"child process {pid}" for pid in _children() - children]
    for fd, target in _descriptors().items():
        if descriptors.get(fd) != target and not target.endswith(" (deleted)"):
            leaks.append(f"file descriptor {fd} -> {target}")
    return leaks


@pytest.fixture(autouse=True)
def nothing_is_leaked() -> Iterator[None]:
    """Fail a test that leaves threads, child processes or file descriptors behind."""
    threads, children, descriptors = _threads(), _children(), _descriptors()
    yield
    until_s = time.monotonic() + GRACE_S
    leaks = _leaks(threads, children, descriptors)
    while leaks and time.monotonic() < until_s:
        gc.collect()
        time.sleep(0.02)
        leaks = _leaks(threads, children, descriptors)
    assert not leaks, f"left behind: {', '.join(leaks)}"
