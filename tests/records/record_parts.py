"""Small things to record."""

import functools
import math
import time
from pathlib import Path

from config.loading import load_pair
from config.schema import Patient
from controller.core.exchange import Act, Event, Inputs, LinkFault, Order, Outputs, ProtectiveStatus
from controller.core.signals import Quality, Reading
from controller.records.header import Started, header_row
from controller.records.rows import Row, Sample, event_row, sample_rows
from controller.records.store import Store

START = Started(at_s=1000.0, wall_s=1_700_000_000.0)


bench = functools.cache(lambda: load_pair("bench", "saline_rehearsal"))


def header(**changes: object) -> Row:
    rig, treatment = bench()
    given = {"rig": rig, "treatment": treatment, "patient": Patient(), "simulated": True, "speed": 1.0}
    return header_row(**{**given, "started": START, **changes})


def inputs(*orders: Order) -> Inputs:
    readings = {
        "inflow_c": Reading(43.2, 999.9),
        "core_c": Reading(None, 999.5, Quality.FAULT, "open circuit"),
        "flow_lpm": Reading(math.nan, 999.5),
    }
    protective = ProtectiveStatus(at_s=999.9, permit=True, contactor_closed=True, outlet_b_c=43.0, inflow_b_c=None)
    faults = (LinkFault("pump", 990.0, "no reply"),)
    return Inputs(readings, orders, protective, faults, ("loop 0.31 s late",), 0.31)


def view(**values: float | None) -> dict[str, object]:
    believed = {"inflow_c": 43.2, "core_c": None, "flow_lpm": math.nan, **values}
    return {"phase": "PERFUSE", "values": believed, "bad": {"core_c": "open circuit"}, "patient": "BENCH", "hold": ""}


def sample(at_s: float, *orders: Order) -> Sample:
    wall_s = START.wall_s + at_s - START.at_s
    return Sample(at_s, wall_s, inputs(*orders), Outputs(heat_on=True, bath_setpoint_c=44.0), view())


def order() -> Order:
    return Order(Act.TARGET, "nurse 7", 42.5, "warmer please")


def event(at_s: float = 1001.0, text: str = "PERFUSE: circulating at target", kind: str = "phase") -> Event:
    return Event(at_s, kind, "perfuse", text)


def fill(path: Path, samples: int = 12) -> Store:
    """A finished record: header, samples with a command now and then, events."""
    store = Store(path, header())
    for number in range(samples):
        at_s = 1000.0 + number
        rows = list(sample_rows(sample(at_s, *([order()] if number % 5 == 0 else []))))
        if number % 3 == 0:
            rows.append(event_row(event(at_s, f"event {number}"), START.wall_s + number))
        store.append(rows)
    store.append([event_row(Event(2000.0, "note", "record", "end"), START.wall_s + 1000)])
    return store


def wait_until(true: object, within_s: float = 10.0) -> None:
    """Wait for another thread; the limit only ends a broken test."""
    until_s = time.monotonic() + within_s
    while not true():  # type: ignore[operator]
        assert time.monotonic() < until_s, "did not happen"
        time.sleep(0.005)
