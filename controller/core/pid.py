"""simple-pid with its state outside: values in, values out, nothing remembered here.

simple_pid keeps its integral inside, is poisoned for ever by one NaN and clamps the integral only to the output limits.
Here it is part of the cycle's state, a value that is not finite is refused before it gets in, and the integral
stands still while the error is large or the output is at a limit and would be driven further (conditional integration).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from simple_pid import PID


class Term(NamedTuple):
    """The state of one loop: the integral's contribution to the output, in the output's unit."""

    integral: float = 0.0


class Loop:
    """One PI term. Gains in output units per °C and per °C s; output within `low`..`high`."""

    def __init__(self, *, kp: float, ki: float, low: float, high: float, integrate_within_c: float) -> None:
        self._pid = PID(kp, ki, 0.0, setpoint=0.0, sample_time=None, output_limits=(low, high), time_fn=lambda: 0.0)
        self._low, self._high = low, high
        self._within_c = integrate_within_c
        self._loaded: Term | None = None  # which term the PID holds, so that it is not loaded again in vain

    def step(
        self, term: Term, *, setpoint_c: float, measured_c: float, dt_s: float, blocked: int = 0
    ) -> tuple[float, Term]:
        """Return the output and the new term. `blocked` +1/-1: what follows cannot go further up/down.

        Raises ValueError on a value that is not finite.
        """
        error = setpoint_c - measured_c
        if not math.isfinite(error):
            raise ValueError(f"a control loop was given {setpoint_c} and {measured_c}")
        pid = self._pid
        if term is not self._loaded:
            pid.set_auto_mode(False)
            pid.set_auto_mode(True, last_output=term.integral)
        output = pid(-error, dt=dt_s)
        if output is None:
            raise ValueError(f"a control loop gave no output in {dt_s} s")
        integral: float = pid.components[1]
        onward = (error > 0 and (blocked > 0 or output >= self._high)) or (
            error < 0 and (blocked < 0 or output <= self._low)
        )
        if onward or not (abs(error) <= self._within_c):
            self._loaded = None
            return output, term
        self._loaded = Term(integral)
        return output, self._loaded
