"""Advantech ADAM-4015, six Pt100 inputs, DCON ASCII with or without checksum.

A module that was given a wrong address or a damaged command is silent; one that lost its supply says so once ($AA5).
A channel that is open, over or under range has no number: the text (+9999, -0000) and the diagnose bits ($AAB) both
make it a fault. The bits come after the values, often enough that an open probe is a fault within 0.3 s at 9600 baud.
Source: Advantech ADAM-4000 series user's manual, ch. 5: #AA p. 5-13 f., $AAB p. 5-23, $AA2, $AA5, $AAF, $AAM; ch. 4.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from config.schema import Device as DeviceConfig
from drivers.family import Family
from drivers.port import Port
from drivers.roles import BadReply, Command, Identity, Reading, Refused, Restarted, WrongDevice

CHANNELS = tuple(f"ch{number}_c" for number in range(6))
RANGES_C: Mapping[str, tuple[float, float]] = {
    "20": (-50.0, 150.0),
    "21": (0.0, 100.0),
    "22": (0.0, 200.0),
    "23": (0.0, 400.0),
    "24": (-200.0, 200.0),
    "25": (-50.0, 150.0),
    "26": (0.0, 100.0),
    "27": (0.0, 200.0),
    "28": (0.0, 400.0),
    "29": (-200.0, 200.0),
}
"""Pt100 type codes, 20..24 IEC and 25..29 JIS curve."""

DIAGNOSE_EVERY_S = 0.16
"""With 62 ms for six values, 24 ms for the bits and 24 ms for the reset flag: at most 0.27 s from wire to fault."""
RESET_FLAG_EVERY_S = 1.0

_OVER, _UNDER = "+9999", "-0000"
_TEXT = re.compile(r"[+-][0-9]{3}\.[0-9]{2}|\+9999|-0000")
_TEXTS = re.compile(rf"(?:{_TEXT.pattern})*")
_LONGEST_REPLY = 64
_CHECKSUM_BIT, _FORMAT_BITS = 0x40, 0x03
_OPTIONS = frozenset({"checksum", "type_code"})


def checksum(text: str) -> str:
    """Two hex digits: the sum of the characters, modulo 256."""
    return f"{sum(text.encode('ascii')) & 0xFF:02X}"


def line_length(received: bytes) -> int | None:
    """Length of the reply with its CR. Raises BadReply when no reply can be so long."""
    end = received.find(b"\r")
    if end < 0 and len(received) > _LONGEST_REPLY:
        raise BadReply(f"no end of line in {len(received)} bytes")
    return end + 1 if end >= 0 else None


def parse_values(body: str) -> list[float | str]:
    """Six values in °C, or the fault of the channel in words. Raises BadReply for anything else."""
    if _TEXTS.fullmatch(body) is None:
        raise BadReply(f"not channel values: {body!r}")
    texts = _TEXT.findall(body)
    if len(texts) != len(CHANNELS):
        raise BadReply(f"{len(texts)} channel values, expected {len(CHANNELS)}: {body!r}")
    words = {_OVER: f"over range or open ({_OVER})", _UNDER: f"under range or shorted ({_UNDER})"}
    return [words[text] if text in words else float(text) for text in texts]


class Adam4015:
    """One module. It only measures: nothing to make safe, and nothing that a silent host could leave on."""

    def __init__(
        self, *, port: Port, name: str, address: int, type_code: str = "20", with_checksum: bool = True
    ) -> None:
        self._port = port
        self._name = name
        self._address = f"{address:02X}"
        self._type_code = type_code
        self._low_c, self._high_c = RANGES_C[type_code]
        self._with_checksum = with_checksum
        self._diagnosed_s = -math.inf
        self._reset_asked_s = -math.inf
        self._bad_bits = 0

    @property
    def channels(self) -> tuple[str, ...]:
        """ch0_c to ch5_c, °C."""
        return CHANNELS

    def open_session(self) -> Identity:
        """Check model, sensor type, format and checksum, and clear the reset flag. Raises WrongDevice, Refused."""
        self.confirm()
        firmware = self._ask("F")
        self._check_configuration(self._ask("2"))
        self._ask_reset_flag()
        self._diagnosed_s = -math.inf  # bits of an earlier session say nothing about this one
        return Identity(vendor="Advantech", model="ADAM-4015", firmware=firmware)

    def confirm(self) -> None:
        """Ask for the module's name. Raises WrongDevice."""
        model = self._ask("M")
        if model != "4015":
            raise WrongDevice(f"{self._name}: expected ADAM-4015, found {model!r}")

    def exchange(self, command: Command | None) -> Mapping[str, Reading]:
        """Read all values; the diagnose bits and the reset flag when they are due. Raises Restarted."""
        if command is not None:
            raise Refused(f"{self._name}: a temperature module cannot do {command!r}")
        at_s = self._port.clock.now()  # a value is as old as its question: what breaks after that is not in it
        values = self._values(self._transact(f"#{self._address}", ">"))
        bad_bits = self._bad_bits | self._diagnose_if_due()
        if not (self._port.clock.now() - self._reset_asked_s < RESET_FLAG_EVERY_S) and self._ask_reset_flag():
            raise Restarted(f"{self._name}: the module was reset since it was last asked ($AA5)")
        return {
            channel: self._reading(value, at_s, bad=bool(bad_bits >> number & 1), number=number)
            for number, (channel, value) in enumerate(zip(CHANNELS, values, strict=True))
        }

    def make_safe(self) -> None:
        """Nothing is energised by this module."""

    def _reading(self, value: float | str, at_s: float, *, bad: bool, number: int) -> Reading:
        if isinstance(value, str):
            return Reading(None, at_s, value)
        if bad:
            return Reading(None, at_s, f"open wire or out of range ($AAB bit {number})")
        # The ends count as out: a converter that has run into its stop shows exactly them.
        if not (self._low_c < value < self._high_c):
            return Reading(None, at_s, f"{value} °C is outside {self._low_c:g}..{self._high_c:g} °C")
        return Reading(value, at_s)

    def _diagnose_if_due(self) -> int:
        """Bits of the newest diagnosis. The caller keeps the older ones too: they cover the values just read."""
        asked_s = self._port.clock.now()
        if not (asked_s - self._diagnosed_s < DIAGNOSE_EVERY_S):
            self._bad_bits = self._hex(self._ask("B"))
            self._diagnosed_s = asked_s
        return self._bad_bits

    def _ask_reset_flag(self) -> bool:
        asked_s = self._port.clock.now()
        flag = self._ask("5")
        if flag not in ("0", "1"):
            self._reject(f"reset flag {flag!r}")
        self._reset_asked_s = asked_s
        return flag == "1"

    def _check_configuration(self, text: str) -> None:
        if re.fullmatch(r"[0-9A-F]{6}", text) is None:
            self._reject(f"configuration {text!r}")
        type_code, bits = text[:2], int(text[4:], 16)
        if type_code != self._type_code:
            raise Refused(f"{self._name}: sensor type is {type_code}, the rig file says {self._type_code}")
        if bool(bits & _CHECKSUM_BIT) != self._with_checksum:
            raise Refused(f"{self._name}: checksum is {bool(bits & _CHECKSUM_BIT)}, the rig says {self._with_checksum}")
        if bits & _FORMAT_BITS:
            raise Refused(f"{self._name}: data format {bits & _FORMAT_BITS}, needed is 0 (engineering units)")

    def _values(self, body: str) -> list[float | str]:
        try:
            return parse_values(body)
        except BadReply:
            self._port.distrust()
            raise

    def _hex(self, text: str) -> int:
        if re.fullmatch(r"[0-9A-F]{2}", text) is None:
            self._reject(f"diagnose bits {text!r}")
        return int(text, 16)

    def _ask(self, what: str) -> str:
        """`$AAx`, answered `!AA...`: what follows the address."""
        body = self._transact(f"${self._address}{what}", "!")
        if not body.startswith(self._address):
            self._reject(f"address {body[:2]!r} in the reply to ${self._address}{what}")
        return body[2:]

    def _transact(self, question: str, expected: str) -> str:
        request = question + (checksum(question) if self._with_checksum else "")
        reply = self._port.exchange(f"{request}\r".encode("ascii"), line_length)
        text = reply.decode("ascii", "replace").removesuffix("\r")
        invalid = f"?{self._address}"
        if self._with_checksum:
            if text == invalid:
                raise Refused(
                    f"{self._name}: the module answers without checksum; switch it on there or set checksum = false"
                )
            text = self._checked(text)
        if text == invalid:
            raise Refused(f"{self._name}: {question} is an invalid command for this module")
        if not text.startswith(expected):
            self._reject(f"{text!r} in reply to {question}")
        return text[1:]

    def _checked(self, text: str) -> str:
        body, sent = text[:-2], text[-2:]
        if not body.isascii() or sent != checksum(body):
            self._reject(f"checksum of {text!r}")
        return body

    def _reject(self, what: str) -> None:
        self._port.distrust()
        raise BadReply(f"{self._name}: bad {what}")


