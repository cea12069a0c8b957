"""Twin of an eight-channel Pt100 board (ComWinTop CWT and relatives): FC 03, registers 0 to 7, int16, 0.1 °C.

An open probe reads about +650.0 °C, a short one about -180.0 °C; other boards show 7FFF and 8000.
Source: ComWinTop CWT-TM-8PT100 data sheet.

Options: reply_ms (8), sim_open (6500), sim_short (-1800): the raw values of a broken probe.
"""

from __future__ import annotations

import math

from sim.devices.rtu import ILLEGAL_ADDRESS, READ_HOLDING, ModbusFault, RtuServer, word_reader
from sim.devices.twin import Reply, Twin, Wiring

CHANNELS = 8
COLDEST, HOTTEST = -1800, 6500  # 0.1 °C: beyond it the converter shows open or short


class Pt100BoardTwin:
    """One board. It has no settings to lose."""

    def __init__(self, wiring: Wiring) -> None:
        options = wiring.options
        self._inputs = [wiring.inputs.get(f"ch{number}_c") for number in range(CHANNELS)]
        self._open = int(options.get("sim_open", 6500))
        self._short = int(options.get("sim_short", -1800))
        self._server = RtuServer(
            unit=wiring.address,
            reply_s=float(options.get("reply_ms", 8)) / 1000,
            handlers={READ_HOLDING: word_reader(self._read)},
        )

    def receive(self, data: bytes, now_s: float) -> list[Reply]:
        """Take bytes; answer the questions to this unit."""
        return self._server.receive(data, now_s)

    def tick(self, now_s: float) -> None:
        """It has no timer but the frame's."""
        self._server.tick(now_s)

    def power_cycle(self, now_s: float) -> None:
        """Drop a half-come question."""
        self._server.forget()

    def _read(self, address: int, now_s: float) -> int:
        if not 0 <= address < CHANNELS:
            raise ModbusFault(ILLEGAL_ADDRESS)
        wired = self._inputs[address]
        felt_c = wired() if wired else None
        if felt_c is None or math.isnan(felt_c) or 10 * felt_c >= HOTTEST:
            return self._open
        return self._short if 10 * felt_c <= COLDEST else math.floor(10 * felt_c + 0.5)


def make_twin(wiring: Wiring) -> Twin:
    """A board as wired."""
    return Pt100BoardTwin(wiring)
