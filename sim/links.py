"""What can be wrong between a device and the host, and how a reply is bent by it.

A plain record per device, set by `sim.faults` and obeyed by the wire and by the in-process simulator alike.
Not responsible for time (`sim.bus`) or for opening and closing ports (`sim.wire`).
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(slots=True, kw_only=True)
class LinkState:
    """One device's link. All at their defaults: a healthy one."""

    silent: bool = False  # cut off both ways
    dead: bool = False  # without supply
    unplugged: bool = False  # the port itself is gone
    babble: bool = False  # fills the line
    half_frame: bool = False
    wrong_unit: bool = False
    extra_delay_s: float = 0.0
    garbled: float = 0.0  # share of replies with flipped bits
    exception_code: int = 0  # Modbus exception, 0 none
    power_cycles: int = 0  # rises by one with each brown-out; its owner calls the twin's power_cycle

    @property
    def deaf(self) -> bool:
        """Hears nothing: its leases run out."""
        return self.silent or self.dead or self.unplugged

    @property
    def healthy(self) -> bool:
        """A question asked now is answered, in time and correctly."""
        return not (
            self.deaf
            or self.babble
            or self.half_frame
            or self.wrong_unit
            or self.extra_delay_s > 0.0
            or self.garbled > 0.0
            or self.exception_code
        )

    def bend(self, reply: bytes, rng: Random) -> bytes:
        """Return the reply as this link delivers it; empty when nothing comes."""
        if self.exception_code:
            reply = refusal(reply, self.exception_code)
        if self.wrong_unit:
            reply = from_another_unit(reply)
        if self.half_frame:
            reply = reply[: len(reply) // 2]
        if self.garbled and rng.random() < self.garbled:
            reply = flipped(reply, rng)
        return reply


def modbus_crc(data: bytes) -> int:
    """CRC-16 of Modbus over serial line V1.02, 6.2.2; its low byte goes first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def flipped(reply: bytes, rng: Random) -> bytes:
    """The reply with one bit of one byte flipped."""
    if not reply:
        return reply
    at = rng.randrange(len(reply))
    return reply[:at] + bytes([reply[at] ^ (1 << rng.randrange(8))]) + reply[at + 1 :]


def from_another_unit(reply: bytes) -> bytes:
    """The reply as the next unit would have sent it, correct in itself where the frame is known.

    Known: Modbus RTU, and ASCII frames that carry two hex digits of address after their first character (DCON, PB
    package) with a sum over the characters before it. Elsewhere the first byte is raised by one.
    """
    if _is_modbus(reply):
        body = bytes([(reply[0] + 1) & 0xFF]) + reply[1:-2]
        return body + modbus_crc(body).to_bytes(2, "little")
    digits = [at for at, byte in enumerate(reply) if 0x30 <= byte <= 0x39]
    if digits and reply.isascii():
        at = digits[0]
        digit = b"%d" % ((reply[at] - 0x30 + 1) % 10)
        return _with_sum(reply, reply[:at] + digit + reply[at + 1 :])
    return bytes([(reply[0] + 1) & 0xFF]) + reply[1:] if reply else reply


def refusal(reply: bytes, code: int) -> bytes:
    """A correct Modbus exception in place of the reply; a protocol without one answers nothing."""
    if not _is_modbus(reply):
        return b""
    body = bytes([reply[0], reply[1] | 0x80, code])
    return body + modbus_crc(body).to_bytes(2, "little")


def _is_modbus(reply: bytes) -> bool:
    return len(reply) >= 4 and modbus_crc(reply[:-2]).to_bytes(2, "little") == reply[-2:]


def _with_sum(before: bytes, after: bytes) -> bytes:
    """Correct the two hex digits before the final CR when they were a correct sum."""
    if not before.endswith(b"\r") or before[-3:-1] != b"%02X" % (sum(before[:-3]) & 0xFF):
        return after
    return after[:-3] + b"%02X" % (sum(after[:-3]) & 0xFF) + b"\r"
