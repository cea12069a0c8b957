"""The options of a rig file that are the simulated devices' own: what each takes, in one table.

Options without `sim_` are the driver's too, which judges them (`reply_ms` apart). Not responsible for what an option
does: each twin says so.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import NamedTuple

from config.problems import Problem, shown
from config.schema import Device, Rig

Option = bool | int | float | str


class Number(NamedTuple):
    """A number with bounds; `whole` leaves no point."""

    low: float
    high: float
    whole: bool = False

    def fits(self, value: Option) -> bool:
        """NaN does not."""
        kinds = int if self.whole else int | float
        return not isinstance(value, bool) and isinstance(value, kinds) and self.low <= value <= self.high

    def __str__(self) -> str:
        return f"a {'whole ' if self.whole else ''}number from {self.low:g} to {self.high:g}"


class Text(NamedTuple):
    """Text of a form."""

    form: str
    words: str

    def fits(self, value: Option) -> bool:
        """All of it."""
        return isinstance(value, str) and re.fullmatch(self.form, value) is not None

    def __str__(self) -> str:
        return self.words


class Switch(NamedTuple):
    """True or false, never 0 or 1."""

    def fits(self, value: Option) -> bool:
        """Of its type."""
        return isinstance(value, bool)

    def __str__(self) -> str:
        return "true or false"


Kind = Number | Text | Switch

WORD, DOUBLE = Number(0, 0xFFFF, whole=True), Number(0, 0xFFFFFFFF, whole=True)
PRINTABLE = Text(r"[ -~]{1,40}", "1 to 40 printable ASCII characters")
RAW = Number(-0x8000, 0xFFFF, whole=True)
CELSIUS = Number(-200.0, 1000.0)
REPLY_MS = Number(0.0, 10_000.0)

OPTIONS: Mapping[str, Mapping[str, Kind]] = {
    "adam4015": {
        "sim_model": PRINTABLE,
        "sim_firmware": PRINTABLE,
        "sim_format": Number(0, 3, whole=True),
        "sim_open_reads_c": CELSIUS,
    },
    "flow_bubble": {"sim_ident": PRINTABLE},
    "huber_pb": {
        "sim_unit": Number(0, 255, whole=True),
        "sim_panel_setpoint_c": CELSIUS,
        "sim_min_setpoint_c": CELSIUS,
        "sim_max_setpoint_c": CELSIUS,
        "sim_serial": DOUBLE,
        "sim_unlicensed": Text(r"([0-9A-Fa-f]{2}(,[0-9A-Fa-f]{2})*)?", 'PB variables, like "07,40"'),
        "sim_circulates_in_fault": Switch(),
    },
    "keller": {
        "sim_serial": DOUBLE,
        "sim_serial_register": Switch(),
        "sim_min_bar": Number(-1.0, 1000.0),
        "sim_max_bar": Number(-1.0, 1000.0),
        "sim_temperature_c": CELSIUS,
    },
    "lead_fluid": {},
    "pixsys": {"sim_device_type": WORD, "sim_setpoint_c": Number(-200.0, 3000.0)},
    "pt100_8ch": {"sim_open": RAW, "sim_short": RAW},
    "registers": {"sim_identity": WORD, "sim_watchdog_s": Number(0.0, 3600.0)},
    "watson_marlow": {
        "sim_max_rpm": Number(1.0, 1000.0),
        "sim_tacho_per_rev": Number(1.0, 1e6),
        "sim_min_gap_ms": Number(0.0, 10_000.0),
    },
    "waveshare_relay": {"sim_retrigger": Switch(), "sim_mode": Number(0, 3, whole=True)},
}
"""By family: the options that begin with sim_. Every family takes reply_ms."""


def options_problems(device: Device) -> list[Problem]:
    """What a device's twin would not take, with keys as below the device."""
    allowed = known(device)
    found: list[Problem] = []
    for name, value in device.options.items():
        if name == "reply_ms" or name.startswith("sim_"):
            kind = allowed.get(name)
            if kind is None:
                reason = f"is not known; allowed are {', '.join(allowed)}"
                found.append(Problem(f"options.{name}", shown(value), reason))
            elif not kind.fits(value):
                found.append(Problem(f"options.{name}", shown(value), f"allowed is {kind}"))
    return found


def twin_problems(rig: Rig) -> list[Problem]:
    """What the twins of a rig would not take, with keys of the rig; an unknown family is left to the wiring."""
    return [
        problem._replace(key=f"devices.{name}.{problem.key}")
        for name, device in rig.devices.items()
        if device.family in OPTIONS
        for problem in options_problems(device)
    ]


def known(device: Device) -> dict[str, Kind]:
    """The options of this device's twin; a described one shows whatever it is told to in each of its registers."""
    shown_values = {f"sim_{register.channel}": Number(-math.inf, math.inf) for register in device.registers}
    return {"reply_ms": REPLY_MS, **shown_values, **OPTIONS.get(device.family, {})}
