"""How a simulated treatment went, as a table for people."""

from __future__ import annotations

from rich.table import Table

from config.notice import NOTICE

LINES: tuple[tuple[str, str, str], ...] = (  # key, label, format
    ("minutes_at_or_above_41", "At or above 41 °C", "{:.1f} min"),
    ("minutes_at_or_above_42", "At or above 42 °C", "{:.1f} min"),
    ("share_41_to_43", "Perfusion within 41-43 °C", "{:.1%}"),
    ("time_to_target_min", "Warm-up to temperature", "{:.1f} min"),
    ("contact_min", "Perfusion", "{:.1f} min"),
    ("cavity_mean_c", "Cavity, mean of perfusion", "{:.2f} °C"),
    ("cavity_sd_c", "Cavity, standard deviation", "{:.2f} °C"),
    ("cavity_max_c", "Cavity, highest", "{:.2f} °C"),
    ("inflow_max_c", "Inflow, highest", "{:.2f} °C"),
    ("core_max_c", "Core, highest", "{:.2f} °C"),
    ("true_cavity_max_c", "Cavity, highest, true", "{:.2f} °C"),
    ("true_inflow_max_c", "Into the cavity, highest, true", "{:.2f} °C"),
    ("true_core_max_c", "Core, highest, true", "{:.2f} °C"),
    ("cem43_min", "Thermal dose CEM43", "{:.1f} min"),
    ("volume_error_ml", "Volume balance, error", "{:.0f} mL"),
    ("simulated_s", "Simulated", "{:.0f} s"),
    ("real_time_factor", "Times real time", "{:.0f}"),
    ("seed", "Seed", "{}"),
)


def summary(values: dict[str, object], *, tripped: bool) -> Table:
    """A table of two columns, titled with how it ended."""
    ended = f"ended by a trip, now in {values['phase']}" if tripped else str(values["phase"])
    table = Table(title=f"SIMULATED treatment: {ended}", caption=NOTICE, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for key in ("trips", "alarms"):
        table.add_row(key.capitalize(), _events(values[key]))
    for key, label, form in LINES:
        value = values[key]
        table.add_row(label, "-" if value is None else form.format(value))
    return table


def _events(lines: object) -> str:
    if not isinstance(lines, list) or not lines:
        return "none"
    return "\n".join(f"{line['at_min']:6.1f} min  {_priority(line)}{line['text']}" for line in lines)


def _priority(line: dict[str, str]) -> str:
    return f"{line['priority']:<6} " if "priority" in line else ""
