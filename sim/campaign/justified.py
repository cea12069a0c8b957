"""Whether a trip or an alarm was called for, judged from the true plant state and the faults that really were there.

Conservative: only what neither the truth of the last seconds nor any fault that could have caused it calls for is
counted as unjustified. A row that is not named here may be caused by any fault and by nothing else.
Not responsible for whether a trip that should have come did come (`monitors`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from controller.core.exchange import Event
from controller.core.interlocks import Trip
from sim.campaign.engine import Moment
from sim.campaign.property import Setting
from sim.faults import Fault

COLD_C = 38.0  # fluid of less cools the patient
WINDOW_S = 20.0  # truth that a trip may still speak of: the longest delay and probe lag
CAUSE_S = 180.0  # how long after its end a fault may still be the cause
PROBE_C = 0.35  # class A tolerance, lag and noise of a healthy probe
TAKEN_ML = 1000.0  # of the reservoir's fall in those seconds: more than any pump moves, it ran out or was taken away
PROBE_MMHG, PROBE_LPM, PROBE_ML, PROBE_MM = 4.0, 0.1, 60.0, 0.5


class Window(NamedTuple):
    """Extremes of the truth over the last seconds."""

    outlet_c: float
    inflow_c: float
    cavity_c: float
    core_c: float
    core_low_c: float
    source_c: float
    flow_low_lpm: float
    flow_lpm: float
    pump_lpm: float
    asked_lpm: float  # by the newest cycle
    cavity_mmhg: float
    line_mmhg: float
    bubble_mm: float
    reservoir_ml: float
    reservoir_fell_ml: float
    cavity_ml: float
    cavity_low_ml: float
    inflow_low_c: float
    taken_up_ml: float


Truth = Callable[[Window, Setting], bool]


class Cause(NamedTuple):
    """What may call for a row: a truth, and kinds of faults (`probe:SIGNAL` for one signal)."""

    truth: Truth
    faults: frozenset[str]


def _never(w: Window, s: Setting) -> bool:
    return False


def _dry(w: Window, s: Setting) -> bool:
    """The cavity is all but empty: its probes lie beside the fluid, and no heat can be answered for."""
    return w.cavity_low_ml < 0.2 * s.fill_ml + PROBE_ML


def _of(truth: Truth, *faults: str) -> Cause:
    return Cause(truth, frozenset(faults))


_FLOW = ("probe:flow_lpm", "pump", "link", "host")
_TEMPERATURE = ("probe", "link", "host")
_SHORT_FILL = "probe:cavity_pressure_mmhg"  # ends a fill early: the cavity then finds its level above what was filled
CAUSES: Mapping[str, Cause] = {
    "outlet_over": _of(lambda w, s: w.outlet_c > s.rig.limits.outlet_trip_c - PROBE_C, "probe:heater_outlet_c"),
    "inflow_over": _of(lambda w, s: w.inflow_c > s.rig.limits.inflow_trip_c - PROBE_C, "probe:inflow_c"),
    "source_over": _of(lambda w, s: w.source_c > s.rig.heater.bath_setpoint_max_c + 1.0 - PROBE_C, "probe:source_c"),
    "cavity_over": _of(
        lambda w, s: w.cavity_c > s.rig.limits.cavity_trip_c - PROBE_C,
        *(f"probe:cavity_{n}_c" for n in (1, 2, 3)),
    ),
    "core_trip": _of(lambda w, s: w.core_c > s.rig.limits.core_trip_c - PROBE_C, "probe:core_c"),
    "core_stop": _of(lambda w, s: w.core_c > s.rig.limits.core_stop_c - PROBE_C, "probe:core_c"),
    "no_flow": _of(lambda w, s: w.flow_low_lpm < 0.5 * w.pump_lpm + PROBE_LPM, *_FLOW),
    "stalled": _of(lambda w, s: w.flow_low_lpm < 0.5 * w.pump_lpm + PROBE_LPM, *_FLOW),
    "runaway": _of(lambda w, s: w.flow_lpm > 1.3 * w.asked_lpm, *_FLOW),
    "reversed": _of(lambda w, s: w.flow_low_lpm < 0.0, *_FLOW),
    "reservoir_low": _of(
        lambda w, s: w.reservoir_ml < s.rig.limits.reservoir_low_ml + PROBE_ML, "probe:reservoir_ml", "link"
    ),
    "air": _of(lambda w, s: w.bubble_mm >= s.rig.limits.bubble_trip_mm - PROBE_MM, "probe:bubble_mm"),
    "line_pressure": _of(
        lambda w, s: w.line_mmhg > s.rig.limits.line_pressure_trip_mmhg - 2 * PROBE_MMHG, "probe:line_pressure_mmhg"
    ),
    "cavity_pressure": _of(
        lambda w, s: w.cavity_mmhg > s.rig.limits.cavity_pressure_trip_mmhg - 1.5, "probe:cavity_pressure_mmhg"
    ),
    "accumulating": _of(
        lambda w, s: w.cavity_ml > s.fill_ml + 180.0 - PROBE_ML or w.reservoir_fell_ml > TAKEN_ML,
        "probe:reservoir_ml",
        "probe:flow_lpm",
        _SHORT_FILL,
        "pump",
        "link",
    ),
    "overfilled": _of(
        lambda w, s: w.cavity_ml + w.taken_up_ml > s.fill_ml + 280.0 - PROBE_ML,
        "probe:reservoir_ml",
        _SHORT_FILL,
        "pump",
        "link",
    ),
    "outflow_disagrees": _of(_dry, "probe", "link", "host", "pump", "heater"),
    "outflow_differs": _of(_dry, "probe", "link", "host", "pump", "heater"),
    "cavity_empties": _of(
        lambda w, s: w.cavity_low_ml < 0.5 * s.fill_ml + PROBE_ML, "probe:reservoir_ml", "pump", "link"
    ),
    "cold_inflow": _of(lambda w, s: w.inflow_low_c < COLD_C + PROBE_C, *_TEMPERATURE, "heater", "pump"),
    "core_alarm": _of(lambda w, s: w.core_c > s.rig.limits.core_alarm_c - PROBE_C, "probe:core_c"),
    "core_warn": _of(lambda w, s: w.core_c > s.rig.limits.core_warn_c - PROBE_C, "probe:core_c"),
    "core_unwatched": _of(_never, "probe", "link", "host"),
    "core_low": _of(lambda w, s: w.core_low_c < s.rig.limits.core_low_c + PROBE_C, "probe:core_c"),
    "cavity_warm": _of(lambda w, s: w.cavity_c > s.treatment.cavity_warn_c - PROBE_C, *_TEMPERATURE),
    "cavity_cool": _of(
        lambda w, s: w.cavity_c < min(41.0, s.treatment.ready_c) + PROBE_C, *_TEMPERATURE, "heater", "pump"
    ),
    "line_pressure_high": _of(
        lambda w, s: w.line_mmhg > s.rig.limits.line_pressure_alarm_mmhg - 2 * PROBE_MMHG,
        "probe:line_pressure_mmhg",
        "pump",
    ),
    "cavity_pressure_high": _of(
        lambda w, s: w.cavity_mmhg > s.rig.limits.cavity_pressure_warn_mmhg - 1.5, "probe:cavity_pressure_mmhg", "pump"
    ),
    "drift": _of(_never, "pump", "probe:reservoir_ml", "link"),
    "device_lost": _of(_never, "link", "host", "probe:source_c"),  # a circulator stops, with a fault, on its own probe
    "overrun": _of(_never, "host"),
    "unattended": _of(_never, "host"),
    "console_lost": _of(_never, "host"),
    "protective_lost": _of(_never, "link", "host"),
    "protective_trip": _of(
        lambda w, s: (
            w.outlet_c > s.rig.protective.outlet_trip_c - PROBE_C
            or w.inflow_c > s.rig.protective.inflow_trip_c - PROBE_C
        ),
        "probe",
        "link",
        "heater",
        "pump",
        "host",
    ),
}
UNSEEN = ("probe_lost", "twin_lost", "inflow_unseen", "cavity_lost", "cavity_few", "core_lost", "core_unwatched")
HEATED = ("outlet_over", "inflow_over", "source_over", "protective_trip")  # what control itself heats
BY_HAND = ("heat_off", "unheated")  # what a hold, a STOP and any other trip are for
RESUMED_S = 60.0  # after which the heat has had its time to come back
ANY = _of(_never, "probe", "link", "heater", "pump", "host")


class Judge:
    """Sees every moment of a run and says of each new trip, and of each MEDIUM alarm, whether it was called for."""

    def __init__(self, setting: Setting, faults: Sequence[tuple[Fault, float]]) -> None:
        self._setting = setting
        self._faults = faults
        self._recent: deque[Moment] = deque()
        self._stopped_s = self._left_s = -1e9
        self._left = False

    def see(self, moment: Moment) -> None:
        """Keep the truth of the last seconds."""
        self._recent.append(moment)
        while self._recent[0].at_s < moment.at_s - WINDOW_S:
            self._recent.popleft()
        if any(event.kind == "order" and event.name == "stop" for event in moment.events):
            self._stopped_s = moment.at_s
        if moment.state.latch.trips:  # what it took stays away after the reset, until somebody resumes
            self._left, self._left_s = True, moment.at_s
        for event in moment.events:
            if event.kind == "order" and event.name in ("stop", "hold", "resume"):
                self._left, self._left_s = event.name != "resume", moment.at_s

    def unjustified(self, trip: Trip) -> str:
        """Return "" or the words of a trip that nothing called for."""
        if trip.id == "stop" and self._recent[-1].at_s - self._stopped_s <= 1.0:
            return ""
        return "" if self._called_for(trip.id, trip.at_s) else f"{trip.id}: {trip.text}"

    def false_alarm(self, event: Event) -> str:
        """Return "" or the words of an alarm that nothing called for."""
        return "" if self._called_for(event.name, event.at_s) else f"{event.name}: {event.text}"

    def _called_for(self, row: str, at_s: float) -> bool:
        tripped = bool(self._recent[-1].state.latch.trips)  # which is judged for itself
        if row in BY_HAND and (tripped or self._left or at_s - self._left_s <= RESUMED_S):
            return True
        cause = CAUSES.get(row, ANY)
        if cause.truth(self._window(), self._setting):
            return row not in HEATED or bool(self._faults) or self._let_alone(row)
        return any(
            began_s <= at_s
            and (
                at_s <= began_s + (1e9 if fault.duration_s is None else fault.duration_s) + CAUSE_S
                or (row in UNSEEN and self._still_out(fault))
            )
            and (fault.kind in cause.faults or f"{fault.kind}:{fault.target}" in cause.faults or _crossed(fault, cause))
            for fault, began_s in self._faults
        )

    def _let_alone(self, row: str) -> bool:
        """Something else had stopped the fluid in the warm exchanger: true heat of which control is not the cause."""
        return self._left and any(trip.id != row for trip in self._recent[-1].state.latch.trips)

    def _still_out(self, fault: Fault) -> bool:
        """A probe that has jumped back is not believed until somebody pulls its plug, however long that takes."""
        return self._recent[-1].state.sensed.bad.get(fault.target, "").startswith("jumps") and fault.kind == "probe"

    def _window(self) -> Window:
        recent = self._recent
        last = recent[-1]
        return Window(
            max(m.outlet_c for m in recent),
            max(m.inflow_c for m in recent),
            max(m.cavity_c for m in recent),
            max(m.core_c for m in recent),
            min(m.core_c for m in recent),
            max(m.source_c for m in recent),
            min(m.flow_lpm for m in recent),
            max(m.flow_lpm for m in recent),
            max(m.outputs.pump_lpm for m in recent),
            last.outputs.pump_lpm,
            max(m.cavity_mmhg for m in recent),
            max(m.line_mmhg for m in recent),
            max(m.bubble_mm for m in recent),
            min(m.reservoir_ml for m in recent),
            max(m.reservoir_ml for m in recent) - last.reservoir_ml,
            max(m.cavity_ml for m in recent),
            min(m.cavity_ml for m in recent),
            min(m.inflow_c for m in recent),
            last.taken_up_ml,
        )


def _crossed(fault: Fault, cause: Cause) -> bool:
    """A swapped plug is a fault of both probes."""
    return fault.name == "swapped" and f"probe:{fault.value}" in cause.faults
