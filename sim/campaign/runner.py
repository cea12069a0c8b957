"""Run one scenario: from a kept moment of its base treatment through its faults, until safe and settled or the horizon.

Not responsible for many of them (`campaign`) or for making a failing one smaller (`shrink`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from config.doses import dose_plan
from config.loading import load_pair
from config.schema import Patient
from controller.core.cycle import Cycle
from controller.core.interlocks import Trip
from sim.campaign.byte_engine import ByteEngine
from sim.campaign.drawing import bench_of
from sim.campaign.engine import Engine, Moment, Watcher
from sim.campaign.justified import Judge
from sim.campaign.metamorphic import Metamorphic
from sim.campaign.monitors import monitors_for
from sim.campaign.monitors_plant import ON_W
from sim.campaign.onset import Onset, Struck
from sim.campaign.person import Conduct, Person
from sim.campaign.prompt import BUDGET_S, RESOLUTION_S, must_be_prompt
from sim.campaign.property import Monitor, Setting
from sim.campaign.scenario import Base, EngineName, Scenario, scenario_of
from sim.campaign.value_engine import ValueEngine
from sim.plant.parameters import Parameters
from sim.plant.sampler import sample, sample_warm

KEEP_EVERY = 300  # cycles between two kept moments of a step
GIVE_UP_CYCLES = 5 * 36000
SETTLED_S = 15.0
WARM_STEP, WARM_KEPT = "perfuse", 6  # of a warm base only so many moments are kept, from the beginning of this step


class Violation(NamedTuple):
    """A property that did not hold: when (seconds after the fork), and in words."""

    monitor: str
    at_s: float
    text: str


class Verdict(NamedTuple):
    """What came of one scenario."""

    seed: int
    step: str
    violations: tuple[Violation, ...]
    trips: tuple[Trip, ...]
    unjustified: tuple[str, ...]
    struck: tuple[Struck, ...]
    simulated_s: float
    trace_hash: str
    inflow_max_c: float
    cavity_max_c: float
    core_max_c: float


class Prepared:
    """A base treatment that has not begun."""

    def __init__(self, base: Base) -> None:
        self.base = base
        self.rig, self.treatment = load_pair(base.rig, base.treatment)
        self._parameters = (sample_warm if base.warm else sample)(base.seed, self.rig)
        self.patient = patient_of(self._parameters, base)
        self.bench = bench_of(self.rig)
        pressure = self._parameters.probes["cavity_pressure_mmhg"]
        carrier_ml = dose_plan(self.treatment, self.patient).carrier_ml
        self.setting = Setting(self.rig, self.treatment, carrier_ml, pressure.gain, pressure.offset)

    def fresh(self) -> ValueEngine:
        """An engine before its first cycle."""
        return ValueEngine(
            rig=self.rig,
            treatment=self.treatment,
            patient=self.patient,
            parameters=self._parameters,
            seed=self.base.seed,
            person=Person(conduct=Conduct(reaction_s=self.base.reaction_s), begun_s=0.0),
        )


class Treated(Prepared):
    """A base treatment, run once, with its kept moments by step. It ends where it tripped, if it did (`trips`).

    Of a warm one only the first minutes of the perfusion are kept, and it ends there. Raises RuntimeError when it never
    came so far.
    """

    def __init__(self, base: Base) -> None:
        super().__init__(base)
        self.trips: tuple[Trip, ...] = ()
        self._engine = self.fresh()
        self.kept: dict[str, list[bytes]] = {}
        self._run()

    @property
    def cycle(self) -> Cycle:
        """The controller of this treatment; it holds no state."""
        return self._engine.cycle

    def at(self, where: tuple[float, float]) -> ValueEngine:
        """An engine of its own at a moment picked by two numbers in 0..1."""
        steps = list(self.kept)
        kept = self.kept[steps[int(where[0] * len(steps))]]
        return self.resume(kept[int(where[1] * len(kept))])

    def resume(self, kept: bytes) -> ValueEngine:
        """An engine of its own at a kept moment."""
        return self._engine.another(kept)

    def _run(self) -> None:
        engine = self._engine
        in_step = ""
        for cycle in range(GIVE_UP_CYCLES):
            engine.advance()
            step = engine.state.walk.step
            if (step != in_step or cycle % KEEP_EVERY == 0) and (step == WARM_STEP or not self.base.warm):
                self.kept.setdefault(step, []).append(engine.keep())
            in_step = step
            enough = self.base.warm and len(self.kept.get(WARM_STEP, ())) >= WARM_KEPT
            if engine.state.latch.tripped or step == "complete" or enough:
                break
        self.trips = engine.state.latch.trips
        if not self.kept:
            raise RuntimeError(f"warm base {self.base.number} never came to {WARM_STEP}: {self.trips}")


def patient_of(parameters: Parameters, base: Base) -> Patient:
    """The drawn patient as the controller is told of them."""
    weight_kg = round(parameters.patient.weight_kg, 1)
    height_cm = round(min(max(100.0 * (weight_kg / base.bmi) ** 0.5, 130.0), 205.0))
    return Patient(pseudonym="CAMPAIGN", height_cm=height_cm, weight_kg=weight_kg)


def run_seed(treated: Treated, seed: int, *, engine: EngineName | None = None) -> Verdict:
    """Draw and run one seed of a base."""
    return run_scenario(treated, scenario_of(seed, treated.bench, engine=engine))


def run_scenario(treated: Treated, scenario: Scenario) -> Verdict:
    """Run one scenario on its base."""
    with engine_of(treated, scenario) as engine:
        return Run(treated, scenario, engine).to_the_end()


@contextmanager
def engine_of(treated: Treated, scenario: Scenario) -> Iterator[Engine]:
    """The engine that the scenario names, at its moment."""
    source = treated.at(scenario.where)
    if scenario.engine == "value":
        yield source
        return
    seated = ByteEngine(source)
    try:
        yield seated
    finally:
        seated.close()


class Run:
    """One scenario under way; `watch` is given every moment too, for a plot."""

    def __init__(
        self,
        treated: Treated,
        scenario: Scenario,
        engine: Engine,
        *,
        watch: Callable[[Moment], None] = lambda moment: None,
    ) -> None:
        self._rig = treated.rig
        self._watch = watch
        self._scenario = scenario
        self._warm = treated.base.warm  # a core that is no longer heated needs no watching, whatever still flows
        self._engine = engine
        self._from_s = engine.now_s
        self._person = Person(conduct=scenario.conduct, begun_s=engine.now_s)
        self._step = engine.state.walk.step
        self._monitors: list[Monitor] = [
            *monitors_for(treated.setting, at_s=engine.now_s, running=engine.state.latch.armed),
            Metamorphic(treated.cycle),
        ]
        began = [(fault, engine.now_s + fault.at_s) for fault in scenario.faults]
        self._judge_of = Judge(treated.setting, began)
        self._unjustified: list[str] = []
        self._hottest = (0.0, 0.0, 0.0)
        self._violations: list[Violation] = []
        self._trips: list[Trip] = []
        self._onsets = [Onset(fault, at_s) for fault, at_s in began]
        engine.begin(scenario.faults, self._person)

    def to_the_end(self) -> Verdict:
        """Advance until the horizon, or until nothing more can come."""
        engine = self._engine
        watcher = Watcher(engine)
        end_s = self._from_s + self._scenario.horizon_s
        calm_s: float | None = None
        while engine.now_s < end_s:
            engine.advance()
            moment = watcher.look()
            self._watch(moment)
            self._judge(moment)
            if not self._settled(moment):
                calm_s = None
            elif calm_s is None:
                calm_s = moment.at_s
            elif moment.at_s - calm_s >= SETTLED_S:
                break
        struck = tuple(onset.struck() for onset in self._onsets)
        self._check_prompt(struck)
        return Verdict(
            self._scenario.seed,
            self._step,
            tuple(self._violations),
            tuple(self._trips),
            tuple(self._unjustified),
            struck,
            engine.now_s - self._from_s,
            watcher.trace_hash,
            *self._hottest,
        )

    def _judge(self, moment: Moment) -> None:
        for monitor in self._monitors:
            said = monitor.see(moment)
            if said:
                self._violations.append(Violation(monitor.name, round(moment.at_s - self._from_s, 1), said))
                self._monitors = [other for other in self._monitors if other is not monitor]
        self._judge_of.see(moment)
        inflow_c, cavity_c, core_c = self._hottest
        entering_c = moment.entering_c if moment.entered_ml > 0.0 else 0.0
        self._hottest = (max(inflow_c, entering_c), max(cavity_c, moment.cavity_c), max(core_c, moment.core_c))
        for trip in moment.state.latch.trips:
            if trip not in self._trips:
                self._trips.append(trip)
                said = self._judge_of.unjustified(trip)
                if said:
                    self._unjustified.append(said)
        for onset in self._onsets:
            onset.see(moment)

    def _check_prompt(self, struck: Sequence[Struck]) -> None:
        """A lone fault that is a HIGH hazard at once has to take the heat within the budget."""
        if len(struck) != 1 or not struck[0].heating or self._scenario.conduct.whims:
            return
        fault, one = self._scenario.faults[0], struck[0]
        if not must_be_prompt(fault, self._rig) or (
            one.first_off_s is not None and one.first_off_s <= BUDGET_S + RESOLUTION_S + 1e-6
        ):
            return
        said = "never" if one.first_off_s is None else f"{one.first_off_s:.1f} s after"
        self._violations.append(Violation("heat off within 1.0 s", fault.at_s, f"{fault}: heat off {said}"))

    def _settled(self, moment: Moment) -> bool:
        """Tripped, cold and quiet, every fault begun, and nobody about to do anything."""
        return (
            self._person.done
            and moment.state.latch.tripped
            and moment.power_w <= ON_W
            and (moment.entered_ml <= 0.0 or self._warm)
            and all(onset.begun for onset in self._onsets)
        )


def run_block(base: Base, seeds: Sequence[int], engine: EngineName | None = None) -> list[Verdict]:
    """Every given seed of one base: the unit of work of a campaign."""
    treated = Treated(base)
    return [run_seed(treated, seed, engine=engine) for seed in seeds]
