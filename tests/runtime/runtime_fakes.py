"""Devices, cycles and benches that do what a test tells them, and remember what was done to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from config.loading import load_rig
from config.schema import Device as DeviceConfig
from config.schema import Rig
from controller.core.exchange import Event, Inputs, LinkFault, Outputs
from controller.core.restart import Restored
from controller.core.signals import Reading as CoreReading
from drivers.family import Family
from drivers.port import Port
from drivers.roles import Command, Identity, Reading
from sim.memory import VirtualClock


class FakeLine:
    """A line on which nothing is ever said."""

    def __init__(self) -> None:
        self.closed = False

    def write(self, data: bytes) -> None:
        raise AssertionError("a fake device does not use its line")

    def read(self, size: int, timeout_s: float) -> bytes:
        raise AssertionError("a fake device does not use its line")

    def discard(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


@dataclass
class FakeDevice:
    """Each call takes `takes_s` and is appended to `calls`; `failing` raises at the named call until it is cleared."""

    name: str
    clock: VirtualClock
    channels: tuple[str, ...] = ("value",)
    takes_s: float = 0.01
    value: float | None = 1.5
    calls: list[str] = field(default_factory=list)
    told: list[Command | None] = field(default_factory=list)
    failing: dict[str, BaseException] = field(default_factory=dict)

    def open_session(self) -> Identity:
        self._do("open_session")
        return Identity("fake", self.name)

    def confirm(self) -> None:
        self._do("confirm")

    def exchange(self, command: Command | None) -> Mapping[str, Reading]:
        self.told.append(command)
        self._do("exchange")
        return {channel: Reading(self.value, self.clock.now()) for channel in self.channels}

    def make_safe(self) -> None:
        self._do("make_safe")

    def _do(self, what: str) -> None:
        self.calls.append(what)
        self.clock.sleep(self.takes_s)
        if what in self.failing:
            raise self.failing[what]


def a_port(clock: VirtualClock) -> Port:
    return Port(name="p", line=FakeLine(), clock=clock, timeout_s=0.3, char_s=0.001)


CHANNELS: Mapping[str, tuple[str, ...]] = {
    "huber_pb": ("bath_c", "process_c", "setpoint_c", "power_w"),
    "watson_marlow": ("speed_rpm",),
    "adam4015": tuple(f"ch{n}_c" for n in range(6)),
    "waveshare_relay": ("closed_mask",),
    "keller": ("pressure_bar", "temperature_c"),
    "flow_bubble": ("flow_lpm", "bubble_mm", "volume_ml"),
}


class FakeFamilies:
    """Families of a whole rig that make FakeDevices, kept by name in `made`."""

    def __init__(self, clock: VirtualClock) -> None:
        self.made: dict[str, FakeDevice] = {}
        self._clock = clock

    def __call__(self) -> dict[str, Family]:
        return {name: self._family(name, channels) for name, channels in CHANNELS.items()}

    def _family(self, family: str, channels: tuple[str, ...]) -> Family:
        def make(port: Port, config: DeviceConfig, name: str) -> FakeDevice:
            if config.options.get("bad"):
                raise ValueError(f"{name}: options.bad is not allowed")
            return self.made.setdefault(name, FakeDevice(name, self._clock, channels))

        return Family(name=family, title="", roles=(), wire="", comm_loss="", manual="", make=make)


def bench_rig() -> Rig:
    return load_rig("bench")


@dataclass
class FakeBench:
    """What the loop sees of a bench."""

    published: list[tuple[Outputs, float]] = field(default_factory=list)
    readings: dict[str, CoreReading] = field(default_factory=dict)
    faults: tuple[LinkFault, ...] = ()
    pending_notes: list[object] = field(default_factory=list)
    refuse: Callable[[Outputs], None] = lambda outputs: None

    def inputs(self, now_s: float) -> Mapping[str, CoreReading]:
        return self.readings

    def publish(self, outputs: Outputs, now_s: float) -> None:
        self.refuse(outputs)
        self.published.append((outputs, now_s))

    def link_faults(self) -> tuple[LinkFault, ...]:
        return self.faults

    def notes(self) -> list[object]:
        taken, self.pending_notes = self.pending_notes, []
        return taken

    def statistics(self) -> list[object]:
        return []


@dataclass
class FakeLink:
    """Remembers the heartbeats."""

    beats: list[tuple[int, float, bool, int]] = field(default_factory=list)

    def heartbeat(self, *, seq: int, at_s: float, heat: bool, reset: int) -> None:
        self.beats.append((seq, at_s, heat, reset))

    def status(self) -> None:
        return None


@dataclass
class FakeRecorder:
    """Remembers everything."""

    fault: str = ""
    free_mb: float | None = 5000.0
    events: list[Event] = field(default_factory=list)
    samples: list[float] = field(default_factory=list)
    failing: Exception | None = None

    def sample(self, at_s: float, inputs: Inputs, outputs: Outputs, view: Mapping[str, object]) -> None:
        self.samples.append(at_s)

    def event(self, event: Event) -> None:
        if self.failing:
            raise self.failing
        self.events.append(event)

    def claim(self) -> None:
        pass

    def close(self, *, complete: bool = True) -> None:
        pass


@dataclass
class FakeCycle:
    """Heats, unless it was told to STOP; refuses `dose`; fails when `error` is set."""

    error: BaseException | None = None
    seen: list[Inputs] = field(default_factory=list)

    def initial(self, now_s: float, restored: Restored | None = None) -> int:
        return 0

    def step(self, state: int, inputs: Inputs, now_s: float) -> tuple[int, Outputs, tuple[Event, ...]]:
        self.seen.append(inputs)
        if self.error:
            raise self.error
        acts = [order.act.value for order in inputs.orders]
        stopped = state < 0 or "stop" in acts
        events = tuple(Event(now_s, "refused", "dose", "not now") for act in acts if act == "dose")
        after = -1 if stopped else state + 1
        return after, Outputs(heat_on=not stopped, bath_setpoint_c=42.0, pump_lpm=1.0), events

    def view(self, state: int) -> Mapping[str, object]:
        return {"phase": "STANDBY", "state": state}

    def in_the_way(self, state: int) -> str:
        return "a treatment is in PERFUSE" if state > 1 else ""

    def passed_on(self, state: int) -> Restored:
        return Restored()
