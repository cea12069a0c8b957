"""The turns of one port in virtual time: `turn` is called as the thread would call it."""

from __future__ import annotations

import termios
from collections.abc import Sequence

import pytest
from runtime_fakes import FakeDevice, FakeLine

from controller.runtime.commands import CommandBoard, StopFlag
from controller.runtime.ports import PortWorker
from controller.runtime.slot import SlotState
from drivers.port import Port
from drivers.roles import (
    BadReply,
    BathCommand,
    DeviceError,
    LinkLost,
    NoReply,
    PumpCommand,
    Refused,
    Restarted,
    WrongDevice,
)
from sim.memory import VirtualClock

HEAT = BathCommand(True, 42.0)
COLD = BathCommand(False, 20.0)
TURN = PumpCommand(100.0)
STILL = PumpCommand(0.0)


class OnePort:
    """A worker with fake devices, stepped by hand."""

    def __init__(self, *names: str) -> None:
        self.clock = VirtualClock()
        self.stop = StopFlag()
        self.board = CommandBoard(safe={"bath": COLD, "pump": STILL}, stop=self.stop)
        self.devices = {name: FakeDevice(name, self.clock) for name in names}
        self.lines: list[FakeLine] = []
        self.missing: DeviceError | None = None
        self.worker = PortWorker(
            name="bus",
            open_port=self._open,
            devices=[(name, self._maker(name)) for name in names],
            board=self.board,
            clock=self.clock,
        )
        self.worker.open()

    def _open(self) -> Port:
        if self.missing:
            raise self.missing
        self.lines.append(FakeLine())
        return Port(name="bus", line=self.lines[-1], clock=self.clock, timeout_s=0.3, char_s=0.001)

    def _maker(self, name: str):
        return lambda port: self.devices[name]

    def turns(self, count: int) -> None:
        for _ in range(count):
            self.clock.sleep(self.worker.turn())

    def run_for(self, seconds: float) -> None:
        until_s = self.clock.now() + seconds
        while self.clock.now() < until_s:
            self.clock.sleep(self.worker.turn())

    def settle(self) -> None:
        """Sessions open, every device read once."""
        self.turns(2 * len(self.devices))
        assert not self.worker.link_faults()
        for device in self.devices.values():
            device.calls.clear()
            device.told.clear()

    def publish(self, **commands: BathCommand | PumpCommand) -> None:
        self.board.publish(commands, self.clock.now())

    def state(self, name: str) -> SlotState:
        return next(slot.state for slot in self.worker.slots if slot.name == name)

    def fault(self, name: str) -> str:
        return next((fault.text for fault in self.worker.link_faults() if fault.device == name), "")


def calls(port: OnePort, names: Sequence[str]) -> list[int]:
    return [port.devices[name].calls.count("exchange") for name in names]


def test_every_device_has_a_fault_until_it_has_answered_once() -> None:
    port = OnePort("bath", "pump")
    assert [fault.device for fault in port.worker.link_faults()] == ["bath", "pump"]
    assert not port.worker.tried
    port.turns(2)
    assert port.worker.tried
    assert len(port.worker.link_faults()) == 2  # sessions are open, nothing was read yet
    port.turns(2)
    assert port.worker.link_faults() == []


def test_devices_take_turns() -> None:
    port = OnePort("bath", "pump", "probes")
    port.settle()
    port.turns(9)
    assert calls(port, ("bath", "pump", "probes")) == [3, 3, 3]


def test_one_silent_device_does_not_stop_the_others() -> None:
    port = OnePort("bath", "probes")
    port.settle()
    bath = port.devices["bath"]
    bath.takes_s = 0.6  # time-out and silence
    bath.failing = {"exchange": NoReply("silent"), "confirm": NoReply("silent")}
    began_s = port.clock.now()
    ages = []
    while port.clock.now() < began_s + 30.0:
        port.clock.sleep(port.worker.turn())
        ages.append(port.clock.now() - port.worker.slots[1].readings["value"].at_s)
    assert max(ages) <= 1.0
    assert calls(port, ("probes",))[0] > 1000
    assert port.fault("bath") == "does not answer"
    assert port.fault("probes") == ""
    assert port.worker.link_faults()[0].since_s == pytest.approx(began_s + 0.6)


@pytest.mark.parametrize("error", [NoReply("nothing"), BadReply("checksum")])
def test_after_a_bad_answer_the_device_is_asked_who_it_is_before_it_is_read(error: DeviceError) -> None:
    port = OnePort("bath")
    port.settle()
    bath = port.devices["bath"]
    bath.failing = {"exchange": error}
    port.turns(1)
    assert port.state("bath") is SlotState.SUSPECT
    kept = port.worker.slots[0].readings
    bath.failing = {}
    bath.calls.clear()
    port.turns(1)
    assert bath.calls == ["confirm", "exchange"]
    assert port.fault("bath") == ""
    assert port.worker.slots[0].readings["value"].at_s > kept["value"].at_s


