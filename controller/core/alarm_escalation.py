"""How a HIGH that nobody answers gets louder; not who answers (`alarms`), nor how it sounds (`sounds`)."""

from __future__ import annotations

from typing import NamedTuple


class Stage(NamedTuple):
    """After how long, a burst how often, and whether the annunciator sounds."""

    after_s: float
    repeat_s: float  # from the end of one burst to the next
    external: bool


ESCALATION: tuple[Stage, ...] = (Stage(0.0, 5.0, False), Stage(15.0, 2.5, False), Stage(30.0, 2.5, True))
"""2.5 s is the shortest that IEC 60601-1-8 allows for HIGH; then the external annunciator sounds too."""
