"""The protective decision: a state machine that tries to get the contactor closed when it must not be, and examples."""

import dataclasses
import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from controller.protective.channel import ChannelInputs, ChannelOutputs, ChannelState, step
from controller.protective.limits import LEASE_S, LEASE_TENTHS, PROOF_TENTHS, Limits

TICK_S = 0.0625  # exact in binary, so that ages are exact too
IDLE = ChannelOutputs(permit=True, quiet=True, free=True)
GOOD = ChannelInputs(
    outlet_b_c=42.0,
    inflow_b_c=41.0,
    probe_at_s=0.0,
    heartbeat_at_s=0.0,
    heartbeat_seq=1,
    heat_wanted=False,
    reset_count=0,
    contactor_closed=False,
)


class Rig:
    """A channel with a control that beats each tick, and a contactor that obeys at once and opens with its lease."""

    def __init__(self, **inputs: object) -> None:
        self.now_s = 100.0
        self.state = ChannelState()
        self.out = ChannelOutputs()
        self.inputs = GOOD._replace(**inputs)
        self.beating = True
        self.measuring = True
        self.obeys = True
        self.lease_until_s = 0.0

    def tick(self, count: int = 1, **inputs: object) -> ChannelOutputs:
        for _ in range(count):
            self.now_s += TICK_S
            self.inputs = self.inputs._replace(**inputs)
            if self.measuring:
                self.inputs = self.inputs._replace(probe_at_s=self.now_s)
            if self.beating:
                self.inputs = self.inputs._replace(
                    heartbeat_at_s=self.now_s, heartbeat_seq=self.inputs.heartbeat_seq + 1
                )
            self.state, self.out = step(self.state, self.inputs, self.now_s)
            if self.obeys:
                tenths = self.out.lease_tenths
                self.lease_until_s = self.now_s + tenths / 10.0 if tenths else self.lease_until_s
                closed = self.out.close_contactor and self.now_s < self.lease_until_s
                self.inputs = self.inputs._replace(contactor_closed=closed)
        return self.out

    def heating(self) -> "Rig":
        self.tick(5)
        assert self.tick(40, heat_wanted=True).lease_tenths
        assert self.state.lapse_s is not None, "the first closing was not proved to open again"
        return self

    def reset(self) -> ChannelOutputs:
        return self.tick(2, reset_count=self.inputs.reset_count + 1)


def test_a_new_channel_permits_nothing() -> None:
    state, out = step(ChannelState(), ChannelInputs(), 100.0)
    assert out == ChannelOutputs(why_not=out.why_not)
    assert "probes silent" in out.why_not
    assert not state.permit


def test_permit_comes_without_heat_and_closing_with_heat() -> None:
    rig = Rig()
    assert rig.tick(1).permit
    assert not rig.out.close_contactor
    assert rig.tick(1, heat_wanted=True).close_contactor


def test_heat_that_is_already_asked_for_never_begins() -> None:
    rig = Rig(heat_wanted=True)
    assert not rig.tick(100).permit
    assert rig.out.trip == ""
    assert "heat is asked for" in rig.out.why_not


def test_no_heat_wanted_does_not_latch() -> None:
    rig = Rig().heating()
    assert rig.tick(1, heat_wanted=False) == IDLE
    assert rig.tick(1, heat_wanted=True).close_contactor


@pytest.mark.parametrize("name", ["outlet_b_c", "inflow_b_c"])
@pytest.mark.parametrize("value", [46.05, 60.0, None, math.nan, math.inf, -math.inf, 1.9])
def test_a_bad_probe_trips_after_the_persistence_and_not_before(name: str, value: float | None) -> None:
    rig = Rig().heating()
    assert rig.tick(5, **{name: value}).close_contactor  # 0.25 s after it was first seen
    assert not rig.tick(1).close_contactor
    assert rig.out.trip.startswith("heater outlet" if name == "outlet_b_c" else "inflow")
    assert not rig.tick(200, **{name: 42.0}).permit


def test_the_limit_itself_is_allowed() -> None:
    rig = Rig().heating()
    for tenths in range(420, 461):
        rig.tick(48, outlet_b_c=tenths / 10, inflow_b_c=tenths / 10)
    assert rig.tick(40).close_contactor


