"""One vocabulary of faults for the plant, its probes, the links and the host: parsed, scheduled and applied here.

Written `NAME[:TARGET]@T[+DURATION][=VALUE]`, times in simulated seconds (or `10min`), e.g. `off:inflow_c@600+30`.
The same words work in virtual time and on the wire. Not responsible for what a fault does: the plant, its probes and
the wire (`sim.links`) do that; host faults are applied only by a caller that owns the processes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from sim.fault_catalogue import CATALOGUE, FaultName, Kind, Value
from sim.links import LinkState
from sim.refusal import BadRequest

FORM = "NAME[:TARGET]@T[+DURATION][=VALUE]"

_PATTERN = re.compile(
    r"(?P<name>[a-z_]+)(?::(?P<target>[a-z][a-z0-9_]*))?@(?P<at>[^+=]+)(?:\+(?P<duration>[^=]+))?(?:=(?P<value>.+))?"
)
_TIME = re.compile(r"(\d+(?:\.\d+)?)(s|min)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: what, where, from when (s), how long (None: to the end) and how much."""

    name: str
    at_s: float
    target: str = ""
    duration_s: float | None = None
    value: Value = None

    @property
    def kind(self) -> Kind:
        """Which part of the world it strikes."""
        return CATALOGUE[self.name].kind

    def __str__(self) -> str:
        where = f":{self.target}" if self.target else ""
        long = "" if self.duration_s is None else f"+{self.duration_s:g}"
        much = "" if self.value is None else f"={self.value:g}" if isinstance(self.value, float) else f"={self.value}"
        return f"{self.name}{where}@{self.at_s:g}{long}{much}"


class Edge(NamedTuple):
    """A fault begins (`started`) or ends."""

    fault: Fault
    started: bool


def parse(text: str) -> Fault:
    """Read `NAME[:TARGET]@T[+DURATION][=VALUE]`. Raises BadRequest saying what is wrong and what is allowed."""
    match = _PATTERN.fullmatch(text.strip())
    if match is None:
        raise BadRequest(f"fault {text!r}: not of the form {FORM}")
    name = match["name"]
    if name not in CATALOGUE:
        raise BadRequest(f"fault {text!r}: no fault {name!r}; allowed: {', '.join(sorted(CATALOGUE))}")
    spec = CATALOGUE[name]
    target = match["target"] or ""
    if spec.kind in ("probe", "link") and not target:
        raise BadRequest(f"fault {text!r}: {name} needs a TARGET ({_target_words(spec.kind)}): {FORM}")
    if spec.kind in ("heater", "pump") and target:
        raise BadRequest(f"fault {text!r}: {name} takes no TARGET, there is one {spec.kind}")
    duration = match["duration"]
    return Fault(
        name=name,
        target=target,
        at_s=_seconds(text, match["at"]),
        duration_s=spec.duration_s if duration is None else _seconds(text, duration),
        value=_value(text, spec, match["value"]),
    )


def check(fault: Fault, *, signals: Collection[str], devices: Collection[str], ports: Collection[str]) -> None:
    """Raise BadRequest when the target (or the swapped partner) is nothing this rig has."""
    if fault.kind == "probe":
        wanted = [fault.target] + ([fault.value] if fault.name == "swapped" else [])
        for signal in wanted:
            if signal not in signals:
                raise BadRequest(f"fault {fault}: no signal {signal!r}; allowed: {', '.join(sorted(signals))}")
    if fault.kind == "link" and fault.target not in devices and fault.target not in ports:
        allowed = f"devices {', '.join(sorted(devices))}; ports {', '.join(sorted(ports))}"
        raise BadRequest(f"fault {fault}: no device or port {fault.target!r}; allowed: {allowed}")


