"""The processor taken away from one channel: busy processes, and the victim below all of them.

An ordinary user may not raise a priority, and may lower one: the victim's threads are put into the idle class, below
busy processes that are themselves below everybody else, so that what measures is not starved as well. Not responsible
for processes that are killed or stopped (`host_faults`).
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from host_rig import Rig, Sample

HOGS_PER_PROCESSOR = 2
HOG_NICE = 10
HEAT_OFF_S = 1.0  # after the last completed cycle
PERIOD_S = 0.1
HOST_WALL_S = 0.1
AFTER_S = 3.0
LATE = re.compile(r"cycle (\d+) ms")
OF_TIME = re.compile(r"\blate\b|stale|silent|does not answer|permit|lease")
"""What the first trip has to speak of: whoever is starved is late, reads what is stale, lets leases run out, and is not
heard by the other. What trips after it may be its consequence."""


def watch_starved(rig: Rig, pid: int, for_s: float) -> list[str]:
    """The truth while the victim gets next to no processor and after: what was not as it has to be."""
    with starved(pid):
        seen = rig.watch(for_s)
    seen += rig.watch(AFTER_S)
    return judge_starved(rig, seen)


def judge_starved(rig: Rig, seen: list[Sample]) -> list[str]:
    """It goes on within its limits, or it has tripped for being late: then heat was off in time and stays off."""
    state = rig.state()
    trips = state.get("trips", ())
    if not trips:
        return [] if state.get("step") and not state.get("hold") else [f"neither goes on nor tripped: {state}"]
    first = trips[0]
    wrong = [] if OF_TIME.search(first["text"]) else [f"tripped for {first['id']}: {first['text']}"]
    for from_s, to_s, why in _cold(trips, rig.speed):
        hot = [sample for sample in seen if sample.power_w > 0.0 and from_s < sample.at_s < to_s]
        wrong += [f"{one.power_w:.0f} W {one.at_s - from_s:.2f} s after heat had to be off: {why}" for one in hot[-1:]]
    return wrong + stays_off(rig)


def _cold(trips: Sequence[dict[str, Any]], speed: float) -> Iterator[tuple[float, float, str]]:
    """From when to when no power may have flowed, on the rig's clock, and why."""
    allowed_s = HEAT_OFF_S + HOST_WALL_S * speed
    yield trips[0]["at_s"] + allowed_s, math.inf, f"tripped for {trips[0]['id']}"
    for trip in trips:
        late = LATE.search(trip["text"])
        if trip["id"] == "overrun" and late is not None:
            last_s = trip["at_s"] - PERIOD_S - int(late[1]) / 1000.0 * speed
            yield last_s + allowed_s, trip["at_s"], "no cycle refreshed it"


def stays_off(rig: Rig) -> list[str]:
    """Heat does not come back while nobody resumes."""
    hot = [sample for sample in rig.watch(1.5) if sample.power_w > 0.0]
    return [f"{hot[0].power_w:.0f} W flow again by themselves"] if hot else []


@contextlib.contextmanager
def starved(pid: int) -> Iterator[None]:
    """Every thread of that process in the idle class, beside busy processes, for as long as the block lasts."""
    before = {thread: (os.sched_getscheduler(thread), os.sched_getparam(thread)) for thread in _threads(pid)}
    hogs = [
        subprocess.Popen([sys.executable, "-c", f"import os; os.nice({HOG_NICE})\nwhile True: pass"])
        for _ in range(HOGS_PER_PROCESSOR * (os.cpu_count() or 1))
    ]
    try:
        for thread in before:
            os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()
        for thread, (policy, param) in before.items():
            with contextlib.suppress(OSError):  # an ordinary user may not: it stays below, with nobody above it
                os.sched_setscheduler(thread, policy, param)


def _threads(pid: int) -> list[int]:
    return [int(path.name) for path in Path(f"/proc/{pid}/task").iterdir()]
