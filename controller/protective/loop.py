"""Polls the probes and the contactor as fast as the wire allows, and decides between any two transactions.

Reaction, worst case at 9600 baud 8N1 (10 bits, 1.042 ms a character), from control's last heartbeat to the frame
that opens the contactor being on the wire:
    heartbeat time-out                                                        500.0 ms
    a transaction that was begun just before it, and gets no answer:
        3.5 characters of gap, 8 of request, reply time-out, silence          212.0 ms  (3.6 + 8.3 + 100 + 100)
    gap and the 8 characters of the opening frame                              12.0 ms
                                                                       sum    724 ms <= 800 ms
With every unit answering it is about 560 ms. An opening frame that is lost is repeated after every transaction; when
the wire is dead the lease (2.0 s) opens the contactor. Read-back is of the relay's output, not of the power contacts.
"""

from collections.abc import Callable
from dataclasses import dataclass

from controller.protective.channel import HARD, ChannelInputs, ChannelOutputs, ChannelState, step
from controller.protective.limits import LEASE_S, LEASE_TENTHS, REARM_S, REPLY_TIMEOUT_S, Limits
from controller.protective.link import Link
from controller.protective.rtu import LINK_ERRORS, Master, NoAnswer, ScaledClock

FLASH_ON = 0x0200  # Waveshare Modbus RTU Relay wiki: FC05 here + channel, value N: close for N x 100 ms, then open
SENTINELS = (0x7FFF, -0x8000, 6500, -1800, 9999)
BOARD_LOW_C, BOARD_HIGH_C = -40.0, 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Unit addresses and channels on the protective port, and the limits that hold there."""

    probe_unit: int
    outlet_channel: int
    inflow_channel: int
    relay_unit: int
    contactor_channel: int
    limits: Limits = HARD
    allowance_s: float = 0.0


class Loop:
    """One `round` reads everything once. `open_master` may raise a link error: then there are no probes."""

    def __init__(self, *, wiring: Wiring, clock: ScaledClock, link: Link, open_master: Callable[[], Master]) -> None:
        self._wiring, self._clock, self._link, self._open_master = wiring, clock, link, open_master
        self._state, self._inputs, self._outputs = ChannelState(), ChannelInputs(), ChannelOutputs()
        self._master: Master | None = None
        self._rearm_at_s, self._lease_until_s = clock.now(), clock.now() + LEASE_S  # another may just have armed it
        self._may_be_closed = True  # until it was commanded open and read back open
        self._seq = 0
        self._said: dict[str, str] = {}

    def round(self) -> None:
        """Read both probes, read the contactor back, re-arm its lease; decide after each; report once."""
        if self._master is None:
            self._clock.sleep(REPLY_TIMEOUT_S)  # heartbeats and status go on at this pace
            try:
                self._master = self._open_master()
                self._note("port", "open")
            except LINK_ERRORS as error:
                self._note("port", "lost", error)
        self._try("probes", self._read_probes)
        self._decide()
        self._try("contactor", self._read_contactor)
        self._decide()
        # Only straight after a read-back: a lapse of the lease must be seen before it is covered up.
        if self._outputs.close_contactor and self._clock.now() >= self._rearm_at_s:
            self._try("contactor", self._arm)
            self._decide()
        self._report()

    def make_safe(self) -> None:
        """Open the contactor, tried once, and give the port back."""
        self._try("contactor", self._open)
        if self._master:
            self._master.close()

    def _decide(self) -> None:
        if beat := self._link.hear():
            self._inputs = self._inputs._replace(**beat._asdict())
        now_s = self._clock.now()
        limits, allowance_s = self._wiring.limits, self._wiring.allowance_s
        self._state, self._outputs = step(self._state, self._inputs, now_s, limits, allowance_s)
        permit = "permit" if self._outputs.permit else f"no permit: {self._outputs.trip or self._outputs.why_not}"
        self._note("decision", permit + (", heat" if self._outputs.close_contactor else ""))
        if not self._outputs.close_contactor and (self._may_be_closed or self._inputs.contactor_closed):
            self._try("contactor", self._open)
            self._try("contactor", self._read_contactor)
            self._may_be_closed = self._inputs.contactor_closed is not False

    def _read_probes(self, master: Master) -> None:
        channels = (self._wiring.outlet_channel, self._wiring.inflow_channel)
        at_s, first = self._clock.now(), min(channels)
        words = master.read_holding(self._wiring.probe_unit, first, max(channels) - first + 1)
        outlet_c, inflow_c = (celsius(words[channel - first]) for channel in channels)
        self._inputs = self._inputs._replace(outlet_b_c=outlet_c, inflow_b_c=inflow_c, probe_at_s=at_s)

    def _read_contactor(self, master: Master) -> None:
        self._inputs = self._inputs._replace(contactor_closed=None)  # unless it answers
        closed = master.read_coil(self._wiring.relay_unit, self._wiring.contactor_channel)
        self._inputs = self._inputs._replace(contactor_closed=closed)

    def _arm(self, master: Master) -> None:
        now_s, self._may_be_closed = self._clock.now(), True
        self._lease_until_s = now_s + LEASE_S + REPLY_TIMEOUT_S
        master.write_coil(self._wiring.relay_unit, FLASH_ON + self._wiring.contactor_channel, LEASE_TENTHS)
        self._rearm_at_s = now_s + REARM_S  # not reached without an answer: then it is due again at once

    def _open(self, master: Master) -> None:
        self._rearm_at_s = self._clock.now()
        master.write_coil(self._wiring.relay_unit, self._wiring.contactor_channel, 0x0000)

    def _try(self, what: str, transaction: Callable[[Master], None]) -> None:
        if self._master is None:
            return
        try:
            transaction(self._master)
            self._note(what, "answers")
        except NoAnswer as error:
            self._note(what, "no valid answer", error)
        except LINK_ERRORS as error:
            self._master.close()
            self._master = None
            self._inputs = self._inputs._replace(outlet_b_c=None, inflow_b_c=None, contactor_closed=None)
            self._note("port", "lost", error)

    def _report(self) -> None:
        now_s, closed, self._seq = self._clock.now(), self._inputs.contactor_closed, self._seq + 1
        closed = now_s < self._lease_until_s if closed is None else closed  # unknown: as long as the lease may run
        status = {"seq": self._seq, "at": now_s, "permit": self._outputs.permit, "contactor_closed": closed}
        temperatures = {"outlet_b_c": self._inputs.outlet_b_c, "inflow_b_c": self._inputs.inflow_b_c}
        self._link.report({**status, "trip": self._outputs.trip, **temperatures})

    def _note(self, what: str, text: str, detail: object = "") -> None:
        if self._said.get(what) != text:
            self._said[what] = text
            self._link.say(f"{self._clock.now():.2f} {what}: {text} {detail}")


def celsius(word: int) -> float | None:
    """A register of an 8-channel Pt100 board, signed 0.1 °C (ComWinTop); None for a sentinel or what no probe says."""
    tenths = word - 0x10000 if word & 0x8000 else word
    if tenths in SENTINELS or not (BOARD_LOW_C <= tenths / 10 <= BOARD_HIGH_C):
        return None
    return tenths / 10
