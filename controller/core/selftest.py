"""The checks between START and the first turn of the pump, each with its measured value.

At rest: readings, zeros, the protective channel and its limits. Then the contactor is proved, with the heater off: it
closes when asked, opens by itself when its lease is not renewed, closes again, and opens when no longer asked.
Not responsible for what a stopped process leaves behind: `hipec selftest` shows that.
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
CLOSES_S, OPENS_S = 1.0, 0.6
LAPSE_MOST_S = 1.2  # the proof is given a short lease of 0.7 s, which may be read back late
PROOF_S = 6.0
CIRCUIT_ML = 800.0  # what the circuit itself takes from the reservoir, and a reserve


class Check(NamedTuple):
    """One line of the self-test."""

    name: str
    measured: str
    allowed: str
    passed: bool


def checks(
    rig: Rig,
    sensed: Sensed,
    volumes: Balance,
    protective: ProtectiveStatus | None,
    fill_ml: float,
    now_s: float,
    *,
    proving: bool = False,
) -> tuple[Check, ...]:
    """Every check at rest with what was measured; all must pass. While `proving` the contactor may be closed."""
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
    if not proving:
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


class Proof(NamedTuple):
    """How far the proof of the contactor has come: monotonic seconds, None where it has not."""

    asked_s: float | None = None
    closed_s: float | None = None
    released_s: float | None = None
    opened_s: float | None = None
    heated_w: float = 0.0  # power that flowed through the closed contactor though no heat was asked for

    @property
    def running(self) -> bool:
        """Asked, and not yet open again."""
        return self.asked_s is not None and self.opened_s is None

    @property
    def heats(self) -> bool:
        """The heater is stuck on: this proof has failed and is not begun again by itself."""
        return self.heated_w > HEATER_OFF_W

    def asks(self, now_s: float) -> bool:
        """The contactor is asked for now; never for longer than the proof may take."""
        if self.asked_s is None or self.released_s is not None or self.heats:
            return False
        return now_s - self.asked_s < PROOF_S


def prove(proof: Proof, protective: ProtectiveStatus, now_s: float) -> Proof:
    """One step of the proof, from what the protective channel reads back. One that fails stands where it is."""
    closed = protective.contactor_closed
    if proof.asked_s is None:
        return Proof(asked_s=now_s) if protective.permit and not closed else proof
    if proof.closed_s is None:
        return proof._replace(closed_s=protective.at_s) if closed else proof
    if proof.released_s is None:
        # Not longer than it takes to be seen: a heater that is stuck on heats fluid that stands still.
        return proof._replace(released_s=now_s) if protective.lapse_s is not None and closed else proof
    return proof._replace(opened_s=protective.at_s) if proof.opened_s is None and not closed else proof


def felt(proof: Proof, power_w: float | None) -> Proof:
    """The proof with the power that is seen while the contactor is closed for it."""
    return proof if power_w is None or not proof.running else proof._replace(heated_w=max(proof.heated_w, power_w))


def proofs(proof: Proof, protective: ProtectiveStatus | None) -> tuple[Check, ...]:
    """The lines of the proof; what has not come yet has not passed."""
    lapse_s = protective.lapse_s if protective is not None and proof.released_s is not None else None
    return (
        _within("heater power through the proof", proof.heated_w, 0.0, HEATER_OFF_W, "W"),
        _within("contactor closes when asked", _apart(proof.asked_s, proof.closed_s), 0.0, CLOSES_S, "s"),
        _within("contactor opens without its lease", lapse_s, 0.0, LAPSE_MOST_S, "s"),
        _within("contactor opens when released", _apart(proof.released_s, proof.opened_s), 0.0, OPENS_S, "s"),
    )


def _apart(began_s: float | None, ended_s: float | None) -> float | None:
    return None if began_s is None or ended_s is None else max(0.0, ended_s - began_s)


def _listed(limits: Mapping[str, float | None]) -> str:
    return ", ".join(f"{name} {value}" for name, value in limits.items()) or "unknown"


def _within(name: str, value: float | None, low: float, high: float, unit: str) -> Check:
    measured = "unknown" if value is None else f"{value:z.2f} {unit}"
    return Check(name, measured, f"{low:g} to {high:g} {unit}", value is not None and low <= value <= high)
