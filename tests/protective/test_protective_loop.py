"""The protective loop against boards in memory, in virtual time."""

import dataclasses
import itertools
import json

import pytest
from protective_board import Bus, Clock, FakeLink

from controller.protective import rtu
from controller.protective.limits import LEASE_TENTHS, PROOF_TENTHS, Limits
from controller.protective.loop import Loop, Wiring, celsius


class Stand:
    """A loop with its bus and its control."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **wired: int) -> None:
        self.clock = Clock()
        self.bus = Bus(self.clock)
        self.link = FakeLink(self.clock)
        self.opened = 0

        def open_serial(path: str, baud: int, frame: str, timeout_s: float) -> Bus:
            self.bus.timeout_s = timeout_s
            if self.bus.unplugged:
                raise OSError(2, "No such file or directory")
            self.opened += 1
            return self.bus

        monkeypatch.setattr(rtu, "open_serial", open_serial)
        self.loop = Loop(
            wiring=Wiring(probe_unit=1, outlet_channel=0, inflow_channel=1, relay_unit=2, contactor_channel=0, **wired),
            clock=self.clock,  # type: ignore[arg-type]
            link=self.link,  # type: ignore[arg-type]
            open_master=lambda: rtu.Master(path="x", baud=9600, frame="8N1", clock=self.clock),  # type: ignore[arg-type]
        )

    def run(self, seconds: float) -> None:
        until_s = self.clock.now_s + seconds
        while self.clock.now_s < until_s:
            self.loop.round()

    def heating(self) -> None:
        self.run(1.0)
        self.link.heat = True
        self.run(2.5)  # the first lease is left to lapse
        assert self.bus.closed
        assert self.link.statuses[-1]["lapse_s"] is not None

    def opened_after(self, since_s: float, within_s: float = 3.0) -> float:
        """Seconds from `since_s` until a frame that opens the contactor is on the wire."""
        while self.clock.now_s < since_s + within_s:
            self.loop.round()
            later = [at_s for at_s in self.bus.opening_frames() if at_s >= since_s]
            if later:
                return later[0] - since_s
        raise AssertionError("never opened")

    def flashed(self, channel: int, since_s: float, tenths: int = LEASE_TENTHS) -> int:
        """How often that relay was refreshed since then."""
        frame = bytes((2, 5, 2, channel, 0, tenths))
        return sum(data[:6] == frame for at_s, data in self.bus.frames if at_s >= since_s)

    @property
    def status(self) -> dict[str, object]:
        return self.link.statuses[-1]


@pytest.fixture
def stand(monkeypatch: pytest.MonkeyPatch) -> Stand:
    return Stand(monkeypatch)


def test_the_contactor_is_opened_first_of_all_even_if_another_process_left_it_closed(stand: Stand) -> None:
    stand.bus.on = True
    stand.run(0.5)
    assert stand.bus.opening_frames()
    assert not stand.bus.closed
    assert not any(data[:4] == bytes((2, 5, 2, 0)) for _, data in stand.bus.frames)


def test_h25_the_lease_of_the_first_closing_is_short_on_the_wire_and_armed_once(stand: Stand) -> None:
    stand.heating()
    arms = [data[4:6] for _, data in stand.bus.frames if data[:4] == bytes((2, 5, 2, 0))]
    assert arms[0] == bytes((0, 7))
    assert set(arms[1:]) == {bytes((0, 20))}


def test_heat_closes_the_contactor_and_the_lease_is_rearmed_four_times_in_its_length(stand: Stand) -> None:
    stand.heating()
    stand.bus.frames.clear()
    stand.run(10.0)
    arms = [at_s for at_s, data in stand.bus.frames if data[:6] == bytes((2, 5, 2, 0, 0, 20))]
    gaps = [b - a for a, b in itertools.pairwise(arms)]
    assert len(arms) >= 15
    assert min(gaps) >= 0.5
    assert max(gaps) < 0.65
    assert stand.bus.closed
    assert stand.status == {
        "seq": len(stand.link.statuses),
        "at": stand.status["at"],
        "permit": True,
        "contactor_closed": True,
        "trip": "",
        "why_not": "",
        "outlet_b_c": 42.0,
        "inflow_b_c": 41.5,
        "limits": dataclasses.asdict(Limits()),
        "lapse_s": pytest.approx(0.65, abs=0.1),
        "opened_s": pytest.approx(0.1, abs=0.1),
    }


def test_heat_that_was_asked_for_before_the_channel_started_does_not_close(stand: Stand) -> None:
    stand.link.heat = True
    stand.run(3.0)
    assert not stand.bus.closed
    assert stand.status["permit"] is False
    stand.link.heat = False
    stand.run(0.5)
    assert stand.status["permit"] is True


def test_heat_no_longer_asked_for_opens_without_a_latch_and_may_close_again(stand: Stand) -> None:
    stand.heating()
    stand.link.heat = False
    stand.run(0.3)
    assert not stand.bus.closed
    assert (stand.status["permit"], stand.status["trip"]) == (True, "")
    stand.link.heat = True
    stand.run(0.3)
    assert stand.bus.closed


@pytest.mark.parametrize("reply_s", [0.002, 0.02, 0.08])
def test_a_dead_control_is_answered_with_an_opening_frame_within_800_ms(stand: Stand, reply_s: float) -> None:
    stand.bus.reply_s = reply_s
    stand.heating()
    stand.link.beating = False
    reaction_s = stand.opened_after(stand.link.last_at_s)
    assert 0.5 < reaction_s <= 0.8
    stand.run(0.5)
    assert not stand.bus.closed
    assert "control silent" in str(stand.status["trip"])


@pytest.mark.parametrize("phase_s", [step / 50 for step in range(26)])
def test_even_when_every_unit_falls_silent_the_opening_frame_leaves_within_800_ms(stand: Stand, phase_s: float) -> None:
    stand.heating()
    stand.link.beating = False
    # The wire dies at any moment before the heartbeat's time is up: the transaction under way has to time out first.
    stand.bus.deaf_s = (stand.link.last_at_s + phase_s, stand.link.last_at_s + 99.0)
    assert stand.opened_after(stand.link.last_at_s) <= 0.8


def test_the_stated_worst_case_is_the_sum_of_the_constants() -> None:
    from controller.protective import limits

    char_s = 10 / 9600
    under_way_s = (3.5 + 8) * char_s + limits.REPLY_TIMEOUT_S + limits.SILENCE_S
    worst_s = limits.Limits().heartbeat_timeout_s + under_way_s + (3.5 + 8) * char_s
    assert worst_s == pytest.approx(0.724, abs=0.001)
    assert worst_s <= 0.8


def test_a_lost_opening_frame_is_sent_again_until_the_contactor_reads_open(stand: Stand) -> None:
    stand.heating()
    stand.link.heat = False
    stand.bus.silent = {2}
    stand.run(1.0)
    assert len(stand.bus.opening_frames()) >= 3
    stand.bus.silent = set()
    stand.run(0.3)
    assert not stand.bus.closed


def test_the_lease_opens_the_contactor_when_the_wire_is_dead(stand: Stand) -> None:
    stand.heating()
    dead_s = stand.clock.now_s
    stand.bus.deaf_s = (dead_s, dead_s + 99.0)
    stand.run(2.2)
    assert not stand.bus.closed
    assert stand.status["trip"]
    stand.run(0.8)  # a re-arm whose answer was lost may have been heard
    assert stand.status["contactor_closed"] is False


def test_after_a_dead_wire_comes_back_the_contactor_stays_open(stand: Stand) -> None:
    stand.heating()
    stand.bus.deaf_s = (stand.clock.now_s, stand.clock.now_s + 3.0)
    stand.run(6.0)
    assert not stand.bus.closed
    assert stand.status["permit"] is False


@pytest.mark.parametrize("word", [0x7FFF, 0x8000, 6500, -1800 & 0xFFFF, 9999, 461, 10, 1300])
def test_a_hot_or_faulty_probe_opens_and_latches_within_half_a_second(stand: Stand, word: int) -> None:
    for channel in (0, 1):
        stand.heating()
        stand.bus.words[channel] = word
        assert 0.3 <= stand.opened_after(stand.clock.now_s) <= 0.5
        stand.bus.words[channel] = 420
        stand.run(2.0)
        assert not stand.bus.closed
        stand.link.heat = False
        stand.run(0.3)
        stand.link.reset += 1
        stand.run(0.3)
        assert stand.status["trip"] == ""
        assert not stand.bus.closed


def test_a_probe_board_that_falls_silent_opens_within_a_second(stand: Stand) -> None:
    stand.heating()
    stand.bus.silent = {1}
    assert stand.opened_after(stand.clock.now_s) <= 1.0
    assert "probes silent" in str(stand.status["trip"])


def test_a_single_lost_reply_is_no_fault(stand: Stand) -> None:
    stand.heating()
    for _ in range(5):
        stand.bus.deaf_s = (stand.clock.now_s, stand.clock.now_s + 0.05)
        stand.run(1.0)
    assert stand.bus.closed
    assert stand.status["trip"] == ""


@pytest.mark.parametrize("reply_s", [0.005, 0.01, 0.02, 0.03])
@pytest.mark.parametrize("lost", range(10))
def test_h25_h29_one_answer_lost_about_the_first_closing_is_no_fault_and_keeps_it_short(
    monkeypatch: pytest.MonkeyPatch, reply_s: float, lost: int
) -> None:
    def closed(unanswered: set[int]) -> tuple[Stand, list[int]]:
        stand = Stand(monkeypatch, clamp_channel=1, tone_channel=2)
        stand.bus.reply_s, stand.bus.unanswered = reply_s, unanswered
        stand.run(1.0)
        stand.link.heat = True
        stand.run(4.0)
        short = bytes((2, 5, 2, 0, 0, PROOF_TENTHS))
        return stand, [number for number, (_, data) in enumerate(stand.bus.frames) if data[:6] == short]

    first = closed(set())[1][0]
    stand, arms = closed({first + lost})
    assert stand.status["trip"] == ""
    assert stand.status["lapse_s"] is not None
    assert stand.bus.closed
    assert stand.bus.frames[arms[-1]][0] + PROOF_TENTHS / 10 - stand.bus.frames[arms[0]][0] < 1.1
    assert min(stand.flashed(1, stand.clock.now_s - 1.0), stand.flashed(2, stand.clock.now_s - 1.0)) > 0


def test_a_late_reply_is_not_taken_for_the_next_answer(stand: Stand) -> None:
    stand.heating()
    stand.bus.late_s = 0.15  # after the time-out, inside the silence
    stand.run(0.25)
    stand.bus.late_s = 0.0
    stand.bus.words[:2] = [300, 310]
    stand.run(0.3)
    assert (stand.status["outlet_b_c"], stand.status["inflow_b_c"]) == (30.0, 31.0)


def test_a_port_that_is_pulled_takes_the_permit_and_is_opened_again(stand: Stand) -> None:
    stand.heating()
    pulled_s = stand.clock.now_s
    stand.bus.unplugged = True
    stand.run(0.6)
    assert stand.status["permit"] is False
    assert stand.status["outlet_b_c"] is None
    assert stand.clock.now_s - pulled_s < 1.0
    stand.run(2.0)
    assert stand.status["contactor_closed"] is False  # the lease has run out
    stand.bus.unplugged = False
    stand.run(1.0)
    assert stand.opened == 2
    assert stand.status["outlet_b_c"] == 42.0
    assert not stand.bus.closed


def test_a_port_that_is_missing_at_the_start_is_found_later(stand: Stand) -> None:
    stand.bus.unplugged = True
    stand.run(2.0)
    assert stand.status["permit"] is False
    stand.bus.unplugged = False
    stand.run(1.0)
    assert stand.status["permit"] is True
    assert sum("port: lost" in line for line in stand.link.lines) == 1


def test_a_welded_contactor_is_a_latched_trip_that_no_reset_clears_while_it_lasts(stand: Stand) -> None:
    stand.heating()
    stand.bus.welded = True
    stand.link.heat = False
    stand.run(1.0)
    assert "welded" in str(stand.status["trip"])
    stand.link.reset += 1
    stand.run(0.5)
    assert "welded" in str(stand.status["trip"])
    stand.bus.welded = False
    stand.run(0.5)
    assert "welded" in str(stand.status["trip"])
    stand.link.reset += 1
    stand.run(0.5)
    assert stand.status["trip"] == ""


def test_a_board_that_does_not_extend_its_lease_is_found_out_and_stays_open(stand: Stand) -> None:
    stand.bus.retriggers = False
    stand.heating()
    stand.run(4.0)
    assert stand.status["trip"] == "contactor opened by itself"
    assert not stand.bus.closed


def test_ending_the_process_opens_the_contactor(stand: Stand) -> None:
    stand.heating()
    stand.loop.make_safe()
    assert not stand.bus.closed


def test_ending_the_process_while_the_port_is_gone_asks_nothing_of_it_and_leaves_it_to_the_lease(stand: Stand) -> None:
    stand.heating()
    stand.bus.unplugged = True
    stand.run(0.3)
    sent = len(stand.bus.frames)
    stand.loop.make_safe()
    assert len(stand.bus.frames) == sent
    stand.clock.sleep(2.0)
    assert not stand.bus.closed


def test_one_line_is_said_per_change(stand: Stand) -> None:
    stand.heating()
    said = len(stand.link.lines)
    stand.run(20.0)
    assert len(stand.link.lines) == said
    stand.link.beating = False
    stand.run(5.0)
    assert len(stand.link.lines) == said + 1


@pytest.mark.parametrize(
    ("word", "expected_c"),
    [
        (420, 42.0),
        (0xFFF6, -1.0),
        (0, 0.0),
        (1200, 120.0),
        (1201, None),
        (0x7FFF, None),
        (0x8000, None),
        (6500, None),
        (-1800 & 0xFFFF, None),
        (9999, None),
        (-400 & 0xFFFF, -40.0),
        (-401 & 0xFFFF, None),
    ],
)
def test_a_register_is_a_temperature_or_nothing(word: int, expected_c: float | None) -> None:
    assert celsius(word) == expected_c


def test_tone_and_clamp_are_refreshed_while_all_is_well_and_left_to_lapse_after_a_trip(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stand = Stand(monkeypatch, clamp_channel=1, tone_channel=2)
    stand.heating()
    began_s = stand.clock.now_s
    stand.run(5.0)
    assert stand.flashed(1, began_s) >= 7
    assert stand.flashed(2, began_s) >= 7
    stand.bus.words[0] = 470
    stand.run(0.6)
    assert stand.status["trip"]
    began_s = stand.clock.now_s
    stand.run(5.0)
    assert stand.flashed(1, began_s) == stand.flashed(2, began_s) == 0
    stand.bus.words[0] = 429
    stand.run(2.0)
    assert stand.flashed(1, began_s) > 0, "cool enough: the clamp may open"
    assert stand.flashed(2, began_s) == 0, "still latched: the tone sounds"


@pytest.mark.parametrize("reply_s", [0.002, 0.02])
def test_a_dead_control_is_answered_in_time_with_every_relay_wired(
    monkeypatch: pytest.MonkeyPatch, reply_s: float
) -> None:
    stand = Stand(monkeypatch, clamp_channel=1, tone_channel=2)
    stand.bus.reply_s = reply_s
    stand.heating()
    stand.link.beating = False
    assert stand.opened_after(stand.link.last_at_s) <= 0.8
    stand.run(0.5)
    assert stand.status["opened_s"] == pytest.approx(0.6, abs=0.12)
    assert stand.flashed(2, stand.clock.now_s - 0.3) == 0


def test_the_status_before_any_heartbeat_can_be_said(stand: Stand) -> None:
    stand.link.beating = False
    stand.bus.on = True
    stand.run(1.0)
    json.dumps(stand.status, allow_nan=False)
    assert stand.status["opened_s"] is None
