"""How a state looks in a terminal: temperatures with their band, circuit, clock, alarms, what to do next.

Pure: a state goes in, something rich can print comes out. Colour means state: red and yellow are alarms only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from config.notice import NOTICE
from controller.core.signals import by_name
from controller.runtime.client import STALE_S
from controller.terminal import alarm_panel
from controller.terminal.keys import with_keys

HELP = (
    "SPACE STOP   s start  c confirm  d dose  h hold  r resume  x reset  D drain  g agitated\n"
    "a acknowledge  p audio pause  P end pause  l confirm limit   + - target   ] [ flow   q quit"
)
BAND_LOW_C, BAND_HIGH_C = 36.0, 46.0
BAND_WIDTH = 22
TEMPERATURES = (
    "cavity_mean_c",
    "cavity_1_c",
    "cavity_2_c",
    "cavity_3_c",
    "inflow_c",
    "outflow_c",
    "heater_outlet_c",
    "core_c",
)
CIRCUIT = (
    "flow_lpm",
    "line_pressure_mmhg",
    "cavity_pressure_mmhg",
    "reservoir_ml",
    "in_patient_ml",
    "heater_power_w",
    "source_c",
)


def render(state: Mapping[str, Any], *, age_s: float, lost: str, said: str) -> RenderableType:
    """The whole screen. Older than STALE_S: NO DATA, and dashes in place of every number."""
    blind = not state or not age_s <= STALE_S
    shown = {} if blind else state
    parts: list[RenderableType] = [_header(state, blind, age_s, lost), Text(said or " ", style="bold")]
    parts.append(alarm_panel.panel(shown))
    parts.append(_what_now(shown))
    parts.append(_columns(shown, state))
    parts.append(Text(HELP, style="dim"))
    return Group(*parts)


def _header(state: Mapping[str, Any], blind: bool, age_s: float, lost: str) -> RenderableType:
    line = Text()
    if state.get("runtime", {}).get("simulated", False):
        line.append(" SIMULATED ", style="reverse")
        line.append("  ")
    line.append(str(state.get("treatment_title", "")), style="bold")
    line.append(f"   rig {state.get('rig', '?')}   patient {state.get('patient', '?')}")
    line.append(f"\n {NOTICE}", style="dim")
    if blind:
        line.append(f"\nNO DATA for {age_s:.0f} s. {lost}", style=alarm_panel.PRIORITY_STYLE["HIGH"])
    return line


def _columns(shown: Mapping[str, Any], state: Mapping[str, Any]) -> RenderableType:
    outer = Table.grid(expand=True, padding=(0, 2))
    outer.add_column(ratio=5, min_width=60)
    outer.add_column(ratio=4)
    outer.add_row(_temperatures(shown, state), _circuit(shown))
    return outer


def _temperatures(shown: Mapping[str, Any], state: Mapping[str, Any]) -> RenderableType:
    table = Table(expand=True, box=None)
    table.add_column("Temperature", no_wrap=True)
    table.add_column("°C", justify="right", no_wrap=True, min_width=5)
    table.add_column(f"{BAND_LOW_C:.0f}{'41-43':^{BAND_WIDTH - 4}}{BAND_HIGH_C:.0f}", no_wrap=True)
    labels = by_name()
    values, bad = shown.get("values", {}), shown.get("bad", {})
    for name in TEMPERATURES:
        value = values.get(name)
        strong = "bold" if name in ("cavity_mean_c", "inflow_c", "outflow_c") else ""
        table.add_row(
            Text(labels[name].label, style=strong),
            Text("--.--" if value is None else f"{value:.2f}", style=strong),
            Text(str(bad[name]), style="dim") if name in bad else _band(value),
        )
    target, wanted = shown.get("target_c"), values.get("inflow_target_c")
    table.add_row("Target", "--.-" if target is None else f"{target:.2f}", str(shown.get("mode", "")))
    table.add_row("Inflow set-point", "--.-" if wanted is None else f"{wanted:.2f}", "")
    title = str(state.get("phase", ""))
    mark = "TRIPPED in " if shown.get("trips") else "HELD in " if shown.get("hold") else ""
    return Panel(table, title=mark + title, title_align="left")


def _band(value: float | None) -> Text:
    def place(temperature_c: float) -> int:
        share = (temperature_c - BAND_LOW_C) / (BAND_HIGH_C - BAND_LOW_C)
        return min(BAND_WIDTH - 1, max(0, round(share * (BAND_WIDTH - 1))))

    low, high = place(41.0), place(43.0)
    cells = ["▒" if low <= at <= high else "·" for at in range(BAND_WIDTH)]
    if value is not None:
        cells[place(value)] = "█"
    return Text("".join(cells))


def _circuit(shown: Mapping[str, Any]) -> RenderableType:
    table = Table(expand=True, box=None, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    labels, values = by_name(), shown.get("values", {})
    for name in CIRCUIT:
        signal, value = labels[name], values.get(name)
        table.add_row(signal.label, "---" if value is None else f"{value:.{signal.decimals}f}", signal.unit)
    dose = shown.get("dose", {})
    table.add_row("Heat", "ON" if shown.get("heat_on") else "off" if shown else "---", "")
    table.add_row("Pump set", _number(shown.get("pump_lpm"), 2), "L/min")
    table.add_row("Contact", _number(shown.get("contact_min"), 1), f"of {_number(shown.get('duration_min'), 0)} min")
    table.add_row("At or above 41 °C", _number(dose.get("min_41"), 1), "min")
    table.add_row("At or above 42 °C", _number(dose.get("min_42"), 1), "min")
    table.add_row("CEM43", _number(dose.get("cem43_min"), 1), "min")
    return Panel(table, title="Circuit", title_align="left")


def _number(value: float | None, decimals: int) -> str:
    return "---" if value is None else f"{value:.{decimals}f}"


def _what_now(shown: Mapping[str, Any]) -> RenderableType:
    text = Text()
    held = _held(shown)
    text.append("Now   ", style="bold")
    text.append(f"{'Heat off.' if held else shown.get('flow_waits') or shown.get('doing', '')}\n")
    text.append("Wait  ", style="bold")
    hold, gate, asks = shown.get("hold", ""), shown.get("gate", ""), shown.get("asks", "")
    waits = hold or gate or (f"ready: press {'d' if asks == 'dose' else 'c'} to {asks}" if asks else "")
    text.append(f"{waits}\n")
    text.append("You   ", style="bold")
    text.append(held or with_keys(str(shown.get("person", ""))))
    plan, given = shown.get("dose_plan", []), shown.get("doses", 0)
    if plan:
        doses = [
            f"{'given' if at < given else 'next' if at == given else 'later'} {d['mg']:.1f} mg at {d['at_min']:g} min"
            for at, d in enumerate(plan)
        ]
        text.append("\nDrug  ", style="bold")
        text.append(f"{plan[0]['drug']}: {', '.join(doses)}")
    return Panel(text, title="Step", title_align="left")


def _held(shown: Mapping[str, Any]) -> str:
    """What a person does about a trip or a hold; "" when there is none."""
    if shown.get("trips"):
        return "Remove the cause, then x to reset. Heat and flow wait for r after that."
    return "r to resume; until then nothing heats." if shown.get("hold") else ""
