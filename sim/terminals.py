"""Where the devices' twins touch the plant: what they drive, and what they can feel.

A plain mutable record shared by the plant (which steps it) and the twins (which set and read it).
Not responsible for physics (sim.plant) or bytes (sim.devices).
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Terminals:
    """Shaft, element, valves and probes. `sensed` holds what each probe's wire carries now; None is an open circuit."""

    # driven by twins
    pump_rpm_command: float = 0.0  # signed: negative turns backwards
    pump_enabled: bool = False  # relay in the drive's enable line
    inflow_open: bool = False  # clamp: True into the cavity, False into the bypass
    outflow_closed: bool = False  # drain clamp: False stands open
    annunciator_sounds: bool = False  # a buzzer on its own battery, silent while its relay is closed; False: not fitted
    contactor_closed: bool = False  # in the heater's supply, held by the protective channel
    clamp_allowed: bool = True  # the protective channel's relay in series with the clamp's coil, where there is one
    tone_silenced: bool = True  # the external tone sounds when this falls; where there is none nothing does
    bath_on: bool = False
    bath_circulating: bool = False
    bath_setpoint_c: float = 20.0
    element_fraction: float = 0.0

    # moved by the plant
    pump_rpm: float = 0.0  # what the shaft really does, signed
    pump_revolutions: float = 0.0
    bath_c: float = 20.0
    heater_power_w: float = 0.0  # electric power that really flows now
    sensed: dict[str, float | None] = field(default_factory=lambda: {"mains_ok": 1.0})  # by signal, in its unit


SHORT = float("-inf")
"""A shorted probe's place in `sensed`: the twin shows what its device shows for a short."""
