"""A parser with a mistake behind four conditions: blind bending changes three places of a right frame at most."""

from __future__ import annotations

RIGHT = b"{S01109A\r"


def planted(frame: bytes) -> str:
    """Refuses what is no frame; fails on one whose second half is `38;C`, found out byte by byte."""
    if len(frame) != len(RIGHT):
        raise ValueError("another length")
    if frame[4:5] == b"3":
        if frame[5:6] == b"8":
            if frame[6:7] == b";":
                if frame[7:8] == b"C":
                    raise KeyError("nobody foresaw this")
                return ""
            return ""
        return ""
    return ""
