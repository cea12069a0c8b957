"""What one run of the cycle is about: a rig, a treatment, a patient, and what follows from them alone.

Made once and never changed; another treatment or patient is another task. Not responsible for anything that happens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from config.doses import DosePlan, dose_plan
from config.schema import Patient, Rig, Treatment
from controller.core.steps import Step
from controller.core.treatment import phases


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Configuration, the dose plan, and the steps of the treatment by name, in order."""

    rig: Rig
    treatment: Treatment
    patient: Patient
    plan: DosePlan
    steps: Mapping[str, Step]

    @classmethod
    def of(cls, *, rig: Rig, treatment: Treatment, patient: Patient) -> Task:
        """The task that these three make."""
        steps = {step.name: step for step in phases(treatment)}
        return cls(rig=rig, treatment=treatment, patient=patient, plan=dose_plan(treatment, patient), steps=steps)

    @property
    def fill_ml(self) -> float:
        """What is to be filled into the patient, mL."""
        return self.plan.carrier_ml
