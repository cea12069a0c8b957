"""The parsers alone, fast: the protective channel's replies, Modbus replies, PB messages and packages, and so on.

Each case is a question, its right answer, and the parser with that question already put. A parser returns its value
or raises one of the errors it declares; a value may only come out of a frame that is sound, and must come out of the
right one.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import fuzz_sound
from fuzz_guide import Guide
from fuzz_mutator import Seal, bend
from fuzz_target import Escape

from controller.protective.rtu import Master, NoAnswer
from drivers import adam4015, flow_bubble, huber_frames, watson_marlow
from drivers.keller_bus import KellerBus
from drivers.modbus import ModbusUnit
from drivers.port import Port
from drivers.roles import BadReply, DeviceError
from sim.memory import VirtualClock


class Case(NamedTuple):
    """`parse` takes a reply; `value` is what comes out of the right `answer`."""

    name: str
    question: bytes
    answer: bytes
    parse: Callable[[bytes], Any]
    value: Any
    errors: tuple[type[Exception], ...]
    sound: fuzz_sound.Sound
    seal: Seal | None


class ParserTarget:
    """One case. `at` of a frame means nothing here."""

    def __init__(self, case: Case, others: list[bytes]) -> None:
        self.name = case.name
        self.guide = Guide("drivers", "controller/protective")
        self._case, self._others = case, others
        self._parse, self._errors, self._sound = case.parse, case.errors, case.sound
        if case.parse(case.answer) != case.value:
            raise Escape(case.name, 0, case.answer, f"the right answer reads {case.parse(case.answer)!r}")

    def once(self, rng: random.Random) -> int:
        case = self._case
        frame = bend(self.guide.pick(case.answer, rng), self._others, rng, case.seal)
        self.guide.run(lambda: self.give(0, frame), lambda: frame)
        return 1

    def give(self, at: int, frame: bytes) -> None:
        try:
            value = self._parse(frame)
        except self._errors:
            if frame == self._case.answer:
                raise Escape(self.name, at, frame, "the right answer is refused") from None
            return
        except Exception as error:
            raise Escape(self.name, at, frame, f"{type(error).__name__}: {error}") from error
        if not self._sound(self._case.question, frame):
            raise Escape(self.name, at, frame, f"{value!r} out of a frame that is no answer")
        if frame == self._case.answer and value != self._case.value:
            raise Escape(self.name, at, frame, f"{value!r} and not {self._case.value!r}")

    def close(self) -> None:
        """Nothing is held."""


class OneReply:
    """A line, and the few methods of a pyserial port: whatever is asked, this comes."""

    def __init__(self, clock: VirtualClock) -> None:
        self.reply = b""
        self.in_waiting = 0
        self._clock = clock

    def write(self, data: bytes) -> None:
        """The question."""

    def reset_input_buffer(self) -> None:
        """Nothing was there before."""

    discard = close = reset_input_buffer

    def read(self, size: int, timeout_s: float = 0.0) -> bytes:
        if not self.reply:
            self._clock.sleep(timeout_s)
        data, self.reply = self.reply[:size], self.reply[size:]
        self.in_waiting = len(self.reply)
        return data


def _over_line(port: OneReply, ask: Callable[[], Any]) -> Callable[[bytes], Any]:
    def parse(frame: bytes) -> Any:
        port.reply, port.in_waiting = frame, len(frame)
        return ask()

    return parse


def _sealed(body: str) -> bytes:
    return fuzz_sound.rtu_seal(bytes.fromhex(body) + b"\0\0")


def _protective() -> list[Case]:
    clock = VirtualClock()
    line = OneReply(clock)
    master = Master.__new__(Master)  # without opening a port: only its parsing is wanted
    master._char_s, master._port, master._clock = 10 / 9600, line, clock
    rows = (
        ("probes", "010300000002", "010304019f0190", lambda: master.read_holding(1, 0, 2), (415, 400)),
        ("coil", "020100000001", "02010101", lambda: master.read_coil(2, 0), True),
        ("lease", "020502000014", "020502000014", lambda: master.write_coil(2, 0x0200, 20), None),
    )
    return [
        Case(
            f"protective.{name}", _sealed(question), _sealed(answer), _over_line(line, ask), value, (NoAnswer,),
            fuzz_sound.rtu, fuzz_sound.rtu_seal,
        )
        for name, question, answer, ask, value in rows
    ]  # fmt: skip


def _modbus() -> list[Case]:
    clock = VirtualClock()
    line = OneReply(clock)
    unit = ModbusUnit(port=Port(name="p", line=line, clock=clock, timeout_s=0.1, char_s=1e-3), unit=1)
    rows = (
        ("holding", "010300100003", "010306000102030405", lambda: unit.read_holding(16, 3), [1, 515, 1029]),
        ("input", "010400000001", "01040201a4", lambda: unit.read_input(0, 1), [420]),
        ("coils", "010100000008", "0101015a", lambda: unit.read_coils(0, 8), [i in (1, 3, 4, 6) for i in range(8)]),
        ("discrete", "010200000003", "01020105", lambda: unit.read_discrete(0, 3), [True, False, True]),
        ("coil", "01050000ff00", "01050000ff00", lambda: unit.write_coil(0, 0xFF00), None),
        ("register", "010600010003", "010600010003", lambda: unit.write_register(1, 3), None),
        ("registers", "01100001000204000a0102", "011000010002", lambda: unit.write_registers(1, [10, 258]), None),
    )
    return [
        Case(
            f"modbus.{name}", _sealed(question), _sealed(answer), _over_line(line, ask), value, (DeviceError,),
            fuzz_sound.rtu, fuzz_sound.rtu_seal,
        )
        for name, question, answer, ask, value in rows
    ]  # fmt: skip


def _keller() -> Case:
    clock = VirtualClock()
    line = OneReply(clock)
    bus = KellerBus(port=Port(name="k", line=line, clock=clock, timeout_s=0.1, char_s=1e-3), address=2)
    question = fuzz_sound.keller_seal(bytes.fromhex("024901") + b"\0\0")
    answer = fuzz_sound.keller_seal(bytes.fromhex("02493f80000000") + b"\0\0")
    parse = _over_line(line, lambda: bus.measure(1))
    return Case("keller.value", question, answer, parse, 1.0, (DeviceError,), fuzz_sound.keller, fuzz_sound.keller_seal)


def _framed(length: Callable[[bytes], int | None], parse: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """As the port does it: the frame's own length first, and nothing behind it."""

    def read(frame: bytes) -> Any:
        size = length(frame) if frame else None
        if size is None or len(frame) != size:
            raise BadReply("not one whole frame")
        return parse(frame)

    return read


