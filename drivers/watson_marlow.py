"""Watson-Marlow cased pumps with RS232/RS485 (530Du, 630Du and relatives), basic ASCII protocol.

A set command has no reply and a malformed one is dropped in silence, so every exchange ends with the status (RS) and
compares it with what was asked. The status repeats the speed *set-point*, not the shaft: a stalled or unclamped head
still reads its speed; flow has to be measured elsewhere.
Sources: Watson-Marlow m-630dun-en-08 p. 40-42; 620Du/DuN manual p. 82; 323Du manual p. 27.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import NamedTuple

from config.schema import Device as DeviceConfig
from drivers.family import Family
from drivers.port import Port
from drivers.roles import BadReply, Command, Identity, PumpCommand, Reading, Refused, WrongDevice

GAP_S = 0.010
"""Least silence between two commands."""

_LONGEST_REPLY = 200
_MOTION = r"(?P<rpm>\d+(?:\.\d+)?) (?P<turn>CW|CCW)"
_FULL = re.compile(rf"(?P<model>\S+) \S+ \S.* {_MOTION} P/N (?P<number>\d+) (?P<tacho>\d+) (?P<run>[01]) !", re.ASCII)
_SHORT = re.compile(rf"(?P<model>\S+) {_MOTION} (?P<run>[01]) !", re.ASCII)
_MODEL = re.compile(r"[3-7]\d\dD[ui]N?")
_OPTIONS = frozenset({"direction", "model", "short_form"})


class Status(NamedTuple):
    """One answer to RS. `tenths` is the set-point in 0.1 rpm; `number` and `tacho` are absent in the short form."""

    model: str
    tenths: int
    clockwise: bool
    running: bool
    number: int | None
    tacho: int | None


def parse_status(reply: bytes, *, short_form: bool) -> Status:
    """Read the text that answers RS. Raises BadReply.

    `type ml/rev head tube speed CW|CCW P/N n tacho 0|1 !`, or `type speed CW|CCW 0|1 !` (323Du).
    """
    found = (_SHORT if short_form else _FULL).fullmatch(reply.decode("ascii", "replace").removesuffix("\r"))
    if found is None:
        raise BadReply(f"not a pump status: {reply!r}")
    return Status(
        model=found["model"],
        tenths=round(float(found["rpm"]) * 10),
        clockwise=found["turn"] == "CW",
        running=found["run"] == "1",
        number=None if short_form else int(found["number"]),
        tacho=None if short_form else int(found["tacho"]),
    )


def line_length(received: bytes) -> int | None:
    """Length of the reply line with its CR. Raises BadReply when no line of this protocol can be so long."""
    end = received.find(b"\r")
    if end < 0 and len(received) > _LONGEST_REPLY:
        raise BadReply(f"no end of line in {len(received)} bytes")
    return end + 1 if end >= 0 else None


class WatsonMarlow:
    """One pump. It has no comm-loss stop: a relay in its enable line has to stop it when the host is gone.

    Positive rpm turns in the configured forward direction (clockwise unless `direction` says otherwise).
    """

    def __init__(
        self,
        *,
        port: Port,
        name: str,
        number: int,
        forward_clockwise: bool = True,
        model: str = "",
        short_form: bool = False,
    ) -> None:
        self._port = port
        self._name = name
        self._number = number
        self._forward_clockwise = forward_clockwise
        self._model = model
        self._short_form = short_form
        self._status: Status | None = None
        self._quiet_since_s = -math.inf

    @property
    def channels(self) -> tuple[str, ...]:
        """speed_rpm: read-back of the set-point with its sign, 0 when not running; tacho_count: drive pulses."""
        return ("speed_rpm",) if self._short_form else ("speed_rpm", "tacho_count")

    def open_session(self) -> Identity:
        """Find the pump by type and number, stop it, and see it stopped. Raises WrongDevice, Refused."""
        status = self._read_status()
        self.make_safe()
        return Identity(vendor="Watson-Marlow", model=status.model, serial=f"pump number {self._number}")

    def confirm(self) -> None:
        """Ask who is there. Raises WrongDevice."""
        self._read_status()

    def exchange(self, command: Command | None) -> Mapping[str, Reading]:
        """Send what differs from the last status, then read the status. Raises Refused when it is not as asked.

        A status that names another pump is a BadReply here: there is no checksum, and one flipped bit makes another
        name. Who answers is for `confirm` to find out.
        """
        try:
            return self._exchange(command)
        except WrongDevice as error:
            self._port.distrust()
            raise BadReply(str(error)) from error

    def _exchange(self, command: Command | None) -> Mapping[str, Reading]:
        if command is None:
            return self._readings(self._read_status())
        if not isinstance(command, PumpCommand):
            raise Refused(f"{self._name}: a pump cannot do {command!r}")
        if not math.isfinite(command.rpm):
            raise Refused(f"{self._name}: speed {command.rpm} rpm is not a number")
        return self._readings(self._carry_out(command.rpm))

    def make_safe(self) -> None:
        """Stop, and see it stopped. Raises Refused."""
        self._send("ST")
        status = self._read_status()
        if status.running:
            raise Refused(f"{self._name}: sent ST, still running at {status.tenths / 10} rpm")

    def _carry_out(self, rpm: float) -> Status:
        tenths = 10 * round(abs(rpm)) if self._short_form else round(10 * abs(rpm))  # the drive's own resolution
        if tenths == 0:
            return self._stop()
        clockwise = (rpm > 0) == self._forward_clockwise
        was = self._status or self._read_status()
        if was.running and was.clockwise != clockwise:
            was = self._stop()  # never reversed while it turns
        if was.clockwise != clockwise:
            self._send("RR" if clockwise else "RL")
        if was.tenths != tenths:
            self._send(f"SP{tenths // 10}" if self._short_form else f"SP{tenths / 10:.1f}")
        if not was.running:
            # Started only at a speed and direction that were read back: what it last ran at may be anything.
            self._expect(tenths=tenths, clockwise=clockwise, running=False)
            self._send("GO")
        return self._expect(tenths=tenths, clockwise=clockwise, running=True)

    def _stop(self) -> Status:
        if self._status is None or self._status.running:
            self._send("ST")
        status = self._read_status()
        if status.running:
            raise Refused(f"{self._name}: asked to stop, runs at {status.tenths / 10} rpm")
        return status

    def _expect(self, *, tenths: int, clockwise: bool, running: bool) -> Status:
        status = self._read_status()
        if (status.tenths, status.clockwise, status.running) != (tenths, clockwise, running):
            asked = _words(tenths, clockwise, running)
            found = _words(status.tenths, status.clockwise, status.running)
            raise Refused(f"{self._name}: asked for {asked}, reads back {found}")
        return status

    def _read_status(self) -> Status:
        self._status = None  # an exchange that fails leaves nothing to trust
        self._wait()
        request = f"{self._number}RS\r".encode("ascii")
        try:
            status = parse_status(self._port.exchange(request, line_length), short_form=self._short_form)
        except BadReply:
            self._port.distrust()
            raise
        finally:
            self._quiet_since_s = self._port.clock.now()
        self._check_identity(status)
        self._status = status
        return status

    def _check_identity(self, status: Status) -> None:
        if _MODEL.fullmatch(status.model) is None or (self._model and status.model != self._model):
            raise WrongDevice(f"{self._name}: expected {self._model or 'a Watson-Marlow pump'}, found {status.model!r}")
        if status.number is not None and status.number != self._number:
            raise WrongDevice(f"{self._name}: expected pump number {self._number}, found pump number {status.number}")

    def _send(self, command: str) -> None:
        self._status = None
        self._wait()
        self._port.send(f"{self._number}{command}\r".encode("ascii"))
        self._quiet_since_s = self._port.clock.now()

    def _wait(self) -> None:
        self._port.clock.sleep(max(0.0, self._quiet_since_s + GAP_S - self._port.clock.now()))

    def _readings(self, status: Status) -> dict[str, Reading]:
        now_s = self._port.clock.now()
        forward = status.clockwise == self._forward_clockwise
        speed_rpm = (status.tenths if forward else -status.tenths) / 10 if status.running else 0.0
        readings = {"speed_rpm": Reading(speed_rpm, now_s)}
        if status.tacho is not None:
            readings["tacho_count"] = Reading(float(status.tacho), now_s)
        return readings


def _words(tenths: int, clockwise: bool, running: bool) -> str:
    return f"{tenths / 10} rpm {'CW' if clockwise else 'CCW'} {'running' if running else 'stopped'}"


def _make(port: Port, config: DeviceConfig, name: str) -> WatsonMarlow:
    options = config.options
    unknown = sorted(key for key in set(options) - _OPTIONS if key != "reply_ms" and not key.startswith("sim_"))
    if unknown:
        raise ValueError(f"{name}: options {unknown} are not known; allowed are {sorted(_OPTIONS)}")
    if not (1 <= config.address <= 32):
        raise ValueError(f"{name}: address {config.address} is no pump number; allowed is 1..32 (16 on RS232)")
    direction = options.get("direction", "cw")
    if direction not in ("cw", "ccw"):
        raise ValueError(f"{name}: direction {direction!r}; allowed are 'cw' and 'ccw'")
    short_form = options.get("short_form", False)
    if not isinstance(short_form, bool):
        raise ValueError(f"{name}: short_form {short_form!r}; allowed are true and false")
    if short_form and config.address != 1:
        raise ValueError(f"{name}: address {config.address}; a 323Du is always pump number 1")
    model = options.get("model", "")
    if not isinstance(model, str):
        raise ValueError(f"{name}: model {model!r}; allowed is the type that the status begins with, e.g. '630Du'")
    return WatsonMarlow(
        port=port,
        name=name,
        number=config.address,
        forward_clockwise=direction == "cw",
        model=model,
        short_form=short_form,
    )


FAMILY = Family(
    name="watson_marlow",
    title="Watson-Marlow 530Du / 630Du peristaltic pump (and 505/520/620/720Du, 323Du with short_form)",
    roles=("pump",),
    wire="ASCII, RS232 or RS485, 9600 8N2, the drive echoes by default",
    comm_loss="none: the pump keeps its last command for ever; a leased relay in its enable line has to stop it",
    manual="Watson-Marlow m-630dun-en-08 p. 40-42; 620Du/DuN manual p. 82; 323Du manual p. 27",
    make=_make,
)
