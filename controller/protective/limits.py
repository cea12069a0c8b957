"""The protective channel's own limits, shared with nothing: constants here, which an argument can only tighten."""

from dataclasses import dataclass, fields

PROBE_LOW_C, PROBE_STEP_C = 2.0, 0.1  # perfusate is never colder: such a probe is broken; the board's last digit
CONTACTOR_WAIT_S = 0.6  # the read-back has to follow the command within this time
LEASE_TENTHS, LEASE_S, PROOF_TENTHS = 20, 2.0, 7  # opens by itself so long after a flash-on; the first closing's
REARM_S = 0.55  # no divisor of the lease: on a board that does not extend a running one, the lapse must not hide
OFF_PROOF_EVERY_S, OPEN_COUNTS = 600.0, 10.0  # a minute of open is as good as ten of closed
LAPSE_LEAST_S, LAPSE_S = 1.0, LEASE_S + 0.4  # a lease left to lapse opens it in between; a short one may be read late
REPLY_TIMEOUT_S = SILENCE_S = 0.1
SLUG_C, SLOPE_OVER_S, SLOPE_EVERY_S = 43.0, 2.0, 0.2  # nothing hotter than the first is let in after a stop
AHEAD_S = 5.0  # the outlet in so long must be below its trip: an element still gives what it stored when it is off
APART_C, TRANSIT_S = 4.0, 60.0  # 300 mL of line at 0.3 L/min: then what left the outlet is at the inflow probe


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """°C and seconds; the defaults are the hard limits. Raises ValueError when one is wider or not a number."""

    outlet_trip_c: float = 46.0
    inflow_trip_c: float = 46.0
    persistence_s: float = 0.3
    heartbeat_timeout_s: float = 0.5
    probe_age_max_s: float = 0.6  # three missed polls; with one more transaction under way, heat is off within 1.0 s

    def __post_init__(self) -> None:
        for field in fields(self):
            low, value = PROBE_LOW_C if field.name.endswith("_c") else 0.0, getattr(self, field.name)
            if not (low < value <= field.default):
                raise ValueError(f"{field.name} = {value}: allowed above {low} up to {field.default}, never wider")


HARD = Limits()
