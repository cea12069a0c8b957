"""The page of the worst runs: one file, nothing loaded from anywhere, each run plotted with its faults and trips.

Not responsible for choosing the runs' numbers (`summary`) or for what counts as bad (`monitors`).
"""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from config.notice import NOTICE
from sim.campaign.engine import Moment
from sim.campaign.runner import Run, Treated, Verdict, engine_of
from sim.campaign.scenario import Scenario

EVERY_S = 0.5
WORST = 8
TEMPERATURES = (
    ("outlet", "outlet_c"),
    ("inflow", "inflow_c"),
    ("cavity, hottest", "cavity_c"),
    ("core", "core_c"),
    ("heat source", "source_c"),
)
OTHERS = (("flow L/min", "flow_lpm"), ("cavity mmHg", "cavity_mmhg"))


class Traced(NamedTuple):
    """A run with everything that is plotted."""

    scenario: Scenario
    verdict: Verdict
    moments: list[Moment]
    from_s: float


def trace(treated: Treated, scenario: Scenario) -> Traced:
    """Run it once more and keep its moments."""
    moments: list[Moment] = []
    with engine_of(treated, scenario) as engine:
        from_s = engine.now_s
        verdict = Run(treated, scenario, engine, watch=moments.append).to_the_end()
    return Traced(scenario, verdict, moments, from_s)


def worst(verdicts: Sequence[Verdict], count: int = WORST) -> list[Verdict]:
    """Violations first, then unjustified trips, then what came nearest to a limit of the patient's."""

    def badness(verdict: Verdict) -> tuple[int, int, float]:
        near = max(verdict.inflow_max_c - 46.0, verdict.cavity_max_c - 44.0, verdict.core_max_c - 40.0)
        return len(verdict.violations), len(verdict.unjustified), near

    return sorted(verdicts, key=badness, reverse=True)[:count]


def page(runs: Sequence[Traced], numbers: dict[str, object]) -> str:
    """The whole page."""
    script = _plotly().read_text(encoding="utf-8")
    body = "".join(_section(index, run) for index, run in enumerate(runs))
    shown = html.escape(json.dumps({k: v for k, v in numbers.items() if k != "time_to_safe_s"}, indent=1)[:4000])
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>SIMULATED campaign: worst runs</title>"
        "<style>body{font:15px sans-serif;margin:2em;max-width:1100px}pre{background:#eee;padding:1em}</style>"
        f"<script>{script}</script><h1>SIMULATED campaign: worst runs</h1>"
        f"<p>{NOTICE}</p>"
        f"<pre>{shown}</pre>{body}</html>"
    )


def write(path: Path, runs: Sequence[Traced], numbers: dict[str, object]) -> Path:
    """Write the page, its folder too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(runs, numbers), encoding="utf-8")
    return path


def _plotly() -> Path:
    """The bundled script: found, not imported, because its Python part is not needed."""
    spec = find_spec("plotly")
    if spec is None or not spec.submodule_search_locations:
        raise OSError("plotly is not installed; pip install the locked requirements")
    return Path(spec.submodule_search_locations[0]) / "package_data" / "plotly.min.js"


def _section(index: int, run: Traced) -> str:
    verdict = run.verdict
    faults = ", ".join(str(fault) for fault in run.scenario.faults)
    said = [f"{v.at_s:.1f} s {v.monitor}: {v.text}" for v in verdict.violations]
    said += [f"{trip.at_s - run.from_s:.1f} s trip: {trip.text}" for trip in verdict.trips]
    said += [f"not called for: {text}" for text in verdict.unjustified]
    lines = "".join(f"<li>{html.escape(text)}" for text in said)
    title = f"Seed {verdict.seed}, {verdict.step}, {run.scenario.engine} level: {faults}"
    data, layout = _figure(run)
    plot = f"Plotly.newPlot('p{index}',{_script(data)},{_script(layout)})"
    return f"<h2>{html.escape(title)}</h2><ul>{lines}</ul><div id=p{index}></div><script>{plot}</script>"


def _figure(run: Traced) -> tuple[list[dict[str, object]], dict[str, object]]:
    step = max(1, round(EVERY_S / 0.1))
    moments = run.moments[::step]
    times = [round(m.at_s - run.from_s, 1) for m in moments]

    def line(name: str, values: Sequence[float], axis: str) -> dict[str, object]:
        return {"x": times, "y": [round(v, 3) for v in values], "name": name, "yaxis": axis, "mode": "lines"}

    data = [line(name, [getattr(m, field) for m in moments], "y") for name, field in TEMPERATURES]
    data += [line(name, [getattr(m, field) for m in moments], "y2") for name, field in OTHERS]
    data.append(line("heater W", [m.power_w for m in moments], "y3"))
    data.append(line("heat asked for (W/1000)", [1000.0 * m.outputs.heat_on for m in moments], "y3"))
    marks = [(fault.at_s, "red") for fault in run.scenario.faults]
    marks += [(trip.at_s - run.from_s, "black") for trip in run.verdict.trips]
    shapes = [
        {
            "type": "line",
            "x0": at,
            "x1": at,
            "y0": 0,
            "y1": 1,
            "yref": "paper",
            "line": {"color": colour, "dash": "dot"},
        }
        for at, colour in marks
    ]
    layout: dict[str, object] = {
        "height": 520,
        "shapes": shapes,
        "xaxis": {"title": {"text": "s; red: fault, black: trip"}},
        "yaxis": {"title": {"text": "°C"}, "domain": [0.5, 1.0]},
        "yaxis2": {"domain": [0.25, 0.47]},
        "yaxis3": {"title": {"text": "W"}, "domain": [0.0, 0.22]},
    }
    return data, layout


def _script(value: object) -> str:
    """JSON that cannot end the script it stands in."""
    return json.dumps(value, allow_nan=False).replace("</", "<\\/")
