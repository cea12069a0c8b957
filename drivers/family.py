"""One line of the catalogue of devices. Each driver file ends with its own `FAMILY`; `catalogue` collects them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from config.problems import Problem
from config.schema import Device as DeviceConfig
from drivers.allow_list import AllowListed
from drivers.port import Port
from drivers.roles import Device

Role = Literal["temperature", "pressure", "flow", "level", "pump", "bath", "element", "relay"]


class BadDevice(ValueError):
    """Everything that is wrong with a device as the rig file describes it; keys are below the device."""

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        super().__init__(f"{name}: " + "; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What it is, what it can do, and what it does by itself when the host falls silent."""

    name: str
    title: str
    roles: tuple[Role, ...]
    wire: str
    comm_loss: str
    manual: str
    make: Callable[[Port, DeviceConfig, str], Device]
    """(port, the device's configuration, the device's name in the rig) -> driver; raises ValueError on bad options."""

    def device(self, port: Port, config: DeviceConfig, name: str) -> Device:
        """The driver, behind the rig file's list of identities if it has one. Raises ValueError on bad options."""
        made = self.make(port, config, name)
        return AllowListed(made, name=name, allowed=config.identities) if config.identities else made
