"""Clamp-on ultrasonic flow and bubble sensor with the binary RS485 frames of a public organ-perfusion machine.

The bubble size is the biggest SINCE THE LAST REQUEST: a reply that is lost takes its bubble with it, so an exchange
that failed says nothing about air. A flow below 25 mL/min in either direction is below what the sensor can tell and
reads 0, as in the source. The frame's check is weak: it misses some single flipped bits in its last seven bytes, so
nothing that matters may rest on `volume_ml`. Not responsible for the air alarm, or for counting misses in a row.

Source: a public organ-perfusion machine's driver; vendor and parity are not confirmed, reply header and padding were
read from that driver only: bench check.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import NamedTuple

from config.schema import Device as DeviceConfig
from drivers.family import Family
from drivers.port import Port
from drivers.roles import BadReply, Command, Identity, Reading, Refused, WrongDevice

IDENTIFY, GET_VALUES = 0x25, 0x3F
FLOW_ML_MIN, BUBBLE, VOLUME_UL = 0x82, 0x2A, 0x8B
_WHICH = bytes([0x0B, 0x00, 0x01, FLOW_ML_MIN, BUBBLE, VOLUME_UL])
_REPLY_BYTES = {IDENTIFY: 85, GET_VALUES: 23}

STATUS_BUBBLE_ERROR, STATUS_FLOW_ERROR, STATUS_TEMPERATURE_ERROR, STATUS_DEVICE_FAULT = 0x10, 0x20, 0x40, 0x80
BUBBLE_FAULT = 0xFF
BUBBLE_LARGEST = 100
LOW_FLOW_ML_MIN = 25.0


class Values(NamedTuple):
    """One reply, not yet judged."""

    status: int
    flow_ml_min: float
    bubble: int
    volume_ul: float


def crc6(data: bytes) -> int:
    """The frame's check: 8-bit shift register with polynomial D4, low six bits."""
    state = data[0]
    for byte in data[1:]:
        mixed = state ^ byte
        state = (mixed << 1 & 0xFF) ^ (0xD4 if mixed & 0x80 else 0)
    return state & 0x3F


def frame(address: int, command: int, data: bytes = b"") -> bytes:
    """F0 + address, length of the whole frame, command, data, check."""
    body = struct.pack(">BHB", 0xF0 + address, 5 + len(data), command) + data
    return body + bytes([crc6(body)])


class FlowBubble:
    """Channels `flow_lpm` (negative backwards), `bubble_mm`, `volume_ml` (since its power came). Takes no command."""

    channels = ("flow_lpm", "bubble_mm", "volume_ml")

    def __init__(self, *, port: Port, address: int, name: str) -> None:
        self._port = port
        self._address = address
        self._name = name
        self._ident = b""

    def open_session(self) -> Identity:
        """Identify, and drop the biggest bubble of the time before."""
        self._ident = self._ask(IDENTIFY)
        self._values()
        return Identity(vendor="", model=_text(self._ident) or "ultrasonic flow and bubble sensor")

    def confirm(self) -> None:
        """The identification is still the same. Raises WrongDevice."""
        ident = self._ask(IDENTIFY)
        if self._ident and ident != self._ident:
            raise WrongDevice(f"{self._name}: {_text(ident)!r} answers in the place of {_text(self._ident)!r}")

    def exchange(self, command: Command | None) -> Mapping[str, Reading]:
        """Ask for the three values at once. Raises Refused for any command."""
        if command is not None:
            raise Refused(f"{self._name}: a sensor cannot carry out {command}")
        values = self._values()
        at_s = self._port.clock.now()
        return {
            "flow_lpm": _flow(values, at_s),
            "bubble_mm": _bubble(values, at_s),
            "volume_ml": _volume(values, at_s),
        }

    def make_safe(self) -> None:
        """Nothing to take away."""

    def _values(self) -> Values:
        reply = self._ask(GET_VALUES, _WHICH)
        # Each value is its id and a slot of four bytes; the bubble uses the first of its four.
        if (reply[7], reply[12], reply[17]) != (FLOW_ML_MIN, BUBBLE, VOLUME_UL):
            self._port.distrust()
            raise BadReply(f"{self._name}: other values than asked for: {reply.hex(' ')}")
        (flow_ml_min,) = struct.unpack_from("<f", reply, 8)
        (volume_ul,) = struct.unpack_from("<f", reply, 18)
        return Values(reply[5], flow_ml_min, reply[13], volume_ul)

    def _ask(self, command: int, data: bytes = b"") -> bytes:
        reply = self._port.exchange(
            frame(self._address, command, data), lambda received: self._length(received, command)
        )
        if crc6(reply[:-1]) != reply[-1]:
            self._port.distrust()
            raise BadReply(f"{self._name}: wrong check in {reply.hex(' ')}")
        return reply

    def _length(self, received: bytes, command: int) -> int | None:
        """Of the frame at the start, once its header fits the question. Raises BadReply."""
        expected = struct.pack(">BHB", 0xF0 + self._address, _REPLY_BYTES[command], command)
        have = min(len(received), len(expected))
        if received[:have] != expected[:have]:
            raise BadReply(f"{self._name}: a reply to another question: {received.hex(' ')}")
        return _REPLY_BYTES[command] if have == len(expected) else None


