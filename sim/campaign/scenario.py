"""From a seed to a scenario: bench, patient, treatment, person, and a set of faults at random times.

Treatments are run once per base (a block of seeds) and every seed of the block goes on from a moment of it: that is
what makes 20,000 of them affordable. Everything is drawn from `random.Random`; one seed is one scenario, for ever.
A few seeds are a stratum of their own: a core probe that fails slowly on a patient who warms up, followed for as long
as the core needs to get too hot.
Not responsible for running it (`runner`).
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sim.campaign.drawing import CORE_FAULTS, Bench, draw_core_fault, draw_faults
from sim.campaign.person import Conduct, Whim
from sim.faults import Fault, parse

SEEDS_PER_BASE = 25
BYTE_EVERY = 25  # one seed of each base runs down to the bytes
TREATMENTS = (("saline_rehearsal", 8), ("oxaliplatin_30", 2), ("cisplatin_60", 1), ("mitomycin_90", 1))
SLOW = {  # faults whose hazard takes minutes to grow
    "drift", "bias", "noise", "stuck", "swapped", "dislodged", "wrong_unit", "weak", "delayed", "stuck_off", "stuck_on",
    "tube_wear", "occlusion_out", "leak", "spike", "console_lost",
}  # fmt: skip
FAST_HORIZON_S = 60.0
SLOW_HORIZON_S = 240.0
BYTE_HORIZON_S = 40.0  # a second down to the bytes costs as much as half a minute of values
WARM_EVERY = 60  # one seed in so many is of the core stratum,
SEEDS_PER_WARM_BASE = 300  # and those of so many seeds share a patient
WARM_TREATMENT = "mitomycin_90"  # the longest at the highest target that such a patient bears
WARM_HORIZON_S = 2700.0
WARM_REACTION_S = 5.0

EngineName = Literal["value", "byte"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """One treatment that many seeds share. `seed` draws patient and circuit.

    `bmi` (kg/m2) makes the patient's height from the drawn weight; `reaction_s` is the person's pace. A `warm` one is
    of the core stratum: its seeds go on from the first minutes of its perfusion.
    """

    number: int
    rig: str
    treatment: str
    seed: int
    reaction_s: float
    bmi: float
    warm: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What one seed is. `where` picks the step and the moment in it (two numbers in 0..1); fault times from there."""

    seed: int
    engine: EngineName
    where: tuple[float, float]
    conduct: Conduct
    faults: tuple[Fault, ...]
    horizon_s: float

    @property
    def base(self) -> Base:
        """The treatment it goes on from."""
        return base_of_seed(self.seed)


