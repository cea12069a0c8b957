"""Alarms in the terminal: what stands for itself first and in full, what came with it as a number, and what is quiet.

Pure: a state goes in, something rich can print comes out. Not responsible for the rest of the screen (`layout`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.panel import Panel
from rich.text import Text

from controller.terminal.keys import with_keys

PRIORITY_STYLE: Mapping[str, str] = {"HIGH": "bold white on red", "MEDIUM": "black on yellow", "LOW": "black on cyan"}
ALARMS_SHOWN = 5
SIGNALS_SHOWN = 3


def panel(shown: Mapping[str, Any]) -> RenderableType:
    """Everything about alarms; "unknown" without a state."""
    lines = Text()
    alarms = shown.get("alarms", [])
    if not alarms:
        lines.append("no alarm\n" if shown else "unknown\n")
    own = [alarm for alarm in alarms if not alarm.get("because")]
    for alarm in own[:ALARMS_SHOWN]:
        lines.append(f" {alarm['priority']:<6} ", style=PRIORITY_STYLE[alarm["priority"]])
        lines.append(f" {alarm['title']}: {alarm['text']}", style="bold")
        lines.append(f"  {_marks(alarm)}\n         {with_keys(alarm['advice'])}\n", style="dim")
    if more := _more(len(own) - ALARMS_SHOWN, shown.get("suppressed", 0)):
        lines.append(f"{more}\n", style="dim")
    if blind := not_monitored(shown):
        lines.append(f"NOT MONITORED  {blind}\n", style="bold")
    if waits := shown.get("limit_waits"):
        lines.append(f"To confirm within {waits['left_s']:.0f} s: {waits['text']}\n", style="bold")
    lines.rstrip()
    return Panel(lines, title=_title(shown), title_align="left")


def not_monitored(shown: Mapping[str, Any]) -> str:
    """The signals that are missing, each with why and how many alarms depend on it."""
    found: dict[tuple[str, str], int] = {}
    for line in shown.get("not_monitored", []):
        key = (line["signal"], line["why"])
        found[key] = found.get(key, 0) + 1
    words = [f"{signal} ({why}): {count} alarm{'s' * (count > 1)}" for (signal, why), count in found.items()]
    more = f"; and {len(words) - SIGNALS_SHOWN} more signals" if len(words) > SIGNALS_SHOWN else ""
    return "; ".join(words[:SIGNALS_SHOWN]) + more


def _title(shown: Mapping[str, Any]) -> str:
    paused_s = shown.get("audio_paused_s", 0.0)
    if paused_s > 0.0:
        return f"Alarms   AUDIO PAUSED, {paused_s:.0f} s left (P ends it)"
    if shown.get("sounding") == "HIGH" and shown.get("escalation", {}).get("after_s", 0.0) > 0.0:
        external = ", annunciator sounds" if shown.get("annunciator") == "sounds" else ""
        return f"Alarms   unanswered for {shown['escalation']['after_s']:.0f} s or more{external}: a acknowledges"
    return "Alarms"


def _marks(alarm: Mapping[str, Any]) -> str:
    words = (
        "first" if alarm["first"] else "",
        "latched" if alarm["latched"] else "",
        "cause gone" if alarm["latched"] and not alarm.get("present", True) else "",
        "acknowledged" if alarm.get("acknowledged") else "",
    )
    return ", ".join(word for word in words if word)


def _more(hidden: int, suppressed: int) -> str:
    words = (
        f"and {hidden} more" if hidden > 0 else "",
        f"{suppressed} that came with {'it' if suppressed == 1 else 'them'}, not sounding" if suppressed else "",
    )
    return "; ".join(word for word in words if word)
