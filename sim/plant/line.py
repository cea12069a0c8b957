"""A tube as plug flow in volume: what goes in comes out after one tube volume, cooled by its time in the room.

Parcels keep their excess over the room multiplied by a common growth, so that one factor per step cools them all.
Delay is volume / flow whatever the flow did in between. Not responsible for pressure (`sim.plant.pump`).
"""

from __future__ import annotations

import math
from collections import deque

from sim.plant.parameters import FLUID_J_PER_ML_K

SMALLEST_PARCEL_ML = 0.5  # slower flow mixes within this much
REBASE_AT = 1e9


class Line:
    """A tube that is always full. Temperatures in deg C, volumes in mL; `lost_j` is the heat given to the room."""

    __slots__ = (
        "_content_ml_k",
        "_excess",
        "_factor",
        "_factor_dt_s",
        "_growth",
        "_loss_per_s",
        "_room_c",
        "_volumes",
        "lost_j",
    )

    def __init__(self, *, volume_ml: float, loss_w_per_k_ml: float, room_c: float) -> None:
        self.lost_j = 0.0
        self._room_c = room_c
        self._loss_per_s = loss_w_per_k_ml / FLUID_J_PER_ML_K
        self._volumes = deque([volume_ml])
        self._excess = deque([0.0])
        self._growth = 1.0
        self._factor_dt_s = 0.0
        self._factor = 1.0
        self._content_ml_k = 0.0  # sum of volume times excess, kept up so that the loss is known every step

    @property
    def far_end_c(self) -> float:
        """Temperature of what would come out next at the far end."""
        return self._room_c + self._excess[0] / self._growth

    @property
    def near_end_c(self) -> float:
        """Temperature of what would come out next when the flow turns back."""
        return self._room_c + self._excess[-1] / self._growth

    @property
    def volume_ml(self) -> float:
        """What it holds."""
        return sum(self._volumes)

    @property
    def heat_j(self) -> float:
        """Heat above 0 deg C of what it holds."""
        excess = sum(v * x for v, x in zip(self._volumes, self._excess, strict=True)) / self._growth
        return FLUID_J_PER_ML_K * (excess + self.volume_ml * self._room_c)

    def cool(self, dt_s: float) -> None:
        """Let every parcel lose heat to the room for `dt_s`."""
        if dt_s != self._factor_dt_s:
            self._factor_dt_s = dt_s
            self._factor = math.exp(self._loss_per_s * dt_s)
        self._growth *= self._factor
        kept = self._content_ml_k / self._factor
        self.lost_j += (self._content_ml_k - kept) * FLUID_J_PER_ML_K
        self._content_ml_k = kept
        if self._growth > REBASE_AT:
            self._rebase()

    def push(self, ml: float, temperature_c: float) -> float:
        """Push `ml` (> 0, at most one volume) in at the near end; return the temperature of what comes out far."""
        volumes, excess, growth = self._volumes, self._excess, self._growth
        entering = (temperature_c - self._room_c) * growth
        last_ml = volumes[-1]
        if last_ml < SMALLEST_PARCEL_ML:
            excess[-1] = (last_ml * excess[-1] + ml * entering) / (last_ml + ml)
            volumes[-1] = last_ml + ml
        else:
            volumes.append(ml)
            excess.append(entering)
        need_ml = ml
        total = 0.0
        first_ml = volumes[0]
        while first_ml <= need_ml and len(volumes) > 1:
            total += first_ml * excess.popleft()
            need_ml -= first_ml
            volumes.popleft()
            first_ml = volumes[0]
        volumes[0] = first_ml - need_ml
        leaving_k = (total + need_ml * excess[0]) / (ml * growth)
        self._content_ml_k += ml * (temperature_c - self._room_c - leaving_k)
        return self._room_c + leaving_k

    def pull(self, ml: float, temperature_c: float) -> float:
        """Push `ml` in at the far end; return the temperature of what comes out near (reversed flow)."""
        self._volumes.reverse()
        self._excess.reverse()
        leaving_c = self.push(ml, temperature_c)
        self._volumes.reverse()
        self._excess.reverse()
        return leaving_c

    def _rebase(self) -> None:
        self._excess = deque(x / self._growth for x in self._excess)
        self._growth = 1.0