def test_alternating_kinds_of_bad_do_not_restart_the_persistence() -> None:
    rig = Rig().heating()
    for value in (None, 47.0, math.nan, 1.0, None, 48.0, math.nan):
        rig.tick(1, outlet_b_c=value)
    assert rig.out.trip


def test_permit_does_not_begin_on_a_bad_probe_even_within_the_persistence() -> None:
    rig = Rig(inflow_b_c=math.nan)
    assert not rig.tick(1).permit
    assert rig.tick(1, inflow_b_c=41.0).permit


def test_probes_that_stand_still_in_time_trip() -> None:
    rig = Rig().heating()
    rig.measuring = False
    assert rig.tick(9).close_contactor
    assert not rig.tick(1).close_contactor
    assert "probes silent" in rig.out.trip


@pytest.mark.parametrize("at_s", [math.nan, math.inf, 1e9])
def test_measured_in_the_future_or_at_no_time_is_not_measured(at_s: float) -> None:
    rig = Rig().heating()
    rig.measuring = False
    assert not rig.tick(1, probe_at_s=at_s).close_contactor


def test_a_silent_control_trips_after_half_a_second() -> None:
    rig = Rig().heating()
    rig.beating = False
    assert rig.tick(8).close_contactor
    assert not rig.tick(1).close_contactor
    assert "control silent" in rig.out.trip


def test_a_control_that_falls_silent_while_idle_loses_the_permit_without_a_latch() -> None:
    rig = Rig()
    assert rig.tick(5).permit
    rig.beating = False
    assert not rig.tick(9).permit
    assert rig.out.trip == ""
    rig.beating = True
    assert not rig.tick(1, heat_wanted=True).permit  # asked for while there was none: it stays away
    assert not rig.tick(20).close_contactor
    assert rig.tick(1, heat_wanted=False).permit


def test_a_repeated_sequence_number_is_not_a_sign_of_life() -> None:
    rig = Rig().heating()
    rig.beating = False
    for _ in range(11):
        rig.tick(1, heartbeat_at_s=rig.now_s + TICK_S)  # new stamp, same number
    assert not rig.out.close_contactor


def test_a_falling_sequence_number_is_not_a_sign_of_life() -> None:
    rig = Rig(heartbeat_seq=500).heating()
    rig.beating = False
    for seq in range(100, 60, -1):
        rig.tick(1, heartbeat_at_s=rig.now_s + TICK_S, heartbeat_seq=seq)
    assert not rig.out.close_contactor
    assert "control silent" in rig.out.trip


@pytest.mark.parametrize("at_s", [math.nan, math.inf, 1e9])
def test_a_heartbeat_from_the_future_does_not_count(at_s: float) -> None:
    rig = Rig().heating()
    rig.beating = False
    for _ in range(11):
        rig.tick(1, heartbeat_at_s=at_s, heartbeat_seq=rig.inputs.heartbeat_seq + 1)
    assert not rig.out.close_contactor


def test_a_control_that_started_again_is_heard_again_but_stays_tripped_until_reset() -> None:
    rig = Rig(heartbeat_seq=5000).heating()
    rig.beating = False
    rig.tick(20)
    rig.beating = True
    rig.tick(20, heartbeat_seq=0, heat_wanted=False, reset_count=0)
    assert "control silent" in rig.out.trip
    assert rig.reset() == IDLE


def test_a_welded_contactor_trips_after_its_time() -> None:
    rig = Rig().heating()
    rig.obeys = False
    rig.tick(1, heat_wanted=False, contactor_closed=True)
    assert rig.tick(10).trip == ""
    assert "welded" in rig.tick(1).trip
    assert "welded" in rig.reset().trip
    rig.tick(1, contactor_closed=False)
    assert "welded" in rig.out.trip
    assert rig.reset().permit


def test_a_weld_is_a_trip_even_if_nothing_was_ever_permitted() -> None:
    rig = Rig(heat_wanted=True, contactor_closed=True)
    rig.obeys = False
    assert "welded" in rig.tick(14).trip


def test_a_contactor_that_does_not_close_or_falls_open_trips() -> None:
    rig = Rig()
    rig.tick(2)
    rig.obeys = False
    assert "did not close" in rig.tick(15, heat_wanted=True, contactor_closed=False).trip
    rig = Rig().heating()
    rig.obeys = False
    assert "opened by itself" in rig.tick(1, contactor_closed=False).trip