def _make(port: Port, config: DeviceConfig, name: str) -> Adam4015:
    options = config.options
    unknown = sorted(key for key in set(options) - _OPTIONS if key != "reply_ms" and not key.startswith("sim_"))
    if unknown:
        raise ValueError(f"{name}: options {unknown} are not known; allowed are {sorted(_OPTIONS)}")
    with_checksum = options.get("checksum", True)
    if not isinstance(with_checksum, bool):
        raise ValueError(f"{name}: checksum {with_checksum!r}; allowed are true and false")
    type_code = options.get("type_code", "20")
    if not isinstance(type_code, str) or type_code not in RANGES_C:
        raise ValueError(f"{name}: type_code {type_code!r}; allowed are {sorted(RANGES_C)}")
    return Adam4015(port=port, name=name, address=config.address, type_code=type_code, with_checksum=with_checksum)


FAMILY = Family(
    name="adam4015",
    title="Advantech ADAM-4015 six-channel Pt100 input module",
    roles=("temperature",),
    wire="DCON ASCII, RS485, 9600 8N1; option checksum (true unless the rig says otherwise; modules ship without)",
    comm_loss="none needed: it only measures; a value that is no longer read grows old and is dropped by its age",
    manual="Advantech ADAM-4000 series user's manual, ch. 4 and 5",
    make=_make,
)
