"""Which bytes may be taken for the answer to a question, written a third time, from the manuals' rules only.

Neither drivers nor twins are used here: a mistake that they share must not hide. `SOUND` by family says whether a frame
is right in itself and answers that question; `SEAL` puts the right check on any body.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping

Sound = Callable[[bytes, bytes], bool]


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


_TABLE = _crc_table()
_KELLER_BYTES = {48: 10, 69: 8, 73: 9}
_WM = re.compile(rb"[3-7][0-9][0-9]D[ui]N? [^\r]*[0-9.]+ C?CW P/N ([0-9]+) [0-9]+ [01] !\r")


def crc16(data: bytes) -> int:
    """Modbus CRC by table."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc


def rtu(question: bytes, frame: bytes) -> bool:
    """Modbus RTU: CRC, unit, function, byte count or echo, length."""
    if len(frame) < 5 or crc16(frame[:-2]) != frame[-2] | frame[-1] << 8 or frame[:2] != question[:2]:
        return False
    function = question[1]
    if function in (1, 2, 3, 4):
        count = question[4] << 8 | question[5]
        size = 2 * count if function > 2 else (count + 7) // 8
        return frame[2] == size and len(frame) == 5 + size
    return len(frame) == 8 and frame[:6] == question[:6]


def rtu_seal(body: bytes) -> bytes:
    """With its CRC in place of the last two bytes."""
    return body[:-2] + struct.pack("<H", crc16(body[:-2]))


def keller(question: bytes, frame: bytes) -> bool:
    """Its own functions: as RTU with the CRC's high byte first, and a fixed length. Functions 3 and 4 are Modbus."""
    if question[1] in (3, 4):
        return rtu(question, frame)
    whole = len(frame) == _KELLER_BYTES.get(question[1], -1) and frame[:2] == question[:2]
    return whole and crc16(frame[:-2]) == frame[-2] << 8 | frame[-1]


def keller_seal(body: bytes) -> bytes:
    """With its CRC, high byte first; functions 3 and 4 are Modbus."""
    if body[1:2] in (b"\x03", b"\x04"):
        return rtu_seal(body)
    return body[:-2] + struct.pack(">H", crc16(body[:-2]))


def dcon(question: bytes, frame: bytes) -> bool:
    """Advantech ASCII with checksum: `>` or `!AA`, two hex digits of the sum, CR."""
    if not frame.endswith(b"\r") or frame[-3:-1] != b"%02X" % (sum(frame[:-3]) & 0xFF):
        return False
    return frame.startswith(b">" if question[:1] == b"#" else b"!" + question[1:3])


def sum_seal(body: bytes) -> bytes:
    """With two hex digits of the sum of the characters, and CR."""
    return body[:-3] + b"%02X\r" % (sum(body[:-3]) & 0xFF)


def package(question: bytes, frame: bytes) -> bool:
    """Huber package: [S, slave, B, length, block, data, sum, CR."""
    if question[:1] != b"[":
        return frame[:2] == b"{S" and frame[2:4] == question[2:4] and frame[-2:] == b"\r\n"
    whole = frame[-3:] == b"%02X\r" % (sum(frame[:-3]) & 0xFF) and frame[:2] == b"[S"
    return whole and frame[2:4] == question[2:4] and frame[5:7] == b"%02X" % (len(frame) - 3)


def flow(question: bytes, frame: bytes) -> bool:
    """Ultrasonic sensor: header, whole length, command, check of six bits."""
    length = frame[1] << 8 | frame[2] if len(frame) > 3 else 0
    return length == len(frame) and frame[0] == question[0] and frame[3] == question[3] and _crc6(frame) == frame[-1]


def flow_seal(body: bytes) -> bytes:
    """With its check."""
    return body[:-1] + bytes((_crc6(body),)) if len(body) > 1 else body


def _crc6(frame: bytes) -> int:
    state = frame[0]
    for byte in frame[1:-1]:
        high = (state ^ byte) & 0x80
        state = ((state ^ byte) << 1 & 0xFF) ^ (0xD4 if high else 0)
    return state & 0x3F


def watson_marlow(question: bytes, frame: bytes) -> bool:
    """No checksum: the form of a status, whole."""
    found = _WM.fullmatch(frame)
    return found is not None and int(found[1]) == int(question.removesuffix(b"RS\r"))


_STATUS = re.compile(rb"[^\r]+ [0-9]+(\.[0-9]+)? C?CW P/N [0-9]+ [0-9]+ [01] !\r")


def status_line(question: bytes, frame: bytes) -> bool:
    """A pump's status whose type and number are not yet compared."""
    return _STATUS.fullmatch(frame) is not None


SOUND: Mapping[str, Sound] = {
    "adam4015": dcon, "flow_bubble": flow, "huber_pb": package, "keller": keller, "watson_marlow": watson_marlow,
}  # fmt: skip
SEAL: Mapping[str, Callable[[bytes], bytes] | None] = {
    "adam4015": sum_seal, "flow_bubble": flow_seal, "huber_pb": sum_seal, "keller": keller_seal, "watson_marlow": None,
}  # fmt: skip


def sound_for(family: str) -> Sound:
    """What holds for a family; Modbus RTU where nothing else is said."""
    return SOUND.get(family, rtu)


def seal_for(family: str) -> Callable[[bytes], bytes] | None:
    """How its frames are sealed."""
    return SEAL.get(family, rtu_seal)