def test_a_relay_that_is_not_heard_of_trips() -> None:
    rig = Rig().heating()
    rig.obeys = False
    rig.tick(1, contactor_closed=None)
    assert rig.tick(9).close_contactor
    assert "relay silent" in rig.tick(1).trip


def test_an_over_temperature_latches_even_before_any_permit_and_behind_another_fault() -> None:
    rig = Rig(outlet_b_c=None, inflow_b_c=50.0)
    assert rig.tick(8).trip == "inflow (protective) 50.0 °C, limit 46.0 °C"


def test_other_faults_before_the_first_permit_only_withhold_it() -> None:
    rig = Rig(outlet_b_c=None)
    assert rig.tick(20).trip == ""
    assert "probe missing" in rig.out.why_not
    assert rig.tick(1, outlet_b_c=40.0).permit


def test_the_first_cause_stays_in_the_latch() -> None:
    rig = Rig().heating()
    rig.tick(10, outlet_b_c=None)
    first = rig.out.trip
    rig.beating = False
    assert rig.tick(30, inflow_b_c=60.0).trip == first


def test_a_reset_is_refused_while_the_cause_lasts_or_heat_is_asked_for_and_is_then_used_up() -> None:
    rig = Rig().heating()
    rig.tick(10, outlet_b_c=47.0)
    rig.tick(5, heat_wanted=False)
    assert rig.reset().trip  # the cause lasts
    assert rig.tick(20, outlet_b_c=42.0).trip  # gone, but the reset is used up
    rig.tick(2, heat_wanted=True)
    assert rig.reset().trip  # heat is asked for
    assert rig.tick(5, heat_wanted=False).trip
    assert rig.reset() == IDLE


def test_a_counter_that_was_high_from_the_beginning_resets_nothing() -> None:
    rig = Rig(outlet_b_c=50.0, heartbeat_seq=-1)
    rig.beating = False
    rig.tick(10)
    rig.beating = True
    assert rig.tick(10, outlet_b_c=42.0, reset_count=7).trip
    assert rig.tick(10, reset_count=8).trip == ""


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Limits)])
@pytest.mark.parametrize("factor", [1.0001, 1e9, math.inf, math.nan, 0.0, -1.0])
def test_no_limit_can_be_widened(name: str, factor: float) -> None:
    hardest = getattr(Limits(), name)
    with pytest.raises(ValueError, match=name):
        Limits(**{name: hardest * factor})
    assert getattr(Limits(**{name: hardest * 0.9}), name) < hardest


def test_the_hard_limits_are_what_the_risk_file_says() -> None:
    assert dataclasses.asdict(Limits()) == {
        "outlet_trip_c": 46.0,
        "inflow_trip_c": 46.0,
        "persistence_s": 0.3,
        "heartbeat_timeout_s": 0.5,
        "probe_age_max_s": 0.6,
    }


def test_a_tightened_limit_is_obeyed() -> None:
    state, now_s = ChannelState(), 0.0
    limits = Limits(outlet_trip_c=40.0, persistence_s=0.1)
    for seq in range(10):
        now_s += 0.1
        at = GOOD._replace(probe_at_s=now_s, heartbeat_at_s=now_s, heartbeat_seq=seq, outlet_b_c=41.0)
        state, out = step(state, at, now_s, limits)
    assert out.trip == "heater outlet (protective) 41.0 °C, limit 40.0 °C"


TEMPERATURES = st.one_of(
    st.none(), st.sampled_from([math.nan, math.inf, -math.inf, 46.0, 46.01, 1.99, 2.0]), st.floats(30.0, 48.0)
)


