"""The command line, `hipec`: its commands stand in `controller.commandline`.

Exit codes: 0 done; 1 failed or violated; 2 usage or configuration error; 3 the treatment ended by a trip.
"""

from __future__ import annotations

import sys
from typing import NoReturn

import typer
from rich.console import Console

from config.notice import NOTICE
from config.problems import ConfigError
from controller.commandline import alarming, campaigning, evidence, looking, operating, recording, simulating, testing
from controller.console.pins import BadPins
from controller.console.place import BadPlace
from controller.records.store import RecordError
from controller.runtime.client import Refusal, Unreachable
from controller.runtime.exits import FAILED, REFUSED
from controller.runtime.messages import BadMessage
from controller.runtime.rundir import InUse
from controller.runtime.session import NotRunning
from controller.runtime.settings import BadSetting
from sim.refusal import BadRequest

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


REFUSALS = (BadMessage, BadPins, BadPlace, BadRequest, BadSetting, ConfigError, InUse, RecordError)
"""What a person has asked for and cannot have. Anything else that escapes is a defect and keeps its traceback."""


def main() -> None:
    """Entry point: a refusal is one line on stderr and exit code 2, a failure one line and exit code 1."""
    try:
        app()
    except REFUSALS as error:
        _end(REFUSED, f"hipec: {error}")
    except NotRunning as error:
        _end(error.code, f"hipec: {error}")
    except Unreachable as error:
        _end(FAILED, f"hipec: {error}")
    except Refusal as error:
        _end(FAILED, f"refused: {error}")


def _end(code: int, text: str) -> NoReturn:
    Console(stderr=True, highlight=False).print(text, markup=False, soft_wrap=True)
    sys.exit(code)
