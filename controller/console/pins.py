"""PINs of the roles: salted scrypt hashes in a file for its owner only, with a lock after wrong ones, for the
machine itself and for all others apart.

A PIN keeps hands off by mistake at a bedside; it is no password against somebody with the file. A lock never concerns
STOP, which asks for nothing. scrypt as in RFC 7914.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import threading
from dataclasses import dataclass, field
from pathlib import Path

from controller.console.sessions import Role

COST = {"n": 2**14, "r": 8, "p": 1}
PIN_LEAST, PIN_MOST = 4, 12
WRONG_MAX = 5
LOCK_S = 60.0


class BadPins(ValueError):
    """The file cannot be used, or the PIN is none; the text says what is allowed."""


class Locked(Exception):
    """Too many wrong PINs; the text says for how long."""


@dataclass(slots=True)
class _Tally:
    """The wrong PINs of late from one kind of place."""

    wrong_s: list[float] = field(default_factory=list)
    judging: threading.Lock = field(default_factory=threading.Lock)


class Pins:
    """The PINs of one file. `check` may be called from any thread; one guess is judged at a time."""

    def __init__(self, path: Path | None, *, limited: bool = True) -> None:
        self._hashes = _read(path)
        self._limited = limited
        self._tallies = {local: _Tally() for local in (True, False)}

    @property
    def exist(self) -> bool:
        """False when no role has a PIN: then whoever is at the machine is its operator."""
        return bool(self._hashes)

    def check(self, role: Role, pin: str, now_s: float, *, local: bool) -> bool:
        """True when `pin` opens `role`. Raises Locked. Takes some 50 ms on purpose.

        Whoever is not `local` can lock out the others of that kind, and never the bedside.
        """
        tally = self._tallies[local]
        with tally.judging:  # or guesses side by side would all be judged before the first of them counts
            return self._check(role, pin, now_s, tally)

    def _check(self, role: Role, pin: str, now_s: float, tally: _Tally) -> bool:
        tally.wrong_s = [at_s for at_s in tally.wrong_s if now_s - at_s < LOCK_S]
        if self._limited and len(tally.wrong_s) >= WRONG_MAX:
            left_s = LOCK_S - (now_s - tally.wrong_s[-1])
            raise Locked(f"{WRONG_MAX} wrong PINs; try again in {left_s:.0f} s")
        known = self._hashes.get(role.name.lower())
        salt = bytes.fromhex(known["salt"]) if known else b"nobody has this role"
        same = secrets.compare_digest(_hash(pin, salt), bytes.fromhex(known["hash"]) if known else b"")
        if not same:
            tally.wrong_s.append(now_s)
        return same


def write_pin(path: Path, role: Role, pin: str) -> None:
    """Set one role's PIN. Raises BadPins or OSError."""
    if not (pin.isascii() and pin.isdigit() and PIN_LEAST <= len(pin) <= PIN_MOST):
        raise BadPins(f"a PIN has {PIN_LEAST} to {PIN_MOST} digits")
    hashes = _read(path if path.exists() else None)
    salt = secrets.token_bytes(16)
    hashes[role.name.lower()] = {"salt": salt.hex(), "hash": _hash(pin, salt).hex()}
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(hashes, file)
    beside.replace(path)


def _hash(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, n=COST["n"], r=COST["r"], p=COST["p"], dklen=32)


def _read(path: Path | None) -> dict[str, dict[str, str]]:
    if path is None:
        return {}
    try:
        held = json.loads(path.read_text())
        roles = {role.name.lower() for role in (Role.OPERATOR, Role.ENGINEER)}
        if not isinstance(held, dict) or set(held) - roles:
            raise BadPins(f"{path}: allowed roles: {', '.join(sorted(roles))}")
        for entry in held.values():
            bytes.fromhex(entry["salt"]), bytes.fromhex(entry["hash"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadPins(f"{path}: not a file of PINs ({error}); make one with `hipec pin`") from error
    return dict(held)
