"""KELLER series 30 / 33X (X-line) pressure transmitters: P1 in bar and TOB1 in °C, by Modbus RTU or the KELLER bus.

The transmitter says itself what is wrong: NaN for a sensor error, +inf and -inf for over- and under-range.
Not responsible for gauge against absolute, or for the height of the transmitter: those are the signal's offset.

Source: KELLER, Communication protocol for series 30 / X-line (Modbus map 0x0002 P1, 0x0008 TOB1, f32 high word first);
serial number at 0x0202 as read by the public EnviroDIY KellerModbus library.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Protocol

from config.schema import Device as DeviceConfig
from drivers.family import Family
from drivers.keller_bus import KellerBus
from drivers.modbus import ModbusUnit
from drivers.port import Port
from drivers.roles import Command, Identity, Reading, Refused, WrongDevice

P1, TOB1 = 1, 4
"""Numbers of the measured quantities; the float of number n stands at Modbus register 2 n."""
SERIAL = 0x0202
_CHANNELS = {"pressure_bar": P1, "temperature_c": TOB1}
_OPTIONS = {"protocol", "temperature"}


class Link(Protocol):
    """One of the transmitter's two protocols."""

    def identify(self) -> Identity:
        """Who answers; the serial number is empty where the firmware does not tell it."""

    def serial(self) -> str:
        """The serial number again, "" where the firmware does not tell it."""

    def measure(self, number: int) -> float:
        """One quantity as the transmitter says it: NaN and infinities included."""


class KellerModbus:
    """The Modbus side. One float per question, as the published frames ask."""

    def __init__(self, *, unit: ModbusUnit) -> None:
        self._unit = unit

    def identify(self) -> Identity:
        """Raises Refused when P1 is not served, which a KELLER always does."""
        self.measure(P1)
        return Identity(vendor="KELLER", model="series 30 (Modbus)", serial=self.serial())

    def serial(self) -> str:
        """Empty where the register is refused (older firmware)."""
        try:
            high, low = self._unit.read_holding(SERIAL, 2)
        except Refused:
            return ""
        return str(high << 16 | low)

    def measure(self, number: int) -> float:
        """FC03, two registers, high word first."""
        words = self._unit.read_holding(2 * number, 2)
        return float(struct.unpack(">f", struct.pack(">2H", *words))[0])


class Keller:
    """Channels `pressure_bar` and, unless switched off, `temperature_c`. Takes no command."""

    def __init__(self, *, link: Link, port: Port, name: str, temperature: bool = True) -> None:
        self._link = link
        self._port = port
        self._name = name
        self._channels = tuple(_CHANNELS) if temperature else ("pressure_bar",)
        self._serial: str | None = None

    @property
    def channels(self) -> tuple[str, ...]:
        """Each costs one transaction."""
        return self._channels

    def open_session(self) -> Identity:
        """Identify; there is nothing to arm on a transmitter. Raises WrongDevice."""
        try:
            identity = self._link.identify()
        except Refused as error:
            raise WrongDevice(f"{self._name}: no KELLER transmitter: {error}") from error
        self._serial = identity.serial
        return identity

    def confirm(self) -> None:
        """The serial number is still the same; without one, P1 is still served. Raises WrongDevice."""
        if not self._serial:
            self._link.measure(P1)
            return
        serial = self._link.serial()
        if serial != self._serial:
            raise WrongDevice(f"{self._name}: serial number {serial or 'none'} answers in the place of {self._serial}")

    def exchange(self, command: Command | None) -> Mapping[str, Reading]:
        """Read every channel. Raises Refused for any command, Restarted after a power cut on the KELLER bus."""
        if command is not None:
            raise Refused(f"{self._name}: a transmitter cannot carry out {command}")
        return {channel: self._read(channel) for channel in self._channels}

    def make_safe(self) -> None:
        """Nothing to take away."""

    def _read(self, channel: str) -> Reading:
        value = self._link.measure(_CHANNELS[channel])
        fault = _fault(value)
        return Reading(None if fault else value, self._port.clock.now(), fault)


def _fault(value: float) -> str | None:
    if math.isnan(value):
        return "sensor error (NaN)"
    if math.isinf(value):
        return "over range (+inf)" if value > 0 else "under range (-inf)"
    return None


def _make(port: Port, config: DeviceConfig, name: str) -> Keller:
    options = config.options
    unknown = sorted(key for key in options if key not in _OPTIONS | {"reply_ms"} and not key.startswith("sim_"))
    if unknown:
        raise ValueError(f"{name}: options {unknown} are not known; allowed are {sorted(_OPTIONS)}")
    if not 1 <= config.address <= 249:
        raise ValueError(f"{name}: address {config.address}; allowed is 1..249 (250 is answered by every transmitter)")
    temperature = options.get("temperature", True)
    if not isinstance(temperature, bool):
        raise ValueError(f"{name}: temperature {temperature!r}; allowed are true and false")
    protocol = options.get("protocol", "modbus")
    if protocol not in ("modbus", "keller"):
        raise ValueError(f"{name}: protocol {protocol!r}; allowed are 'modbus' and 'keller'")
    link: Link
    if protocol == "keller":
        link = KellerBus(port=port, address=config.address)
    else:
        link = KellerModbus(unit=ModbusUnit(port=port, unit=config.address))
    return Keller(link=link, port=port, name=name, temperature=temperature)


FAMILY = Family(
    name="keller",
    title="KELLER series 30 / 33X pressure transmitter",
    roles=("pressure", "level", "temperature"),
    wire="Modbus RTU or KELLER bus, 9600 or 115200 8N1; half-duplex adapters echo",
    comm_loss="none needed: it drives nothing",
    manual="KELLER: Communication protocol, series 30 / X-line",
    make=_make,
)
