"""Eight-channel Pt100 boards with the plain map (ComWinTop CWT and relatives): registers 0 to 7, int16, 0.1 °C.

The boards tell a broken probe by a number, and not all by the same: each known one, and whatever lies outside the range
of this machine, is a fault before it is scaled. Not responsible for identity: no public map names a register that says
who answers, so a wrong device is found only by its answer's form.

Options: reply_ms and options that begin with sim_ are the simulated device's.
Source: ComWinTop CWT-TM-8PT100 data sheet; the reply for 25.0 °C printed there carries a CRC that does not
fit the frame (B8 44 instead of 38 07).
"""

from __future__ import annotations

from collections.abc import Mapping

from config.schema import Device as DeviceConfig
from drivers.family import Family
from drivers.modbus import ModbusUnit
from drivers.port import Port
from drivers.roles import Command, Identity, Reading, Refused, WrongDevice

CHANNELS = tuple(f"ch{number}_c" for number in range(8))
RANGE_C = (-40.0, 120.0)
SENTINELS: Mapping[int, str] = {
    0x7FFF: "open circuit or over range (7FFF)",
    6500: "open circuit (6500)",
    9999: "over range (9999)",
    -0x8000: "short circuit or under range (8000)",
    -1800: "short circuit (-1800)",
}


def classify(raw: int) -> tuple[float | None, str | None]:
    """Temperature in °C, or None and the fault, of one unsigned 16-bit register."""
    signed = raw - 0x10000 if raw >= 0x8000 else raw
    if signed in SENTINELS:
        return None, SENTINELS[signed]
    value_c = signed / 10
    if not (RANGE_C[0] <= value_c <= RANGE_C[1]):
        return None, f"{value_c} °C is outside {RANGE_C[0]} to {RANGE_C[1]}"
    return value_c, None


class Pt100Board:
    """One board. It only reads."""

    def __init__(self, *, port: Port, name: str, unit: int) -> None:
        self._unit = ModbusUnit(port=port, unit=unit)
        self._clock = port.clock
        self._name = name

    @property
    def channels(self) -> tuple[str, ...]:
        """ch0_c to ch7_c, in °C."""
        return CHANNELS

    def open_session(self) -> Identity:
        """Read all eight, which is all that can be asked. Raises WrongDevice where there are none."""
        self.confirm()
        return Identity("generic", "8-channel Pt100 board")

    def confirm(self) -> None:
        """Ask for the eight registers. Raises WrongDevice."""
        try:
            self._unit.read_holding(0, len(CHANNELS))
        except Refused as error:
            raise WrongDevice(f"{self._name}: has no eight registers as a Pt100 board has: {error}") from error

    def exchange(self, command: Command | None) -> Mapping[str, Reading]:
        """Read every channel; a broken probe is a fault of its channel only. Raises Refused on any command."""
        if command is not None:
            raise Refused(f"{self._name}: a probe input takes no {type(command).__name__}")
        asked_s = self._clock.now()  # a value is as old as its question: what breaks after that is not in it
        words = self._unit.read_holding(0, len(CHANNELS))
        return {channel: _reading(word, asked_s) for channel, word in zip(CHANNELS, words, strict=True)}

    def make_safe(self) -> None:
        """Nothing to take away."""


def _reading(word: int, at_s: float) -> Reading:
    value_c, fault = classify(word)
    return Reading(value_c, at_s, fault)


def make(port: Port, config: DeviceConfig, name: str) -> Pt100Board:
    """A driver from a rig file's device. Raises ValueError naming an unknown option."""
    unknown = sorted(key for key in config.options if not key.startswith("sim_") and key != "reply_ms")
    if unknown:
        raise ValueError(f"{name}: unknown options {', '.join(unknown)}; allowed: none")
    return Pt100Board(port=port, name=name, unit=config.address)


FAMILY = Family(
    name="pt100_8ch",
    title="8-channel Pt100 board (ComWinTop CWT and relatives)",
    roles=("temperature",),
    wire="Modbus RTU, RS485, 9600 8N1",
    comm_loss="none needed: it only reads",
    manual="ComWinTop CWT-TM-8PT100 data sheet",
    make=make,
)
