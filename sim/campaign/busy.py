"""What a person changes in a treatment that goes well: allowed acts at random moments of WARM_UP and PERFUSE.

Drawn from the treatment's number: one number is one person, for ever. Not responsible for carrying it out (`person`).
"""

from __future__ import annotations

import random

from controller.core.orders import allowed
from sim.campaign.person import Conduct, Whim
from sim.campaign.property import Setting

ACTS = ("flow", "flow", "target", "hold", "stop")
COUNTS = (2, 3, 4)
STEPS = ("warm_up", "perfuse")  # a perfusion that ends early leaves the rest undone
FIRST_S, WARM_UP_S = 30.0, 600.0  # from the beginning of WARM_UP


def busy_conduct(number: int, setting: Setting, reaction_s: float) -> Conduct:
    """Somebody with 2-4 changes of mind, who resets after a STOP and resumes after a hold."""
    draw = random.Random(f"busy {number}")
    last_s = WARM_UP_S + 60.0 * setting.treatment.duration_min
    whims = [whim for _ in range(draw.choice(COUNTS)) for whim in _acts(draw, setting, draw.uniform(FIRST_S, last_s))]
    return Conduct(
        kind="busy",
        reaction_s=reaction_s,
        reset_after_s=round(draw.uniform(5.0, 60.0), 1),
        resume_after_s=round(draw.uniform(5.0, 60.0), 1),
        tries=10,
        whims=tuple(whims),
        whims_in=STEPS,
    )


def _acts(draw: random.Random, setting: Setting, at_s: float) -> tuple[Whim, ...]:
    ranges = allowed(setting.treatment, setting.rig.limits)
    act, at_s = draw.choice(ACTS), round(at_s, 1)
    later_s = round(at_s + draw.uniform(60.0, 600.0), 1)
    if act == "target":  # and back: below what counts as treatment the gate waits for ever, and says so
        value = round(draw.uniform(*ranges["target_c"]), 1)
        return Whim(at_s=at_s, act=act, value=value), Whim(at_s=later_s, act=act, value=setting.treatment.target_c)
    if act != "flow":
        return (Whim(at_s=at_s, act=act),)
    least_lpm, most_lpm = ranges["flow_lpm"]
    low_lpm = round(draw.uniform(least_lpm, setting.treatment.flow_lpm), 2)
    high_lpm = round(draw.uniform(low_lpm, most_lpm), 2)
    return Whim(at_s=at_s, act=act, value=low_lpm), Whim(at_s=later_s, act=act, value=high_lpm)