def test_a_value_is_not_renewed_by_a_failed_exchange() -> None:
    port = OnePort("bath")
    port.settle()
    before = port.worker.slots[0].readings
    port.devices["bath"].failing = {"exchange": NoReply("nothing"), "confirm": NoReply("nothing")}
    port.run_for(5.0)
    assert port.worker.slots[0].readings is before


def test_a_restarted_device_loses_its_values_and_gets_a_new_session_before_any_command() -> None:
    port = OnePort("bath")
    port.settle()
    bath = port.devices["bath"]
    bath.failing = {"exchange": Restarted("watchdog not armed")}
    port.turns(1)
    assert port.worker.slots[0].readings["value"].value is None
    assert "watchdog" in (port.worker.slots[0].readings["value"].fault or "")
    bath.failing = {}
    bath.calls.clear()
    port.publish(bath=HEAT)
    port.turns(2)
    assert bath.calls == ["open_session", "exchange"]


@pytest.mark.parametrize("error", [Restarted("settings lost"), LinkLost("unplugged")])
def test_a_lost_session_stays_a_fault_long_enough_for_the_cycle_to_trip(error: DeviceError) -> None:
    port = OnePort("bath")
    port.settle()
    port.devices["bath"].failing = {"exchange": error}
    port.turns(1)
    port.devices["bath"].failing = {}
    lost_s = port.worker.link_faults()[0].since_s
    while port.worker.link_faults():
        port.turns(1)
        assert port.clock.now() < lost_s + 3.0
    assert port.clock.now() - lost_s > 1.2
    port.devices["bath"].failing = {"exchange": NoReply("one lost reply")}
    port.turns(1)
    port.devices["bath"].failing = {}
    port.turns(1)
    assert port.worker.link_faults() == []  # one reply that is lost is no lost session


def test_a_wrong_device_is_never_used_again_even_when_the_port_comes_back() -> None:
    port = OnePort("bath", "pump")
    port.settle()
    bath = port.devices["bath"]
    wrong = WrongDevice("a pump answers")
    bath.failing = {"exchange": NoReply("nothing"), "confirm": wrong, "open_session": wrong}
    port.turns(6)
    assert port.state("bath") is SlotState.WRONG
    bath.failing = {}
    bath.calls.clear()
    port.devices["pump"].failing = {"exchange": LinkLost("unplugged")}
    port.turns(1)
    port.devices["pump"].failing = {}
    port.publish(bath=HEAT)
    port.run_for(5.0)
    assert bath.calls == []
    assert port.fault("bath")
    assert port.fault("pump") == ""


def test_a_reply_that_came_seconds_late_is_not_taken_for_another_device_for_ever() -> None:
    port = OnePort("bath", "pump")
    port.settle()
    bath = port.devices["bath"]
    bath.failing = {"exchange": NoReply("stalled"), "confirm": WrongDevice("serial number 1103626240 answers")}
    port.turns(3)
    assert port.state("bath") is SlotState.CLOSED
    assert all(reading.value is None for reading in next(iter(port.worker.slots)).readings.values())
    bath.failing = {}
    lost_s = next(fault.since_s for fault in port.worker.link_faults() if fault.device == "bath")
    while port.fault("bath"):
        port.turns(1)
        assert port.clock.now() < lost_s + 4.0
    assert port.state("bath") is SlotState.OPEN
    assert port.clock.now() - lost_s > 1.2  # it stands as a fault for so long that the heat is tripped


def test_a_refusal_keeps_the_session_and_the_command_is_tried_again_at_the_next_turn() -> None:
    port = OnePort("pump")
    port.settle()
    pump = port.devices["pump"]
    pump.failing = {"exchange": Refused("read back 90 rpm")}
    for _ in range(20):
        port.publish(pump=TURN)
        port.turns(1)
    assert pump.calls == ["exchange"] * 20
    assert "90 rpm" in port.fault("pump")


@pytest.mark.parametrize("error", [LinkLost("unplugged"), OSError(5, "Input/output error"), termios.error(5, "gone")])
def test_a_lost_port_is_opened_again_and_every_session_on_it(error: Exception) -> None:
    port = OnePort("bath", "pump")
    port.settle()
    port.devices["bath"].failing = {"exchange": error}
    port.turns(1)
    assert port.lines[0].closed
    assert all(slot.readings["value"].value is None for slot in port.worker.slots)
    assert [fault.device for fault in port.worker.link_faults()] == ["bath", "pump"]
    port.missing = LinkLost("no such file")
    port.run_for(3.0)
    assert "no such file" in port.fault("pump")
    port.missing = None
    port.devices["bath"].failing = {}
    port.run_for(2.0)
    assert len(port.lines) == 2
    assert "open_session" in port.devices["pump"].calls
    assert port.worker.link_faults() == []


