"""What a campaign shows on a terminal: its numbers, trips by hazard, and how long each fault took to be safe.

Not responsible for the numbers (`summary`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from controller.core.interlocks import TABLE
from sim.campaign.runner import Verdict
from sim.campaign.summary import off_times, percentile

EDGES_S = (0.3, 0.5, 0.7, 1.0, 2.0, 5.0, 20.0, 60.0, float("inf"))
BARS = " ▁▂▃▄▅▆▇█"


def show(console: Console, verdicts: Sequence[Verdict], numbers: dict[str, object]) -> None:
    """Print all of it."""
    console.print(_numbers(numbers))
    console.print(_hazards(verdicts))
    console.print(_times(verdicts))
    for verdict in verdicts:
        for violation in verdict.violations:
            console.print(
                f"[bold red]seed {verdict.seed}[/] {violation.monitor}: {violation.text} ({verdict.step})",
                soft_wrap=True,
            )
        for text in verdict.unjustified:
            console.print(f"[bold]seed {verdict.seed}[/] not called for: {text} ({verdict.step})", soft_wrap=True)


def _numbers(numbers: dict[str, object]) -> Table:
    table = Table(title="SIMULATED campaign", show_header=False)
    for key, value in numbers.items():
        if isinstance(value, list):
            table.add_row(key, str(len(value)))
        elif not isinstance(value, dict):
            table.add_row(key, str(value))
    return table


def _hazards(verdicts: Sequence[Verdict]) -> Table:
    hazards = {row.id: " ".join(row.hazards) for row in TABLE}
    titles = {row.id: row.title for row in TABLE}
    counts = Counter(trip.id for verdict in verdicts for trip in verdict.trips)
    table = Table("hazard", "interlock", "trips", title="Trips by hazard")
    for row, count in sorted(counts.items(), key=lambda item: (hazards[item[0]], item[0])):
        table.add_row(hazards[row], titles[row], str(count))
    return table


def _times(verdicts: Sequence[Verdict]) -> Table:
    table = Table("fault", "n", "p50 s", "p99 s", "max s", "0.3 to 60 s", title="Fault alone, while heating: heat off")
    for name, times in off_times(verdicts).items():
        row = (str(len(times)), f"{percentile(times, 0.5):.1f}", f"{percentile(times, 0.99):.1f}", f"{times[-1]:.1f}")
        table.add_row(name, *row, histogram(times))
    return table


def histogram(times: Sequence[float]) -> str:
    """One character for each range of EDGES_S."""
    counts = [0] * len(EDGES_S)
    for time_s in times:
        counts[next(index for index, edge in enumerate(EDGES_S) if time_s <= edge + 1e-9)] += 1
    most = max(counts)
    return "".join(BARS[0 if not n else max(1, round(8 * n / most))] for n in counts)
