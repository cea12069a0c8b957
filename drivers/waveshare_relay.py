"""Waveshare Modbus RTU Relay (8CH and its sisters): outputs that open by themselves unless they are re-armed.

A channel is closed with "flash-on", which opens it again after N x 100 ms: that is the lease. It is re-armed only by a
command, so that a hung or killed host, a cut cable and a stopped cycle all end with the channel open.
Not responsible for deciding whether a channel that opened by itself may be closed again: it says `Restarted`.

Source: Waveshare wiki, Modbus RTU Relay, development protocol V2 (function codes 01, 03, 05; flash-on 0x0200+channel).
Whether flash-on restarts a running lease is not documented: bench check. If it does not, the lapse shows at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from config.schema import Device as DeviceConfig
from drivers.family import Family
from drivers.modbus import COIL_OFF, ModbusUnit
from drivers.port import Port
from drivers.roles import Command, Identity, Reading, Refused, RelayCommand, Restarted, WrongDevice

FLASH_ON = 0x0200
MODE = 0x1000
ALL_CHANNELS = 0x00FF
STEP_S = 0.1
MOST_STEPS = 0x7FFF
NORMAL_MODE = 0

REARM_LATEST_S = 0.25
"""With exchanges at least four times a second no lease gets older than 0.5 s before it is re-armed."""
REARM_SHARE = 0.125

_OPTIONS = {"channels"}


@dataclass(slots=True)
class _Lease:
    """A channel that was told to close: for how many steps, and when last."""

    steps: int
    armed_s: float


class WaveshareRelay:
    """Channel `closed_mask`: bit n is output n as the board reports it. Takes RelayCommand only."""

    def __init__(self, *, unit: ModbusUnit, name: str, outputs: int = 8) -> None:
        self._unit = unit
        self._name = name
        self._outputs = outputs
        self._leases: dict[int, _Lease] = {}

    @property
    def channels(self) -> tuple[str, ...]:
        """One value for the whole board."""
        return ("closed_mask",)

    def open_session(self) -> Identity:
        """Check the modes, open every output and read that back. Raises WrongDevice, Refused."""
        self._check_modes()
        self._open_all()
        return Identity(vendor="Waveshare", model=f"Modbus RTU Relay {self._outputs}CH")

    def confirm(self) -> None:
        """The mode registers answer, and say 0. Raises WrongDevice, Refused."""
        self._check_modes()

    def exchange(self, command: Command | None) -> Mapping[str, Reading]:
        """Re-arm the closed channels' leases, open the others, read back. None writes nothing.

        Raises Restarted when a channel opened before its lease was re-armed, Refused when it does not follow.
        """
        wanted = None if command is None else self._accepted(command)
        closed = self._read_closed()
        self._check_lapsed(closed, renewing=wanted is not None)
        if wanted is not None and self._write(wanted, closed):
            closed = self._read_closed()
            self._check_followed(wanted, closed)
        mask = sum(1 << channel for channel in closed)
        return {"closed_mask": Reading(float(mask), self._unit.port.clock.now())}

    def make_safe(self) -> None:
        """Open every output and read that back. Raises Refused."""
        self._open_all()

    def _accepted(self, command: Command) -> dict[int, int]:
        """Channel -> lease in steps of 100 ms, never longer than asked. Raises Refused and writes nothing."""
        if not isinstance(command, RelayCommand):
            raise Refused(f"{self._name}: a relay board cannot carry out {command}")
        strangers = sorted(channel for channel in command.closed if not 0 <= channel < self._outputs)
        if strangers:
            raise Refused(f"{self._name}: no channels {strangers}; the board has 0..{self._outputs - 1}")
        if not STEP_S <= command.lease_s <= STEP_S * MOST_STEPS:
            raise Refused(f"{self._name}: lease {command.lease_s} s; allowed 0.1..{STEP_S * MOST_STEPS:.1f} s")
        # The small addition keeps 0.7 / 0.1 = 6.999... from losing a step.
        steps = int(command.lease_s / STEP_S + 1e-9)
        return dict.fromkeys(sorted(command.closed), steps)

    def _write(self, wanted: Mapping[int, int], closed: frozenset[int]) -> bool:
        """Open first, then close what is due. Returns whether anything was written."""
        to_open = closed - wanted.keys()
        for channel in sorted(to_open):
            self._leases.pop(channel, None)
            self._unit.write_coil(channel, COIL_OFF)
        due = [channel for channel, steps in wanted.items() if self._is_due(channel, steps)]
        for channel in due:
            self._unit.write_coil(FLASH_ON + channel, wanted[channel])
            self._leases[channel] = _Lease(wanted[channel], self._unit.port.clock.now())
        return bool(to_open or due)

    def _is_due(self, channel: int, steps: int) -> bool:
        lease = self._leases.get(channel)
        if lease is None or lease.steps != steps:
            return True
        age_s = self._unit.port.clock.now() - lease.armed_s
        return age_s >= min(REARM_LATEST_S, REARM_SHARE * steps * STEP_S)

    def _check_lapsed(self, closed: frozenset[int], *, renewing: bool) -> None:
        lapsed = sorted(self._leases.keys() - closed)
        for channel in lapsed:
            del self._leases[channel]
        if lapsed and renewing:
            raise Restarted(f"{self._name}: channels {lapsed} opened by themselves (lease ran out or board restarted)")

    def _check_followed(self, wanted: Mapping[int, int], closed: frozenset[int]) -> None:
        if closed == wanted.keys():
            return
        self._leases.clear()
        raise Refused(f"{self._name}: told to close {_listed(wanted)}, but {_listed(closed)} read as closed")

    def _check_modes(self) -> None:
        try:
            modes = self._unit.read_holding(MODE, self._outputs)
        except Refused as error:
            raise WrongDevice(
                f"{self._name}: no mode registers, so no {self._outputs}-channel board: {error}"
            ) from error
        wrong = {channel: mode for channel, mode in enumerate(modes) if mode != NORMAL_MODE}
        if wrong:
            raise Refused(
                f"{self._name}: modes by channel {wrong}; allowed is 0 (normal), set it with the maker's tool"
            )

    def _open_all(self) -> None:
        self._leases.clear()
        self._unit.write_coil(ALL_CHANNELS, COIL_OFF)
        closed = self._read_closed()
        if closed:
            raise Refused(f"{self._name}: told to open all, but {_listed(closed)} read as closed")

    def _read_closed(self) -> frozenset[int]:
        coils = self._unit.read_coils(0, self._outputs)
        return frozenset(channel for channel, coil in enumerate(coils) if coil)


def _listed(channels: Iterable[int]) -> str:
    return ", ".join(str(channel) for channel in sorted(channels)) or "none"


def _make(port: Port, config: DeviceConfig, name: str) -> WaveshareRelay:
    unknown = sorted(key for key in config.options if key not in _OPTIONS | {"reply_ms"} and not key.startswith("sim_"))
    if unknown:
        raise ValueError(f"{name}: options {unknown} are not known; allowed are {sorted(_OPTIONS)}")
    outputs = config.options.get("channels", 8)
    if isinstance(outputs, bool) or not isinstance(outputs, int) or not 1 <= outputs <= 32:
        raise ValueError(f"{name}: channels {outputs!r}; allowed is 1..32")
    return WaveshareRelay(unit=ModbusUnit(port=port, unit=config.address), name=name, outputs=outputs)


FAMILY = Family(
    name="waveshare_relay",
    title="Waveshare Modbus RTU Relay",
    roles=("relay",),
    wire="Modbus RTU, 9600 8N1 as delivered",
    comm_loss="each closed output opens by itself when its lease (flash-on, N x 100 ms) is not re-armed",
    manual="Waveshare wiki: Modbus RTU Relay, development protocol V2",
    make=_make,
)
