"""What goes into a cycle and what comes out of it: frozen values, no behaviour.

The same shapes are used at the bench, in the simulator, in virtual time and in replay.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Literal, NamedTuple

from controller.core.signals import Reading


class Act(enum.Enum):
    """What a person can ask for."""

    START = "start"  # leave STANDBY
    SELF_TEST = "self_test"  # the self-test alone, and back to STANDBY
    CONFIRM = "confirm"  # pass the gate that waits for a person; `text` may name the step that it is meant for
    DOSE = "dose"  # the drug fraction was given: `text` = "lot;who"
    HOLD = "hold"
    RESUME = "resume"  # leave HOLD and re-arm the heat
    STOP = "stop"
    RESET = "reset"  # clear the trip latch; never re-heats; `text` may list the trips that the person has seen: "a,b"
    AGITATED = "agitated"  # the abdomen was shaken and turned: the reminder begins anew
    DRAIN = "drain"  # end perfusion, or the rinse, now and drain
    ACKNOWLEDGE = "acknowledge"  # this occurrence of the alarm whose id is `text`, or of all
    AUDIO_PAUSE = "audio_pause"
    AUDIO_RESUME = "audio_resume"
    TARGET = "target"  # cavity target, `value` in °C
    FLOW = "flow"  # flow set-point, `value` in L/min
    LIMIT = "limit"  # propose `value` for the alarm limit named by `text`; it waits for LIMIT_CONFIRM
    LIMIT_CONFIRM = "limit_confirm"
    JOG_PUMP = "jog_pump"  # a dead-man's button in STANDBY: `value` in L/min, 0 releases; `text` numbers the press
    JOG_HEAT = "jog_heat"  # the same: `value` in °C of the bath, or as a share of an element's rated power


class Order(NamedTuple):
    """One act of one person. `value` and `text` as the act needs them."""

    act: Act
    who: str = "operator"
    value: float | None = None
    text: str = ""


class ProtectiveStatus(NamedTuple):
    """What the protective channel last said of itself."""

    at_s: float
    permit: bool  # it would let the heat on
    contactor_closed: bool
    trip: str = ""  # latched reason, "" when none
    outlet_b_c: float | None = None
    inflow_b_c: float | None = None
    why_not: str = ""  # what is in the way of a permit, where nothing is latched
    limits: Mapping[str, float] = {}  # by which it trips, under its own names
    lapse_s: float | None = None  # after so long without its lease the contactor was read open, at the last off-proof
    opened_s: float | None = None  # so long after control's last heartbeat it was last read open


class LinkFault(NamedTuple):
    """A device that has not answered as it should since `since_s`."""

    device: str
    since_s: float
    text: str
    wrong: bool = False  # it answers, and is not what the rig file says


class Inputs(NamedTuple):
    """All that a cycle may know of the world. A signal that no probe delivers is absent from `readings`."""

    readings: Mapping[str, Reading]
    orders: tuple[Order, ...] = ()
    protective: ProtectiveStatus | None = None
    link_faults: tuple[LinkFault, ...] = ()
    host_faults: tuple[str, ...] = ()  # e.g. "recorder: disk full", "loop 0.31 s late"
    overrun_s: float = 0.0  # lateness of this cycle
    session: str = "no session self-test is known"  # why no treatment may start; "" with a valid certificate
    restarted: str = ""  # in the first cycle only: what the controller before was doing when it ended unasked
    attended_s: float = 0.0  # since a console of people last took a state
    wall_jump_s: float = 0.0  # the wall clock against the monotonic one, since the cycle before
    disk_free_mb: float | None = None  # where the record is written; None: nobody could measure it lately


class Outputs(NamedTuple):
    """All that a cycle wants of the world. Valid for its refresh time only; nothing here is a latch."""

    heat_on: bool = False
    bath_setpoint_c: float = 20.0
    heater_fraction: float = 0.0  # of rated power, for an inline element
    pump_lpm: float = 0.0
    pump_enable: bool = False
    inflow_open: bool = False  # False: the clamp turns the flow into the bypass
    outflow_closed: bool = False  # False: the drain stands open
    protective_reset: int = 0  # rises by one when the operator resets; the protective channel decides for itself
    quiet: bool = False  # the annunciator sounds unless a completed cycle says, again and again, that it need not
    prove_contactor: bool = False  # the self-test asks for the contactor alone, with the heater off


SAFE = Outputs()
"""Heat off, pump stopped, clamp into the bypass, drain open, annunciator sounding: what every failure ends in."""


EventKind = Literal[
    "phase",
    "trip",
    "reset",
    "alarm",
    "alarm_raised",
    "alarm_again",
    "alarm_because",
    "alarm_off",
    "alarm_end",
    "audio",
    "order",
    "refused",
    "limit",
    "fault",
    "note",
]


class Event(NamedTuple):
    """Something that happened, for the record and the log."""

    at_s: float
    kind: EventKind
    name: str
    text: str
    priority: str = ""  # HIGH | MEDIUM | LOW for alarms