class Anything(RuleBasedStateMachine):
    """Any order of anything. The invariants keep their own books, in another form than the code's."""

    @initialize()
    def begin(self) -> None:
        self.now_s = 1000.0
        self.state, self.out = ChannelState(), ChannelOutputs()
        self.inputs = GOOD._replace(probe_at_s=self.now_s, heartbeat_at_s=self.now_s, heartbeat_seq=0)
        self.good_at_s = {"outlet_b_c": self.now_s, "inflow_b_c": self.now_s}
        self.beat_at_s = -math.inf
        self.beat_seq = -1
        self.beat_heat = False
        self.before = ChannelOutputs()
        self.reset_asked = False

    def decide(self, passed_s: float = 0.0, **inputs: object) -> None:
        self.now_s += passed_s
        self.inputs = self.inputs._replace(**inputs)
        for name in self.good_at_s:
            value = getattr(self.inputs, name)
            if value is not None and 2.0 <= value <= 46.0:
                self.good_at_s[name] = self.now_s
        given = self.inputs
        self.reset_asked = False
        if given.heartbeat_seq > self.beat_seq and given.heartbeat_at_s <= self.now_s:
            self.reset_asked = given.reset_count > (self.state.reset_count or 0)
            self.beat_seq, self.beat_at_s = given.heartbeat_seq, given.heartbeat_at_s
            self.beat_heat = given.heat_wanted
        elif given.heartbeat_seq < self.beat_seq and self.now_s - self.beat_at_s > 0.5:
            self.beat_seq = given.heartbeat_seq  # a new life of control
        self.before = self.out
        self.state, self.out = step(self.state, given, self.now_s)

    @rule(passed_s=st.floats(0.0, 0.4))
    def nothing_new(self, passed_s: float) -> None:
        self.decide(passed_s)

    @rule(count=st.integers(1, 8), heat=st.booleans(), resets=st.integers(0, 1))
    def all_well(self, count: int, heat: bool, resets: int) -> None:
        for _ in range(count):
            self.now_s += 0.1
            self.decide(
                outlet_b_c=42.0,
                inflow_b_c=41.0,
                probe_at_s=self.now_s,
                heartbeat_at_s=self.now_s,
                heartbeat_seq=self.inputs.heartbeat_seq + 1,
                heat_wanted=heat,
                reset_count=self.inputs.reset_count + resets,
                contactor_closed=self.out.close_contactor,
            )

    @rule(outlet=TEMPERATURES, inflow=TEMPERATURES, age_s=st.sampled_from([0.0, 0.1, 0.7, -1.0, math.nan]))
    def measure(self, outlet: float | None, inflow: float | None, age_s: float) -> None:
        self.decide(0.05, outlet_b_c=outlet, inflow_b_c=inflow, probe_at_s=self.now_s + 0.05 - age_s)

    @rule(
        rise=st.sampled_from([1, 1, 1, 0, -1, -50]),
        age_s=st.sampled_from([0.0, 0.0, 0.3, 0.6, -5.0, math.nan]),
        heat=st.booleans(),
        resets=st.integers(0, 2),
    )
    def beat(self, rise: int, age_s: float, heat: bool, resets: int) -> None:
        self.decide(
            0.05,
            heartbeat_seq=max(0, self.inputs.heartbeat_seq + rise),
            heartbeat_at_s=self.now_s + 0.05 - age_s,
            heat_wanted=heat,
            reset_count=self.inputs.reset_count + resets,
        )

    @rule(closed=st.sampled_from([None, True, False]))
    def read_back(self, closed: bool | None) -> None:
        self.decide(0.02, contactor_closed=closed)

    @invariant()
    def closed_only_when_everything_allows_it(self) -> None:
        if not self.out.close_contactor:
            return
        assert self.out.permit
        assert self.out.trip == ""
        assert self.beat_heat
        assert 0.0 <= self.now_s - self.beat_at_s <= 0.5
        assert 0.0 <= self.now_s - self.inputs.probe_at_s <= 0.6

    @invariant()
    def nothing_stays_closed_longer_than_the_persistence_after_a_probe_was_last_good(self) -> None:
        # The first bad decision may come up to 0.4 s (the longest pause here) after the last good one.
        if self.out.close_contactor:
            for at_s in self.good_at_s.values():
                assert self.now_s - at_s < 0.3 + 0.4 + 1e-9

    @invariant()
    def nothing_closes_anew_while_a_probe_is_bad_unless_it_was_permitted(self) -> None:
        if self.out.permit and not self.before.permit:
            assert set(self.good_at_s.values()) == {self.now_s}
            assert not self.beat_heat

    @invariant()
    def a_latch_goes_only_by_a_reset_and_a_reset_never_closes(self) -> None:
        if self.before.trip and not self.out.trip:
            assert self.reset_asked
            assert not self.beat_heat
            assert not self.out.close_contactor

    @invariant()
    def a_permit_lost_while_heating_has_latched(self) -> None:
        if self.before.close_contactor and not self.out.permit:
            assert self.out.trip