class FaultSchedule:
    """Faults in time. `due` hands out every beginning and end once, in order of time."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._edges: list[tuple[float, Edge]] = []
        self._active: list[Fault] = []
        for fault in faults:
            self.add(fault)

    @property
    def active(self) -> tuple[Fault, ...]:
        """Faults that have begun and not ended."""
        return tuple(self._active)

    @property
    def next_s(self) -> float:
        """When the next edge is due; infinity when none is."""
        return self._edges[0][0] if self._edges else math.inf

    def add(self, fault: Fault) -> None:
        """Schedule one more."""
        self._edges.append((fault.at_s, Edge(fault, True)))
        if fault.duration_s is not None:
            self._edges.append((fault.at_s + fault.duration_s, Edge(fault, False)))
        self._edges.sort(key=lambda item: item[0])

    def due(self, now_s: float) -> list[Edge]:
        """Take out what has come due by `now_s`."""
        count = sum(at_s <= now_s for at_s, _ in self._edges)
        edges = [edge for _, edge in self._edges[:count]]
        del self._edges[:count]
        for fault, started in edges:
            if started:
                self._active.append(fault)
            else:
                self._active.remove(fault)
        return edges

    def clear(self) -> list[Edge]:
        """Forget what is planned; return the ends of all that is active."""
        edges = [Edge(fault, False) for fault in self._active]
        self._edges.clear()
        self._active.clear()
        return edges


class FaultyPlant(Protocol):
    """What the appliers need of `sim.plant`: a record of fault knobs with harmless defaults, and probes by signal."""

    @property
    def faults(self) -> Any:
        """Mutable record; its class makes a harmless one without arguments."""

    @property
    def probes(self) -> Mapping[str, Any]:
        """Each with `fault` (a probe fault's name or None) and `fault_value`."""


def apply_to_plant(edge: Edge, plant: FaultyPlant) -> None:
    """Turn the plant's or a probe's knob. Link and host faults are none of its business."""
    fault, started = edge
    spec = CATALOGUE[fault.name]
    if spec.kind == "probe":
        probe = plant.probes[fault.target]
        probe.fault_value = fault.value if started else None
        probe.fault = fault.name if started else None
    elif spec.knob:
        harmless = getattr(type(plant.faults)(), spec.knob)
        setattr(plant.faults, spec.knob, harmless if not started else True if fault.value is None else fault.value)


def apply_to_links(edge: Edge, links: Mapping[str, LinkState], ports: Mapping[str, Sequence[str]]) -> None:
    """Set the fault on the target device's link, or on those of every device of the target port.

    What concerns a whole cable (unplugged, replugged) strikes the whole port even when a device is named.
    """
    fault, started = edge
    if fault.kind != "link":
        return
    for device in _struck(fault, ports):
        _set_link(links[device], fault, started)


def _struck(fault: Fault, ports: Mapping[str, Sequence[str]]) -> Sequence[str]:
    if fault.target in ports:
        return ports[fault.target]
    if fault.name in ("unplugged", "replugged"):
        return next(devices for devices in ports.values() if fault.target in devices)
    return (fault.target,)


def _set_link(link: LinkState, fault: Fault, started: bool) -> None:
    number = fault.value if started and isinstance(fault.value, float) else 0.0
    match fault.name:
        case "silent" | "half_frame" | "babble" | "unplugged":
            setattr(link, fault.name, started)
        case "replugged":
            link.unplugged = started
        case "wrong_unit_id":
            link.wrong_unit = started
        case "slow" | "late_reply":
            link.extra_delay_s = number
        case "garbled":
            link.garbled = number
        case "exception_code":
            link.exception_code = int(number)
        case "power_cycled":
            link.power_cycles += started
            link.dead = started and fault.duration_s is not None


def _target_words(kind: Kind) -> str:
    return "a signal" if kind == "probe" else "a device or a port"


def _seconds(text: str, word: str) -> float:
    match = _TIME.fullmatch(word)
    if match is None:
        raise BadRequest(f"fault {text!r}: {word!r} is no time; allowed: seconds from 0, e.g. 90, 1.5 or 15min")
    return float(match[1]) * (60.0 if match[2] == "min" else 1.0)


def _value(text: str, spec: FaultName, word: str | None) -> Value:
    if spec.unit == "signal":
        if not word:
            raise BadRequest(f"fault {text!r}: needs =SIGNAL, the other one")
        return word
    if word is None:
        return spec.value
    if not spec.unit:
        raise BadRequest(f"fault {text!r}: takes no VALUE")
    try:
        number = float(word)
    except ValueError:
        number = math.nan
    if not spec.low <= number <= spec.high:
        raise BadRequest(f"fault {text!r}: VALUE {word!r}; allowed: {spec.low:g} to {spec.high:g} {spec.unit}")
    return number
