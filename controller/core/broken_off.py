"""What the record of a run that was broken off says is in the patient, until somebody accounts for it.

Until then nothing is begun on top of it. STANDBY needs no act of the machine's for that: its drain stands open. The
doses stay known after it, so that whoever gives the next one is told. Not responsible for finding it out
(`controller.records.last_run`).
"""

from __future__ import annotations

from dataclasses import dataclass

SMALL_ML = 100.0  # waves and the lines' own content read as much; on top of it a fill is still far from too much
NOT_KNOWN = "what is in the patient and which doses were given is not known: the record cannot be believed"
WHAT_TO_DO = "the drain stands open: let the cavity drain, see that it is empty, then confirm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One dose. `at_min` of contact, None where the record does not say."""

    drug: str
    mg: float
    at_min: float | None

    @property
    def text(self) -> str:
        """In words."""
        when = "at an unknown time" if self.at_min is None else f"at {self.at_min:.0f} min"
        return f"{self.mg:.1f} mg {self.drug} {when}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenOff:
    """`phase` "" : no record could be believed. `patient` "", `volume_ml` None: not known, which is not nothing."""

    phase: str = ""
    patient: str = ""
    volume_ml: float | None = None
    doses: tuple[Given, ...] = ()
    accounted: bool = False  # by a person
    said: str = ""  # the words of an earlier start, of which nothing else is known

    @property
    def unknown(self) -> str:
        """What may have been given beside the doses; "" for nothing."""
        return self.said or ("" if self.phase else NOT_KNOWN)

    @property
    def given(self) -> str:
        """The doses in words; "" for none."""
        return ", ".join(filter(None, (self.unknown, *(dose.text for dose in self.doses))))

    def may_be_of(self, patient: str) -> bool:
        """It is this patient's, or nobody knows whose."""
        return self.patient in ("", patient)

    def given_to(self, patient: str) -> str:
        """The doses as they are told with this patient's next one; "" for none, and for another's."""
        if not self.given or not self.may_be_of(patient):
            return ""
        return f"{self.given} (patient {patient})" if self.patient else self.given

    @property
    def text(self) -> str:
        """All of it in words."""
        if not self.phase:
            return self.unknown
        volume = "an unknown volume" if self.volume_ml is None else f"{self.volume_ml:.0f} mL"
        given = self.given or "no drug"
        return f"the run before ended in {self.phase} with {volume} in patient {self.patient}; given: {given}"


UNKNOWN = BrokenOff()


def waiting(before: BrokenOff | None) -> str:
    """What nobody has accounted for yet, in words; "" for nothing."""
    return "" if before is None or before.accounted else before.text
