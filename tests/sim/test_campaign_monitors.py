"""Every monitor of a campaign can fire: a moment of a healthy bench, bent until the property does not hold."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from config.schema import BATH_SETPOINT_CEILING_C
from controller.core.cycle import Cycle
from controller.core.exchange import Event, Inputs, Outputs
from controller.core.interlocks import Response, Trip
from controller.core.state import CycleState
from sim.campaign.engine import PERIOD_S, Moment, Watcher
from sim.campaign.metamorphic import EVERY_CYCLES, Metamorphic
from sim.campaign.monitors import monitors_for
from sim.campaign.runner import Prepared
from sim.campaign.scenario import base_of
from sim.campaign.value_engine import ValueEngine

Bend = Callable[[Moment], Moment]
TRIP = Trip("no_flow", 0.0, Response.R3, "Heat without flow")


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    return Prepared(base_of(1))


@pytest.fixture(scope="module")
def engine(prepared: Prepared) -> ValueEngine:
    return in_prime(prepared)


def in_prime(prepared: Prepared) -> ValueEngine:
    engine = prepared.fresh()
    while engine.state.walk.step != "prime":
        engine.advance()
    return engine


@pytest.fixture
def moment(engine: ValueEngine) -> Moment:
    watcher = Watcher(engine)
    engine.advance()
    return watcher.look()


def _heating(m: Moment) -> Moment:
    walk = m.state.walk._replace(step="preheat")
    latch = m.state.latch._replace(armed=True, trips=())
    return m._replace(
        outputs=m.outputs._replace(heat_on=True),
        state=m.state._replace(walk=walk, latch=latch),
        power_w=500.0,
        flow_lpm=1.5,
    )


def _tripped(m: Moment) -> Moment:
    return m._replace(state=m.state._replace(latch=m.state.latch._replace(trips=(TRIP,), armed=False)))


def _apart(m: Moment, by_c: float = 1.5, *, steady_s: float = 60.0) -> Moment:
    m = _heating(m)
    sensed = m.state.sensed._replace(good={**m.state.sensed.good, "inflow_c": 40.0, "inflow_b_c": 40.0 + by_c})
    return m._replace(state=m.state._replace(sensed=sensed, pump_changed_s=m.at_s - steady_s))


def _stepped(m: Moment) -> Moment:
    return m._replace(state=m.state._replace(walk=m.state.walk._replace(step="fill")), events=())


def _armed(m: Moment) -> Moment:
    before = m.before._replace(latch=m.before.latch._replace(armed=False))
    return m._replace(before=before, state=m.state._replace(latch=m.state.latch._replace(armed=True)), events=())


def _paused(m: Moment) -> Moment:
    alarms = m.state.alarms._replace(paused_until_s=m.state.now_s + 500.0)
    return m._replace(state=m.state._replace(alarms=alarms))


def _target(m: Moment) -> Moment:
    return m._replace(state=m.state._replace(walk=m.state.walk._replace(target_c=47.0)))


def _hot_b(m: Moment) -> Moment:
    assert m.status is not None
    return m._replace(contactor=True, status=m.status._replace(outlet_b_c=46.4))


def _bath(m: Moment) -> Moment:
    return m._replace(bath_on=True, bath_setpoint_c=BATH_SETPOINT_CEILING_C + 0.1)


BENT: tuple[tuple[str, Bend, float], ...] = (
    ("inflow over 46.0 °C", lambda m: m._replace(entering_c=46.1, entered_ml=2.0), 1.4),
    ("cavity over 44 °C", lambda m: m._replace(cavity_c=44.1, cavity_ml=2000.0), 0.1),
    ("core over 40 °C with heat", lambda m: m._replace(core_c=40.1, power_w=300.0), 0.1),
    ("P1 heat into still fluid", lambda m: m._replace(power_w=300.0, flow_lpm=0.1), 1.4),
    ("heat in a dry exchanger", lambda m: m._replace(power_w=300.0, reservoir_ml=0.5), 1.4),
    (
        "P2 contactor closed while the inflow is hot",
        lambda m: m._replace(contactor=True, inflow_c=46.1, status=None),
        1.4,
    ),
    ("P2 contactor closed while told hot", _hot_b, 1.4),
    ("P3 power without a fresh command", lambda m: m._replace(power_w=300.0), 0.1),
    ("P4 heat or inflow after a trip", lambda m: _tripped(m)._replace(outputs=Outputs(heat_on=True)), 0.1),
    ("P4 heat or inflow after a trip", lambda m: _tripped(m)._replace(power_w=300.0), 1.4),
    ("P4 heat or inflow after a trip", lambda m: _tripped(m)._replace(power_w=300.0, status=None), 2.4),
    ("P4 heat or inflow after a trip", lambda m: _tripped(m)._replace(entered_ml=1.0), 3.0),
    ("P5 heat by itself", _heating, 0.1),
    ("P6 heat without a permit", lambda m: _heating(m)._replace(status=None), 0.9),
    ("P6 heat without a permit", lambda m: _heating(m)._replace(inputs=Inputs({})), 0.9),
    ("P6 heat without a permit", lambda m: m._replace(outputs=Outputs(heat_on=True)), 0.1),
    ("P8 set-points within hard limits", _bath, 0.1),
    ("P8 set-points within hard limits", _target, 0.1),
    ("P9 volume in the patient", lambda m: m._replace(cavity_ml=9000.0), 0.1),
    ("P10 inflow under over-pressure", lambda m: m._replace(cavity_mmhg=22.9, entered_ml=1.0), 1.4),
    ("P13 a change without an event", _stepped, 0.1),
    ("P13 a change without an event", _tripped, 0.1),
    ("P13 a change without an event", _armed, 0.1),
    ("P14 audio pause", _paused, 0.1),
    ("P17 probes disagree and heat stays on", _apart, 10.8),
    ("P17 probes disagree and heat stays on", lambda m: _apart(m, 2.5, steady_s=6.0), 2.2),
    ("P18 an old value shown as of now", lambda m: m._replace(inputs=Inputs({})), 0.1),
)


@pytest.mark.parametrize(("name", "bend", "seconds"), BENT, ids=[f"{i} {n}" for i, (n, _, _) in enumerate(BENT)])
def test_a_bent_trace_is_seen_and_a_straight_one_is_not(
    prepared: Prepared, moment: Moment, name: str, bend: Bend, seconds: float
) -> None:
    monitor = next(m for m in monitors_for(prepared.setting, at_s=moment.at_s - 60.0, running=False) if m.name == name)
    assert monitor.see(moment) == ""
    bent = bend(moment)
    said = [monitor.see(_later(bent, n * PERIOD_S)) for n in range(1, round(seconds / PERIOD_S) + 1)]
    assert said[-1]
    if seconds > 0.5:
        assert not any(said[: round(0.6 * len(said))])


def test_every_monitor_of_a_run_is_bent_above_or_below(prepared: Prepared, moment: Moment) -> None:
    named = {monitor.name for monitor in monitors_for(prepared.setting, at_s=0.0, running=False)}
    assert named == {name for name, _, _ in BENT} | {"P7 rate of a command"}


@pytest.mark.parametrize(
    ("name", "most"), [("pump_lpm", 0.03), ("heater_fraction", 0.02), ("bath_setpoint_c", 0.02)], ids=lambda one: one
)
def test_a_command_that_jumps_up_is_seen_and_one_that_keeps_to_its_ramp_or_goes_down_is_not(
    prepared: Prepared, moment: Moment, name: str, most: float
) -> None:
    at = _heating(moment)
    for change, seen in ((most, False), (-0.5, False), (2.0 * most, True)):
        monitor = next(m for m in monitors_for(prepared.setting, at_s=0.0, running=True) if m.name.startswith("P7"))
        assert monitor.see(at) == ""
        jumped = at.outputs._replace(**{name: getattr(at.outputs, name) + change})
        assert bool(monitor.see(_later(at, PERIOD_S)._replace(outputs=jumped))) is seen


def test_probes_that_disagree_are_seen_in_a_minute_however_often_the_flow_is_changed(
    prepared: Prepared, moment: Moment
) -> None:
    monitor = next(m for m in monitors_for(prepared.setting, at_s=0.0, running=True) if m.name.startswith("P17"))
    said = [monitor.see(_apart(_later(moment, n * PERIOD_S), steady_s=0.0)) for n in range(602)]
    assert not any(said[:-1])
    assert said[-1]


def test_a_change_that_has_its_event_and_a_control_that_was_started_again_are_no_violation(
    prepared: Prepared, moment: Moment
) -> None:
    monitor = next(m for m in monitors_for(prepared.setting, at_s=0.0, running=True) if m.name.startswith("P13"))
    assert monitor.see(_stepped(moment)._replace(events=(Event(moment.at_s, "phase", "fill", "FILL"),))) == ""
    anew = _stepped(moment)
    walk = anew.state.walk._replace(started_s=None)
    assert monitor.see(anew._replace(state=anew.state._replace(walk=walk))) == ""


class Eager:
    """A controller stand-in that heats because a probe is missing, and forgets STOP."""

    def __init__(self, cycle: Cycle) -> None:
        self._cycle = cycle

    def step(self, state: CycleState, inputs: Inputs, now_s: float) -> tuple[CycleState, Outputs, tuple[Event, ...]]:
        state, outputs, events = self._cycle.step(state, inputs, now_s)
        return state, outputs._replace(heat_on=len(inputs.readings) < 16), events


class Deaf(Eager):
    """A controller stand-in that does not hear a STOP which does not come first."""

    def step(self, state: CycleState, inputs: Inputs, now_s: float) -> tuple[CycleState, Outputs, tuple[Event, ...]]:
        return self._cycle.step(state, inputs._replace(orders=inputs.orders[:1]), now_s)


@pytest.mark.parametrize(("stand_in", "said"), [(None, ""), (Eager, "turns it on"), (Deaf, "STOP in")])
def test_a_controller_that_heats_on_less_knowledge_or_misses_a_stop_is_seen(
    engine: ValueEngine, stand_in: type[Eager] | None, said: str
) -> None:
    cycle = engine.cycle if stand_in is None else stand_in(engine.cycle)
    monitor = Metamorphic(cycle)  # type: ignore[arg-type]
    watcher = Watcher(engine)
    heard = ""
    for _ in range(4 * EVERY_CYCLES):
        engine.advance()
        heard = heard or monitor.see(watcher.look())
    assert (said in heard) if said else (heard == "")


def test_a_controller_that_goes_on_heating_on_less_knowledge_is_seen(prepared: Prepared) -> None:
    engine = in_prime(prepared)
    monitor = Metamorphic(Eager(engine.cycle))  # type: ignore[arg-type]
    watcher = Watcher(engine)
    heard = ""
    for _ in range(4 * EVERY_CYCLES):
        engine.advance()
        m = watcher.look()
        was_on = m.before._replace(outputs=m.before.outputs._replace(heat_on=True))
        heard = heard or monitor.see(m._replace(before=was_on))
    assert "keeps it on" in heard


def _later(m: Moment, seconds: float) -> Moment:
    """The same moment, and the same ages, a little later."""
    status = None if m.status is None else m.status._replace(at_s=m.status.at_s + seconds)
    return m._replace(at_s=m.at_s + seconds, status=status)
