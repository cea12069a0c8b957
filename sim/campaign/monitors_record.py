"""Properties over what is recorded and shown: P13 and P18, as far as virtual time has something to show them on.

The loop writes the events of a cycle before it shows its state (tests/runtime), so a change without an event of its
own cycle is one that people see and the record never had. Not responsible for the record's rows (tests/records) or for
the page of a console that gets no states (tests/console).
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.core.exchange import EventKind
from controller.core.state import CycleState
from sim.campaign.engine import Moment
from sim.campaign.property import EDGE_S, Setting


class Recorded:
    """P13: every change of phase, latch, arming, dose or set-point comes with an event that says it."""

    name = "P13 a change without an event"

    def see(self, m: Moment) -> str:
        """Judge one moment."""
        reborn = m.before.walk.started_s is not None and m.state.walk.started_s is None
        if not m.cycled or reborn:
            return ""
        said = {event.kind for event in m.events}
        for what, kinds in _changes(m.before, m.state):
            if not said & kinds:
                return f"{what}, and the cycle has only {sorted(said)}"
        return ""


def _changes(before: CycleState, now: CycleState) -> Iterator[tuple[str, set[EventKind]]]:
    """What has changed in words, and the kinds of events of which one has to say it."""
    if before.walk is not now.walk:
        if before.walk.step != now.walk.step:
            yield f"{before.walk.step} became {now.walk.step}", {"phase"}
        if before.walk.doses != now.walk.doses:
            yield "a dose was taken", {"order"}
        if (before.walk.target_c, before.walk.flow_lpm) != (now.walk.target_c, now.walk.flow_lpm):
            yield "a set-point changed", {"order", "phase"}
    if before.latch is not now.latch:
        if {trip.id for trip in now.latch.trips} - {trip.id for trip in before.latch.trips}:
            yield "a trip was latched", {"trip"}
        if before.latch.trips and not now.latch.trips:
            yield "the latch was cleared", {"reset"}
        if now.latch.armed and not before.latch.armed:
            yield "heat was armed", {"order"}


class Shown:
    """P18: no number is shown as of now that no reading has brought within the signal's own age."""

    name = "P18 an old value shown as of now"

    def __init__(self, setting: Setting) -> None:
        self._ages = {name: source.max_age_s + EDGE_S for name, source in setting.rig.signals.items()}

    def see(self, m: Moment) -> str:
        """Judge one moment."""
        if not m.cycled:
            return ""
        good, readings = m.state.sensed.good, m.inputs.readings
        for name, most_s in self._ages.items():
            if name in good and not (name in readings and m.at_s - readings[name].at_s <= most_s):
                return f"{name} {good[name]:.2f} is shown without a reading of the last {most_s:.2f} s"
        return ""