TestAnything = Anything.TestCase
TestAnything.settings = settings(max_examples=150, stateful_step_count=40)


def test_the_machine_above_can_close_the_contactor_at_all() -> None:
    machine = Anything()
    machine.begin()
    machine.all_well(count=3, heat=False, resets=0)
    machine.all_well(count=3, heat=True, resets=0)
    assert machine.out.close_contactor


def test_an_outlet_on_its_way_over_its_trip_is_stopped_long_before_it() -> None:
    rig = Rig().heating()
    for tick in range(200):
        celsius = 30.0 + 2.0 * tick * TICK_S
        if not rig.tick(1, outlet_b_c=round(celsius, 1)).close_contactor:
            break
    assert "no flow" in rig.out.trip
    assert 36.0 < rig.inputs.outlet_b_c < 38.0  # type: ignore[operator]


def test_the_outlet_of_an_ordinary_preheat_is_not_stopped() -> None:
    rig = Rig(outlet_b_c=20.0, inflow_b_c=20.0).heating()
    for tick in range(4000):
        celsius = 43.0 - 23.0 * math.exp(-tick * TICK_S / 14.0)  # 1.6 °C/s at first
        assert rig.tick(1, outlet_b_c=round(celsius, 1), inflow_b_c=round(celsius, 1)).close_contactor


def test_one_reading_far_off_is_no_slope_that_lasts() -> None:
    rig = Rig().heating()
    for odd_c in (45.9, 20.0):
        rig.tick(1, outlet_b_c=odd_c)
        assert rig.tick(60, outlet_b_c=42.0).close_contactor


@pytest.mark.parametrize(("apart_c", "trips"), [(4.0, False), (4.1, True), (20.0, True)])
def test_an_outlet_that_stays_far_above_the_inflow_for_longer_than_the_line_is_long_trips(
    apart_c: float, trips: bool
) -> None:
    rig = Rig(outlet_b_c=41.0).heating()
    rig.tick(round(59.0 / TICK_S), inflow_b_c=41.0 - apart_c)
    assert rig.out.close_contactor
    rig.tick(round(2.0 / TICK_S))
    assert rig.out.close_contactor is not trips
    assert ("no flow" in rig.out.trip) is trips


def test_far_above_for_as_long_as_the_line_is_long_is_what_a_cold_line_does() -> None:
    rig = Rig(outlet_b_c=41.0).heating()
    for _ in range(5):
        rig.tick(round(55.0 / TICK_S), inflow_b_c=21.0)
        rig.tick(round(5.0 / TICK_S), inflow_b_c=40.0)
    assert rig.out.close_contactor


def test_the_lease_is_left_to_lapse_after_ten_minutes_of_closed_and_closes_again_by_itself() -> None:
    rig = Rig().heating()
    opened = []
    for tick in range(round(1300.0 / TICK_S)):
        rig.tick(1)
        assert rig.out.close_contactor
        if rig.inputs.contactor_closed is False:
            opened.append(tick * TICK_S)
    assert len(opened) == 2
    assert opened[0] == pytest.approx(601.0, abs=2.0)
    assert opened[1] - opened[0] == pytest.approx(602.0, abs=1.0)
    assert rig.state.lapse_s == pytest.approx(LEASE_S, abs=0.2)


def test_h25_the_first_closing_is_over_within_a_second_until_the_contactor_was_seen_to_open() -> None:
    rig = Rig()
    rig.tick(5)
    for again in range(3):
        closed_s = 0.0
        rig.tick(1, heat_wanted=True)
        while rig.state.lapse_s is None:
            assert rig.out.lease_tenths in (0, PROOF_TENTHS)
            closed_s += TICK_S * bool(rig.inputs.contactor_closed)
            rig.tick(1)
        assert 0.5 < closed_s < 0.9
        assert rig.tick(3).lease_tenths == LEASE_TENTHS, "proved: from now on the lease is the long one"
        rig.tick(round((70.0 + again) / TICK_S), heat_wanted=False)
        rig.tick(1, heat_wanted=True)


