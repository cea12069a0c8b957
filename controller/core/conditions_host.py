"""Conditions of devices, of the protective channel, of the computer and of people.

Not responsible for delays, latches or responses (`interlocks`).
"""

from __future__ import annotations

from controller.core.conditions import SIGNALS, lost
from controller.core.exchange import LinkFault, ProtectiveStatus
from controller.core.sensing import FUTURE_S
from controller.core.situation import Situation
from controller.core.steps import Heat, Phase, agitate_in_s

STATUS_MAX_AGE_S = 0.5
LOST_S = 0.7  # with a cycle and the heater's own turn after it, heat is off within 1.0 s
OVERRUN_S = 0.2
LATE_CYCLES = 3
UNSEEN_S = 10.0
UNATTENDED_S = 60.0
JUMP_S = 1.0
LOW_DISK_MB = 200.0
MAINS_THERE = 0.5  # between the input's 0 and 1
# From here on what was there for the heat alone is not needed: a treatment can be ended without it.
AFTER_HEAT = (Phase.DRAIN, Phase.RINSE, Phase.COMPLETE)


def device_lost(s: Situation) -> str:
    """A device has not answered for longer than its outputs live."""
    for fault in () if s.idle else s.link_faults:
        if not (s.now_s - fault.since_s <= LOST_S) and _needed(s, fault.device):
            return _told(fault)
    return ""


def _needed(s: Situation, device: str) -> bool:
    """Whether the step needs it: a drain, its clamp and the level; a rinse, all but heater and temperature probes."""
    if s.step.phase not in AFTER_HEAT:
        return True
    wired, signals = s.rig.actuators, s.rig.signals
    if device in (wired.inflow_open.device, wired.outflow_closed.device, signals["reservoir_ml"].device):
        return True
    reads = {SIGNALS[name].unit for name, source in signals.items() if source.device == device}
    return s.last.pump_enable and device != wired.heater and reads != {"°C"}


def device_late(s: Situation) -> str:
    """A device has missed an answer."""
    return _told(s.link_faults[0]) if s.link_faults and not s.idle else ""


def _told(fault: LinkFault) -> str:
    return f"{fault.device.replace('_', ' ')}: {fault.text}"


def is_fresh(status: ProtectiveStatus, now_s: float) -> bool:
    """The protective channel's word is recent. One from the future is a broken clock, not a fresh word."""
    return -FUTURE_S <= now_s - status.at_s <= STATUS_MAX_AGE_S


def protective_lost(s: Situation) -> str:
    """The protective channel has not been heard: permit needs both channels."""
    return "" if s.idle or s.step.phase in AFTER_HEAT else _unheard(s)


def _unheard(s: Situation) -> str:
    status = s.protective
    if status is None:
        return "the protective channel has never answered"
    age = s.now_s - status.at_s
    return "" if is_fresh(status, s.now_s) else f"the protective channel is silent for {age:.1f} s"


def protective_trip(s: Situation) -> str:
    """The protective channel has tripped."""
    return s.protective.trip if s.protective is not None and s.step.phase not in AFTER_HEAT else ""


def protective_out(s: Situation) -> str:
    """The same when the heat is over: a treatment is ended without it, but its own clamp may stay shut."""
    if s.idle or s.step.phase not in AFTER_HEAT:
        return ""
    return _unheard(s) or (s.protective.trip if s.protective is not None else "")


def protective_refuses(s: Situation) -> str:
    """Heat is asked for and the protective channel does not let it on, for a reason it has not latched."""
    if s.protective is None or not s.last.heat_on or s.protective.permit:
        return ""
    return f"heat is asked for without the protective channel's permit: {s.protective.why_not}"


def overrun(s: Situation) -> str:
    """The cycle came late."""
    return "" if s.overrun_s <= OVERRUN_S else f"cycle {s.overrun_s * 1000:.0f} ms > {OVERRUN_S * 1000:.0f} ms late"


def late_often(s: Situation) -> str:
    """Several cycles in a row came late."""
    return "" if s.late_cycles < LATE_CYCLES else f"{s.late_cycles} cycles >= {LATE_CYCLES} in a row came late"


def console_lost(s: Situation) -> str:
    """No console has taken a state for a while: whoever is in charge may see old values."""
    return (
        ""
        if s.attended_s <= UNSEEN_S or s.idle
        else f"no console has shown a state for {s.attended_s:.1f} s > {UNSEEN_S:g} s"
    )


def unattended(s: Situation) -> str:
    """The same for so long that nobody may be there, while heat is on."""
    if s.attended_s <= UNATTENDED_S or not s.last.heat_on:
        return ""
    return f"no console has shown a state for {s.attended_s:.1f} s > {UNATTENDED_S:g} s while heating"


def clock_jump(s: Situation) -> str:
    """The wall clock was set; nothing here runs by it but the record's dates."""
    return "" if abs(s.wall_jump_s) <= JUMP_S else f"the wall clock jumped by {s.wall_jump_s:.1f} s > {JUMP_S:g} s"


def mains_lost(s: Situation) -> str:
    """On battery in a step that heats: a heater that is off would heat by itself when the mains come back."""
    mains = s.good.get("mains_ok")
    if mains is None or mains >= MAINS_THERE or (not s.last.heat_on and s.step.heat is Heat.OFF):
        return ""
    return f"Mains {mains:.0f} < 1, on battery in {s.step.phase.value}"


def on_battery(s: Situation) -> str:
    """No mains, whatever is going on; or a rig that says so does not say it now."""
    mains = s.good.get("mains_ok")
    if mains is None:
        return lost(s, "mains_ok") if "mains_ok" in s.bad and not s.idle else ""
    return "" if mains >= MAINS_THERE else "on battery: heat is off, pump and computer run as long as it lasts"


def wrong_device(s: Situation) -> str:
    """Something answers that is not the device of the rig file: another unit, another model, another firmware."""
    for fault in s.link_faults:
        if fault.wrong and not s.idle and _needed(s, fault.device):
            return _told(fault)
    return ""


def host(s: Situation) -> str:
    """The host says that something beside the control does not work."""
    return s.host_faults[0] if s.host_faults else ""


def disk_low(s: Situation, back: float = 0.0) -> str:
    """The disk of the record is nearly full while something goes on. Not known is not enough."""
    free, least = s.disk_free_mb, LOW_DISK_MB + back
    if s.idle or (free is not None and free >= least):
        return ""
    return "free room is not known" if free is None else f"{free:.0f} MB < {least:g} MB free"


def restarted(s: Situation) -> str:
    """The controller before this one ended unasked, in the middle of something: a person decides how to go on."""
    return s.restarted


def stop(s: Situation) -> str:
    """Somebody pressed STOP."""
    return f"STOP by {s.stop_asked}" if s.stop_asked else ""


def agitate_due(s: Situation) -> str:
    """Closed technique: the fluid finds its own channels unless the abdomen is shaken and turned."""
    left_s = agitate_in_s(s.step, s.walk, s.treatment, s.now_s)
    if left_s is None or left_s > 0.0:
        return ""
    over_min = int(-left_s / 60.0)
    return f"every {s.treatment.agitate_every_min:g} min, due {f'{over_min} min ago' if over_min else 'now'}"


def dose_due(s: Situation) -> str:
    """A fraction of the drug is due."""
    return s.dose_due
