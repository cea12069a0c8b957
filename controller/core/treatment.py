"""The treatment as a table of steps and gates; `walker` walks it.

The table is what the manual prints. A step says what pump, clamps and heat do, what ends it and what the person should
do. HOLD is not a step but a state beside it: heat off, and only a person resumes. Whether energy is allowed at all is
not decided here (`interlocks`): phase and safety are two machines.
"""

from __future__ import annotations

from config.schema import Treatment
from controller.core import balance as volumes
from controller.core import gates
from controller.core.balance import Balance
from controller.core.steps import Heat, Phase, Step, Walk

DRAINED = ("rinse_ready", "complete")  # what follows the drain, with a rinse and without


def phases(treatment: Treatment) -> tuple[Step, ...]:
    """The table for one treatment, in order. Without a rinse volume the rinse steps fall away."""
    return tuple(step for step in _TABLE if treatment.rinse_ml > 0 or step.phase is not Phase.RINSE)


_TABLE: tuple[Step, ...] = (
    Step(
        "standby", Phase.STANDBY, "Everything off.", "Set up treatment and patient, then start.",
        gates.still, False, False, Heat.OFF, gates.begin, 0.0, "", "self_test", False,
    ),
    Step(
        "self_test", Phase.SELF_TEST, "Checking probes, flow zero, heater off, protective channel.", "Wait.",
        gates.still, False, False, Heat.OFF, gates.self_test, 3.0, "", "prime", False,
    ),
    Step(
        "prime", Phase.PRIME, "Circulating in the bypass to fill and de-air the circuit.",
        "Look for air; confirm when the circuit is primed.",
        gates.prime, False, False, Heat.OFF, gates.primed, 20.0, "confirm", "preheat", True,
    ),
    Step(
        "preheat", Phase.PREHEAT, "Heating the perfusate in the bypass.",
        "Connect and count; confirm when the catheters are connected.",
        gates.treat, False, False, Heat.PREHEAT, gates.preheated, 30.0, "confirm", "fill", True,
    ),
    Step(
        "fill", Phase.FILL, "Filling the cavity with the drain clamped, volume counted.", "Watch the cavity pressure.",
        gates.fill, True, True, Heat.PREHEAT, gates.filled, 1.0, "", "warm_up", False,
    ),
    Step(
        "warm_up", Phase.WARM_UP, "Circulating and warming the cavity to target, no drug yet.",
        "At temperature: give the drug and enter the dose.",
        gates.treat, True, False, Heat.CAVITY, gates.warm, 60.0, "dose", "perfuse", True,
    ),
    Step(
        "perfuse", Phase.PERFUSE, "Holding the cavity at target; the treatment clock runs.",
        "Agitate; give further fractions when they are due.",
        gates.treat, True, False, Heat.CAVITY, gates.perfused, 0.0, "", "drain", True,
    ),
    Step(
        "drain", Phase.DRAIN, "Heat off; draining the cavity into the reservoir.", "Tilt; watch the level rise.",
        gates.run_on, False, False, Heat.OFF, gates.drained, 5.0, "", "rinse_ready", True,
    ),
    Step(
        "rinse_ready", Phase.RINSE, "Waiting for rinse fluid.", "Change the reservoir for rinse fluid, then confirm.",
        gates.still, False, False, Heat.OFF, gates.rinse_ready, 3.0, "confirm", "rinse_fill", False,
    ),
    Step(
        "rinse_fill", Phase.RINSE, "Filling the cavity with rinse fluid.", "Watch the cavity pressure.",
        gates.fill, True, True, Heat.OFF, gates.rinsed, 1.0, "", "rinse_dwell", False,
    ),
    Step(
        "rinse_dwell", Phase.RINSE, "Rinse fluid dwells.", "Agitate.",
        gates.still, False, True, Heat.OFF, gates.dwelt, 0.0, "", "rinse_drain", False,
    ),
    Step(
        "rinse_drain", Phase.RINSE, "Draining the rinse.", "Tilt; watch the level rise.",
        gates.still, False, False, Heat.OFF, gates.drained, 5.0, "", "complete", False,
    ),
    Step(
        "complete", Phase.COMPLETE, "Everything off. The treatment is over.", "Disconnect; keep the report.",
        gates.still, False, False, Heat.OFF, gates.never, 0.0, "", "complete", False,
    ),
)  # fmt: skip


def enter(walk: Walk, step: Step, now_s: float) -> Walk:
    """Begin a step: gate, confirmation and clocks start anew."""
    walk = walk._replace(step=step.name, entered_s=now_s, gate_since_s=None, confirmed=False, short_accepted=False)
    if step.name == "warm_up":
        walk = walk._replace(warm_up_s=now_s, agitated_s=now_s)
    elif step.name in DRAINED and walk.drained_s is None:
        walk = walk._replace(drained_s=now_s)
    return walk


def on_entry(step: Step, balance: Balance) -> Balance:
    """What entering a step means for the volume count."""
    if step.name in ("fill", "rinse_fill"):
        return volumes.begin_fill(balance)
    if step.name in ("warm_up", "rinse_dwell"):
        return volumes.end_fill(balance)
    if step.name in ("rinse_ready", "complete"):
        return volumes.carry(balance)
    return balance
