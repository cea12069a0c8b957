"""What each alarm is: the harm that priority comes from, technical or physiological, what it needs, what causes it.

One line for each row of the interlock table, by id. Priority follows from potential result and onset as in table 1 of
IEC 60601-1-8 (restated from public sources; a reference, not a claim of conformity). Latching is no column: a row
whose response is above R0 latches, and nobody can choose otherwise. Not responsible for states (`alarms`).
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from typing import NamedTuple

from controller.core.interlocks import Priority

CASCADE_S = 10.0  # a consequence that begins further than this from its cause is an alarm of its own
SLUG_S = 60.0  # what left the heater too hot reaches the patient's end of the line within a minute
SIGNAL_DELAY_S = 0.3  # from the condition to light and sound: one cycle to the state, 0.2 s to whoever looks at it
CYCLE_DELAY_S = 0.1  # a value is looked at once in a cycle


class Harm(enum.Enum):
    """What may come of it when nobody responds."""

    MINOR = "minor injury or discomfort"
    REVERSIBLE = "reversible injury"
    IRREVERSIBLE = "death or irreversible injury"


class Onset(enum.Enum):
    """How soon."""

    DELAYED = "delayed"
    PROMPT = "prompt"  # usually time for manual correction
    IMMEDIATE = "immediate"  # usually too fast for it


class Kind(enum.Enum):
    """Whose variable it is."""

    TECHNICAL = "technical"  # of the equipment: device, probe, circuit, computer
    PHYSIOLOGICAL = "physiological"  # of the patient


_HIGH, _MEDIUM, _LOW = Priority.HIGH, Priority.MEDIUM, Priority.LOW

PRIORITY: Mapping[tuple[Harm, Onset], Priority] = {
    (Harm.IRREVERSIBLE, Onset.IMMEDIATE): _HIGH,
    (Harm.IRREVERSIBLE, Onset.PROMPT): _HIGH,
    (Harm.IRREVERSIBLE, Onset.DELAYED): _MEDIUM,
    (Harm.REVERSIBLE, Onset.IMMEDIATE): _HIGH,
    (Harm.REVERSIBLE, Onset.PROMPT): _MEDIUM,
    (Harm.REVERSIBLE, Onset.DELAYED): _LOW,
    (Harm.MINOR, Onset.IMMEDIATE): _MEDIUM,
    (Harm.MINOR, Onset.PROMPT): _LOW,
    (Harm.MINOR, Onset.DELAYED): _LOW,
}
"""Table 1: potential result of no response, by onset."""

BUDGET_S: Mapping[Priority, float] = {_HIGH: 1.0, _MEDIUM: 3.0, _LOW: 10.0}
"""From the condition to its signal. A row that takes longer says why in `slow`."""


class AlarmRow(NamedTuple):
    """One alarm. `needs` are the signals without which it is NOT MONITORED, `because` the rows that bring it along.

    Of what must not be forgotten, such as heat that is off: `renew_s` after it was acknowledged it sounds again, and
    after it has lasted `rises_s` it is HIGH. 0: never. `sudden`: its cause lasts for one cycle only, so that each cycle
    with it is an occurrence of its own, however soon it follows.
    """

    harm: Harm
    onset: Onset
    kind: Kind = Kind.TECHNICAL
    needs: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    within_s: float = CASCADE_S
    slow: str = ""
    renew_s: float = 0.0
    rises_s: float = 0.0
    sudden: bool = False
    raised: Priority | None = None  # deliberately another priority than table 1's, for the reason in `why`
    why: str = ""

    @property
    def priority(self) -> Priority:
        """Table 1's, or the one that was chosen on purpose."""
        return self.raised if self.raised is not None else PRIORITY[self.harm, self.onset]


