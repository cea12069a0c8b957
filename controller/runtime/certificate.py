"""The session self-test on paper: what was tested, when, on which rig and devices, and whether it still counts.

Written by `session.run_selftest`, read by control before a START. Not responsible for the tests themselves.
"""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from config.loading import effective_sha256
from config.schema import Rig
from controller.records.software import software

VALID_S = 24 * 3600.0
FUTURE_S = 60.0


class Line(msgspec.Struct, frozen=True):
    """One step with its measured value."""

    name: str
    measured: str
    allowed: str
    passed: bool


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """`made_s` is seconds of the epoch; `sha256` is over all the rest."""

    made_s: float
    host: str
    rig: str
    rig_sha256: str
    software: str
    simulated: bool
    devices: dict[str, str]
    lines: tuple[Line, ...]
    sha256: str = ""

    @property
    def seal(self) -> str:
        """What `sha256` has to be."""
        return hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(self, sha256=""), order="sorted")).hexdigest()


def place(data_dir: Path, rig: Rig, *, simulated: bool) -> Path:
    """Where the certificate of a rig lies: one for the real bench, another for its twins."""
    return data_dir / f"selftest-{rig.name}{'-simulated' if simulated else ''}.json"


def rig_sha256(rig: Rig) -> str:
    """Of everything in the rig but the names of its ports, which change with the plugging."""
    ports = {name: msgspec.structs.replace(port, path=name) for name, port in rig.ports.items()}
    return effective_sha256(rig=msgspec.structs.replace(rig, ports=ports))


def write(
    data_dir: Path, rig: Rig, *, simulated: bool, devices: Mapping[str, str], lines: Sequence[Mapping[str, object]]
) -> Path:
    """Certify a self-test that has passed. Raises OSError, or ValueError when a line of it has not."""
    certificate = Certificate(
        made_s=time.time(),
        host=socket.gethostname(),
        rig=rig.name,
        rig_sha256=rig_sha256(rig),
        software=software(),
        simulated=simulated,
        devices=dict(devices),
        lines=msgspec.convert(lines, tuple[Line, ...]),
    )
    if not certificate.lines or not all(line.passed for line in certificate.lines):
        raise ValueError("a self-test that has not passed is not certified")
    path = place(data_dir, rig, simulated=simulated)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(msgspec.structs.replace(certificate, sha256=certificate.seal)))
    fresh.replace(path)
    return path


def read(path: Path) -> Certificate | None:
    """The certificate, or None when there is none that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Certificate)
    except (OSError, msgspec.DecodeError):
        return None


def refusal(
    certificate: Certificate | None,
    rig: Rig,
    *,
    simulated: bool,
    wall_s: float,
    devices: Mapping[str, str] | None = None,
) -> str:
    """Why it does not count for this rig now, or "". Without `devices` they are not asked about."""
    what = f"hipec selftest --rig {rig.name}{' --simulate' if simulated else ''}"
    if certificate is None:
        return f"there is no session self-test of this rig; run: {what}"
    whole = certificate.sha256 == certificate.seal and certificate.simulated is simulated
    if not whole or not all(line.passed for line in certificate.lines):
        return f"the session self-test was altered or has not passed; run: {what}"
    if certificate.host != socket.gethostname() or certificate.rig_sha256 != rig_sha256(rig):
        return f"the session self-test was made on another computer or another rig file; run: {what}"
    if certificate.software != software():
        return f"the session self-test was made with other software, {certificate.software}; run: {what}"
    if not (-FUTURE_S <= wall_s - certificate.made_s <= VALID_S):
        hours = (wall_s - certificate.made_s) / 3600.0
        return f"the session self-test is {hours:.0f} h old, 24 h are allowed; run: {what}"
    for name, identity in (devices or {}).items():
        if certificate.devices.get(name) != identity:
            return f"{name} is {identity or 'not there'}, tested was {certificate.devices.get(name)}; run: {what}"
    return ""
