"""A treatment's summary as one printable HTML file without any reference to the outside.

Not responsible for its contents (`summary`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import msgspec

from config.schema import Patient
from controller.core.signals import by_name
from controller.records.summary import SHEET

STYLE = (
    "body{font:11pt/1.3 sans-serif;margin:1.5cm;color:#111}h1{font-size:16pt;margin:0}"
    "h2{font-size:12pt;margin:1.2em 0 .3em}"
    "table{border-collapse:collapse;font-size:9.5pt}td,th{border:1px solid #999;padding:.15em .5em;text-align:left;"
    "vertical-align:top}td.n{text-align:right;white-space:nowrap}.notice{border:2px solid #111;padding:.4em .7em;"
    "font-weight:bold}.hash{font-family:monospace;overflow-wrap:anywhere}tr{break-inside:avoid}"
)
DOSE_LINES = (
    ("min_41", "At or above 41 °C", "min", 1),
    ("min_42", "At or above 42 °C", "min", 1),
    ("min_above_43", "Above 43 °C", "min", 1),
    ("unknown_min", "Cavity temperature not known", "min", 1),
    ("cem43_min", "CEM43", "min", 1),
    ("cavity_mean_c", "Cavity, mean of perfusion", "°C", 2),
    ("cavity_sd_c", "Cavity, standard deviation", "°C", 2),
    ("cavity_max_c", "Cavity, highest", "°C", 2),
    ("inflow_max_c", "Inflow, highest", "°C", 2),
    ("core_max_c", "Core, highest", "°C", 2),
)


def page(found: Mapping[str, Any]) -> str:
    """The page of `summary.summary`'s findings."""
    header, patient, treatment = found["header"], found["patient"], found["treatment"]
    title = f"{treatment['title']}, {patient['pseudonym']}"
    body = (
        f"<h1>{escape(title)}</h1><p class=notice>{escape(str(header['notice']))}</p>",
        _proof(found["proof"], str(header["config_sha256"])),
        _pairs("Who and what", _facts(found)),
        _table("Steps", ("Step", "Began, UTC", "at min", "for min"), _steps(found["steps"])),
        _table("Drug", ("Dose", "Amount, mg", "Planned at, min", "Given"), _doses(found)),
        _table("Volumes by the reservoir's level", ("What", "mL"), _volumes(found)),
        _pairs("Temperature and dose", _dose(found["dose"])),
        _table("Sheet, every 5 min", ("min", "Step", *(_label(name) for name in SHEET)), _sheet(found["sheet"])),
        _table("Events", ("UTC", "min", "Kind", "Text"), _events(found["events"])),
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body>{''.join(body)}</body></html>\n"
    )


def _proof(proof: Mapping[str, Any], config_sha256: str) -> str:
    bad = proof["bad"]
    verdict = "every row is as it was written" if bad is None else f"DAMAGED at row {bad['seq']}: {bad['why']}"
    ended = "complete" if proof["ended"] else "NOT ENDED: the run goes on, or was cut off"
    return (
        f"<p>{proof['rows']} rows, {escape(verdict)}; {ended}.<br>Last hash <span class=hash>{escape(proof['head'])}"
        f"</span><br>Configuration <span class=hash>{escape(config_sha256)}</span></p>"
    )


def _facts(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    header, patient, treatment = found["header"], found["patient"], found["treatment"]
    body = f"{patient['height_cm']:g} cm, {patient['weight_kg']:g} kg"
    contact = f"{_number(found['contact_min'], 1)} of {treatment['duration_min']:g} min"
    bsa_m2 = msgspec.convert(patient, Patient).bsa_m2
    tight = ", ".join(f"{name} {value:g}" for name, value in found["tightened"].items())
    return [
        ("Patient", f"{patient['pseudonym']}, {body}, {bsa_m2:.2f} m²"),
        ("Treatment", f"{treatment['name']}: {treatment['carrier']}, {treatment['technique']} technique"),
        ("Target, flow", f"{treatment['target_c']:g} °C, {treatment['flow_lpm']:g} L/min"),
        ("Planned fill", f"{_number(found['fill_ml'], 0)} mL"),
        ("Contact", f"{contact}; at the end {found['phase']}"),
        ("Alarm limits", f"tightened: {tight}" if tight else "as in the rig file"),
        ("Rig, software", f"{header['rig']}, hipec {header['software_version']}, {header['host']}"),
        ("Begun", f"{header['wall_utc']} (speed {header['speed']:g})"),
    ]


def _steps(steps: Iterable[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    return [(s["step"], s["utc"][:19], f"{s['at_min']:.1f}", f"{s['for_min']:.1f}") for s in steps]


def _doses(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    given = [event for event in found["events"] if (event["kind"], event["name"]) == ("order", "dose")]
    rows: list[tuple[str, ...]] = []
    for number, dose in enumerate(found["dose_plan"]):
        said = f"{given[number]['wall_utc'][11:19]}: {given[number]['text']}" if number < len(given) else "not given"
        rows.append((f"{dose['drug']} {number + 1}", f"{dose['mg']:.1f}", f"{dose['at_min']:g}", said))
    return rows


def _volumes(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    left = ((line["what"], _number(line["in_patient_ml"], 0)) for line in found["volumes"])
    return [("Planned", _number(found["fill_ml"], 0)), *left]


def _dose(dose: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(label, f"{_number(dose.get(name), places)} {unit}") for name, label, unit, places in DOSE_LINES]


def _sheet(lines: Iterable[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    places = {name: min(2, by_name()[name].decimals) for name in SHEET}
    return [
        (f"{line['at_min']:.0f}", line["step"], *(_number(line[name], places[name]) for name in SHEET))
        for line in lines
    ]


def _events(events: Iterable[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    return [(e["wall_utc"][11:19], f"{e['at_min']:.1f}", e["priority"] or e["kind"], e["text"]) for e in events]


def _label(name: str) -> str:
    signal = by_name()[name]
    return f"{signal.label}, {signal.unit}"


def _number(value: float | None, places: int) -> str:
    return "not known" if value is None else f"{value:.{places}f}"


def _pairs(title: str, pairs: Sequence[tuple[str, str]]) -> str:
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in pairs)
    return f"<h2>{escape(title)}</h2><table>{rows}</table>"


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    columns = "".join(f"<th>{escape(text)}</th>" for text in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<h2>{escape(title)}</h2>" + (f"<table><tr>{columns}</tr>{lines}</table>" if rows else "<p>None.</p>")
