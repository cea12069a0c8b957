"""Bends frames: bits, bytes, lengths, cuts, splices, and frames that are sealed again after they were bent.

Deterministic by its seed. Not responsible for what a frame means; `seal` puts a right checksum on a wrong frame.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

TELLING = (0x00, 0x01, 0x7F, 0x80, 0xFF, 0x0D, 0x0A, 0x20, 0x2B, 0x2D, 0x2E, 0x30, 0x39, 0x41, 0x46, 0x7B, 0x5B)
Seal = Callable[[bytes], bytes]


def bend(frame: bytes, others: Sequence[bytes], rng: random.Random, seal: Seal | None = None) -> bytes:
    """`frame` with one to three changes; one in four gets its checksum set right afterwards, where there is one."""
    changes = 1 if rng.random() < 0.6 else rng.randrange(2, 4)
    for _ in range(changes):
        frame = _CHANGES[int(rng.random() * len(_CHANGES))](frame, others, rng)
    if seal is not None and rng.random() < 0.25:
        frame = seal(frame)
    return frame


def _at(frame: bytes, rng: random.Random) -> int:
    return int(rng.random() * len(frame))


def _flip(frame: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    if not frame:
        return b"\x00"
    at = _at(frame, rng)
    return frame[:at] + bytes((frame[at] ^ 1 << int(rng.random() * 8),)) + frame[at + 1 :]


def _byte(frame: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    at = _at(frame, rng)
    return frame[:at] + bytes((int(rng.random() * 256),)) + frame[at + 1 :]


def _telling(frame: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    at = _at(frame, rng)
    return frame[:at] + bytes((TELLING[int(rng.random() * len(TELLING))],)) + frame[at + 1 :]


def _step(frame: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """One more or less: what an address, a count or a length does."""
    if not frame:
        return b"\x01"
    at = _at(frame, rng)
    return frame[:at] + bytes(((frame[at] + (1 if rng.random() < 0.5 else -1)) & 0xFF,)) + frame[at + 1 :]


def _cut(frame: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    return frame[: _at(frame, rng)]


def _drop(frame: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    at = _at(frame, rng)
    return frame[:at] + frame[at + 1 + int(rng.random() * 3) :]


def _insert(frame: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    at = _at(frame, rng)
    return frame[:at] + rng.randbytes(1 + int(rng.random() * 4)) + frame[at:]


def _append(frame: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    return frame + rng.randbytes(1 + int(rng.random() * 12))


def _repeat(frame: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    return frame + frame if len(frame) < 4096 else frame


def _swap(frame: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """Another question's answer, whole."""
    return others[int(rng.random() * len(others))]


def _splice(frame: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    other = _swap(frame, others, rng)
    return frame[: _at(frame, rng)] + other[_at(other, rng) :]


def _noise(frame: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    return rng.randbytes(int(rng.random() * (len(frame) + 2)))


_CHANGES = (
    _flip, _flip, _flip, _byte, _telling, _step, _cut, _drop, _insert, _append, _repeat, _swap, _splice, _noise,
)  # fmt: skip
