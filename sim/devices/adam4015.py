"""Twin of an Advantech ADAM-4015: six Pt100 inputs that speak DCON.

Answers #AA, #AAN, $AA2, $AA5, $AAB, $AAF and $AAM; any other command to its address is `?AA`, and a wrong address or
a wrong checksum is silence. Not responsible for the converter's own rate or noise (the plant's probes have those).
Source: Advantech ADAM-4000 series user's manual, ch. 5 (#AA p. 5-13 f. with the out-of-range texts, $AAB p. 5-23).

Options: checksum (True), type_code ("20"), reply_ms (8), sim_model ("4015"), sim_firmware ("A1.06"),
sim_format (0: engineering units), sim_open_reads_c (an open channel shows this number instead of +9999, so that
only the diagnose bit tells).
"""

from __future__ import annotations

import math

from sim.devices.twin import Reply, Twin, Wiring

_CHANNELS = 6
_SPAN_C = {
    0x20: (-50, 150),
    0x21: (0, 100),
    0x22: (0, 200),
    0x23: (0, 400),
    0x24: (-200, 200),
    0x25: (-50, 150),
    0x26: (0, 100),
    0x27: (0, 200),
    0x28: (0, 400),
    0x29: (-200, 200),
}
_BAUD_9600 = 0x06
_BUFFER = 64


class Adam4015Twin:
    """One module. Its configuration is kept over a power cut; only the reset flag shows that there was one."""

    def __init__(self, wiring: Wiring) -> None:
        options = wiring.options
        self._address = f"{wiring.address:02X}"
        self._wiring = wiring
        self._checksum = bool(options.get("checksum", True))
        self._type_code = int(str(options.get("type_code", "20")), 16)
        self._reply_s = float(options.get("reply_ms", 8.0)) / 1000
        self._model = str(options.get("sim_model", "4015"))
        self._firmware = str(options.get("sim_firmware", "A1.06"))
        self._format = int(options.get("sim_format", 0))
        open_reads = options.get("sim_open_reads_c")
        self._open_reads_c = None if open_reads is None else float(open_reads)
        self._was_reset = True
        self._heard = bytearray()

    def receive(self, data: bytes, now_s: float) -> list[Reply]:
        """Carry out each command at its CR."""
        self._heard += data
        *lines, rest = bytes(self._heard).split(b"\r")
        self._heard[:] = rest if len(rest) <= _BUFFER else b""
        answers = [self._answer(line) for line in lines]
        return [Reply(self._reply_s, answer) for answer in answers if answer]

    def tick(self, now_s: float) -> None:
        """It has no timer in use."""

    def power_cycle(self, now_s: float) -> None:
        """Set the reset flag."""
        self._heard.clear()
        self._was_reset = True

    def _answer(self, line: bytes) -> bytes:
        command = self._unsealed(line)
        if command is None or command[1:3] != self._address:
            return b""
        text = self._obey(command[0], command[3:])
        return self._sealed(f"?{self._address}" if text is None else text)

    def _unsealed(self, line: bytes) -> str | None:
        if self._checksum:
            line, sent = line[:-2], line[-2:]
            if sent != b"%02X" % (sum(line) % 256):
                return None
        return line.decode("ascii") if line.isascii() and line[:1] in (b"#", b"$", b"%", b"@", b"~") else None

    def _sealed(self, text: str) -> bytes:
        body = text.encode("ascii")
        return body + (b"%02X" % (sum(body) % 256) if self._checksum else b"") + b"\r"

    def _obey(self, delimiter: str, what: str) -> str | None:
        if delimiter == "#":
            return self._read(what)
        if delimiter != "$":
            return None
        head = "!" + self._address
        if what == "2":
            flags = (0x40 if self._checksum else 0) | self._format
            return f"{head}{self._type_code:02X}{_BAUD_9600:02X}{flags:02X}"
        if what == "5":
            flag, self._was_reset = int(self._was_reset), False
            return f"{head}{flag}"
        if what == "B":
            return f"{head}{self._bad_bits():02X}"
        return {"M": head + self._model, "F": head + self._firmware}.get(what)

    def _read(self, what: str) -> str | None:
        if what == "":
            return ">" + "".join(self._shown(number) for number in range(_CHANNELS))
        return ">" + self._shown(int(what)) if len(what) == 1 and what in "012345" else None

    def _felt(self, number: int) -> float:
        """°C at the input; an open circuit drives it to the top, a short to the bottom."""
        channel = f"ch{number}_c"
        value = self._wiring.inputs[channel]() if channel in self._wiring.inputs else None
        return math.inf if value is None or math.isnan(value) else value

    def _shown(self, number: int) -> str:
        low, high = _SPAN_C[self._type_code]
        value = self._felt(number)
        if value == math.inf and self._open_reads_c is not None:
            value = self._open_reads_c
        if value > high:
            return "+9999"
        return "-0000" if value < low else f"{value:+07.2f}"

    def _bad_bits(self) -> int:
        low, high = _SPAN_C[self._type_code]
        return sum(1 << number for number in range(_CHANNELS) if not low <= self._felt(number) <= high)


def make_twin(wiring: Wiring) -> Twin:
    """A module at the wiring's address; inputs ch0_c to ch5_c."""
    return Adam4015Twin(wiring)
