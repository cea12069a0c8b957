"""The campaign's fast engine: the real cycle and protective channel against the plant, values without bytes.

Adds to `sim.cosim` what a campaign needs: a state that can be kept and gone on from. Not responsible for drivers,
codecs or ports (`byte_engine`).
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from config.schema import Patient, Rig, Treatment
from controller.core.cycle import Cycle
from controller.core.exchange import Event, Inputs, Outputs, ProtectiveStatus
from controller.core.state import CycleState
from sim.campaign.person import Person
from sim.cosim import START_S, Cosim
from sim.faults import Fault
from sim.plant.parameters import Parameters
from sim.plant.plant import Plant


class ValueEngine:
    """One treatment in virtual time; `keep` and `another` copy it whole."""

    def __init__(
        self, *, rig: Rig, treatment: Treatment, patient: Patient, parameters: Parameters, seed: int, person: Person
    ) -> None:
        self.rig, self.treatment = rig, treatment
        self.cosim = Cosim(
            rig=rig,
            treatment=treatment,
            patient=patient,
            parameters=parameters,
            seed=seed,
            operator=person,
            sink=self._take,
        )
        self.events: tuple[Event, ...] = ()
        self.before = self.cosim.state
        self.cycled = False

    @property
    def now_s(self) -> float:
        """Time of the cycle."""
        return self.cosim.now_s

    @property
    def cycle(self) -> Cycle:
        """The controller."""
        return self.cosim.cycle

    @property
    def plant(self) -> Plant:
        """The truth."""
        return self.cosim.plant

    @property
    def state(self) -> CycleState:
        """What the controller remembers."""
        return self.cosim.state

    @property
    def inputs(self) -> Inputs:
        """What the last cycle was told."""
        return self.cosim.inputs

    @property
    def outputs(self) -> Outputs:
        """What the last cycle wanted."""
        return self.cosim.outputs

    @property
    def status(self) -> ProtectiveStatus | None:
        """What the protective channel last said."""
        return self.cosim.status

    def begin(self, faults: Sequence[Fault], person: Person) -> None:
        """From here on: this person, and these faults, their times counted from now."""
        elapsed_s = self.now_s - START_S
        self.cosim.operator = person
        for fault in faults:
            self.cosim.schedule.add(replace(fault, at_s=elapsed_s + fault.at_s))

    def advance(self) -> None:
        """One period."""
        self.before = self.cosim.state
        self.cycled = False
        self.events = ()
        self.cosim.advance()

    def keep(self) -> bytes:
        """All of it but the configuration, as it stands."""
        buffer = io.BytesIO()
        _Keeper(buffer, self._fixed).dump(self)
        return buffer.getvalue()

    @property
    def _fixed(self) -> dict[str, object]:
        return {"cycle": self.cosim.cycle, "rig": self.rig, "treatment": self.treatment}

    def another(self, kept: bytes) -> ValueEngine:
        """A new engine that stands where `keep` of this treatment stood; the configuration is shared."""
        engine: ValueEngine = _Maker(io.BytesIO(kept), self._fixed).load()
        return engine

    def _take(self, state: CycleState, outputs: Outputs, events: tuple[Event, ...]) -> None:
        self.cycled = True
        self.events = events


class _Keeper(pickle.Pickler):
    """Leaves out what never changes."""

    def __init__(self, file: io.BytesIO, fixed: dict[str, object]) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._names = {id(value): name for name, value in fixed.items()}

    def persistent_id(self, obj: Any) -> str | None:
        return self._names.get(id(obj))


class _Maker(pickle.Unpickler):
    """Puts it back in."""

    def __init__(self, file: io.BytesIO, fixed: dict[str, object]) -> None:
        super().__init__(file)
        self._fixed = fixed

    def persistent_load(self, pid: Any) -> object:
        return self._fixed[pid]
