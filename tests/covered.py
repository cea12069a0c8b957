"""`make coverage`: what the tests reached of the safety code, file by file, as docs/coverage.md.

Exit codes: 0 every line and branch of every file was reached, 1 some were not, or a file was not measured at all.
"""

from __future__ import annotations

import io
import subprocess
import sys
import time
from pathlib import Path

from coverage import Coverage

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/coverage.md"
WHOLE_PERCENT = 100.0


def main() -> int:
    """Read the combined data, write the page, judge it."""
    measured = Coverage()
    measured.load()
    table = io.StringIO()
    percent = measured.report(file=table, output_format="markdown", skip_covered=False, show_missing=True)
    absent = unmeasured(measured)
    PAGE.write_text(page(table.getvalue(), absent), "utf-8")
    sys.stdout.write("\n".join([table.getvalue(), *(f"{name} was not measured" for name in absent)]))
    return 0 if percent >= WHOLE_PERCENT and not absent else 1


def unmeasured(measured: Coverage) -> list[str]:
    """The files that ought to be measured and never ran: a report does not show them."""
    ran = set(measured.get_data().measured_files())
    wanted = (path for pattern in measured.get_option("run:include") for path in ROOT.glob(pattern.lstrip("*/")))
    return sorted(str(path.relative_to(ROOT)) for path in wanted if str(path) not in ran)


def page(table: str, absent: list[str]) -> str:
    """The page docs/coverage.md."""
    asked = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    parts = [
        "# Coverage of the safety code\n",
        "Lines and branches of interlocks, conditions, alarms, steps, gates, treatment and the protective channel that "
        "`tests/core` and `tests/protective` reach. Written by `make coverage`; do not edit.\n",
        f"{time.strftime('%Y-%m-%d')}, on commit {commit}.\n",
        table,
        *(f"Not measured: {name}\n" for name in absent),
    ]
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(main())
