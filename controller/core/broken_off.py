"""What the record of a run that was broken off says is in the patient, until somebody accounts for it.

Until then nothing is begun on top of it. STANDBY needs no act of the machine's for that: its drain stands open. The
doses stay known after it, so that whoever gives the next one is told. Not responsible for finding it out
(`controller.records.last_run`).
"""

from __future__ import annotations

from dataclasses import dataclass

SMALL_ML = 100.0  # waves and the lines' own content read as much; on top of it a fill is still far from too much
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
    """`phase` "" : the record cannot be believed. `volume_ml` None: not known, which is not nothing."""

    phase: str = ""
    patient: str = ""
    volume_ml: float | None = None
    doses: tuple[Given, ...] = ()
    accounted: bool = False  # by a person
    said: str = ""  # all that is known are the words of an earlier start

    @property
    def given(self) -> str:
        """The doses in words; "" for none."""
        return self.said or ", ".join(dose.text for dose in self.doses)

    @property
    def text(self) -> str:
        """All of it in words."""
        if self.said:
            return self.said
        if not self.phase:
            return "what is in the patient and which doses were given is not known: the record cannot be believed"
        volume = "an unknown volume" if self.volume_ml is None else f"{self.volume_ml:.0f} mL"
        given = self.given or "no drug"
        return f"the run before ended in {self.phase} with {volume} in patient {self.patient}; given: {given}"


UNKNOWN = BrokenOff()


def waiting(before: BrokenOff | None) -> str:
    """What nobody has accounted for yet, in words; "" for nothing."""
    return "" if before is None or before.accounted else before.text
