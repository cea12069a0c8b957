"""Polls the probes and the contactor as fast as the wire allows, and decides between any two transactions.

From control's last heartbeat to the opening frame at 9600 baud: time-out 500 ms, a transaction just begun that gets no
answer 212 ms, gap and frame 12 ms: 724 ms. A lost opening frame is repeated after every transaction; when the wire is
dead the lease opens the contactor. Read-back is of the relay's output, not of the power contacts.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from controller.protective.channel import ChannelInputs, ChannelOutputs, ChannelState, step
from controller.protective.limits import HARD, LEASE_S, LEASE_TENTHS, REARM_S, REPLY_TIMEOUT_S, Limits
from controller.protective.link import Link
from controller.protective.rtu import LINK_ERRORS, Master, NoAnswer, ScaledClock

FLASH_ON = 0x0200  # Waveshare Modbus RTU Relay wiki: FC05 here + channel, value N: close for N x 100 ms, then open


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Addresses and channels on the protective port, and the limits that hold there."""

    probe_unit: int
    outlet_channel: int
    inflow_channel: int
    relay_unit: int
    contactor_channel: int
    clamp_channel: int | None = None  # in series with the coil of the clamp to the patient
    tone_channel: int | None = None  # sounds when it is not refreshed
    limits: Limits = HARD
    allowance_s: float = 0.0


class Loop:
    """One `round` reads everything once. `open_master` may raise a link error: then there are no probes."""

    def __init__(self, *, wiring: Wiring, clock: ScaledClock, link: Link, open_master: Callable[[], Master]) -> None:
        self._wiring, self._clock, self._link, self._open_master = wiring, clock, link, open_master
        self._state, self._inputs, self._outputs = ChannelState(), ChannelInputs(), ChannelOutputs()
        self._master: Master | None = None
        self._rearm_at_s: dict[int, float] = {}  # by channel
        self._lease_until_s = clock.now() + LEASE_S  # another may just have armed it
        self._opened_s: float | None = None  # how long after the last heartbeat the contactor was last read open
        self._may_be_closed, self._seq = True, 0  # until it was commanded open and read back open
        self._said: dict[str, str] = {}

    def round(self) -> None:
        """Read both probes, read the contactor back, re-arm its lease; decide and report after each."""
        if self._master is None:
            self._clock.sleep(REPLY_TIMEOUT_S)  # heartbeats and status go on at this pace
            try:
                self._master = self._open_master()
                self._note("port", "open")
            except LINK_ERRORS as error:
                self._note("port", "lost", error)
        for what, read in (("probes", self._read_probes), ("contactor", self._read_contactor)):
            self._try(what, read)
            self._decide()
        # The lease only straight after a read-back: that it has lapsed must be seen before it is covered up.
        self._renew("contactor", self._wiring.contactor_channel, self._outputs.lease_tenths)
        if not self._renew("clamp", self._wiring.clamp_channel, self._outputs.free * LEASE_TENTHS):  # probes go first
            self._renew("tone", self._wiring.tone_channel, self._outputs.quiet * LEASE_TENTHS)

    def make_safe(self) -> None:
        """Open the contactor, tried once. The port goes back when the process ends."""
        self._try("contactor", self._open)

    def _decide(self) -> None:
        if beat := self._link.hear():
            self._inputs = self._inputs._replace(**beat._asdict())
        now_s, wiring = self._clock.now(), self._wiring
        self._state, self._outputs = step(self._state, self._inputs, now_s, wiring.limits, wiring.allowance_s)
        permit = "permit" if self._outputs.permit else f"no permit: {self._outputs.trip or self._outputs.why_not}"
        self._note("decision", permit + (", heat" if self._outputs.close_contactor else ""))
        self._report()  # before a silent wire is waited for: control takes its own heat away meanwhile
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
        before, self._inputs = self._inputs.contactor_closed, self._inputs._replace(contactor_closed=None)
        closed = master.read_coil(self._wiring.relay_unit, self._wiring.contactor_channel)
        self._inputs = self._inputs._replace(contactor_closed=closed)
        if before and not closed and self._state.seq >= 0:
            self._opened_s = self._clock.now() - self._state.alive_at_s

    def _renew(self, what: str, channel: int | None, tenths: int) -> bool:
        now_s = self._clock.now()
        if channel is None or not tenths or now_s < self._rearm_at_s.get(channel, now_s):
            return False
        if what == "contactor":
            self._may_be_closed, self._lease_until_s = True, now_s + LEASE_S + REPLY_TIMEOUT_S
        if self._try(what, lambda to: to.write_coil(self._wiring.relay_unit, FLASH_ON + channel, tenths)):
            self._rearm_at_s[channel] = now_s + REARM_S  # without an answer it is due again at once
        self._decide()
        return True

    def _open(self, master: Master) -> None:
        self._rearm_at_s.pop(self._wiring.contactor_channel, None)
        master.write_coil(self._wiring.relay_unit, self._wiring.contactor_channel, 0x0000)

    def _try(self, what: str, transaction: Callable[[Master], None]) -> bool:
        if self._master is None:
            return False
        try:
            transaction(self._master)
            self._note(what, "answers")
            return True
        except NoAnswer as error:
            self._note(what, "no valid answer", error)
        except LINK_ERRORS as error:
            self._master.close()
            self._master = None
            self._inputs = self._inputs._replace(outlet_b_c=None, inflow_b_c=None, contactor_closed=None)
            self._note("port", "lost", error)
        return False

    def _report(self) -> None:
        now_s, closed, self._seq = self._clock.now(), self._inputs.contactor_closed, self._seq + 1
        closed = now_s < self._lease_until_s if closed is None else closed  # unknown: as long as the lease may run
        status = {name: getattr(self._outputs, name) for name in ("permit", "trip", "why_not")}
        status |= {"outlet_b_c": self._inputs.outlet_b_c, "inflow_b_c": self._inputs.inflow_b_c}
        status |= {"contactor_closed": closed, "lapse_s": self._state.lapse_s, "opened_s": self._opened_s}
        self._link.report({**status, "seq": self._seq, "at": now_s, "limits": asdict(self._wiring.limits)})

    def _note(self, what: str, text: str, detail: object = "") -> None:
        if self._said.get(what) != text:
            self._said[what] = text
            self._link.say(f"{self._clock.now():.2f} {what}: {text} {detail}")


def celsius(word: int) -> float | None:
    """A register of an 8-channel Pt100 board, signed 0.1 °C (ComWinTop); None for what no probe says, as 650."""
    value_c = (word - 0x10000 if word & 0x8000 else word) / 10
    return value_c if -40.0 <= value_c <= 120.0 else None
