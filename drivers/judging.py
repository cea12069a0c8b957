"""What the drivers say of a rig's devices before any port is opened: each is made once, on a line that is not there.

Not responsible for wiring (`config.wiring`), nor for the options of the simulated devices (`sim.devices.options`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NoReturn

import msgspec

from config.families import FAMILIES
from config.problems import Problem
from config.schema import Device as DeviceConfig
from config.schema import Rig
from drivers.catalogue import families
from drivers.family import BadDevice
from drivers.port import Port

_OPTION = re.compile(r"(\w+) (?:= )?(.+?); (.+)", re.DOTALL)  # as the drivers say it: NAME = VALUE; what is allowed

_WORD = re.compile(r"\w+")


def driver_problems(rig: Rig) -> list[Problem]:
    """Every device whose driver does not take what the rig file says of it; an unknown family is left to the wiring."""
    return [
        problem._replace(key=f"devices.{name}.{problem.key}")
        for name, config in rig.devices.items()
        if config.family in families()
        for problem in _problems(name, _addressed(config))
    ]


def _problems(name: str, config: DeviceConfig) -> Iterator[Problem]:
    """A driver may stop at the first option that it refuses: it is asked again without it, until it takes the rest."""
    port = Port(name=config.port, line=_NoLine(), clock=_NoLine(), timeout_s=1.0, char_s=0.001)
    while True:
        try:
            families()[config.family].device(port, config, name)
        except BadDevice as error:
            yield from error.problems
        except ValueError as error:
            text = str(error).removeprefix(f"{name}: ")
            yield _keyed(text, config.options)
            if blamed := set(_WORD.findall(text.partition(";")[0])) & set(config.options):
                rest = {option: value for option, value in config.options.items() if option not in blamed}
                config = msgspec.structs.replace(config, options=rest)
                continue
        return


def _addressed(config: DeviceConfig) -> DeviceConfig:
    """With an address that can be: one that cannot be is said by the wiring, and need not be said twice."""
    facts = FAMILIES.get(config.family)
    if facts is None or facts.first_address <= config.address <= facts.last_address:
        return config
    return msgspec.structs.replace(config, address=facts.first_address)


def _keyed(text: str, options: Mapping[str, object]) -> Problem:
    said = _OPTION.fullmatch(text)
    if said is None or said[1] not in options:
        return Problem("options", "", text)
    return Problem(f"options.{said[1]}", said[2], said[3])


class _NoLine:
    """Neither line nor clock: a driver that speaks while it is made is a defect."""

    def _refuse(self, *_: object) -> NoReturn:
        raise RuntimeError("a driver must not speak while it is made")

    now = sleep = wall_s = read = write = discard = close = _refuse
