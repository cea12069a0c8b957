"""The command line, `hipec`: its commands stand in `controller.commandline`.

Exit codes: 0 done; 1 failed or violated; 2 usage or configuration error; 3 the treatment ended by a trip.
"""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from config.problems import ConfigError
from controller.commandline import alarming, campaigning, evidence, looking, operating, recording, simulating, testing
from controller.commandline.options import NOTICE
from controller.runtime.client import Refusal, Unreachable
from controller.runtime.rundir import InUse
from controller.runtime.session import NotRunning
from controller.runtime.settings import BadSetting

COMMANDS = (
    operating.run,
    operating.act,
    operating.watch,
    simulating.simulate,
    simulating.sim,
    simulating.faults,
    looking.check,
    looking.devices,
    testing.selftest,
    evidence.hazards,
    alarming.alarms,
    alarming.sounds,
    campaigning.campaign,
    recording.report,
    recording.pin,
)

app = typer.Typer(add_completion=False, no_args_is_help=True, help=f"Hyperthermia pump controller. {NOTICE}")
for command in COMMANDS:
    app.command()(command)


def main() -> None:
    """Entry point: configuration errors and refusals are one line and exit code 2."""
    try:
        app()
    except (BadSetting, ConfigError, InUse, OSError, Unreachable, ValueError) as error:
        Console(stderr=True, highlight=False).print(f"hipec: {error}", markup=False, soft_wrap=True)
        sys.exit(2)
    except NotRunning as error:
        Console(stderr=True, highlight=False).print(f"hipec: {error}", markup=False, soft_wrap=True)
        sys.exit(error.code)
    except Refusal as error:
        Console(stderr=True, highlight=False).print(f"refused: {error}", markup=False, soft_wrap=True)
        sys.exit(1)
