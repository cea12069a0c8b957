"""The compiled core beside the interpreted one: the same in every cycle of a campaign, and how much faster. Printed.

.venv/bin/python benchmarks/compiled.py build/compiled      (made by `make compiled`)

Ends with 1 when the two differ: then the compiled one is not to be used.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

RUNS = 50  # two byte-level ones among them
ROUNDS = 3


def hipec(core: str, *arguments: str) -> dict[str, object]:
    """One command under that core ("" for the interpreted one): the object that it prints."""
    command = [str(Path(sys.executable).parent / "hipec"), *arguments, "--json"]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": core}, stdout=subprocess.PIPE, check=True)
    found: dict[str, object] = json.loads(done.stdout)
    return found


def factor(core: str) -> float:
    """How many times faster than real time one default treatment is simulated, best of ROUNDS."""
    return max(float(str(hipec(core, "simulate")["real_time_factor"])) for _ in range(ROUNDS))


def main() -> int:
    """Print one line per core; 1 when they do not agree."""
    cores = {"interpreted": "", "compiled": str(Path(sys.argv[1]).resolve())}
    hashes = set()
    for name, core in cores.items():
        campaign = hipec(core, "campaign", "--runs", str(RUNS), "--out", "build/campaign")
        hashes.add(campaign["trace_hash"])
        print(
            f"{name}: hipec simulate {factor(core):,.0f} x real time;"
            f" {RUNS} seeds in {campaign['wall_s']} s, trace {str(campaign['trace_hash'])[:16]}"
        )
    print("the same in every cycle" if len(hashes) == 1 else "THE TWO DIFFER: do not use the compiled core")
    return len(hashes) - 1


if __name__ == "__main__":
    sys.exit(main())
