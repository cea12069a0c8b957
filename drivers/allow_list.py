"""A device that is let in only with an identity that its rig file allows: a unit exchanged in the field, or another
firmware, ends the session before anything is commanded.

Not responsible for what the driver itself finds wrong (model, licence, settings).
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from drivers.roles import Command, Device, Identity, Reading, WrongDevice


def in_words(identity: Identity) -> str:
    """The identity in one line, as `hipec devices --probe` prints it and as a rig's `identities` are matched."""
    return " ".join(part for part in identity if part)


class AllowListed:
    """A device with a list of identities, as shell patterns (`KELLER class 5.20 * 12.*`). All else is the device's."""

    def __init__(self, device: Device, *, name: str, allowed: tuple[str, ...]) -> None:
        self._device = device
        self._name = name
        self._allowed = allowed

    @property
    def channels(self) -> tuple[str, ...]:
        """The device's."""
        return self._device.channels

    def open_session(self) -> Identity:
        """Open; a session begins in a safe state. Raises WrongDevice for who is not on the list, else DeviceError."""
        identity = self._device.open_session()
        found = in_words(identity)
        if not any(fnmatchcase(found, pattern) for pattern in self._allowed):
            raise WrongDevice(f"{self._name}: {found} answers; the rig file allows: {', '.join(self._allowed)}")
        return identity

    def confirm(self) -> None:
        """The device's. Raises DeviceError."""
        self._device.confirm()

    def exchange(self, command: Command | None) -> Mapping[str, Reading]:
        """The device's. Raises DeviceError."""
        return self._device.exchange(command)

    def make_safe(self) -> None:
        """The device's. Raises DeviceError."""
        self._device.make_safe()