def _huber() -> list[Case]:
    narrow = huber_frames.NARROW
    asked = huber_frames.package(1, [None, None], narrow)
    body = b"[S01B10001F4109A"
    answer = body + b"%02X\r" % (sum(body) & 0xFF)
    return [
        Case(
            "huber.package", asked, answer,
            _framed(huber_frames.package_length, lambda frame: huber_frames.parse_package(frame, 1, 2, narrow)),
            (0x01F4, 0x109A), (DeviceError,), fuzz_sound.package, fuzz_sound.sum_seal,
        ),
        Case(
            "huber.message", b"{M01****\r\n", b"{S01109A\r\n",
            _framed(huber_frames.message_length(narrow), lambda frame: huber_frames.parse_message(frame, 1, narrow)),
            0x109A, (DeviceError,), fuzz_sound.package, None,
        ),
    ]  # fmt: skip


def _tenths(frame: bytes) -> int:
    return watson_marlow.parse_status(frame, short_form=False).tenths


def _texts() -> list[Case]:
    clock = VirtualClock()
    line = OneReply(clock)
    port = Port(name="t", line=line, clock=clock, timeout_s=0.1, char_s=1e-3)
    module = adam4015.Adam4015(port=port, name="probes", address=1)
    values = b">+037.50+037.51+037.52+9999-0000+037.55"
    sensor = flow_bubble.FlowBubble(port=port, address=1, name="flow")
    flow = bytes.fromhex("f100173f 000000 82 00004844 2a 00000000 8b 00007a44") + b"\0"
    status = b"530Du 140 520R 9.6MM 120.5 CW P/N 1 1234 1 !\r"
    return [
        Case(
            "adam.values", b"#0184\r", values + b"%02X\r" % (sum(values) & 0xFF),
            _over_line(line, lambda: module._transact("#01", ">")), values[1:].decode(), (DeviceError,),
            fuzz_sound.dcon, fuzz_sound.sum_seal,
        ),
        Case(
            "watson_marlow.status", b"1RS\r", status,
            _framed(watson_marlow.line_length, _tenths), 1205, (DeviceError,), fuzz_sound.status_line, None,
        ),
        Case(
            "flow.values", bytes.fromhex("f1000b3f"), fuzz_sound.flow_seal(flow),
            _over_line(line, lambda: sensor._values().flow_ml_min), 800.0, (DeviceError,),
            fuzz_sound.flow, fuzz_sound.flow_seal,
        ),
    ]  # fmt: skip


def parser_targets() -> list[ParserTarget]:
    """Every case, with the answers of all others to splice in."""
    cases = [*_protective(), *_modbus(), _keller(), *_huber(), *_texts()]
    answers = [case.answer for case in cases]
    return [ParserTarget(case, answers) for case in cases]