_D, _R, _M = Harm.IRREVERSIBLE, Harm.REVERSIBLE, Harm.MINOR
_NOW, _SOON, _LATE = Onset.IMMEDIATE, Onset.PROMPT, Onset.DELAYED
_BODY = Kind.PHYSIOLOGICAL
_CORE, _CAVITY = ("core_c",), ("cavity_max_c",)
_LINE, _ABDOMEN = ("line_pressure_mmhg",), ("cavity_pressure_mmhg",)
_LEVEL, _FLOW = ("reservoir_ml",), ("flow_lpm",)
_BODY_LAG = "a body changes over minutes; shorter would alarm on the probe's movement"
_MIXING = "mixing and patient's movement make the level swing for seconds"
_LAG = "probes in moving fluid may differ for the length of the line"
_SURE = "informs only; a short excursion needs nobody"
_UNPLUG = ("device_lost",)

ROWS: Mapping[str, AlarmRow] = {
    "stop": AlarmRow(_M, _SOON, raised=_HIGH, why="whoever pressed it saw harm that no probe sees; all shall hear it"),
    # heat
    "outlet_over": AlarmRow(_D, _NOW, needs=("heater_outlet_c",)),
    "inflow_over": AlarmRow(_D, _NOW, needs=("inflow_c",), because=("outlet_over",), within_s=SLUG_S),
    "source_over": AlarmRow(_D, _SOON, needs=("source_c",)),
    "cavity_over": AlarmRow(_D, _SOON, _BODY, _CAVITY, slow="0.8 s of mixing at the probe"),
    "cavity_warm": AlarmRow(_R, _SOON, _BODY, _CAVITY, ("cavity_over",), math.inf, _SURE),
    "cavity_cool": AlarmRow(_R, _SOON, _BODY, _CAVITY, ("not_heating",), math.inf, _SURE),
    "core_stop": AlarmRow(_D, _NOW, _BODY, _CORE, slow=_BODY_LAG),
    "core_trip": AlarmRow(_D, _SOON, _BODY, _CORE, ("core_stop",), math.inf, _BODY_LAG),
    "core_alarm": AlarmRow(_D, _SOON, _BODY, _CORE, ("core_stop", "core_trip"), math.inf, _BODY_LAG),
    "core_warn": AlarmRow(_D, _LATE, _BODY, _CORE, ("core_stop", "core_trip", "core_alarm"), math.inf, _BODY_LAG),
    "core_low": AlarmRow(_R, _LATE, _BODY, _CORE, slow=_BODY_LAG),
    "heater_stuck_on": AlarmRow(_D, _NOW, needs=("heater_power_w",)),
    "over_power": AlarmRow(_D, _SOON, needs=("heater_outlet_c", "outflow_c", "flow_lpm"), slow=_LAG),
    "setpoint_differs": AlarmRow(
        _D, _SOON, needs=("heater_setpoint_c",), because=_UNPLUG, slow="a bath takes a second to answer twice"
    ),
    "not_heating": AlarmRow(_R, _SOON, needs=("inflow_c",), because=_UNPLUG, renew_s=120.0, rises_s=120.0),
    "heat_off": AlarmRow(
        _R,
        _SOON,
        because=("unheated",),
        within_s=math.inf,
        slow="a minute in which whoever took the heat off may put it on again",
        renew_s=120.0,
        rises_s=300.0,
    ),
    "unheated": AlarmRow(
        _R,
        _SOON,
        slow="half a minute in which whoever took the heat off may put it on again",
        renew_s=60.0,
        rises_s=30.0,
    ),
    "cold_inflow": AlarmRow(_R, _SOON, needs=("inflow_c",), because=("not_heating",), within_s=math.inf, slow=_SURE),
    "heater_unseen": AlarmRow(_R, _SOON, because=_UNPLUG, slow="a bath may miss an answer or two"),
    "weak_heat": AlarmRow(_R, _LATE, because=("not_heating",), within_s=math.inf, slow=_SURE),
    "at_cap": AlarmRow(_R, _LATE, slow=_SURE),
    "slug": AlarmRow(_M, _SOON, needs=("heater_outlet_c", "inflow_c")),
    # flow and fluid
    "no_flow": AlarmRow(_D, _NOW, needs=_FLOW, because=("stalled", "reversed", *_UNPLUG)),
    "stalled": AlarmRow(_D, _NOW, needs=_FLOW, because=_UNPLUG, slow="a pump needs a moment to turn"),
    "reversed": AlarmRow(_D, _NOW, needs=_FLOW),
    "runaway": AlarmRow(_D, _NOW, needs=_FLOW, slow="a flow meter averages over most of a second"),
    "air": AlarmRow(_D, _NOW, needs=("bubble_mm",)),
    "reservoir_low": AlarmRow(_D, _SOON, needs=_LEVEL),
    "line_pressure": AlarmRow(_D, _NOW, needs=_LINE),
    "line_pressure_high": AlarmRow(_R, _SOON, needs=_LINE, because=("line_pressure",), within_s=math.inf),
    "disconnected": AlarmRow(_D, _SOON, needs=(*_LINE, *_FLOW), slow="a pump's pulse dips the pressure for that long"),
    "drift": AlarmRow(_R, _SOON, needs=_LEVEL, because=("disconnected",), within_s=math.inf),
    "accumulating": AlarmRow(_D, _SOON, _BODY, _LEVEL, slow=_MIXING),
    "leak": AlarmRow(_D, _SOON, needs=_LEVEL, because=("disconnected", "accumulating"), slow=_MIXING),
    "overfilled": AlarmRow(_R, _SOON, _BODY, _LEVEL, ("accumulating",), math.inf, _MIXING),
    "cavity_empties": AlarmRow(_R, _SOON, _BODY, _LEVEL, slow=_MIXING),
    "drain_short": AlarmRow(_R, _SOON, _BODY, _LEVEL, slow=_MIXING),
    "volume_unaccounted": AlarmRow(_D, _LATE, _BODY),
    "unbalanced": AlarmRow(_D, _SOON, _BODY, (*_LEVEL, *_FLOW), ("disconnected",), slow=_MIXING),
    "cavity_pressure": AlarmRow(_D, _SOON, _BODY, _ABDOMEN),
    "cavity_pressure_high": AlarmRow(_R, _SOON, _BODY, _ABDOMEN, ("cavity_pressure",), math.inf, _SURE),
    # probes
    "probe_lost": AlarmRow(_D, _SOON, because=_UNPLUG),
    "twin_lost": AlarmRow(
        _D, _SOON, because=("protective_lost", "protective_trip"), slow="the channel itself takes the permit before"
    ),
    "inflow_unseen": AlarmRow(_R, _SOON, because=_UNPLUG),
    "cavity_lost": AlarmRow(_D, _SOON, because=_UNPLUG),
    "cavity_few": AlarmRow(_R, _SOON, because=("cavity_lost", *_UNPLUG)),
    "cavity_outlier": AlarmRow(_R, _SOON, slow=_SURE),
    "line_pressure_lost": AlarmRow(_D, _SOON, because=_UNPLUG),
    "cavity_pressure_lost": AlarmRow(_D, _SOON, because=_UNPLUG),
    "bubble_lost": AlarmRow(_D, _SOON, because=_UNPLUG),
    "level_lost": AlarmRow(_D, _SOON, because=_UNPLUG),
    "core_lost": AlarmRow(_D, _LATE, because=("core_unwatched", *_UNPLUG), within_s=math.inf, slow=_BODY_LAG),
    "core_unwatched": AlarmRow(_D, _SOON, because=_UNPLUG, slow="time to put the probe back: the core moves 0.3 °C"),
    "swapped": AlarmRow(_D, _SOON, needs=("heater_outlet_c", "inflow_c", "outflow_c")),
    "order": AlarmRow(_D, _SOON, needs=("heater_outlet_c", "inflow_c"), slow=_LAG),
    "inflow_disagrees": AlarmRow(_D, _SOON, needs=("inflow_c", "inflow_b_c"), slow=_LAG),
    "outlet_disagrees": AlarmRow(_D, _SOON, needs=("heater_outlet_c", "outlet_b_c"), slow=_LAG),
    "inflow_differs": AlarmRow(
        _R, _SOON, needs=("inflow_c", "inflow_b_c"), because=("inflow_disagrees",), within_s=math.inf, slow=_LAG
    ),
    "twins_apart": AlarmRow(_D, _SOON, because=("order",), slow="fluid that passes both may differ for a second"),
    "outflow_disagrees": AlarmRow(_D, _SOON, needs=("outflow_c",), slow=_LAG),
    "frozen": AlarmRow(_D, _SOON),
    "probe_noise": AlarmRow(_D, _SOON, slow="a burst of electrosurgery is shorter"),
    "outlet_differs": AlarmRow(
        _R, _SOON, needs=("heater_outlet_c", "outlet_b_c"), because=("outlet_disagrees",), within_s=math.inf, slow=_LAG
    ),
    "outflow_differs": AlarmRow(
        _R,
        _SOON,
        needs=("outflow_c",),
        because=("outflow_disagrees", "cavity_empties"),
        within_s=math.inf,
        slow=_LAG,
    ),
    "cavity_spread": AlarmRow(_R, _SOON, needs=_CAVITY, slow=_SURE),
    "cavity_frozen": AlarmRow(_R, _SOON),
    "sensor_frozen": AlarmRow(_R, _SOON),
    "probe_noisy": AlarmRow(_R, _SOON, because=("probe_noise",), within_s=math.inf),
    "power_scale": AlarmRow(_D, _SOON, needs=("heater_power_w",), slow="a bath takes a second to answer twice"),
    "power_differs": AlarmRow(_D, _NOW, needs=("heater_power_w",), slow="the read-back follows the command"),
    "heats_over": AlarmRow(_D, _SOON, needs=("source_c", "heater_power_w"), slow="its regulator swings for seconds"),
    "hotter_than_source": AlarmRow(_D, _SOON, needs=("heater_outlet_c", "source_c"), slow=_LAG),
    "heat_short": AlarmRow(_R, _SOON, needs=("heater_outlet_c", "outflow_c", "flow_lpm"), slow=_LAG),
    "pump_differs": AlarmRow(_D, _SOON, needs=("pump_rpm",), because=_UNPLUG, slow="the read-back follows the command"),
    # devices, channels, host
    "wrong_device": AlarmRow(_D, _SOON),
    "late_often": AlarmRow(_D, _SOON),
    "unattended": AlarmRow(_D, _SOON),
    "console_lost": AlarmRow(_D, _SOON, because=("unattended",), within_s=math.inf),
    "clock_jump": AlarmRow(_M, _SOON, sudden=True),
    "device_lost": AlarmRow(_D, _SOON),
    "mains_lost": AlarmRow(_D, _SOON),
    "on_battery": AlarmRow(_R, _SOON, because=("mains_lost",), within_s=math.inf, renew_s=120.0, rises_s=300.0),
    "device_late": AlarmRow(_R, _LATE, because=_UNPLUG),
    "protective_out": AlarmRow(_R, _SOON),
    "protective_trip": AlarmRow(_D, _NOW),
    "protective_lost": AlarmRow(_D, _SOON),
    "protective_refuses": AlarmRow(_D, _SOON, because=("protective_trip", "protective_lost")),
    "restart": AlarmRow(_D, _SOON),
    "overrun": AlarmRow(_D, _SOON),
    "host": AlarmRow(_R, _SOON),
    "disk_low": AlarmRow(_R, _SOON, because=("host",), within_s=math.inf),
    "dose_due": AlarmRow(_R, _LATE),
    "agitate": AlarmRow(_R, _LATE, _BODY),
}

UNCLASSIFIED = AlarmRow(_D, _NOW)
"""What nobody has judged yet is HIGH and caused by nothing; a test says that there is no such row."""


def row_of(id_: str) -> AlarmRow:
    """The line of the table for an interlock's id."""
    return ROWS.get(id_, UNCLASSIFIED)
