"""Twin of a Watson-Marlow Du pump: basic ASCII commands, echo, status text, tachometer.

It answers only RS, RT and ZY; everything else, malformed or for another pump number, passes in silence.
It has no watchdog: the last command stands for ever. Dosing (DO) and the display (CA, CH, W) are heard and ignored.
Sources: Watson-Marlow 620Du/DuN manual p. 82; m-630dun-en-08 p. 40-42; 505Du p. 15; 323Du p. 27.

Options: model ("630Du"), short_form (False: 323Du status), direction ("cw": which way drives the plant forwards),
reply_ms (5), sim_max_rpm (265), sim_tacho_per_rev (10982; the 530 manual prints 10892), sim_min_gap_ms (0: a command
whose end follows the previous one's sooner than this is lost).
"""

from __future__ import annotations

import math
import re

from sim.devices.twin import Reply, Twin, Wiring
from sim.terminals import Terminals

_COMMAND = re.compile(r"(#|\d{1,2})(SP|SI|SD|GO|ST|RC|RR|RL|RS|RT|TC|ZY)(.*)")
_SPEED = re.compile(r"\d{1,4}(\.\d)?")
_ANSWERING = frozenset({"RS", "RT", "ZY"})
_BUFFER = 128


class WatsonMarlowTwin:
    """One drive. Speed and direction outlive a power cut, running does not (auto-restart is off)."""

    def __init__(
        self,
        *,
        number: int,
        terminals: Terminals,
        model: str,
        short_form: bool,
        forward_clockwise: bool,
        max_rpm: float,
        tacho_per_rev: float,
        min_gap_s: float,
        reply_s: float,
        echo: bool,
    ) -> None:
        self._number = number
        self._terminals = terminals
        self._model = model
        self._short_form = short_form
        self._forward_clockwise = forward_clockwise
        self._max_rpm = max_rpm
        self._tacho_per_rev = tacho_per_rev
        self._min_gap_s = min_gap_s
        self._reply_s = reply_s
        self._echo = echo
        self._rpm = max_rpm  # as shipped
        self._clockwise = True
        self._running = False
        self._tacho_zero_rev = terminals.pump_revolutions
        self._heard = bytearray()
        self._last_end_s = -math.inf

    @property
    def echoes(self) -> bool:
        """The drive repeats what it hears by itself; no adapter has to. Without supply there is no echo."""
        return self._echo

    def receive(self, data: bytes, now_s: float) -> list[Reply]:
        """Every character is echoed as it comes; a command is carried out at its CR."""
        replies = [Reply(0.0, data)] if self._echo and data else []
        self._heard += data
        while (end := self._heard.find(b"\r")) >= 0:
            line = self._heard[:end].decode("ascii", "replace")
            del self._heard[: end + 1]
            too_soon = now_s - self._last_end_s < self._min_gap_s
            self._last_end_s = now_s
            answer = None if too_soon else self._obey(line)
            if answer is not None:
                replies.append(Reply(self._reply_s, answer.encode("ascii") + b"\r"))
        if len(self._heard) > _BUFFER:
            self._heard.clear()
        return replies

    def tick(self, now_s: float) -> None:
        """It has no timer."""

    def power_cycle(self, now_s: float) -> None:
        """It comes back stopped."""
        self._heard.clear()
        self._last_end_s = -math.inf
        self._running = False
        self._drive()

    def _obey(self, line: str) -> str | None:
        parsed = _COMMAND.fullmatch(line)
        if parsed is None:
            return None
        who, verb, parameter = parsed.groups()
        if not (who == "#" or int(who) == self._number):
            return None
        if verb in _ANSWERING:
            # For all drives at once these would answer over each other; the manual excludes it.
            return None if who == "#" or parameter else self._answer(verb)
        if verb == "SP":
            self._set_speed(parameter)
        elif not parameter:
            self._act(verb)
        self._drive()
        return None

    def _set_speed(self, parameter: str) -> None:
        if _SPEED.fullmatch(parameter) is not None:
            self._rpm = min(float(parameter), self._max_rpm)

    def _act(self, verb: str) -> None:
        if verb in ("GO", "ST"):
            self._running = verb == "GO"
        elif verb in ("RR", "RL"):
            self._clockwise = verb == "RR"
        elif verb == "RC":
            self._clockwise = not self._clockwise
        elif verb == "TC":
            self._tacho_zero_rev = self._terminals.pump_revolutions
        elif verb == "SI":
            self._rpm = min(self._rpm + 1.0, self._max_rpm)
        elif verb == "SD":
            self._rpm = max(self._rpm - 1.0, 0.0)

    def _drive(self) -> None:
        rpm = self._rpm if self._running else 0.0
        self._terminals.pump_rpm_command = rpm if self._clockwise == self._forward_clockwise else -rpm

    def _answer(self, verb: str) -> str:
        if verb == "ZY":
            return "1" if self._running else "0"
        return str(self._tacho()) if verb == "RT" else self._status()

    def _status(self) -> str:
        turn, run = "CW" if self._clockwise else "CCW", int(self._running)
        if self._short_form:
            return f"{self._model} {self._rpm:.0f} {turn} {run} !"
        return (
            f"{self._model} 15.84 {self._model[:3]}R 9.6MM {self._rpm:.1f} {turn} "
            f"P/N {self._number} {self._tacho()} {run} !"
        )

    def _tacho(self) -> int:
        return round(abs(self._terminals.pump_revolutions - self._tacho_zero_rev) * self._tacho_per_rev)


def make_twin(wiring: Wiring) -> Twin:
    """A drive whose pump number is the wiring's address."""
    options = wiring.options
    short_form = bool(options.get("short_form", False))
    return WatsonMarlowTwin(
        number=1 if short_form else wiring.address,
        terminals=wiring.terminals,
        model=str(options.get("model", "323Du" if short_form else "630Du")),
        short_form=short_form,
        forward_clockwise=options.get("direction", "cw") == "cw",
        max_rpm=float(options.get("sim_max_rpm", 400.0 if short_form else 265.0)),
        tacho_per_rev=float(options.get("sim_tacho_per_rev", 10982.0)),
        min_gap_s=float(options.get("sim_min_gap_ms", 0.0)) / 1000,
        reply_s=float(options.get("reply_ms", 5.0)) / 1000,
        echo=wiring.echo,
    )
