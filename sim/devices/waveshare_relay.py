"""Twin of the Waveshare Modbus RTU Relay: coils, flash-on and flash-off timers, mode registers.

Options: `channels` (8), `reply_ms` (5), `sim_retrigger` (true: a flash-on restarts a running one; false: it is
acknowledged and changes nothing; a bench check has to settle it for the real board), `sim_mode` (0, every channel's).
Not responsible for the contacts behind the coil: `wiring.outputs` takes each change.

Source: Waveshare wiki, Modbus RTU Relay, development protocol V2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sim.devices.rtu import (
    ILLEGAL_ADDRESS,
    ILLEGAL_VALUE,
    READ_COILS,
    READ_HOLDING,
    WRITE_COIL,
    WRITE_COILS,
    WRITE_REGISTER,
    ModbusFault,
    RtuServer,
    bit_reader,
    bits_writer,
    word_reader,
    word_writer,
)
from sim.devices.twin import Reply, Twin, Wiring

EVERY = 0x00FF
TIMED_ON, TIMED_OFF, MODES = 0x0200, 0x0400, 0x1000
ON, OFF, TOGGLE = 0xFF00, 0x0000, 0x5500
UNIT_OF_TIME_S = 0.1
LONGEST = 0x7FFF
LAST_MODE = 3


class RelayBoard:
    """Coils start open and open on a power cut; modes stay."""

    def __init__(
        self,
        *,
        unit: int,
        coils: int,
        outputs: Mapping[int, Callable[[bool], None]],
        retrigger: bool,
        mode: int,
        reply_s: float,
    ) -> None:
        self.closed = [False] * coils
        self.modes = [mode] * coils
        self._due: dict[int, float] = {}  # coil -> when it flips back
        self._outputs = outputs
        self._retrigger = retrigger
        self._server = RtuServer(
            unit=unit,
            reply_s=reply_s,
            handlers={
                READ_COILS: bit_reader(self._coil),
                READ_HOLDING: word_reader(self._mode),
                WRITE_COIL: word_writer(self._command),
                WRITE_COILS: bits_writer(self._set_many),
                WRITE_REGISTER: word_writer(self._set_mode),
            },
        )

    def receive(self, data: bytes, now_s: float) -> list[Reply]:
        """Timers first, so that an answer shows the coils as they are now."""
        self.tick(now_s)
        return self._server.receive(data, now_s)

    def tick(self, now_s: float) -> None:
        """Flip back every coil whose time is over."""
        self._server.tick(now_s)
        for coil in [coil for coil, at_s in self._due.items() if now_s >= at_s]:
            self._set(coil, not self.closed[coil])

    def power_cycle(self, now_s: float) -> None:
        """Everything opens and stays open."""
        self._server.forget()
        for coil in range(len(self.closed)):
            self._set(coil, False)

    def _set(self, coil: int, closed: bool) -> None:
        self._due.pop(coil, None)
        self.closed[coil] = closed
        if coil in self._outputs:
            self._outputs[coil](closed)

    def _known(self, coil: int) -> int:
        if not 0 <= coil < len(self.closed):
            raise ModbusFault(ILLEGAL_ADDRESS)
        return coil

    def _coil(self, address: int, now_s: float) -> bool:
        return self.closed[self._known(address)]

    def _mode(self, address: int, now_s: float) -> int:
        return self.modes[self._known(address - MODES)]

    def _set_mode(self, address: int, value: int, now_s: float) -> None:
        coil = self._known(address - MODES)
        if value > LAST_MODE:
            raise ModbusFault(ILLEGAL_VALUE)
        self.modes[coil] = value

    def _command(self, address: int, value: int, now_s: float) -> None:
        if address == EVERY:
            for coil in range(len(self.closed)):
                self._switch(coil, value)
        elif address < TIMED_ON:
            self._switch(self._known(address), value)
        elif address < TIMED_OFF:
            self._flash(self._known(address - TIMED_ON), value, now_s, closed=True)
        else:
            self._flash(self._known(address - TIMED_OFF), value, now_s, closed=False)

    def _switch(self, coil: int, value: int) -> None:
        if value not in (ON, OFF, TOGGLE):
            raise ModbusFault(ILLEGAL_VALUE)
        self._set(coil, not self.closed[coil] if value == TOGGLE else value == ON)

    def _flash(self, coil: int, value: int, now_s: float, *, closed: bool) -> None:
        if not 1 <= value <= LONGEST:
            raise ModbusFault(ILLEGAL_VALUE)
        if coil in self._due and self.closed[coil] == closed and not self._retrigger:
            return
        self._set(coil, closed)
        self._due[coil] = now_s + value * UNIT_OF_TIME_S

    def _set_many(self, address: int, values: list[bool], now_s: float) -> None:
        self._known(address + len(values) - 1)
        for offset, closed in enumerate(values):
            self._set(address + offset, closed)


def make_twin(wiring: Wiring) -> Twin:
    """Outputs are wired by channel number; a channel that is wired to nothing still has its coil."""
    options = wiring.options
    return RelayBoard(
        unit=wiring.address,
        coils=int(options.get("channels", 8)),
        outputs=wiring.outputs,
        retrigger=bool(options.get("sim_retrigger", True)),
        mode=int(options.get("sim_mode", 0)),
        reply_s=float(options.get("reply_ms", 5.0)) / 1000,
    )
