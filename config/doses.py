"""How much drug and how much carrier a patient's body surface asks for.

Arithmetic on the values of a treatment that the hospital set; it knows no drug. What a ceiling cut is said, not hidden.
Not responsible for when a fraction is given (`controller.core`) or for whether a dose is right for anybody.
"""

from __future__ import annotations

from dataclasses import dataclass

from config.schema import Drug, Patient, Treatment


@dataclass(frozen=True, slots=True, kw_only=True)
class Fraction:
    """One part of the dose: minutes from the first, and its amount in mg."""

    at_min: float
    mg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DosePlan:
    """Body surface in m2, carrier in mL, drug in mg and its fractions; `capped` says that a ceiling cut the amount."""

    bsa_m2: float
    carrier_ml: float
    carrier_capped: bool
    drug: str = ""
    total_mg: float = 0.0
    capped: bool = False
    fractions: tuple[Fraction, ...] = ()


def dose_plan(treatment: Treatment, patient: Patient) -> DosePlan:
    """The plan for this patient, by Mosteller's body surface (N Engl J Med 1987;317:1098).

    The drug is cut at `max_mg`, the carrier at `fill_max_ml`.
    """
    bsa_m2 = patient.bsa_m2
    wanted_ml = treatment.carrier_ml_per_m2 * bsa_m2
    carrier_ml = min(wanted_ml, treatment.fill_max_ml)
    carrier_capped = wanted_ml > treatment.fill_max_ml
    drug = treatment.drug
    if drug is None:
        return DosePlan(bsa_m2=bsa_m2, carrier_ml=carrier_ml, carrier_capped=carrier_capped)
    wanted_mg = drug.mg_per_m2 * bsa_m2
    total_mg = min(wanted_mg, drug.max_mg)
    return DosePlan(
        bsa_m2=bsa_m2,
        carrier_ml=carrier_ml,
        carrier_capped=carrier_capped,
        drug=drug.name,
        total_mg=total_mg,
        capped=wanted_mg > drug.max_mg,
        fractions=_fractions(drug, total_mg),
    )


def _fractions(drug: Drug, total_mg: float) -> tuple[Fraction, ...]:
    return tuple(
        Fraction(at_min=at_min, mg=share * total_mg) for at_min, share in zip(drug.at_min, drug.shares, strict=True)
    )