def base_of_seed(seed: int) -> Base:
    """The treatment that a seed goes on from."""
    if _is_warm(seed):
        return warm_base_of(seed // SEEDS_PER_WARM_BASE)
    return base_of(seed // SEEDS_PER_BASE)


def base_of(number: int) -> Base:
    """Draw the treatment of a block of seeds."""
    draw = random.Random(f"base {number}")
    names = [name for name, weight in TREATMENTS for _ in range(weight)]
    return Base(
        number=number,
        rig="bench" if number % 2 else "modbus",
        treatment=draw.choice(names),
        seed=draw.randrange(2**31),
        reaction_s=round(draw.choice((2.0, 5.0, 5.0, 15.0)), 1),
        bmi=round(draw.uniform(20.0, 33.0), 1),
    )


def warm_base_of(number: int) -> Base:
    """Draw a treatment of the core stratum."""
    draw = random.Random(f"warm base {number}")
    return Base(
        number=number,
        rig="bench" if number % 2 else "modbus",
        treatment=WARM_TREATMENT,
        seed=draw.randrange(2**31),
        reaction_s=WARM_REACTION_S,
        bmi=round(draw.uniform(20.0, 26.0), 1),
        warm=True,
    )


def scenario_of(seed: int, bench: Bench, *, engine: EngineName | None = None) -> Scenario:
    """Draw the scenario of a seed on the bench of its base."""
    draw = random.Random(f"seed {seed}")
    if _is_warm(seed):
        return _core_scenario(seed, draw, engine)
    where = (draw.random(), draw.random())
    faults = draw_faults(draw, bench)
    slow = any(fault.name in SLOW for fault in faults)
    horizon_s = (SLOW_HORIZON_S if slow else FAST_HORIZON_S) + max(fault.at_s for fault in faults)
    chosen: EngineName = engine or ("byte" if seed % BYTE_EVERY == BYTE_EVERY - 1 else "value")
    if chosen == "byte":
        horizon_s = min(horizon_s, BYTE_HORIZON_S + max(fault.at_s for fault in faults))
    conduct = _conduct(draw, horizon_s)
    return Scenario(
        seed=seed,
        engine=chosen,
        where=where,
        conduct=conduct,
        faults=faults,
        horizon_s=round(horizon_s, 1),
    )


def _is_warm(seed: int) -> bool:
    return seed % WARM_EVERY == WARM_EVERY - 1


def _core_scenario(seed: int, draw: random.Random, engine: EngineName | None) -> Scenario:
    """Whether the machine sees it: nobody resets a trip of it here, nor has whims, which end the heat as well."""
    where = (draw.random(), draw.random())
    horizon_s = BYTE_HORIZON_S if engine == "byte" else WARM_HORIZON_S
    return Scenario(
        seed=seed,
        engine=engine or "value",
        where=where,
        conduct=Conduct(reaction_s=round(draw.uniform(2.0, 8.0), 1)),
        faults=(draw_core_fault(draw, CORE_FAULTS[seed // WARM_EVERY % len(CORE_FAULTS)]),),
        horizon_s=horizon_s,
    )


def to_json(scenario: Scenario) -> dict[str, Any]:
    """A regression case: all of it in plain JSON."""
    plain = asdict(scenario)
    return {**plain, "faults": [str(fault) for fault in scenario.faults]}


def from_json(case: Mapping[str, Any]) -> Scenario:
    """Read what `to_json` wrote. Raises KeyError, TypeError or ValueError on anything else."""
    conduct = dict(case["conduct"])
    whims = tuple(Whim(**whim) for whim in conduct.pop("whims"))
    whims_in = tuple(conduct.pop("whims_in", ()))
    return Scenario(
        seed=int(case["seed"]),
        engine=case["engine"],
        where=(float(case["where"][0]), float(case["where"][1])),
        conduct=Conduct(**conduct, whims=whims, whims_in=whims_in),
        faults=tuple(parse(text) for text in case["faults"]),
        horizon_s=float(case["horizon_s"]),
    )


def _conduct(draw: random.Random, horizon_s: float) -> Conduct:
    kind = draw.choice(("prompt", "prompt", "slow", "careless", "absent"))
    whims = tuple(_whim(draw, horizon_s) for _ in range(draw.choice((0, 0, 0, 1, 2))))
    if kind == "absent":
        return Conduct(kind=kind, reaction_s=120.0, whims=whims)
    if kind == "careless":  # resets before anybody looked, and resumes at once
        return Conduct(
            kind=kind,
            reaction_s=1.0,
            reset_after_s=draw.choice((0.5, 2.0, 4.0)),
            resume_after_s=0.5,
            tries=5,
            whims=whims,
        )
    slow = kind == "slow"
    return Conduct(
        kind=kind,
        reaction_s=round(draw.uniform(20.0, 60.0) if slow else draw.uniform(2.0, 8.0), 1),
        reset_after_s=round(draw.uniform(20.0, 60.0) if slow else draw.uniform(5.0, 20.0), 1),
        resume_after_s=round(draw.uniform(10.0, 30.0) if slow else draw.uniform(3.0, 10.0), 1),
        tries=2,
        whims=whims,
    )


def _whim(draw: random.Random, horizon_s: float) -> Whim:
    at_s = round(draw.uniform(0.0, horizon_s), 1)
    act = draw.choice(
        ("hold", "resume", "stop", "drain", "target", "flow", "acknowledge", "audio_pause", "reset", "confirm")
    )
    if act == "target":
        return Whim(at_s=at_s, act=act, value=round(draw.uniform(38.5, 44.0), 1))
    if act == "flow":
        return Whim(at_s=at_s, act=act, value=round(draw.uniform(0.3, 3.0), 2))
    return Whim(at_s=at_s, act=act)
