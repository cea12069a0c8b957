"""The electric side of a heater: demand -> faults -> cut-out -> contactor -> power that really flows.

Not responsible for the demand (a circulator's regulator or a solid-state relay) or for where the heat goes.
"""

from __future__ import annotations

from collections import deque

from sim.plant.faults import Faults
from sim.terminals import Terminals


class HeaterSupply:
    """Power in W. `cut_out` latches when the heater's body passes its thermostat."""

    __slots__ = ("_cut_out_c", "_faults", "_max_w", "_now_s", "_terminals", "_waiting", "cut_out")

    def __init__(self, *, max_power_w: float, cut_out_c: float, terminals: Terminals, faults: Faults) -> None:
        self.cut_out = False
        self._max_w = max_power_w
        self._cut_out_c = cut_out_c
        self._terminals = terminals
        self._faults = faults
        self._waiting: deque[tuple[float, float]] = deque()
        self._now_s = 0.0

    def power_w(self, dt_s: float, demand_w: float, body_c: float) -> float:
        """What flows during the next `dt_s` when `demand_w` is asked and the heater's body is at `body_c`."""
        faults, terminals = self._faults, self._terminals
        if faults.heater_delay_s > 0.0 or self._waiting:
            demand_w = self._delayed(dt_s, demand_w)
        if faults.heater_stuck_on:
            demand_w = self._max_w
        if faults.heater_stuck_off and demand_w > 0.0:
            demand_w = 0.0
        if body_c > self._cut_out_c:
            self.cut_out = True
        terminals.sensed["mains_ok"] = 0.0 if faults.mains_lost else 1.0
        if self.cut_out or faults.mains_lost or not terminals.contactor_closed:
            demand_w = 0.0
        power_w = demand_w * faults.heater_gain
        terminals.heater_power_w = power_w
        return power_w

    def _delayed(self, dt_s: float, demand_w: float) -> float:
        self._now_s += dt_s
        waiting = self._waiting
        due_s = self._now_s - self._faults.heater_delay_s
        waiting.append((self._now_s, demand_w))
        while len(waiting) > 1 and waiting[1][0] <= due_s:
            waiting.popleft()
        demand_w = waiting[0][1]
        if self._faults.heater_delay_s <= 0.0:
            waiting.clear()
        return demand_w
