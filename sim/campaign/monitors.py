"""The properties that have to hold in every run, over the true plant state as well as over what is reported.

Each monitor is made for one run, sees every moment, and says in words what is violated, or "". The names P1 to P20 are
those of the property catalogue in docs. Of P13 and P18 virtual time has the half that the controller owes: each change
has its event, and no old value is shown as of now; that events are written first and that a page without states says
NO DATA is shown by tests/runtime, tests/records and tests/console. P12 (the contactor closes under no load) is not a
property of this bench: the contactor closes because heat is asked for, and the demand starts from what the energy
balance needs.
Not responsible for whether a trip was called for (`justified`).
"""

from __future__ import annotations

from sim.campaign import monitors_plant as plant
from sim.campaign import monitors_record as record
from sim.campaign import monitors_reported as reported
from sim.campaign.property import Lasting, Monitor, Setting


def monitors_for(setting: Setting, *, at_s: float, running: bool) -> tuple[Monitor, ...]:
    """Every monitor, for a run that begins at `at_s`; `running` when a treatment is already under way and armed."""
    return (
        Lasting("inflow over 46.0 °C", 1.0, plant.hot_inflow),
        Lasting("cavity over 44 °C", -1.0, plant.hot_cavity),
        Lasting("core over 40 °C with heat", -1.0, plant.hot_core),
        Lasting("P1 heat into still fluid", plant.gone_s, plant.still),
        Lasting("heat in a dry exchanger", 1.0, plant.dry),
        Lasting("P2 contactor closed while the inflow is hot", 1.0, plant.closed_while_hot),
        Lasting("P2 contactor closed while told hot", 1.0, plant.closed_while_told_hot),
        plant.Refresh(),
        plant.AfterTrip(),
        reported.ByItself(at_s, running=running),
        reported.Permits(setting),
        reported.Rates(),
        reported.Limits(setting),
        plant.Volume(setting),
        Lasting("P10 inflow under over-pressure", 1.0, plant.over_pressure(setting)),
        record.Recorded(),
        Lasting("P14 audio pause", -1.0, reported.pause),
        reported.Disagreement(),
        record.Shown(setting),
    )