def _flow(values: Values, at_s: float) -> Reading:
    if fault := _flow_fault(values.status, values.flow_ml_min):
        return Reading(None, at_s, fault)
    ml_min = 0.0 if abs(values.flow_ml_min) < LOW_FLOW_ML_MIN else values.flow_ml_min
    return Reading(ml_min / 1000.0, at_s)


def _volume(values: Values, at_s: float) -> Reading:
    if fault := _flow_fault(values.status, values.volume_ul):
        return Reading(None, at_s, fault)
    return Reading(values.volume_ul / 1000.0, at_s)


def _bubble(values: Values, at_s: float) -> Reading:
    fault = None
    if values.status & STATUS_DEVICE_FAULT:
        fault = "device fault (status bit 7)"
    elif values.status & STATUS_BUBBLE_ERROR:
        fault = "bubble detection error (status bit 4)"
    elif values.bubble == BUBBLE_FAULT:
        fault = "bubble detection fault (FF)"
    elif values.bubble > BUBBLE_LARGEST:
        fault = f"bubble size {values.bubble} is outside 0..{BUBBLE_LARGEST} (0.1 mm)"
    return Reading(None, at_s, fault) if fault else Reading(values.bubble / 10.0, at_s)


def _flow_fault(status: int, value: float) -> str | None:
    if status & STATUS_DEVICE_FAULT:
        return "device fault (status bit 7)"
    if status & STATUS_FLOW_ERROR:
        return "flow error (status bit 5)"
    if status & STATUS_TEMPERATURE_ERROR:
        return "temperature error (status bit 6): the flow is not compensated"
    return None if math.isfinite(value) else f"no measurement ({value})"


def _text(ident: bytes) -> str:
    """What can be read in an identification whose layout is not published."""
    printable = "".join(chr(byte) if 0x20 <= byte < 0x7F else " " for byte in ident[4:-1])
    return " ".join(printable.split())


def _make(port: Port, config: DeviceConfig, name: str) -> FlowBubble:
    unknown = sorted(key for key in config.options if key != "reply_ms" and not key.startswith("sim_"))
    if unknown:
        raise ValueError(f"{name}: options {unknown} are not known; allowed are none")
    if not 1 <= config.address <= 12:
        raise ValueError(f"{name}: address {config.address}; allowed is 1..12")
    return FlowBubble(port=port, address=config.address, name=name)


FAMILY = Family(
    name="flow_bubble",
    title="Ultrasonic clamp-on flow and bubble sensor (binary RS485)",
    roles=("flow",),
    wire="RS485, 115200 8 data bits, parity to be tried on the bench",
    comm_loss="none needed: it drives nothing",
    manual="frames of a public organ-perfusion machine's driver; vendor not confirmed",
    make=_make,
)
