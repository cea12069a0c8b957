"""What the configuration has to know of each device family: its channels and what it may be used for.

The drivers own these facts; the table repeats them so that a rig file can be judged without opening a port.
A test compares both. Not responsible for protocols (`drivers`) or for a family's own options.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from config.schema import Device

Use = Literal["pump", "bath", "inline", "relay"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyFacts:
    """Channels that can be read, actuators it can be, addresses on the bus, and outputs of a relay board."""

    channels: tuple[str, ...]
    uses: frozenset[Use] = frozenset()
    first_address: int = 1
    last_address: int = 247
    outputs: int = 0


FAMILIES: Mapping[str, FamilyFacts] = {
    "huber_pb": FamilyFacts(channels=("bath_c", "process_c", "setpoint_c", "power_w"), uses=frozenset({"bath"})),
    "watson_marlow": FamilyFacts(channels=("speed_rpm", "tacho_count"), uses=frozenset({"pump"}), last_address=32),
    "adam4015": FamilyFacts(channels=tuple(f"ch{n}_c" for n in range(6)), first_address=0, last_address=255),
    "waveshare_relay": FamilyFacts(channels=("closed_mask",), uses=frozenset({"relay"}), outputs=8),
    "keller": FamilyFacts(channels=("pressure_bar", "temperature_c")),
    "flow_bubble": FamilyFacts(channels=("flow_lpm", "bubble_mm", "volume_ml"), last_address=12),
    "pixsys": FamilyFacts(channels=("process_c", "output_percent", "setpoint_c"), uses=frozenset({"inline"})),
    "lead_fluid": FamilyFacts(channels=("speed_rpm",), uses=frozenset({"pump"})),
    "pt100_8ch": FamilyFacts(channels=tuple(f"ch{n}_c" for n in range(8))),
    "registers": FamilyFacts(channels=(), uses=frozenset({"pump", "bath", "inline"})),
}

REGISTERS_FOR: Mapping[Use, tuple[str, ...]] = {
    "pump": ("set_rpm",),
    "bath": ("set_c", "on"),
    "inline": ("set_fraction",),
}
"""Writable channels that a described device has to name for an actuator."""


def channels_of(device: Device, families: Mapping[str, FamilyFacts]) -> tuple[str, ...]:
    """What can be read of this device: its family's channels, or those that its registers name."""
    return families[device.family].channels + tuple(register.channel for register in device.registers)
