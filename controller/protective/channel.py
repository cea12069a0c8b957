"""The decision of the protective channel as one pure function: may the contactor be closed now?

Pure, so that the same code runs at the bench and in virtual time. Rules:
- permit: control alive, both probes valid and below their trip, contactor known and obedient, nothing latched; it is
  only ever given while heat is not asked for, so that nothing but a new request of control closes;
- permit lost for any fault while heat is asked for latches; over-temperature and a welded contactor always latch;
- a reset (its counter rises in a live heartbeat) clears the latch only when no fault is present and heat is not asked
  for; one that came too early is used up. A reset never closes: heat has to be asked for afterwards;
- proof of flow while closed: the outlet may not be on its way over its trip, nor stay far above the inflow;
- off-proof when closing after a minute of open (short lease), and every 10 min: the lease is left to lapse and has to
  open the contactor; only when it was read open does it close again by itself, else that latches;
Structure after IEC 60601-2-16 (a protective system independent of the control system); no conformity is claimed.
"""

from collections.abc import Iterator, Mapping
from math import inf, isfinite
from typing import NamedTuple

from controller.protective import limits as own


class ChannelInputs(NamedTuple):
    """What is known now, in monotonic seconds of one clock; None is unknown. `step` decides if a heartbeat counts."""

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
    lease_tenths: int = 0  # what the contactor's lease is to be renewed for; 0 lets it lapse
    quiet: bool = False  # the external tone is to be kept silent
    free: bool = False  # the clamp may let the flow into the patient


class ChannelState(NamedTuple):
    """What the channel remembers. A new one has no permit and has heard of nobody."""

    permit: bool = False
    trip: str = ""
    seq: int = -1
    alive_at_s: float = -inf
    heat_wanted: bool = False
    reset_count: int | None = None
    since: Mapping[str, float] = {}  # what is not as it should be, by the names of `_watch`
    closed: bool = False  # as commanded
    confirmed: bool = False  # read back closed since it was commanded closed
    track: tuple[tuple[float, float], ...] = ()  # when and what the outlet was of late
    lapsing: bool = False
    lapse_s: float | None = None  # how long the last lease that was left to lapse took
    closed_s: float = own.OFF_PROOF_EVERY_S  # since the last off-proof, open ones ten times; the first is due at once
    free: bool = False  # the outlet was seen below SLUG_C, and since then nothing tripped and control lived
    now_s: float = inf


def step(
    state: ChannelState, inputs: ChannelInputs, now_s: float, limits: own.Limits = own.HARD, more_s: float = 0.0
) -> tuple[ChannelState, ChannelOutputs]:
    """One decision, to be taken between any two transactions. `more_s` is the allowance that `__main__` explains."""
    seen, reset = _hear(state, inputs, now_s, limits.heartbeat_timeout_s + more_s)
    seen = _watch(seen, inputs, now_s, limits, more_s)
    faults = _faults(seen, inputs, now_s, limits, more_s) if seen.since else ()
    always, fault = max(faults, key=lambda one: one[0], default=(False, ""))
    trip = "" if reset and not fault and not seen.heat_wanted else state.trip
    if fault and not trip and ((state.permit and state.heat_wanted) or always):
        trip = fault
    sure = "outlet" not in seen.since and "inflow" not in seen.since and inputs.contactor_closed is False
    permit = not trip and not fault and (state.permit or (sure and not seen.heat_wanted))
    close, due = permit and seen.heat_wanted, not (seen.closed_s < own.OFF_PROOF_EVERY_S)
    if close != seen.closed:
        kept = {name: at_s for name, at_s in seen.since.items() if name in ("outlet", "inflow", "unknown", "control")}
        lapse_s = None if close and due else seen.lapse_s  # an old proof proves nothing of this closing
        seen = seen._replace(since=kept, confirmed=False, lapsing=False, lapse_s=lapse_s)
    elif seen.confirmed and due:
        seen = seen._replace(lapsing=True)
    waiting = "heat is asked for before it was permitted" if seen.heat_wanted else "probes or contactor not yet sure"
    why_not = "" if permit or trip else fault or waiting
    quiet = not trip and "control" not in seen.since
    free = (quiet and state.free) or (inputs.outlet_b_c is not None and inputs.outlet_b_c < own.SLUG_C)
    state = seen._replace(permit=permit, trip=trip, closed=close, free=free, now_s=now_s)
    tenths = (close and not seen.lapsing) * (own.PROOF_TENTHS if due else own.LEASE_TENTHS)
    return state, ChannelOutputs(close, permit, trip, why_not, tenths, quiet, free)


def _hear(state: ChannelState, inputs: ChannelInputs, now_s: float, timeout_s: float) -> tuple[ChannelState, bool]:
    """Take a heartbeat with a rising sequence number; second value: its reset counter rose."""
    seq, count, at_s = inputs.heartbeat_seq, inputs.reset_count, inputs.heartbeat_at_s
    if seq == state.seq or not (at_s <= now_s):
        return state, False
    if seq > state.seq:
        rose = state.reset_count is not None and count > state.reset_count
        return state._replace(seq=seq, reset_count=count, alive_at_s=at_s, heat_wanted=inputs.heat_wanted), rose
    # Control started again and counts from the beginning: only its next, rising number is a sign of life.
    again = seq >= 0 and not _fresh(state.alive_at_s, now_s, timeout_s)
    return state._replace(seq=seq, reset_count=count) if again else state, False


