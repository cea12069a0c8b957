"""Twin of a KELLER series 30 transmitter: floats by Modbus and by the KELLER bus, on the same wire at the same time.

Options: `reply_ms` (5), `sim_serial`, `sim_min_bar` (-1) and `sim_max_bar` (3): beyond them it says -inf and +inf;
`sim_temperature_c` (25) when nothing is wired to `temperature_c`; `sim_serial_register` (true).
Not responsible for noise and drift: what is wired in has them already.

Source: KELLER, Communication protocol for series 30 / X-line.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

from sim.devices.keller_bus import BusServer
from sim.devices.rtu import ILLEGAL_ADDRESS, READ_HOLDING, ModbusFault, RtuServer, word_reader
from sim.devices.twin import Reply, Twin, Wiring

CH0, PRESSURE_1, PRESSURE_2, TEMPERATURE, TEMPERATURE_BRIDGE_1, TEMPERATURE_BRIDGE_2 = range(6)
FLOATS = range(0x0000, 0x000C)
SERIAL_HIGH, SERIAL_LOW = 0x0202, 0x0203


class Transmitter:
    """Quantities 0..5. What the type does not measure is NaN, as is a broken sensor."""

    def __init__(
        self,
        *,
        address: int,
        pressure_bar: Callable[[], float | None],
        temperature_c: Callable[[], float | None],
        range_bar: tuple[float, float],
        serial: int,
        serial_register: bool,
        reply_s: float,
    ) -> None:
        self._pressure_bar = pressure_bar
        self._temperature_c = temperature_c
        self._range_bar = range_bar
        self._serial = serial
        self._serial_register = serial_register
        self._rtu = RtuServer(unit=address, reply_s=reply_s, handlers={READ_HOLDING: word_reader(self._word, most=12)})
        self._bus = BusServer(address=address, reply_s=reply_s, serial=serial, quantity=self._quantity)

    def receive(self, data: bytes, now_s: float) -> list[Reply]:
        """The order of the CRC bytes tells the two protocols apart."""
        return self._rtu.receive(data, now_s) + self._bus.receive(data, now_s)

    def tick(self, now_s: float) -> None:
        """Half-come frames are dropped after a silence."""
        self._rtu.tick(now_s)
        self._bus.tick(now_s)

    def power_cycle(self, now_s: float) -> None:
        """The KELLER bus has to be initialised again; Modbus needs nothing."""
        self._rtu.forget()
        self._bus.restart()

    def _quantity(self, number: int) -> float:
        if number == PRESSURE_1:
            return self._pressure()
        if number in (TEMPERATURE, TEMPERATURE_BRIDGE_1):
            celsius = self._temperature_c()
            return math.nan if celsius is None or not math.isfinite(celsius) else celsius
        return math.nan

    def _pressure(self) -> float:
        bar = self._pressure_bar()
        if bar is None or not math.isfinite(bar):
            return math.nan
        low, high = self._range_bar
        if bar > high:
            return math.inf
        return -math.inf if bar < low else bar

    def _word(self, address: int, now_s: float) -> int:
        if address in FLOATS:
            high, low = struct.unpack(">2H", struct.pack(">f", self._quantity(address // 2)))
            return int(low if address % 2 else high)
        if address in (SERIAL_HIGH, SERIAL_LOW) and self._serial_register:
            return self._serial >> 16 if address == SERIAL_HIGH else self._serial & 0xFFFF
        raise ModbusFault(ILLEGAL_ADDRESS)


def make_twin(wiring: Wiring) -> Twin:
    """A transmitter with nothing on its port feels the room: 0 bar gauge."""
    options = wiring.options
    room_c = float(options.get("sim_temperature_c", 25.0))
    return Transmitter(
        address=wiring.address,
        pressure_bar=wiring.inputs.get("pressure_bar", lambda: 0.0),
        temperature_c=wiring.inputs.get("temperature_c", lambda: room_c),
        range_bar=(float(options.get("sim_min_bar", -1.0)), float(options.get("sim_max_bar", 3.0))),
        serial=int(options.get("sim_serial", 100000 + wiring.address)),
        serial_register=bool(options.get("sim_serial_register", True)),
        reply_s=float(options.get("reply_ms", 5.0)) / 1000,
    )
