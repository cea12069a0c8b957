"""What processes and people say to each other: heartbeats, status, requests to the api, a page, or a simulator.

Also the twins as receivers. Nothing may come out but the declared errors.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

from fuzz_api import REQUESTS
from fuzz_guide import Guide
from fuzz_mutator import bend
from fuzz_target import Escape
from fuzz_wire import DriverTarget, driver_targets

from controller.console.commands import Refused, read_setup
from controller.console.commands import read as read_command
from controller.core.exchange import Order
from controller.protective.link import Heartbeat
from controller.protective.link import parse as parse_heartbeat
from controller.runtime.messages import BadMessage, order_of, read_request, request_id
from controller.runtime.protective_link import ProtectiveLink
from sim.control_socket import _answered as answer_to

BEATS = (
    b'{"seq": 12, "at": 1000.5, "heat": true, "reset": 3}',
    b'{"seq": 0, "at": 0.0, "heat": false, "reset": 0}',
    b'{"seq": 9007199254740993, "at": 1e308, "heat": true, "reset": 0}',
)
STATUS = (
    b'{"seq":1,"at":1000.1,"permit":true,"contactor_closed":false,"trip":"","outlet_b_c":40.1,"inflow_b_c":null}',
    b'{"seq":2,"at":1.0,"permit":false,"contactor_closed":true,"trip":"x"}',
)
COMMANDS = (
    b'{"number":1,"issued_ms":1000.5,"act":"target","value":42.0,"text":"warmer"}',
    b'{"number":2,"issued_ms":1000.5,"act":"hold"}',
    b'{"number":3,"issued_ms":0.0,"act":"setup","setup":{"treatment":"cisplatin_90","pseudonym":"EK",'
    b'"height_cm":170.0,"weight_kg":70.0,"sha256":"00"}}',
)
SETUPS = (b'{"treatment":"cisplatin_90","pseudonym":"EK","height_cm":170.0,"weight_kg":70.0}',)
SIM_LINES = (b'{"do":"faults"}', b'{"do":"fault","fault":"no_flow@10+5","seed":1}')


class TextTarget:
    """A parser of single messages. `check` raises what it declares; whatever else comes out is an escape."""

    def __init__(
        self,
        name: str,
        examples: tuple[bytes, ...],
        check: Callable[[bytes], str],
        errors: tuple[type[Exception], ...],
        guide: Guide,
    ) -> None:
        self.name, self.guide = name, guide
        self._examples, self._check, self._errors = examples, check, errors

    def once(self, rng: random.Random) -> int:
        example = self._examples[int(rng.random() * len(self._examples))]
        frame = bend(self.guide.pick(example, rng), self._examples, rng)
        self.guide.run(lambda: self.give(0, frame), lambda: frame)
        return 1

    def give(self, at: int, frame: bytes) -> None:
        try:
            why = self._check(frame)
        except self._errors:
            return
        except Exception as error:
            raise Escape(self.name, at, frame, f"{type(error).__name__}: {error}") from error
        if why:
            raise Escape(self.name, at, frame, why)

    def close(self) -> None:
        """Nothing is held."""


def _heartbeat(frame: bytes) -> str:
    beat = parse_heartbeat(frame)
    said = json.loads(frame)
    same = Heartbeat(said["seq"], float(said["at"]), said["heat"], said["reset"]) == beat
    return "" if same and abs(beat.heartbeat_at_s) != float("inf") and beat.heartbeat_seq >= 0 else f"{beat}"


def _request(frame: bytes) -> str:
    body = frame[4:]
    try:
        request = read_request(body)
    except BadMessage:
        request_id(body)
        raise
    if request.do != "act":
        return ""
    order: Order = order_of(request)
    finite = order.value is None or abs(order.value) < float("inf")
    return "" if finite else f"{order}"


def _command(frame: bytes) -> str:
    command = read_command(frame)
    finite = all(value is None or abs(value) < float("inf") for value in (command.issued_ms, command.value))
    return "" if finite else f"{command}"


def _setup(frame: bytes) -> str:
    setup = read_setup(frame)
    return "" if abs(setup.height_cm) < float("inf") > abs(setup.weight_kg) else f"{setup}"


def _sim_line(frame: bytes) -> str:
    said = answer_to(frame, lambda asked: {"asked": sorted(asked)})
    return "" if isinstance(said["ok"], bool) and said["simulated"] is True else f"{said}"


class StatusTarget(TextTarget):
    """Control's ear for the protective channel, with a real socket beside it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="fz")
        self._link = ProtectiveLink(run_dir=Path(self._folder.name))
        super().__init__("status", STATUS, self._take, (), Guide("controller/runtime"))

    def close(self) -> None:
        self._link.close()
        self._folder.cleanup()

    def _take(self, frame: bytes) -> str:
        before = self._link.malformed
        self._link._newest = None
        self._link._take(frame)
        newest = self._link._newest
        if (newest is None) is not (self._link.malformed == before + 1):
            return "neither taken nor counted"
        if newest is None:
            return ""
        said = json.loads(frame.decode("utf-8", "replace"))
        same = (newest.permit, newest.contactor_closed) == (said["permit"], said["contactor_closed"])
        return "" if same else f"{newest}"


class TwinTarget:
    """A twin as the receiver of what its driver asks, bent. Afterwards it still answers the right question."""

    def __init__(self, driver: DriverTarget) -> None:
        self.name = f"twin.{driver.name}"
        self.guide = Guide("sim/devices")
        self._line = driver._line
        asked: list[bytes] = []
        self._line.remember(False)
        write = self._line.write

        def noted(data: bytes) -> None:
            asked.append(data)
            write(data)

        self._line.write = noted  # type: ignore[method-assign]
        driver._check_clean()
        self._asked = list(dict.fromkeys(asked))
        self._left = 0

    def once(self, rng: random.Random) -> int:
        question = self._asked[int(rng.random() * len(self._asked))]
        frame = bend(self.guide.pick(question, rng), self._asked, rng)
        self.guide.run(lambda: self.give(0, frame), lambda: frame)
        self._left -= 1
        if self._left < 0:
            self._left = 200
            self._still_answers()
        return 1

    def give(self, at: int, frame: bytes) -> None:
        clock = self._line._clock
        clock.sleep(0.01)
        try:
            for twin in self._line._twins:
                twin.tick(clock.now())
                for reply in twin.receive(frame, clock.now()):
                    if not (reply.delay_s >= 0.0 and isinstance(reply.data, bytes)):
                        raise Escape(self.name, at, frame, f"answers {reply}")
        except Escape:
            raise
        except Exception as error:
            raise Escape(self.name, at, frame, f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        """Nothing is held."""

    def _still_answers(self) -> None:
        for _ in range(4):  # what stands half-come in its buffer goes with the silence, or with the end of a line
            self._line._clock.sleep(1.0)
            if any(self._line._answer(question) for question in self._asked):
                return
        raise Escape(self.name, -1, b"", "answers no more")


def talk_targets() -> list[TextTarget | TwinTarget]:
    """All of them."""
    return [
        TextTarget("heartbeat", BEATS, _heartbeat, (ValueError,), Guide("controller/protective")),
        TextTarget("request", REQUESTS, _request, (BadMessage,), Guide("controller/runtime")),
        TextTarget("console.command", COMMANDS, _command, (Refused,), Guide("controller/console")),
        TextTarget("console.setup", SETUPS, _setup, (Refused,), Guide("controller/console")),
        TextTarget("sim.line", SIM_LINES, _sim_line, (), Guide("sim/control_socket.py")),
        StatusTarget(),
        *(TwinTarget(driver) for driver in driver_targets()),
    ]
