"""What the console's endpoints share: hub, controller, sessions, PINs, guards, and where all this is served."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.requests import Request

from controller.console.guards import Guards
from controller.console.hub import Hub
from controller.console.pins import Pins
from controller.console.place import Place, is_loopback
from controller.console.sessions import Role, Session, Sessions
from controller.console.simulator import Simulator
from controller.runtime.messages import SetUp


class Controller(Protocol):
    """What the app needs of `upstream.Upstream`."""

    def start(self) -> None:
        """Begin to follow."""

    def close(self) -> None:
        """End."""

    def act(self, act: str, *, value: float | None, text: str, who: str) -> None:
        """Ask and wait."""

    def facts(self) -> dict[str, Any]:
        """What does not change in a run."""

    def preview(self, setup: SetUp) -> dict[str, Any]:
        """What a set-up would mean."""

    def set_up(self, setup: SetUp, *, who: str) -> None:
        """Set up and wait."""

    def stop(self) -> Any:
        """STOP; a future of what became of it."""


@dataclass(slots=True, kw_only=True)
class Console:
    """Everything that the endpoints share."""

    hub: Hub
    controller: Controller
    pins: Pins
    place: Place = field(default_factory=Place)
    guards: Guards = field(default_factory=Guards)
    simulator: Simulator | None = None  # where one serves the ports of the rig
    sessions: Sessions = field(init=False)

    def __post_init__(self) -> None:
        self.sessions = Sessions(without_pin=Role.VIEWER if self.pins.exist else Role.OPERATOR)

    @property
    def cookie(self) -> str:
        """A name of its own per port: cookies do not know ports."""
        return f"hipec_{self.place.port}"

    def session(self, cookies: dict[str, str]) -> Session | None:
        """The session of a request."""
        return self.sessions.find(cookies.get(self.cookie), time.monotonic())


def client_of(request: Request) -> str:
    """The address that a request came from."""
    return request.client.host if request.client is not None else ""


def is_local(request: Request) -> bool:
    """True when it came from this machine."""
    return is_loopback(client_of(request))
