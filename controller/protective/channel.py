"""The decision of the protective channel as one pure function: may the contactor be closed now?

`step` knows no port, no clock and no configuration, so the same code runs at the bench and in virtual time. Rules:
- permit: control alive, both probes valid and below their trip, contactor known and obedient, nothing latched;
- permit is only ever given while heat is not asked for, so that nothing but a new request of control closes;
- permit lost for any fault while heat is asked for latches; over-temperature and a welded contactor always latch;
- a reset clears the latch only when no fault is present, heat is not asked for, and the counter in a live heartbeat
  rose; a reset that came too early is used up. A reset never closes: heat has to be asked for afterwards.
Not responsible for the lease (`loop`): permit is what the lease needs each time that it is re-armed.
Structure after IEC 60601-2-16 (a protective system independent of the control system); no conformity is claimed.
"""

from collections.abc import Iterator
from math import inf, isfinite
from typing import NamedTuple

from controller.protective.limits import CONTACTOR_WAIT_S, PROBE_LOW_C, Limits

HARD = Limits()


class ChannelInputs(NamedTuple):
    """What is known now, in monotonic seconds of one clock. A probe that is missing or at a sentinel is None.

    `contactor_closed` is the last read-back, None when unknown. The heartbeat is the newest datagram as it came;
    whether it counts is decided here.
    """

    outlet_b_c: float | None = None
    inflow_b_c: float | None = None
    probe_at_s: float = -inf
    heartbeat_at_s: float = -inf
    heartbeat_seq: int = -1
    heat_wanted: bool = False
    reset_count: int = 0
    contactor_closed: bool | None = None


class ChannelOutputs(NamedTuple):
    """`trip` is the latched reason ("" when none); `why_not` says what else is in the way of a permit."""

    close_contactor: bool = False
    permit: bool = False
    trip: str = ""
    why_not: str = ""


class ChannelState(NamedTuple):
    """What the channel remembers. A new one has no permit and has heard of nobody."""

    permit: bool = False
    trip: str = ""
    seq: int = -1
    alive_at_s: float = -inf
    heat_wanted: bool = False
    reset_count: int | None = None
    outlet_bad_since_s: float | None = None
    inflow_bad_since_s: float | None = None
    closed: bool = False  # as commanded
    confirmed: bool = False  # read back closed since it was commanded closed
    differs_since_s: float | None = None  # read-back against command
    unknown_since_s: float | None = None  # no read-back


class Fault(NamedTuple):
    """A reason to withhold the permit; `always` latches even when there was none."""

    text: str
    always: bool = False


def step(
    state: ChannelState, inputs: ChannelInputs, now_s: float, limits: Limits = HARD, allowance_s: float = 0.0
) -> tuple[ChannelState, ChannelOutputs]:
    """One decision at `now_s`, to be taken between any two transactions on the wire.

    `allowance_s` is added to the two greatest ages. It is 0 on every real port; it is for simulated time that runs
    faster than the wall's, because the host's scheduling does not run faster with it (see `__main__`).
    """
    seen, reset = _hear(state, inputs, now_s, limits.heartbeat_timeout_s + allowance_s)
    seen = _watch(seen, inputs, now_s, limits)
    fault = next(iter(sorted(_faults(seen, inputs, now_s, limits, allowance_s), key=lambda one: not one.always)), None)
    trip = state.trip
    if fault and not trip and ((state.permit and state.heat_wanted) or fault.always):
        trip = fault.text
    elif reset and not fault and not seen.heat_wanted:
        trip = ""
    sure = seen.outlet_bad_since_s is None and seen.inflow_bad_since_s is None and inputs.contactor_closed is False
    permit = not trip and not fault and (state.permit or (sure and not seen.heat_wanted))
    close = permit and seen.heat_wanted
    if close != seen.closed:
        seen = seen._replace(differs_since_s=None, confirmed=False)
    waiting = "heat is asked for before it was permitted" if seen.heat_wanted else "probes or contactor not yet sure"
    why_not = "" if permit or trip else fault.text if fault else waiting
    state = seen._replace(permit=permit, trip=trip, closed=close)
    return state, ChannelOutputs(close_contactor=close, permit=permit, trip=trip, why_not=why_not)


