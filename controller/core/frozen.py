"""A probe that shows the same value while its neighbour moves is frozen, however coarse its steps are.

So is a sensor of flow, pressure or level that shows the same to its last digit while a roller pump turns: no fluid is
so quiet. Alone that harms nobody, but it guards nothing any more, and the next fault would find no interlock.
Looked at once a second. A probe that shows fine steps is found sooner, by `sensing`; this finds those of 0.1 °C.
Not responsible for what follows (`conditions_probes`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from controller.core.sensing import Sensed
from controller.core.signals import CAVITY, by_name

EVERY_S = 1.0
CAVITY_MEAN = "cavity mean"


class Neighbour(NamedTuple):
    """`moved_c`: so far the neighbour moves, for `lasts_s`, and a working probe would have shown something."""

    probe: str
    neighbour: str
    moved_c: float
    lasts_s: float


NEIGHBOURS = (
    Neighbour("heater_outlet_c", "outlet_b_c", 0.35, 3.0),
    Neighbour("inflow_c", "inflow_b_c", 0.35, 3.0),
    Neighbour("outflow_c", CAVITY_MEAN, 0.8, 30.0),
    *(Neighbour(name, CAVITY_MEAN, 0.8, 30.0) for name in CAVITY),
)


class Sensor(NamedTuple):
    """`lasts_s`: for so long no working sensor shows one value while fluid is pumped (where asked, `to_patient`)."""

    name: str
    lasts_s: float
    to_patient: bool


SENSORS = (
    Sensor("flow_lpm", 20.0, False),
    Sensor("line_pressure_mmhg", 20.0, False),
    Sensor("cavity_pressure_mmhg", 60.0, True),
    Sensor("reservoir_ml", 60.0, False),
)
_LABELS = {name: signal.label for name, signal in by_name().items()}


class Mark(NamedTuple):
    """A value, what the neighbour showed when it was first seen, and since when the neighbour has been elsewhere."""

    value: float
    neighbour_c: float
    moved_since_s: float | None


class Still(NamedTuple):
    """What a sensor shows, and since when it has shown nothing else."""

    value: float
    since_s: float


class Frozen(NamedTuple):
    """The marks in the order of NEIGHBOURS and SENSORS, and in words what is frozen: of heat, of cavity, a sensor."""

    at_s: float = 0.0
    marks: tuple[Mark | None, ...] = (None,) * len(NEIGHBOURS)
    heating: str = ""
    cavity: str = ""
    still: tuple[Still | None, ...] = (None,) * len(SENSORS)
    sensor: str = ""


def step(frozen: Frozen, sensed: Sensed, now_s: float, *, circulating: bool, pumping: bool, to_patient: bool) -> Frozen:
    """Look at every probe and its neighbour, and at every sensor; a missing value starts anew.

    The cavity is one neighbour only while `circulating`; a sensor is judged only while `pumping`.
    """
    if now_s - frozen.at_s < EVERY_S:
        return frozen
    marks: list[Mark | None] = []
    heating = cavity = ""
    for mark, (probe, neighbour, moved_c, lasts_s) in zip(frozen.marks, NEIGHBOURS, strict=True):
        value, near_c = sensed.good.get(probe), _near(sensed, probe, neighbour)
        if value is None or near_c is None or (neighbour == CAVITY_MEAN and not circulating):
            marks.append(None)
        elif mark is None or value != mark.value:
            marks.append(Mark(value, near_c, None))
        elif abs(near_c - mark.neighbour_c) <= moved_c:
            marks.append(mark if mark.moved_since_s is None else mark._replace(moved_since_s=None))
        else:
            since_s = now_s if mark.moved_since_s is None else mark.moved_since_s
            marks.append(mark._replace(moved_since_s=since_s))
            if now_s - since_s >= lasts_s:
                said = f"{_LABELS[probe]} {value:.2f} °C stands still, its neighbour moved by more than {moved_c:g} °C"
                if probe in CAVITY:
                    cavity = said
                else:
                    heating = said
    still = _still(frozen.still, sensed.good, now_s, pumping=pumping, to_patient=to_patient)
    return Frozen(now_s, tuple(marks), heating, cavity, still, _sensor(still, now_s))


def _still(
    before: tuple[Still | None, ...], good: Mapping[str, float], now_s: float, *, pumping: bool, to_patient: bool
) -> tuple[Still | None, ...]:
    kept: list[Still | None] = []
    for mark, (name, _, needs_patient) in zip(before, SENSORS, strict=True):
        value = good.get(name)
        if value is None or not pumping or (needs_patient and not to_patient):
            kept.append(None)
        else:
            kept.append(mark if mark is not None and mark.value == value else Still(value, now_s))
    return tuple(kept)


def _sensor(still: tuple[Still | None, ...], now_s: float) -> str:
    return "; ".join(
        f"{_LABELS[sensor.name]} stands at {mark.value:g} to its last digit for {now_s - mark.since_s:.0f} s"
        for mark, sensor in zip(still, SENSORS, strict=True)
        if mark is not None and now_s - mark.since_s >= sensor.lasts_s
    )


def _near(sensed: Sensed, probe: str, neighbour: str) -> float | None:
    good: Mapping[str, float] = sensed.good
    if neighbour != CAVITY_MEAN:
        return good.get(neighbour)
    others = [good[name] for name in CAVITY if name in good and name != probe]
    return sum(others) / len(others) if others else None
