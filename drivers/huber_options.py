"""The options of a Huber circulator in a rig file, read and judged.

Options: protocol = "plain" (default) | "wide" | "package" | "package_wide"; watchdog_s (3, 2..150); package_values, the
list set on the panel under Interfaces > PB package; alarm_high_c (50, 0 leaves vTI's alarm as it is); serial (refuse
another circulator). Options that begin with sim_, and reply_ms, are the simulated device's.
Not responsible for anything that is said on the wire (`drivers.huber_pb`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from drivers.huber_frames import NARROW, WIDE, Width

PACKAGE_VALUES = "vSP,vTI,vTE,vStatus1,vError,vWD1"
PACKAGE_NEEDS = ("vSP", "vTI", "vStatus1", "vWD1")

PROTOCOLS: Mapping[str, tuple[Width, bool]] = {
    "plain": (NARROW, False),
    "wide": (WIDE, False),
    "package": (NARROW, True),
    "package_wide": (WIDE, True),
}

KNOWN = ("protocol", "watchdog_s", "package_values", "alarm_high_c", "serial")

POLL_S: Mapping[str, float] = {"vTI": 0.3, "vSP": 0.3, "vTE": 0.4, "vStatus1": 0.4, "vPow": 0.8}
"""What is read again and again, and how old each may get."""


class HuberOptions(NamedTuple):
    """What the driver is told, under its own names."""

    protocol: str
    watchdog_s: int
    package_values: tuple[str, ...]
    alarm_high_c: float
    serial: str


def read_options(options: Mapping[str, bool | int | float | str], name: str) -> HuberOptions:
    """The options of the device `name`. Raises ValueError naming the option, its value and what is allowed."""
    given = {key: value for key, value in options.items() if not key.startswith("sim_") and key != "reply_ms"}
    protocol = given.pop("protocol", "plain")
    watchdog_s = given.pop("watchdog_s", 3)
    alarm_high_c = given.pop("alarm_high_c", 50.0)
    listed = tuple(part.strip() for part in str(given.pop("package_values", PACKAGE_VALUES)).split(","))
    serial = str(given.pop("serial", ""))
    if given:
        raise ValueError(f"{name}: unknown options {', '.join(sorted(given))}; allowed: {', '.join(KNOWN)}")
    if protocol not in PROTOCOLS:
        raise ValueError(f"{name}: protocol = {protocol!r}; allowed: {', '.join(PROTOCOLS)}")
    if isinstance(watchdog_s, bool) or not isinstance(watchdog_s, int) or not (2 <= watchdog_s <= 150):
        raise ValueError(f"{name}: watchdog_s = {watchdog_s!r}; allowed: whole seconds, 2 to 150")
    if isinstance(alarm_high_c, bool | str) or not (alarm_high_c == 0 or 40.0 <= alarm_high_c <= 60.0):
        raise ValueError(f"{name}: alarm_high_c = {alarm_high_c!r}; allowed: 0, or 40 to 60 °C")
    _check_listed(listed, name)
    return HuberOptions(str(protocol), watchdog_s, listed, float(alarm_high_c), serial)


def _check_listed(listed: tuple[str, ...], name: str) -> None:
    allowed = (*POLL_S, "vError", "vWD1")
    missing = [variable for variable in PACKAGE_NEEDS if variable not in listed]
    wrong = [variable for variable in listed if variable not in allowed]
    if missing or wrong or len(set(listed)) != len(listed) or len(listed) > 30:
        raise ValueError(
            f"{name}: package_values = {','.join(listed)!r}; "
            f"needs {', '.join(PACKAGE_NEEDS)}, each once; allowed: {', '.join(allowed)}"
        )
