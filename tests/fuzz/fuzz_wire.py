"""Every driver of the shipped rigs against its own twin, over the real port, with one reply of each exchange bent.

The twin answers every question; what it answers the question of that number is bent on its way. A driver may refuse
with a DeviceError, or take a frame that is sound in itself and answers the question; nothing else. In between, an
exchange that nobody bends has to read what it always read.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from fuzz_guide import Guide
from fuzz_mutator import bend
from fuzz_sound import seal_for, sound_for
from fuzz_target import Escape

from config.loading import load_rig
from drivers.catalogue import families
from drivers.port import Port, character_s
from drivers.roles import Device, DeviceError
from sim.assembly import assemble
from sim.devices.catalogue import twins
from sim.devices.twin import Twin
from sim.memory import VirtualClock
from sim.terminals import Terminals

RIGS = ("bench", "modbus")
CLEAN_EVERY = 500
TRIES = 4  # a slot opens the session again until it works
COUNTING = frozenset({"volume_ml", "tacho_count"})
SENSED = 37.5
KEPT = 200


class BentLine:
    """The twins' answers, of which one is bent: `at` counts the questions since `arm`."""

    def __init__(self, twins_on_it: tuple[Twin, ...], clock: VirtualClock, *, echo: bool) -> None:
        self.seen: list[bytes] = [b"\x00"]  # answers as they were, for splices
        self.asked = 0
        self.question, self.given = b"", None
        self._twins, self._clock, self._echo = twins_on_it, clock, echo
        self._chunks: list[bytes] = []
        self._at, self._bend = -1, None
        self._known: dict[bytes, bytes] = {}
        self._remembers = False

    def arm(self, at: int, how: Callable[[bytes], bytes] | None) -> None:
        """Bend the reply to question `at`; nothing is bent without `how`."""
        self.asked, self._at, self._bend, self.given = 0, at, how, None

    def remember(self, wanted: bool) -> None:
        """Answer the same question as before, without the twin: while nothing is written this is the same, and fast."""
        self._known.clear()
        self._remembers = wanted

    def write(self, data: bytes) -> None:
        reply = self._known.get(data)
        if reply is None:
            reply = self._answer(data)
            if self._remembers:
                self._known[data] = reply
        if self.asked == self._at and self._bend is not None and reply:
            self.question, reply = data, self._bend(reply)
            self.given = reply
        self.asked += 1
        if self._echo:
            reply = data + reply
        self._chunks = [reply] if reply else []

    def read(self, size: int, timeout_s: float) -> bytes:
        if not self._chunks:
            self._clock.sleep(timeout_s)
            return b""
        data = self._chunks.pop(0)
        if len(data) > size:
            self._chunks.insert(0, data[size:])
        return data[:size]

    def discard(self) -> None:
        self._chunks.clear()

    def close(self) -> None:
        self._chunks.clear()

    def _answer(self, data: bytes) -> bytes:
        self._clock.sleep(0.1)
        now_s = self._clock.now()
        replies = []
        for twin in self._twins:
            twin.tick(now_s)
            replies += [reply.data for reply in twin.receive(data, now_s)]
        whole = b"".join(replies)
        if whole and len(self.seen) < KEPT and whole not in self.seen:
            self.seen.append(whole)
        return whole


class DriverTarget:
    """One device of a rig. `at` of a frame: ten times the question's number, plus which call (see _CALLS)."""

    def __init__(self, name: str, family: str, device: Device, line: BentLine) -> None:
        self.name = name
        self.guide = Guide("drivers")
        self._sound, self._seal = sound_for(family), seal_for(family)
        self._device, self._line = device, line
        self._most = [1] * len(_CALLS)
        self._until_clean = 0
        self._clean: Mapping[str, float | None] = {}
        for number in (0, 1, 2):
            line.arm(-1, None)
            self._call(number)
            self._most[number] = max(1, line.asked)  # a first exchange asks for what is not read each time
        line.arm(-1, None)
        self._call(2)
        self._usual = max(1, line.asked)
        self._clean = self._values()

    def once(self, rng: random.Random) -> int:
        dice = rng.random()
        number = 2 if dice < 0.98 else 1 if dice < 0.998 else 0
        often = number == 2 and rng.random() < 0.95
        at = int(rng.random() * (self._usual if often else self._most[number]))
        line, place = self._line, 10 * at + number

        def bent(reply: bytes) -> bytes:
            return bend(self.guide.pick(reply, rng, place), line.seen, rng, self._seal)

        self.guide.run(lambda: self._run(number, at, bent), lambda: line.given, place)
        return line.given is not None

    def give(self, at: int, frame: bytes) -> None:
        self._run(at % 10, at // 10, lambda reply: frame)

    def close(self) -> None:
        self._line.close()

    def _run(self, number: int, at: int, how: Callable[[bytes], bytes]) -> None:
        line = self._line
        if self._until_clean <= 0:
            self._until_clean = CLEAN_EVERY
            self._check_clean()
        self._until_clean -= 1
        line.arm(at, how)
        try:
            self._call(number)
        except DeviceError:
            return
        except Exception as error:
            raise self._escape(number, at, f"{type(error).__name__}: {error}") from error
        if line.given is not None and not self._sound(line.question, line.given):
            raise self._escape(number, at, f"taken for the answer to {line.question.hex()}")

    def _escape(self, number: int, at: int, why: str) -> Escape:
        return Escape(self.name, 10 * at + number, self._line.given or b"", why)

    def _check_clean(self) -> None:
        """What was bent before must not be remembered."""
        why = ""
        for _ in range(TRIES):
            self._line.arm(-1, None)
            try:
                self._call(0)
                values = self._values()
            except DeviceError as error:
                why = str(error)
                continue
            if values == self._clean:
                return
            why = f"{values} and not {self._clean}"
        raise Escape(self.name, -1, b"", f"does not read as before any more after bent frames: {why}")

    def _values(self) -> Mapping[str, float | None]:
        self._line.arm(-1, None)
        read = self._device.exchange(None)
        return {channel: reading.value for channel, reading in read.items() if channel not in COUNTING}

    def _call(self, number: int) -> None:
        if number:
            _CALLS[number](self._device)
            return
        self._line.remember(False)
        try:
            _CALLS[number](self._device)
        finally:
            self._line.remember(True)


_CALLS: tuple[Callable[[Device], object], ...] = (
    lambda device: device.open_session(),
    lambda device: device.confirm(),
    lambda device: device.exchange(None),
)


def driver_targets() -> list[DriverTarget]:
    """Every device of every shipped rig."""
    targets = []
    for rig_name in RIGS:
        rig = load_rig(rig_name)
        terminals = Terminals(sensed=dict.fromkeys(rig.signals, SENSED))
        bench = assemble(rig, terminals, twins())
        for name, config in rig.devices.items():
            port = rig.ports[config.port]
            stations = bench.buses[config.port].stations
            clock = VirtualClock()
            mine = tuple(station.twin for station in stations if station.name == name)
            line = BentLine(mine, clock, echo=port.echo)
            char_s = character_s(port.baud, port.frame)
            made = Port(name=name, line=line, clock=clock, timeout_s=port.timeout_s, char_s=char_s, echo=port.echo)
            device = families()[config.family].make(made, config, name)
            targets.append(DriverTarget(f"{rig_name}.{name}", config.family, device, line))
    return targets