def _hear(state: ChannelState, inputs: ChannelInputs, now_s: float, timeout_s: float) -> tuple[ChannelState, bool]:
    """Take a heartbeat with a rising sequence number; second value: its reset counter rose."""
    seq, count = inputs.heartbeat_seq, inputs.reset_count
    if seq == state.seq or not (inputs.heartbeat_at_s <= now_s):
        return state, False
    if seq > state.seq:
        heard = state._replace(seq=seq, alive_at_s=inputs.heartbeat_at_s, heat_wanted=inputs.heat_wanted)
        return heard._replace(reset_count=count), state.reset_count is not None and count > state.reset_count
    if seq >= 0 and not _fresh(state.alive_at_s, now_s, timeout_s):
        # Control started again and counts from the beginning. Only its next, rising number is a sign of life.
        return state._replace(seq=seq, reset_count=count), False
    return state, False


def _watch(state: ChannelState, inputs: ChannelInputs, now_s: float, limits: Limits) -> ChannelState:
    """Since when each probe is bad, and since when the contactor does not do as it is told."""
    closed = inputs.contactor_closed
    differs = state.differs_since_s is not None if closed is None else closed != state.closed
    return state._replace(
        outlet_bad_since_s=_since(state.outlet_bad_since_s, _bad(inputs.outlet_b_c, limits.outlet_trip_c), now_s),
        inflow_bad_since_s=_since(state.inflow_bad_since_s, _bad(inputs.inflow_b_c, limits.inflow_trip_c), now_s),
        differs_since_s=_since(state.differs_since_s, differs, now_s),
        unknown_since_s=_since(state.unknown_since_s, closed is None, now_s),
        confirmed=state.closed and (state.confirmed or closed is True),
    )


def _faults(state: ChannelState, inputs: ChannelInputs, now_s: float, limits: Limits, more_s: float) -> Iterator[Fault]:
    """Every fault that is present."""
    age_max_s, timeout_s = limits.probe_age_max_s + more_s, limits.heartbeat_timeout_s + more_s
    if _lasts(state.outlet_bad_since_s, now_s, limits.persistence_s):
        yield _probe_fault("heater outlet", inputs.outlet_b_c, limits.outlet_trip_c)
    if _lasts(state.inflow_bad_since_s, now_s, limits.persistence_s):
        yield _probe_fault("inflow", inputs.inflow_b_c, limits.inflow_trip_c)
    differs = _lasts(state.differs_since_s, now_s, CONTACTOR_WAIT_S)
    if differs and not state.closed:
        yield Fault(f"contactor welded: closed {CONTACTOR_WAIT_S} s after it was opened", always=True)
    if state.confirmed and inputs.contactor_closed is False:
        yield Fault("contactor opened by itself")
    if differs and state.closed:
        yield Fault(f"contactor did not close within {CONTACTOR_WAIT_S} s")
    if not _fresh(inputs.probe_at_s, now_s, age_max_s):
        yield Fault(f"protective probes silent for more than {age_max_s:.2f} s")
    if _lasts(state.unknown_since_s, now_s, age_max_s):
        yield Fault(f"contactor relay silent for more than {age_max_s:.2f} s")
    if not _fresh(state.alive_at_s, now_s, timeout_s):
        yield Fault(f"control silent for more than {timeout_s:.2f} s")


def _probe_fault(label: str, value_c: float | None, trip_c: float) -> Fault:
    if value_c is None or not isfinite(value_c):
        return Fault(f"{label} (protective) probe missing")
    if value_c > trip_c:
        return Fault(f"{label} (protective) {value_c:.1f} °C, limit {trip_c:.1f} °C", always=True)
    return Fault(f"{label} (protective) {value_c:.1f} °C: no plausible value below {PROBE_LOW_C} °C")


def _bad(value_c: float | None, trip_c: float) -> bool:
    return value_c is None or not (PROBE_LOW_C <= value_c <= trip_c)


def _since(since_s: float | None, present: bool, now_s: float) -> float | None:
    return None if not present else now_s if since_s is None else since_s


def _lasts(since_s: float | None, now_s: float, allowed_s: float) -> bool:
    return since_s is not None and not (now_s - since_s < allowed_s)


def _fresh(at_s: float, now_s: float, age_max_s: float) -> bool:
    return 0.0 <= now_s - at_s <= age_max_s
