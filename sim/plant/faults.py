"""Knobs that break the plant. Turned by `sim.faults`; a fresh record is a healthy plant.

Not responsible for probes (each has its own, `sim.plant.probes`) or for when a fault comes and goes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Faults:
    """What is wrong with pump, lines and heater now."""

    pump_stall: bool = False
    pump_runaway_rpm: float | None = None  # turns at this speed; only the enable relay stops it
    pump_reversed: bool = False  # tubing laid the wrong way round: the shaft turns as told
    tube_wear: float = 0.0  # share of the stroke lost
    occlusion_in: float = 0.0  # share of the inflow line's bore that is closed
    occlusion_out: float = 0.0
    leak_ml_min: float = 0.0  # out of the cavity, past the drapes
    disconnected: bool = False  # the inflow line came off at the patient's end
    air_mm: float = 0.0  # bubbles of this size pass the detector
    heater_stuck_on: bool = False  # full power whatever is asked; only contactor and cut-out stop it
    heater_stuck_off: bool = False
    mains_lost: bool = False  # the heater has no supply; pump and computer have a battery
    heater_gain: float = 1.0  # share of its power left
    heater_delay_s: float = 0.0  # power follows the demand that much later