def test_a_closing_after_half_a_minute_of_open_needs_no_proof_of_its_own() -> None:
    rig = Rig().heating()
    rig.tick(round(100.0 / TICK_S))
    proved_s = rig.state.lapse_s
    rig.tick(round(30.0 / TICK_S), heat_wanted=False)
    for _ in range(round(60.0 / TICK_S)):
        assert rig.tick(1, heat_wanted=True).lease_tenths
    assert rig.state.lapse_s == proved_s


def test_the_first_closing_after_a_minute_of_open_proves_itself_anew_and_the_old_proof_is_forgotten() -> None:
    rig = Rig().heating()
    rig.tick(round(100.0 / TICK_S))
    assert rig.state.lapse_s is not None
    rig.tick(round(3600.0 / TICK_S), heat_wanted=False)
    rig.tick(1, heat_wanted=True)
    assert rig.out.close_contactor
    assert rig.state.lapse_s is None
    rig.tick(round(10.0 / TICK_S))
    assert rig.out.lease_tenths
    assert rig.state.lapse_s is not None
    assert rig.state.closed_s < 60.0


def test_a_lease_that_does_not_lapse_is_a_weld_and_latches() -> None:
    rig = Rig()
    rig.tick(5)
    rig.obeys = False
    rig.tick(round(2.3 / TICK_S), heat_wanted=True, contactor_closed=True)
    assert rig.out.trip == ""
    assert not rig.out.lease_tenths
    rig.tick(round(0.3 / TICK_S))
    assert "welded" in rig.out.trip
    assert not rig.out.close_contactor
    assert "welded" in rig.tick(20, heat_wanted=False).trip
    assert "welded" in rig.reset().trip


@pytest.mark.parametrize("after_s", [0.1, 0.5, 0.9])
def test_a_contactor_that_opens_before_its_long_lease_is_over_proves_nothing(after_s: float) -> None:
    rig = Rig().heating()
    rig.tick(round(560.0 / TICK_S))
    while not rig.state.lapsing:
        rig.tick(1)
    rig.tick(round(after_s / TICK_S))
    rig.obeys = False
    assert rig.tick(1, contactor_closed=False).trip == "contactor opened by itself"
    assert rig.tick(1, contactor_closed=True).lease_tenths == 0


def test_a_short_lease_that_is_read_back_late_is_a_lapse_however_little_was_seen_of_it() -> None:
    rig = Rig()
    rig.tick(5)
    rig.obeys = False
    rig.tick(1, heat_wanted=True, contactor_closed=False)
    rig.tick(2, contactor_closed=True)
    assert rig.tick(1, contactor_closed=False).trip == ""
    assert rig.state.lapse_s is not None


def test_heat_no_longer_asked_for_ends_an_off_proof_without_a_result() -> None:
    rig = Rig()
    rig.tick(5)
    rig.tick(10, heat_wanted=True)
    assert rig.tick(60, heat_wanted=False) == IDLE
    assert rig.state.lapse_s is None
    assert rig.heating().state.lapse_s


def test_the_tone_is_silent_only_while_control_lives_and_nothing_is_latched() -> None:
    assert not step(ChannelState(), GOOD, 100.0)[1].quiet
    rig = Rig().heating()
    assert rig.out.quiet
    rig.tick(10, outlet_b_c=47.0)
    assert not rig.out.quiet
    rig = Rig()
    assert rig.tick(5).quiet
    rig.beating = False
    assert not rig.tick(10).quiet


def test_after_a_trip_the_clamp_may_open_only_below_43_degrees() -> None:
    rig = Rig()
    rig.tick(10)
    rig.tick(10, outlet_b_c=44.5)
    assert rig.heating().out.free
    rig.beating = False
    for outlet_c, free in ((44.5, False), (43.0, False), (None, False), (math.nan, False), (42.9, True)):
        assert rig.tick(10, outlet_b_c=outlet_c).free is free


def test_h07_a_channel_that_begins_with_hot_fluid_at_the_outlet_keeps_the_clamp_shut_until_it_has_cooled() -> None:
    rig = Rig(outlet_b_c=44.5)
    assert not rig.tick(20).free
    assert rig.tick(20, outlet_b_c=42.9).free
    assert rig.tick(20, outlet_b_c=44.5).free
