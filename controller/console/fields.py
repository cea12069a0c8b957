"""What the page may show as a number: label, unit, decimals, and where its scale and limits come from.

Measured and derived values are those of the signals table; the rest (clocks, doses) stands here in the same shape.
Limits are names of the rig's limits or of the treatment, looked up in what the controller says is in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from controller.core.signals import TABLE
from controller.sounds.bursts import plain

GLANCE: Mapping[str, int] = {"°C": 1, "L/min": 2, "mmHg": 0, "mL": 0, "W": 0, "min": 1}
"""Decimals of the large numerals, by unit: what a probe or a pump is good for, not what its wire carries."""


class Field(NamedTuple):
    """One number of the page."""

    name: str
    label: str
    unit: str
    decimals: int
    glance: int


class Scale(NamedTuple):
    """The bar beside a value: its ends, and limits by name: low, high (alarm) and trip; `banded`: the cavity's band.

    Inflow has a cap and a trip and no band: it is what the controller moves to hold the cavity, and stands where that
    needs it; its set-point is shown beside it. Outflow is fluid that leaves the cavity, so it has the cavity's band; it
    has no limit of its own: the cavity probes and the inflow trip before it could, and its rows compare it with them.
    """

    low: float
    high: float
    alarms: tuple[str, ...] = ()
    trips: tuple[str, ...] = ()
    below: str = ""
    banded: bool = False


OTHERS: tuple[Field, ...] = (
    Field("target_c", "Target", "°C", 1, 1),
    Field("flow_lpm_set", "Flow set-point", "L/min", 2, 2),
    Field("min_41", "At or above 41 °C", "min", 1, 1),
    Field("min_42", "At or above 42 °C", "min", 1, 1),
    Field("min_above_43", "Above 43 °C", "min", 1, 1),
    Field("unknown_min", "Not known", "min", 1, 1),
    Field("fill_ml", "Fill volume", "mL", 0, 0),
    Field("dose_mg", "Dose", "mg", 1, 1),
    Field("minutes", "Minutes", "min", 0, 0),
    Field("bsa_m2", "Body surface", "m²", 2, 2),
    Field("height_cm", "Height", "cm", 0, 0),
    Field("weight_kg", "Weight", "kg", 1, 1),
    Field("age_s", "Age", "s", 1, 1),
    Field("ms", "Time", "ms", 1, 1),
    Field("share", "Share", "%", 0, 0),
    Field("count", "Count", "", 0, 0),
)

SCALES: Mapping[str, Scale] = {
    "cavity_mean_c": Scale(36.0, 46.0, ("cavity_warn_c",), ("cavity_trip_c",), banded=True),
    "inflow_c": Scale(36.0, 46.0, ("inflow_cap_c",), ("inflow_trip_c",)),
    "outflow_c": Scale(36.0, 46.0, banded=True),
    "core_c": Scale(33.0, 41.0, ("core_warn_c", "core_alarm_c"), ("core_trip_c",), below="core_low_c"),
    "heater_outlet_c": Scale(36.0, 47.0, (), ("outlet_trip_c",)),
    "flow_lpm": Scale(0.0, 2.5, (), (), below="heat_flow_min_lpm"),
    "line_pressure_mmhg": Scale(0.0, 350.0, ("line_pressure_alarm_mmhg",), ("line_pressure_trip_mmhg",)),
    "cavity_pressure_mmhg": Scale(0.0, 30.0, ("cavity_pressure_warn_mmhg",), ("cavity_pressure_trip_mmhg",)),
    "reservoir_ml": Scale(0.0, 8000.0, (), (), below="reservoir_low_ml"),
}


def table() -> dict[str, Any]:
    """Fields, scales and sounds for the page."""
    fields = {
        s.name: Field(s.name, s.label, s.unit, s.decimals, min(GLANCE.get(s.unit, s.decimals), s.decimals))
        for s in TABLE
    }
    fields |= {field.name: field for field in OTHERS}
    return {
        "fields": {name: field._asdict() for name, field in fields.items()},
        "sounds": {str(burst["name"]): burst for burst in plain()},
        "scales": {name: scale._asdict() for name, scale in SCALES.items()},
    }
