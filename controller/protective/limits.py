"""The protective channel's own limits: constants here, which an argument can only tighten.

They are written a second time on purpose: nothing is shared with the configuration or with control.
"""

from dataclasses import dataclass, fields

PROBE_LOW_C = 2.0  # perfusate is never colder: such a probe is broken or not in the circuit
CONTACTOR_WAIT_S = 0.6  # the read-back has to follow the command within this time
LEASE_TENTHS = 20  # the contactor opens by itself this many tenths of a second after the last flash-on
LEASE_S = LEASE_TENTHS / 10
REARM_S = 0.55  # no divisor of the lease: on a board that does not extend a running one, the lapse must not hide
REPLY_TIMEOUT_S = 0.1
SILENCE_S = 0.1


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
