"""The checks between START and the first turn of the pump, each with its measured value.

Not responsible for proofs that need the devices to be disturbed (lease drop, SIGSTOP): those are bench procedures.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from config.schema import Rig
from controller.core import conditions_host
from controller.core.balance import Balance
from controller.core.exchange import ProtectiveStatus
from controller.core.sensing import Sensed

FLOW_ZERO_LPM = 0.05
HEATER_OFF_W = 100.0
PROBES_AGREE_C = 1.0
CIRCUIT_ML = 800.0  # what the circuit itself takes from the reservoir, and a reserve


class Check(NamedTuple):
    """One line of the self-test."""

    name: str
    measured: str
    allowed: str
    passed: bool


def checks(
    rig: Rig, sensed: Sensed, volumes: Balance, protective: ProtectiveStatus | None, fill_ml: float, now_s: float
) -> tuple[Check, ...]:
    """Every check with what was measured; all must pass."""
    good, bad = sensed.good, sensed.bad
    result = [Check(name, bad[name], "a valid reading", False) for name in rig.signals if name in bad]
    result.append(Check("signals", f"{len(good)} valid", "all valid", not result))
    flow = good.get("flow_lpm")
    result.append(_within("flow with the pump stopped", flow, -FLOW_ZERO_LPM, FLOW_ZERO_LPM, "L/min"))
    if "heater_power_w" in rig.signals:
        result.append(_within("heater power while off", good.get("heater_power_w"), -HEATER_OFF_W, HEATER_OFF_W, "W"))
    need = fill_ml + CIRCUIT_ML + rig.limits.reservoir_low_ml
    result.append(_within("reservoir", volumes.level_ml, need, rig.circuit.reservoir_full_ml, "mL"))
    alive = protective is not None and conditions_host.is_fresh(protective, now_s)
    said = "no answer" if protective is None else protective.trip or ("ready" if alive else "silent")
    result.append(Check("protective channel", said, "ready", alive and protective is not None and not protective.trip))
    opened = protective is not None and not protective.contactor_closed
    result.append(Check("contactor", "open" if opened else "closed or unknown", "open", opened))
    wired = rig.protective
    wanted = {"outlet_trip_c": wired.outlet_trip_c, "inflow_trip_c": wired.inflow_trip_c}
    limits = {} if protective is None else {name: protective.limits.get(name) for name in wanted}
    result.append(Check("protective limits", _listed(limits), _listed(wanted), limits == wanted))
    for a, b in (("heater_outlet_c", "outlet_b_c"), ("inflow_c", "inflow_b_c")):
        x, y = good.get(a), good.get(b)
        apart = None if x is None or y is None else x - y
        result.append(_within(f"{a} against {b}", apart, -PROBES_AGREE_C, PROBES_AGREE_C, "°C"))
    return tuple(result)


def _listed(limits: Mapping[str, float | None]) -> str:
    return ", ".join(f"{name} {value}" for name, value in limits.items()) or "unknown"


def _within(name: str, value: float | None, low: float, high: float, unit: str) -> Check:
    measured = "unknown" if value is None else f"{value:.2f} {unit}"
    return Check(name, measured, f"{low:g} to {high:g} {unit}", value is not None and low <= value <= high)