def test_a_stale_command_is_not_refreshed_and_an_old_one_makes_the_device_safe_once() -> None:
    port = OnePort("bath")
    port.settle()
    bath = port.devices["bath"]
    port.publish(bath=HEAT)
    port.run_for(0.29)
    assert set(bath.told) == {HEAT}
    bath.told.clear()
    port.run_for(0.7)
    assert set(bath.told[1:]) == {None}
    assert "make_safe" not in bath.calls
    port.run_for(5.0)
    assert bath.calls.count("make_safe") == 1
    port.publish(bath=HEAT)
    port.run_for(2.0)
    assert bath.calls.count("make_safe") == 2


def test_taking_energy_away_does_not_wait_for_its_turn() -> None:
    port = OnePort("bath", "a", "b", "c", "d")
    port.settle()
    port.publish(bath=HEAT)
    while port.devices["bath"].told[-1:] != [HEAT]:
        port.turns(1)
    port.publish(bath=COLD)
    port.turns(1)
    assert port.devices["bath"].told[-1] == COLD
    port.publish(bath=COLD)
    port.turns(1)
    assert calls(port, ("bath",))[0] == len(port.devices["bath"].told)
    assert port.devices["bath"].calls[-1:] == ["exchange"]
    assert sum(calls(port, ("a", "b", "c", "d"))) >= 1  # and once it is told, the others have their turns again


def test_a_pending_stop_reaches_the_device_at_the_next_turn_without_any_cycle() -> None:
    port = OnePort("bath", "a", "b", "c")
    port.settle()
    port.publish(bath=HEAT)
    while port.devices["bath"].told[-1:] != [HEAT]:
        port.turns(1)
    port.stop.request()
    port.turns(1)
    assert port.devices["bath"].told[-1] == COLD
    port.run_for(5.0)  # the loop is dead: the port goes on saying so
    assert port.devices["bath"].told[-1] == COLD


def test_ending_makes_every_device_safe_even_when_one_refuses_and_closes_the_line() -> None:
    port = OnePort("bath", "pump")
    port.settle()
    port.devices["bath"].failing = {"make_safe": NoReply("nothing")}
    assert port.worker.end(timeout_s=1.0)
    assert port.devices["pump"].calls == ["make_safe"]
    assert port.lines[0].closed
    assert any("could not be made safe" in note.text for note in port.worker.notes)


def test_what_nobody_foresaw_leaves_the_port_faulted_and_its_devices_safe() -> None:
    port = OnePort("bath", "pump")
    port.settle()
    port.devices["bath"].failing = {"exchange": ZeroDivisionError("a driver's mistake")}
    port.worker.start()
    port.worker._thread.join(5.0)
    assert port.devices["pump"].calls[-1] == "make_safe"
    assert port.devices["bath"].calls[-1] == "make_safe"
    assert "ZeroDivisionError" in port.worker.failure
    assert "ZeroDivisionError" in port.fault("pump")
    assert all(slot.readings["value"].value is None for slot in port.worker.slots)
    assert port.lines[0].closed
    assert port.worker.end(timeout_s=1.0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_h33_a_port_whose_thread_died_without_a_word_is_a_fault_of_all_its_devices() -> None:
    port = OnePort("bath", "pump")
    port.settle()
    assert port.worker.link_faults() == []
    port.devices["bath"].failing = {"exchange": SystemExit()}  # as nothing that a driver raises: nobody catches it
    port.worker.start()
    port.worker._thread.join(5.0)
    assert port.worker.failure == ""
    assert {fault.device for fault in port.worker.link_faults()} == {"bath", "pump"}
    assert "its thread has ended" in port.fault("pump")
    assert port.devices["pump"].calls[-1] == "make_safe"


def test_statistics_count_exchanges_errors_latency_and_rate() -> None:
    port = OnePort("a", "b")
    port.settle()
    port.devices["a"].takes_s = 0.03
    port.run_for(20.0)
    first, second = port.worker.statistics()
    assert first.latency_s == pytest.approx(0.03)
    assert first.rate_hz == pytest.approx(1 / 0.04, rel=0.1)
    assert second.errors == 0
    port.devices["b"].failing = {"exchange": BadReply("noise")}
    port.turns(2)
    assert port.worker.statistics()[1].errors == 1


def test_a_thread_serves_until_it_is_ended() -> None:
    port = OnePort("a")
    port.worker.start()
    while len(port.devices["a"].calls) < 100:
        pass
    assert port.worker.end(timeout_s=5.0)
    assert port.devices["a"].calls[-1] == "make_safe"
