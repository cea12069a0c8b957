"""The patient as heat stores: tissue around the cavity, core, and periphery (the part that redistribution fills).

Metabolism heats the core; the periphery loses heat to the room and to cooling. Anaesthetised thermoregulation answers
only above a raised threshold, by vasodilation (Sessler, Lancet 2016;387:2655). Not responsible for the cavity's fluid.
"""

from __future__ import annotations

from sim.plant.parameters import PatientParameters

EASE_K = 1.0  # cooling is eased off over this much core temperature


class Body:
    """Temperatures in deg C; `gained_j` is metabolism minus all losses so far (not what comes from the cavity)."""

    __slots__ = (
        "_core_j_per_k",
        "_parameters",
        "_periphery_j_per_k",
        "_room_c",
        "_tissue_j_per_k",
        "_tissue_w_per_k",
        "core_c",
        "film_w_per_k",
        "gained_j",
        "periphery_c",
        "tissue_c",
    )

    def __init__(self, *, parameters: PatientParameters, room_c: float) -> None:
        body_j_per_k = parameters.weight_kg * parameters.body_j_per_kg_k
        self.core_c = self.tissue_c = parameters.core_start_c
        self.periphery_c = parameters.core_start_c - parameters.periphery_below_core_c
        self.gained_j = 0.0
        self.film_w_per_k = parameters.ua_w_per_k / parameters.film_share
        self._tissue_w_per_k = parameters.ua_w_per_k / (1.0 - parameters.film_share)
        self._tissue_j_per_k = body_j_per_k * parameters.tissue_share
        self._core_j_per_k = body_j_per_k * parameters.core_share
        self._periphery_j_per_k = body_j_per_k * (1.0 - parameters.tissue_share - parameters.core_share)
        self._room_c = room_c
        self._parameters = parameters

    @property
    def heat_j(self) -> float:
        """Heat above 0 deg C."""
        return (
            self._tissue_j_per_k * self.tissue_c
            + self._core_j_per_k * self.core_c
            + self._periphery_j_per_k * self.periphery_c
        )

    def step(self, dt_s: float, cavity_w: float, absorbed_j: float) -> None:
        """Take heat from the cavity (W, and J carried by absorbed fluid) for `dt_s`."""
        p = self._parameters
        core_c, tissue_c, periphery_c = self.core_c, self.tissue_c, self.periphery_c
        dilation = core_c - p.dilation_from_c
        blood = 1.0
        loss_w = p.room_loss_w_per_k * (periphery_c - self._room_c)
        if dilation > 0.0:
            blood += p.dilation_per_k * dilation
            loss_w += p.dilation_loss_w_per_k * dilation
        cooling = (core_c - p.cooling_from_c) / EASE_K
        if cooling > 0.0:
            loss_w += p.cooling_w * cooling if cooling < 1.0 else p.cooling_w
        made_w = p.metabolism_w * (1.0 + p.metabolism_per_k * (core_c - 37.0))
        to_core_w = self._tissue_w_per_k * blood * (tissue_c - core_c)
        to_periphery_w = p.periphery_w_per_k * blood * (core_c - periphery_c)
        self.tissue_c = tissue_c + (cavity_w - to_core_w) * dt_s / self._tissue_j_per_k
        self.core_c = core_c + ((to_core_w + made_w - to_periphery_w) * dt_s + absorbed_j) / self._core_j_per_k
        self.periphery_c = periphery_c + (to_periphery_w - loss_w) * dt_s / self._periphery_j_per_k
        self.gained_j += (made_w - loss_w) * dt_s
