"""Lead Fluid BT100S / BT300S peristaltic pump by Modbus RTU.

The speed that can be read is the drive's set-point, not the shaft: a stalled or open head still reads its speed, so
flow has to be measured elsewhere. Not responsible for stopping when the host is gone: the drive keeps its last command
for ever, and a leased relay in its enable line has to stop it.

Options: max_rpm (300; 100 for a BT100S), direction = "cw" (default) | "ccw" (which way is forward), product (refuse
another product text); reply_ms and options that begin with sim_ are the simulated device's.
Source: register map of the BT100S (holding 3100-3109, input 1018-1027) as in the public driver of the CREDO control
software (awacha/cct, leadfluid/backend.py); no vendor manual of it was found, so a bench has to confirm it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from config.schema import Device as DeviceConfig
from drivers.family import Family
from drivers.modbus import ModbusUnit
from drivers.port import Port
from drivers.roles import Command, Identity, PumpCommand, Reading, Refused, Restarted, WrongDevice

SPEED, DIRECTION, RUN, FULL_SPEED, CONTROL = 3100, 3101, 3102, 3103, 3104
ADDRESS = 3107
EASY_DISPENSE, TIME_DISPENSE = 3001, 3002  # with either, a run ends by itself
NAMES, MAKER_WORDS, NAME_WORDS = 1018, 5, 10
INTERNAL_CONTROL = 0
FASTEST_RPM = 600.0


class Drive(NamedTuple):
    """Words 3100 to 3104: speed in 0.1 rpm, direction (1 counter-clockwise), run, full speed, source of control."""

    tenths: int
    counter: int
    running: int
    full_speed: int
    control: int

    def words(self) -> str:
        """For a person."""
        turn = "CCW" if self.counter else "CW"
        state = "at full speed" if self.full_speed else "running" if self.running else "stopped"
        return f"{self.tenths / 10} rpm {turn} {state}, control {self.control}"


class LeadFluidPump:
    """One pump. Positive rpm turns in the configured forward direction."""

    def __init__(
        self,
        *,
        port: Port,
        name: str,
        unit: int,
        max_rpm: float = 300.0,
        forward_clockwise: bool = True,
        product: str = "",
    ) -> None:
        self._unit = ModbusUnit(port=port, unit=unit)
        self._clock = port.clock
        self._name = name
        self._most_tenths = round(10 * max_rpm)
        self._forward_clockwise = forward_clockwise
        self._product = product
        self._told: Drive | None = None  # what it was told and read back; None: write everything anew

    @property
    def channels(self) -> tuple[str, ...]:
        """speed_rpm: read-back of the set-point with its sign, 0 when not running."""
        return ("speed_rpm",)

    def open_session(self) -> Identity:
        """Name it, stop it, take it under control of the bus; all read back. Raises WrongDevice, Refused."""
        identity = self._identify()
        self.make_safe()
        for address in (EASY_DISPENSE, TIME_DISPENSE, FULL_SPEED, CONTROL):
            self._unit.write_register(address, 0)
        found = self._read()
        if (found.running, found.full_speed, found.control) != (0, 0, INTERNAL_CONTROL):
            raise Refused(f"{self._name}: asked to stop, reads back {found.words()}")
        if self._unit.read_holding(EASY_DISPENSE, 2) != [0, 0]:
            raise Refused(f"{self._name}: cannot be taken out of dispensing")
        self._told = found
        return identity

    def confirm(self) -> None:
        """Ask for the names again. Raises WrongDevice."""
        self._identify()

    def exchange(self, command: Command | None) -> Mapping[str, Reading]:
        """Write what differs from what it was told, and read back. Raises Restarted when it stopped by itself."""
        if command is not None and not isinstance(command, PumpCommand):
            raise Refused(f"{self._name}: a pump takes no {type(command).__name__}")
        started = False
        if command is not None:
            started = self._obey(self._wanted(command.rpm))
        found = self._read()
        self._check(found, started=started)
        return {"speed_rpm": Reading(self._rpm(found), self._clock.now())}

    def make_safe(self) -> None:
        """Stop; the read-back of the next exchange or session tells whether it did."""
        self._told = None
        self._unit.write_register(RUN, 0)

    def _wanted(self, rpm: float) -> Drive:
        if not (-self._most_tenths <= 10 * rpm <= self._most_tenths):
            raise Refused(f"{self._name}: {rpm} rpm; allowed: up to {self._most_tenths / 10} rpm either way")
        tenths = round(10 * abs(rpm))
        clockwise = (rpm >= 0) == self._forward_clockwise
        return Drive(tenths, int(not clockwise), int(tenths > 0), 0, INTERNAL_CONTROL)

    def _obey(self, wanted: Drive) -> bool:
        """Bring the drive there; True when it had to be started. Never reversed while it turns."""
        was, self._told = self._told, None
        if not wanted.running:
            if was is None or was.running:
                self._unit.write_register(RUN, 0)
            kept = was or self._read()
            self._told = kept._replace(running=0, full_speed=0, control=INTERNAL_CONTROL)
            return False
        if was is None:
            for address, value in ((FULL_SPEED, 0), (CONTROL, INTERNAL_CONTROL), (RUN, 0)):
                self._unit.write_register(address, value)
        elif was.running and was.counter != wanted.counter:
            self._unit.write_register(RUN, 0)
            was = was._replace(running=0)
        if was is None or was.counter != wanted.counter:
            self._unit.write_register(DIRECTION, wanted.counter)
        if was is None or was.tenths != wanted.tenths:
            self._unit.write_register(SPEED, wanted.tenths)
        start = was is None or not was.running
        self._told = wanted
        if start:
            self._unit.write_register(RUN, 1)
        return start

    def _check(self, found: Drive, *, started: bool) -> None:
        told = self._told
        if told is None or found == told:
            return
        self._told = None
        asked = f"{self._name}: told {told.words()}, reads back {found.words()}"
        if told.running and not found.running and not started:
            raise Restarted(f"{asked}: it stopped by itself")
        raise Refused(asked)

    def _read(self) -> Drive:
        return Drive(*self._unit.read_holding(SPEED, 5))

    def _rpm(self, found: Drive) -> float:
        if not found.running:
            return 0.0
        forward = bool(found.counter) is not self._forward_clockwise
        return (found.tenths if forward else -found.tenths) / 10

    def _identify(self) -> Identity:
        try:
            address = self._unit.read_holding(ADDRESS, 1)[0]
            words = self._unit.read_input(NAMES, NAME_WORDS)
        except Refused as error:
            raise WrongDevice(f"{self._name}: has no names as a Lead Fluid pump has: {error}") from error
        maker, product = _text(words[:MAKER_WORDS]), _text(words[MAKER_WORDS:])
        if address != self._unit.unit or not maker or not product:
            raise WrongDevice(
                f"{self._name}: address {address}, maker {maker!r}, product {product!r}: no Lead Fluid pump"
            )
        if self._product and product != self._product:
            raise WrongDevice(f"{self._name}: product {product!r}, the rig names {self._product!r}")
        return Identity(maker, product)


def _text(words: list[int]) -> str:
    """ASCII, the first character in the low byte; "" when any of it cannot be printed."""
    raw = b"".join(word.to_bytes(2, "little") for word in words).rstrip(b"\0 ")
    text = raw.decode("ascii", "replace")
    return text if text.isascii() and text.isprintable() else ""


def make(port: Port, config: DeviceConfig, name: str) -> LeadFluidPump:
    """A driver from a rig file's device. Raises ValueError naming the option, its value and what is allowed."""
    given = {key: value for key, value in config.options.items() if not key.startswith("sim_") and key != "reply_ms"}
    max_rpm = given.pop("max_rpm", 300.0)
    direction = given.pop("direction", "cw")
    product = given.pop("product", "")
    if given:
        raise ValueError(f"{name}: unknown options {', '.join(sorted(given))}; allowed: max_rpm, direction, product")
    if isinstance(max_rpm, bool | str) or not (1.0 <= max_rpm <= FASTEST_RPM):
        raise ValueError(f"{name}: max_rpm = {max_rpm!r}; allowed: 1 to {FASTEST_RPM:g}")
    if direction not in ("cw", "ccw"):
        raise ValueError(f"{name}: direction = {direction!r}; allowed: cw, ccw")
    if not isinstance(product, str):
        raise ValueError(f"{name}: product = {product!r}; allowed: the text that the pump names itself by")
    return LeadFluidPump(
        port=port,
        name=name,
        unit=config.address,
        max_rpm=float(max_rpm),
        forward_clockwise=direction == "cw",
        product=product,
    )


FAMILY = Family(
    name="lead_fluid",
    title="Lead Fluid BT100S / BT300S peristaltic pump",
    roles=("pump",),
    wire="Modbus RTU, RS485",
    comm_loss="none: the pump keeps its last command for ever; a leased relay in its enable line has to stop it",
    manual="register map of the BT100S as in the public driver of the CREDO control software",
    make=make,
)
