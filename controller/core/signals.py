"""The one table of values: name with unit, label, range, decimals, and where each is shown and recorded.

Console, alarms, record, export and manual are generated from it. A reading outside its range is not a value.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import NamedTuple


class Quality(enum.Enum):
    """Why a reading may or may not be used."""

    GOOD = "good"
    MISSING = "missing"
    FAULT = "fault"


GOOD = Quality.GOOD  # for the loop that looks at every reading: a member costs a call in Python 3.11


class Reading(NamedTuple):
    """One value: number or None, monotonic seconds of its measurement, quality, and what is wrong in words."""

    value: float | None
    at_s: float
    quality: Quality = Quality.GOOD
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One line of the table. `low`..`high` is what a working probe can say, not what is safe."""

    name: str
    label: str
    unit: str
    low: float
    high: float
    decimals: int
    shown: bool = True
    recorded: bool = True
    derived: bool = False


def _measured(
    name: str, label: str, unit: str, low: float, high: float, decimals: int, *, shown: bool = True
) -> Signal:
    return Signal(name=name, label=label, unit=unit, low=low, high=high, decimals=decimals, shown=shown)


def _contact(name: str, label: str) -> Signal:
    """An input that is 1 or 0. What it means is said by its alarm; the record has it among the readings."""
    return Signal(name=name, label=label, unit="", low=0.0, high=1.0, decimals=0, shown=False, recorded=False)


def _derived(name: str, label: str, unit: str, low: float, high: float, decimals: int, *, shown: bool = True) -> Signal:
    return Signal(name=name, label=label, unit=unit, low=low, high=high, decimals=decimals, shown=shown, derived=True)


TABLE: tuple[Signal, ...] = (
    _measured("heater_outlet_c", "Heater outlet", "°C", 2.0, 70.0, 2),
    _measured("inflow_c", "Inflow", "°C", 2.0, 60.0, 2),
    _measured("outflow_c", "Outflow", "°C", 2.0, 60.0, 2),
    _measured("cavity_1_c", "Cavity 1 (right upper)", "°C", 2.0, 60.0, 2),
    _measured("cavity_2_c", "Cavity 2 (left upper)", "°C", 2.0, 60.0, 2),
    _measured("cavity_3_c", "Cavity 3 (pelvis)", "°C", 2.0, 60.0, 2),
    _measured("core_c", "Core (oesophagus)", "°C", 20.0, 45.0, 2),
    _measured("source_c", "Heat source", "°C", 2.0, 110.0, 2),
    _measured("flow_lpm", "Flow", "L/min", -12.0, 12.0, 3),
    _measured("bubble_mm", "Bubble", "mm", 0.0, 20.0, 1),
    _measured("line_pressure_mmhg", "Line pressure", "mmHg", -400.0, 1000.0, 0),
    _measured("cavity_pressure_mmhg", "Cavity pressure", "mmHg", -50.0, 200.0, 1),
    _measured("reservoir_ml", "Reservoir", "mL", -200.0, 20000.0, 0),
    _measured("pump_rpm", "Pump speed", "rpm", -1000.0, 1000.0, 1),
    _measured("heater_setpoint_c", "Heater set-point read-back", "°C", -50.0, 110.0, 2, shown=False),
    _measured("heater_power_w", "Heater power", "W", -3000.0, 4000.0, 0),
    _contact("mains_ok", "Mains"),  # where the rig has such an input: 1 while mains power is there
    _measured("outlet_b_c", "Heater outlet (protective)", "°C", 2.0, 70.0, 2),
    _measured("inflow_b_c", "Inflow (protective)", "°C", 2.0, 60.0, 2),
    _derived("cavity_mean_c", "Cavity mean", "°C", 2.0, 60.0, 2),
    _derived("cavity_max_c", "Cavity highest", "°C", 2.0, 60.0, 2),
    _derived("in_patient_ml", "In patient", "mL", -5000.0, 20000.0, 0),
    _derived("inflow_target_c", "Inflow set-point", "°C", 0.0, 46.0, 2),
    _derived("heater_demand_c", "Bath set-point", "°C", 0.0, 46.0, 2, shown=False),
    _derived("heater_demand_w", "Heater demand", "W", 0.0, 4000.0, 0),
    _derived("flow_target_lpm", "Flow set-point", "L/min", 0.0, 2.5, 2),
    _derived("cem43_min", "CEM43", "min", 0.0, 10000.0, 1),
)

CAVITY = ("cavity_1_c", "cavity_2_c", "cavity_3_c")


def by_name() -> dict[str, Signal]:
    """The table as a new dictionary by name."""
    return {signal.name: signal for signal in TABLE}