def _watch(state: ChannelState, inputs: ChannelInputs, now_s: float, limits: own.Limits, more_s: float) -> ChannelState:
    """Take in what was read: the outlet's track, the contactor's read-back, and since when what is wrong."""
    at_s, outlet_c, inflow_c, closed = inputs.probe_at_s, inputs.outlet_b_c, inputs.inflow_b_c, inputs.contactor_closed
    track = state.track if state.closed else ()
    due = state.closed and not (track and at_s - track[-1][0] < own.SLOPE_EVERY_S)
    if due and outlet_c is not None and own.PROBE_LOW_C <= outlet_c < inf:
        track = (*(one for one in track if at_s - one[0] <= own.SLOPE_OVER_S), (at_s, outlet_c))
    closed_s = state.closed_s + (1.0 if state.closed else own.OPEN_COUNTS) * max(0.0, now_s - state.now_s)
    lapse_s = now_s - state.since.get("lapsing", now_s)
    opened = state.lapsing and closed is False and (state.lapse_s is None or not (lapse_s < own.LAPSE_LEAST_S))
    confirmed = state.closed and ((state.confirmed and not opened) or closed is True)
    present = {
        "outlet": outlet_c is None or not (own.PROBE_LOW_C <= outlet_c <= limits.outlet_trip_c),
        "inflow": inflow_c is None or not (own.PROBE_LOW_C <= inflow_c <= limits.inflow_trip_c),
        "ahead": not (_ahead_c(track) <= limits.outlet_trip_c),
        "apart": state.closed and not ((outlet_c or 0.0) - (inflow_c or inf) <= own.APART_C),
        "lapsing": state.lapsing and not opened,
        "welded": not state.closed and ("welded" in state.since if closed is None else closed),
        "fell open": confirmed and closed is False,
        "not closed": state.closed and ("not closed" in state.since if closed is None else not closed),
        "probes": not _fresh(at_s, now_s, limits.probe_age_max_s + more_s),
        "unknown": closed is None,
        "control": not _fresh(state.alive_at_s, now_s, limits.heartbeat_timeout_s + more_s),
    }
    since = {name: state.since.get(name, now_s) for name, there in present.items() if there}
    state = state._replace(track=track, confirmed=confirmed, closed_s=closed_s, since=since)
    return state._replace(lapsing=False, lapse_s=lapse_s, closed_s=0.0) if opened else state


def _faults(
    state: ChannelState, inputs: ChannelInputs, now_s: float, limits: own.Limits, more_s: float
) -> Iterator[tuple[bool, str]]:
    """Every reason to withhold the permit that has lasted, and whether it latches even when there was no permit."""
    age_max_s, wait_s = limits.probe_age_max_s + more_s, own.CONTACTOR_WAIT_S
    rising = f"{_ahead_c(state.track):.1f} °C in {own.AHEAD_S:g} s, limit {limits.outlet_trip_c:.1f} °C"
    rows = (
        ("outlet", limits.persistence_s, *_probe("heater outlet", inputs.outlet_b_c, limits.outlet_trip_c)),
        ("inflow", limits.persistence_s, *_probe("inflow", inputs.inflow_b_c, limits.inflow_trip_c)),
        ("ahead", limits.persistence_s, False, f"no flow (protective)? Heater outlet rises to {rising}"),
        ("apart", own.TRANSIT_S, False, f"no flow (protective)? Outlet {own.APART_C:g} °C above inflow for too long"),
        ("lapsing", own.LAPSE_S + more_s, True, f"contactor welded: closed {own.LAPSE_S} s without its lease"),
        ("welded", wait_s, True, f"contactor welded: closed {wait_s} s after it was opened"),
        ("fell open", 0.0, False, "contactor opened by itself"),
        ("not closed", wait_s, False, f"contactor did not close within {wait_s} s"),
        ("probes", 0.0, False, f"protective probes silent for more than {age_max_s:.2f} s"),
        ("unknown", age_max_s, False, f"contactor relay silent for more than {age_max_s:.2f} s"),
        ("control", 0.0, False, f"control silent for more than {limits.heartbeat_timeout_s + more_s:.2f} s"),
    )
    for name, allowed_s, always, text in rows:
        if name in state.since and not (now_s - state.since[name] < allowed_s):
            yield always, text


def _ahead_c(track: tuple[tuple[float, float], ...]) -> float:
    """What the outlet will be AHEAD_S after it was last read, if it rises on like this."""
    (first_s, first_c), (last_s, last_c) = (track[0], track[-1]) if track else ((0.0, 0.0), (0.0, 0.0))
    rise_c, over_s = max(0.0, last_c - first_c - own.PROBE_STEP_C), max(last_s - first_s, own.SLOPE_OVER_S / 2)
    return last_c + rise_c / over_s * own.AHEAD_S


def _probe(label: str, value_c: float | None, trip_c: float) -> tuple[bool, str]:
    if value_c is None or not isfinite(value_c):
        return False, f"{label} (protective) probe missing"
    allowed = f"limit {trip_c:.1f} °C" if value_c > trip_c else f"no plausible value below {own.PROBE_LOW_C} °C"
    return value_c > trip_c, f"{label} (protective) {value_c:.1f} °C, {allowed}"


def _fresh(at_s: float, now_s: float, age_max_s: float) -> bool:
    return 0.0 <= now_s - at_s <= age_max_s
