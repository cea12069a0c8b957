"""What a campaign counts: a trip that nothing called for is unjustified, and the numbers say what the verdicts say."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import Future

import pytest

from controller.core.exchange import Event
from controller.core.interlocks import Response, Trip
from sim.campaign.campaign import dask_executor, run_campaign
from sim.campaign.engine import Moment, Watcher
from sim.campaign.justified import Judge
from sim.campaign.onset import Struck
from sim.campaign.prompt import must_be_prompt
from sim.campaign.report import Traced, page
from sim.campaign.runner import Prepared, Verdict, Violation
from sim.campaign.scenario import Base, base_of, scenario_of
from sim.campaign.summary import percentile, summary
from sim.campaign.tables import histogram
from sim.faults import parse


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    return Prepared(base_of(1))


@pytest.fixture(scope="module")
def moment(prepared: Prepared) -> Moment:
    engine = prepared.fresh()
    watcher = Watcher(engine)
    engine.advance()
    return watcher.look()


def _trip(row: str, at_s: float) -> Trip:
    return Trip(row, at_s, Response.R3, "words")


def test_a_trip_is_called_for_by_the_truth_by_a_fault_that_can_cause_it_or_by_nothing(
    prepared: Prepared, moment: Moment
) -> None:
    at_s = moment.at_s
    healthy = Judge(prepared.setting, ())
    healthy.see(moment)
    assert healthy.unjustified(_trip("outlet_over", at_s))
    assert healthy.unjustified(_trip("device_lost", at_s))
    assert healthy.unjustified(_trip("stop", at_s))
    elsewhere = Judge(prepared.setting, [(parse("bias:core_c@0=1"), at_s - 5.0)])
    for judge, called in ((elsewhere, True), (healthy, False)):  # without a fault it is control that made it hot
        judge.see(moment._replace(outlet_c=46.2))
        assert bool(judge.unjustified(_trip("outlet_over", at_s))) is not called
    broken = Judge(prepared.setting, [(parse("bias:heater_outlet_c@0=5"), at_s - 5.0)])
    broken.see(moment)
    assert not broken.unjustified(_trip("outlet_over", at_s))
    assert broken.unjustified(_trip("inflow_over", at_s))
    pressed = Judge(prepared.setting, ())
    pressed.see(moment._replace(events=(Event(at_s, "order", "stop", "STOP"),)))
    assert not pressed.unjustified(_trip("stop", at_s))


def test_a_reservoir_that_was_emptied_by_hand_calls_for_volume_lost_and_a_circulators_own_probe_for_its_fault(
    prepared: Prepared, moment: Moment
) -> None:
    at_s = moment.at_s
    judge = Judge(prepared.setting, ())
    judge.see(moment._replace(reservoir_ml=5000.0))
    assert judge.unjustified(_trip("accumulating", at_s))
    judge.see(moment._replace(reservoir_ml=0.0))
    assert not judge.unjustified(_trip("accumulating", at_s))
    for signal, called in (("source_c", True), ("inflow_c", False)):
        broken = Judge(prepared.setting, [(parse(f"nan:{signal}@0"), at_s - 5.0)])
        broken.see(moment)
        assert bool(broken.unjustified(_trip("device_lost", at_s))) is not called


def test_an_outlet_that_really_is_hot_calls_for_the_other_channels_trip_and_what_a_trip_took_is_away_until_a_resume(
    prepared: Prepared, moment: Moment
) -> None:
    at_s = moment.at_s
    latched = moment.state._replace(latch=moment.state.latch._replace(trips=(_trip("accumulating", at_s),)))
    for state, outlet_c, called in ((moment.state, 45.9, False), (latched, 45.5, False), (latched, 45.9, True)):
        judge = Judge(prepared.setting, ())
        judge.see(moment._replace(state=state, outlet_c=outlet_c))
        assert bool(judge.unjustified(_trip("protective_trip", at_s))) is not called
    unheated = Event(at_s + 300.0, "alarm", "unheated", "HEAT OFF", "MEDIUM")
    for seen, called in (((), False), ((latched,), True)):
        judge = Judge(prepared.setting, ())
        for state in (*seen, moment.state):
            judge.see(moment._replace(state=state))
        assert bool(judge.false_alarm(unheated)) is not called
    resumed = Event(at_s, "order", "resume", "resumed and re-armed")
    judge.see(moment._replace(events=(resumed,)))
    assert judge.false_alarm(unheated)


def test_a_fault_that_ended_long_ago_calls_for_nothing(prepared: Prepared, moment: Moment) -> None:
    judge = Judge(prepared.setting, [(parse("silent:bath@0+1"), moment.at_s - 600.0)])
    judge.see(moment)
    assert judge.unjustified(_trip("device_lost", moment.at_s))


@pytest.mark.parametrize(("bad", "called"), [("jumps: 32.90 to 35.30 °C", True), ("no reading", False), ("", False)])
def test_a_probe_that_jumped_back_is_out_until_it_is_pulled_and_its_fault_is_the_cause_as_long(
    prepared: Prepared, moment: Moment, bad: str, called: bool
) -> None:
    sensed = moment.state.sensed._replace(bad={"core_c": bad} if bad else {})
    judge = Judge(prepared.setting, [(parse("dislodged:core_c@0+3=19"), moment.at_s - 600.0)])
    judge.see(moment._replace(state=moment.state._replace(sensed=sensed)))
    assert bool(judge.unjustified(_trip("core_unwatched", moment.at_s))) is not called
    assert judge.unjustified(_trip("twins_apart", moment.at_s)), "of another probe it is no cause"


def test_a_fill_that_a_false_pressure_ended_early_is_a_cause_of_more_than_was_filled(
    prepared: Prepared, moment: Moment
) -> None:
    for row in ("accumulating", "overfilled"):
        for signal, called in (("cavity_pressure_mmhg", True), ("cavity_1_c", False)):
            judge = Judge(prepared.setting, [(parse(f"bias:{signal}@0+6=13"), moment.at_s - 180.0)])
            judge.see(moment)
            assert bool(judge.unjustified(_trip(row, moment.at_s))) is not called


def test_what_is_a_high_hazard_at_once_must_be_prompt_and_what_grows_is_judged_otherwise(prepared: Prepared) -> None:
    prompt = ("stall@0", "off:inflow_c@0", "silent:bath@0", "unplugged:protect@0", "kill:control@0+3")
    grows = (
        "drift:inflow_c@0",
        "off:core_c@0",
        "stall@0+0.5",
        "leak@0",
        "silent:cavity_pressure@0",
        "occlusion_in@0=0.6",
    )
    assert [text for text in prompt if not must_be_prompt(parse(text), prepared.rig)] == []
    assert [text for text in grows if must_be_prompt(parse(text), prepared.rig)] == []


def _verdict(seed: int, *, off_s: float | None = None, violated: bool = False) -> Verdict:
    violations = (Violation("P1", 3.0, "</script>"),) if violated else ()
    struck = (Struck("stall@1", "stall", "", True, off_s, off_s),)
    return Verdict(seed, "prime", violations, (), (), struck, 60.0, "", 44.0, 42.0, 37.0)


def test_the_numbers_are_those_of_the_verdicts() -> None:
    verdicts = [_verdict(n, off_s=n / 10) for n in range(1, 11)] + [_verdict(11, violated=True)]
    numbers = summary(verdicts, 2.0)
    assert numbers["runs"] == 11
    assert numbers["time_to_safe_s"] == {"stall": {"n": 10, "p50": 0.5, "p99": 1.0, "max": 1.0}}
    assert [line["seed"] for line in numbers["violations"]] == [11]  # type: ignore[attr-defined]
    assert json.loads(json.dumps(numbers, allow_nan=False))["wall_s"] == 2.0
    assert percentile([1.0], 0.99) == 1.0
    assert histogram([0.2, 0.9, 0.9, 500.0])[3] == "█"


def test_the_page_is_whole_and_nothing_in_it_ends_its_script(prepared: Prepared, moment: Moment) -> None:
    scenario = scenario_of(25, prepared.bench)
    text = page([Traced(scenario, _verdict(25, violated=True), [moment] * 20, moment.at_s)], {"runs": 1})
    assert "http-equiv" not in text
    assert "<script src" not in text
    assert "&lt;/script&gt;" in text
    assert text.count("<div id=p0>") == 1


class OneAfterAnother:
    """An executor without processes."""

    def submit(self, run: object, *arguments: object) -> Future[object]:
        future: Future[object] = Future()
        try:
            future.set_result(run(*arguments))  # type: ignore[operator]
        except Exception as error:
            future.set_exception(error)
        return future


def test_a_seed_that_raises_ends_the_campaign_and_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(base: Base, seeds: list[int], engine: str | None) -> list[Verdict]:
        raise LookupError(f"block {base.number}")

    monkeypatch.setattr("sim.campaign.campaign.run_block", fails)
    with pytest.raises(LookupError, match="block 0"):
        run_campaign(range(3), OneAfterAnother(), progress=lambda done, bad: None)  # type: ignore[arg-type]


def test_without_dask_one_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(ValueError, match=r"pip install -e '\.\[dask\]'"):
        dask_executor("127.0.0.1:1")


DASK = """
from distributed import LocalCluster
from sim.campaign import campaign
campaign.run_block = lambda number, seeds, engine: [SEEN(seed) for seed in seeds]
class SEEN:
    violations = ()
    def __init__(self, seed): self.seed = seed
with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster:
    executor = campaign.dask_executor(cluster.scheduler_address)
    verdicts, _ = campaign.run_campaign(range(60), executor, progress=lambda done, bad: None)
    print([verdict.seed for verdict in verdicts] == list(range(60)))
    executor.shutdown()
"""


def test_a_dask_cluster_does_the_same_work_through_the_same_interface() -> None:
    pytest.importorskip("distributed")
    done = subprocess.run([sys.executable, "-c", DASK], capture_output=True, text=True, timeout=100)
    assert done.stdout.strip() == "True", done.stderr
