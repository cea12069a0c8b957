"""Which probe is which, shown by the first heat of PREHEAT: in the bypass the outlet warms first, then the inflow.

The outflow probe has nothing warm before it until the line to the patient opens. Every exchange of the three plugs
breaks that order, whatever the flow and the line's length. Not responsible for what follows (`conditions_probes`,
the gate of PREHEAT) or for the cavity's probes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from controller.core.signals import by_name

ORDER = ("heater_outlet_c", "inflow_c")
ALL = (*ORDER, "outflow_c")
PLACES = ("the heater outlet", "the inflow")
ROSE_C = 1.0
TIE_C = 0.3  # in a circuit that is warm and drifts, the inflow may come so much before the outlet
_INFLOW_FIRST = (["inflow_c"], ["inflow_c", "heater_outlet_c"])
_LABELS = {name: signal.label for name, signal in by_name().items()}


class Identity(NamedTuple):
    """The lowest that each probe has read since the heat came on, and which have risen from there, in order."""

    lowest_c: Mapping[str, float] = {}
    risen: tuple[str, ...] = ()

    @property
    def proved(self) -> bool:
        """The outlet has warmed first and the inflow second."""
        return self.risen[:2] == ORDER

    @property
    def wrong(self) -> str:
        """Which plug sits elsewhere, in words; "" when nothing speaks against the order."""
        if self.risen == ORDER:
            return ""
        for at, (name, expected) in enumerate(zip(self.risen, ORDER, strict=False)):
            if name != expected:
                probe, other = _LABELS[name], _LABELS[expected]
                return f"{probe} warmed by {ROSE_C:g} °C before {other}: the plug of {probe} sits at {PLACES[at]}"
        return ""


def step(identity: Identity, good: Mapping[str, float]) -> Identity:
    """Take one cycle's temperatures in, with the heat on and the clamp in the bypass."""
    if len(identity.risen) >= len(ORDER):
        return identity
    lowest = {name: min(good[name], identity.lowest_c.get(name, good[name])) for name in ALL if name in good}
    # Where two pass the mark in one cycle the warmer one was first.
    passed = sorted(
        (name for name in lowest if good[name] - lowest[name] >= ROSE_C and name not in identity.risen),
        key=lambda name: lowest[name] - good[name],
    )
    if not identity.risen and passed in _INFLOW_FIRST and _tie(good, lowest):
        passed = list(ORDER) if ORDER[0] in passed else []  # or wait for the outlet
    return Identity({**identity.lowest_c, **lowest}, identity.risen + tuple(passed))


def _tie(good: Mapping[str, float], lowest: Mapping[str, float]) -> bool:
    """The outlet has risen nearly as much as the inflow and is the warmer one, as with plugs in their places."""
    outlet, inflow = ORDER
    if outlet not in good or inflow not in good:
        return False
    return good[outlet] - lowest[outlet] >= ROSE_C - TIE_C and good[outlet] > good[inflow]
