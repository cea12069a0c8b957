"""Properties over the true plant state: what the patient would feel, whatever is reported.

A condition says in words what is violated at one moment, or "". How long it may last stands in `monitors`.
"""

from __future__ import annotations

from collections.abc import Callable

from config.schema import CONTACTOR_LEASE_S
from controller.core.interlocks import Response
from sim.campaign.engine import PERIOD_S, Moment
from sim.campaign.property import EDGE_S, Setting

HOT_INFLOW_C, HOT_CAVITY_C, HOT_CORE_C = 46.0, 44.0, 40.0
STILL_LPM = 0.2
DRY_ML = 1.0  # what no pump gets out of the reservoir: below this the exchanger is not fed
ON_W = 1.0
PATIENT_ML = 50.0
AFTER_TRIP_S = 1.0
UNHEARD_S = 0.5  # without a word of the protective channel
SHUT_S = 2.5  # inflow stopped after a trip that stops it: the relays' own lease, and the rotor's run-down
OVER_MMHG = 22.0
OVER_FILL_ML = 900.0  # the trip comes at 680 above what was filled; the level lags, and the rotor runs down
OVER_NOISE_MMHG = 0.3  # twice the transmitter's: each reading below the limit begins the trip's half second anew


def hot_inflow(m: Moment) -> str:
    """Fluid that burns enters."""
    if m.entered_ml <= 0.0 or m.entering_c <= HOT_INFLOW_C:
        return ""
    return f"{m.entering_c:.2f} °C enters the cavity"


def hot_cavity(m: Moment) -> str:
    """The cavity burns."""
    return f"cavity {m.cavity_c:.2f} °C" if m.cavity_ml > PATIENT_ML and m.cavity_c > HOT_CAVITY_C else ""


def hot_core(m: Moment) -> str:
    """The patient overheats and is heated."""
    return f"core {m.core_c:.2f} °C with {m.power_w:.0f} W" if m.core_c > HOT_CORE_C and m.power_w > ON_W else ""


def still(m: Moment) -> str:
    """P1. What counts for a bath is its electric power too: the heat it has stored cannot be switched off, and is
    bounded by its set-point ceiling instead.
    """
    return f"{m.power_w:.0f} W at {m.flow_lpm:.2f} L/min" if m.power_w > ON_W and m.flow_lpm < STILL_LPM else ""


def dry(m: Moment) -> str:
    """Heat into an exchanger that nothing feeds."""
    dry = m.power_w > ON_W and m.reservoir_ml < DRY_ML
    return f"{m.power_w:.0f} W with {m.reservoir_ml:.1f} mL in the reservoir" if dry else ""


def closed_while_hot(m: Moment) -> str:
    """P2, over the true inflow."""
    hot = m.contactor and m.inflow_c > HOT_INFLOW_C
    return f"contactor closed at a true inflow of {m.inflow_c:.1f} °C" if hot else ""


def closed_while_told_hot(m: Moment) -> str:
    """P2, over what the protective channel itself measures: it may be hot at the outlet long before the inflow is."""
    said = m.status
    if said is None or not m.contactor:
        return ""
    hottest = max((v for v in (said.inflow_b_c, said.outlet_b_c) if v is not None), default=0.0)
    return f"contactor closed at {hottest:.1f} °C" if hottest > HOT_INFLOW_C else ""


def over_pressure(setting: Setting) -> Callable[[Moment], str]:
    """P10, at the true pressure that this bench's own transmitter shows as over 22: it may read 0.7 mmHg too low."""
    most_mmhg = setting.cavity_mmhg_at(OVER_MMHG + OVER_NOISE_MMHG)

    def over(m: Moment) -> str:
        over = m.cavity_mmhg > most_mmhg and m.entered_ml > 0.0
        return f"{m.entered_ml * 600:.0f} mL/min enter at {m.cavity_mmhg:.1f} mmHg" if over else ""

    return over


def gone_s(m: Moment) -> float:
    """How soon power has to be gone.

    A heater that does not obey waits for the contactor's lease when the second channel is dead too, or cannot speak to
    its own board.
    """
    said = m.status
    heard = said is not None and m.at_s - said.at_s <= UNHEARD_S
    reaches = said is not None and (said.outlet_b_c is not None or said.inflow_b_c is not None)
    return AFTER_TRIP_S if heard and reaches else CONTACTOR_LEASE_S


class Refresh:
    """P3: true power only while a completed cycle has asked for heat within the last second.

    Or, in the self-test, for the contactor alone: into a heater that is stuck on (P1 still limits how long).
    """

    name = "P3 power without a fresh command"

    def __init__(self) -> None:
        self._asked_s = -1e9

    def see(self, m: Moment) -> str:
        """Judge one moment."""
        if m.cycled and (m.outputs.heat_on or m.outputs.prove_contactor):
            self._asked_s = m.at_s
        age_s = m.at_s - self._asked_s
        late = m.power_w > ON_W and age_s > gone_s(m) + PERIOD_S + EDGE_S
        return f"{m.power_w:.0f} W, {min(age_s, 999.0):.1f} s after the last cycle that asked for heat" if late else ""


class Volume:
    """P9: what is in the patient stays between nothing and the fill, what absorbs, and the accumulation margin."""

    name = "P9 volume in the patient"

    def __init__(self, setting: Setting) -> None:
        self._most_ml = setting.fill_ml + OVER_FILL_ML

    def see(self, m: Moment) -> str:
        """Judge one moment."""
        return "" if 0.0 <= m.cavity_ml <= self._most_ml else f"{m.cavity_ml:.0f} mL, most {self._most_ml:.0f} mL"


class AfterTrip:
    """P4, P16: from a trip on no heat is commanded, the power is gone in a second, and R2 and R3 stop the inflow."""

    name = "P4 heat or inflow after a trip"

    def __init__(self) -> None:
        self._tripped_s: float | None = None
        self._shut_s: float | None = None

    def see(self, m: Moment) -> str:
        """Judge one moment."""
        trips = m.state.latch.trips
        if not trips:
            self._tripped_s = self._shut_s = None
            return ""
        self._tripped_s = m.at_s if self._tripped_s is None else self._tripped_s
        if self._shut_s is None and any(trip.response in (Response.R2, Response.R3) for trip in trips):
            self._shut_s = m.at_s
        if m.cycled and m.outputs.heat_on:
            return f"heat commanded while tripped: {trips[0].text}"
        since_s = m.at_s - self._tripped_s
        if m.power_w > ON_W and since_s > gone_s(m) + EDGE_S:
            return f"{m.power_w:.0f} W, {since_s:.1f} s after the trip: {trips[0].text}"
        if self._shut_s is not None and m.entered_ml > 0.0 and m.at_s - self._shut_s > SHUT_S + EDGE_S:
            return f"{m.entered_ml * 600:.0f} mL/min still enter {m.at_s - self._shut_s:.1f} s after: {trips[0].text}"
        return ""
