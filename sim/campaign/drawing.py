"""How a fault is drawn: which kinds, on which targets, how large, when and for how long.

A table by name, so that every fault of the catalogue that virtual time can do has its line; what only real processes
can do (`sim.hosts.REAL_ONLY`), and UNDRAWN, is not drawn. Not responsible for what a fault does (`sim.faults`,
`sim.plant`, `sim.links`, `sim.hosts`).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import NamedTuple

from config.schema import Rig
from sim.fault_catalogue import CATALOGUE
from sim.faults import Fault
from sim.hosts import PROCESSES
from sim.plant.plant import PROBE_ORDER

KINDS = (("probe", 35), ("link", 20), ("heater", 10), ("pump", 25), ("host", 10))
COUNTS = (1, 1, 1, 1, 1, 1, 2, 2, 3, 3)
UNDRAWN: Mapping[str, str] = {"mains_lost": "on a rig without an input for mains it is `stuck_off`"}
LONE_DISTANCE_S = 60.0
CORE_FAULTS = ("off", "stuck", "drift", "bias")


class Bench(NamedTuple):
    """What there is to break: signals, and devices and ports that a link fault can name."""

    signals: tuple[str, ...]
    links: tuple[str, ...]


def bench_of(rig: Rig) -> Bench:
    """The bench of a rig; the protective channel's devices go by the name of their port."""
    return Bench(tuple(PROBE_ORDER), (*rig.devices, *sorted(rig.ports)))


class _Size(NamedTuple):
    """Steps that a fault's value is drawn from, by what the signal is."""

    low: float
    high: float


_BIAS: Mapping[str, _Size] = {
    "_c": _Size(0.3, 12.0),
    "_lpm": _Size(0.1, 2.0),
    "_mm": _Size(1.0, 8.0),
    "_mmhg": _Size(3.0, 200.0),
    "_ml": _Size(50.0, 3000.0),
}


_LASTS_S: Mapping[str, _Size] = {"console_lost": _Size(11.0, 120.0)}  # for less than 10 s nobody has to see it


def draw_faults(draw: random.Random, bench: Bench) -> tuple[Fault, ...]:
    """One to three faults, in order of time (seconds after the fork)."""
    count = draw.choice(COUNTS)
    at_s = round(draw.uniform(0.5, 20.0), 1)
    faults = []
    for _ in range(count):
        faults.append(draw_fault(draw, bench, at_s))
        at_s = round(at_s + draw.choice((0.0, draw.uniform(0.1, 5.0), draw.uniform(5.0, LONE_DISTANCE_S))), 1)
    return tuple(faults)


def draw_core_fault(draw: random.Random, name: str) -> Fault:
    """One of CORE_FAULTS: the probe lost, still, or wrong by a jump or a drift; to the end.

    A jump below 1.3 °C and a drift below 0.25 °C/min are left out: one probe that reads little less than it warms
    cannot be told from a patient who is cooled. Only a second core thermometer shows them.
    """
    low = draw.random() < 0.8  # one that reads too high takes the heat by itself
    value = None
    if name == "drift":
        value = round((-1.0 if low else 1.0) * _log_uniform(draw, _Size(0.25, 1.0)), 3)
    elif name == "bias":
        value = round((-1.0 if low else 1.0) * _log_uniform(draw, _Size(1.3, 4.0)), 3)
    return Fault(name=name, target="core_c", at_s=round(draw.uniform(0.5, 20.0), 1), value=value)


def draw_fault(draw: random.Random, bench: Bench, at_s: float) -> Fault:
    """One fault at `at_s`."""
    kind = draw.choices([name for name, _ in KINDS], [weight for _, weight in KINDS])[0]
    if kind == "probe":
        return _probe_fault(draw, bench, at_s)
    name = draw.choice([name for name, spec in CATALOGUE.items() if spec.kind == kind and name in _DRAWN])
    value = _DRAWN[name](draw)
    target = draw.choice(bench.links) if kind == "link" else ""
    if name in ("kill", "stop"):
        target = draw.choice(PROCESSES)
    return Fault(name=name, at_s=at_s, target=target, duration_s=_duration(draw, name), value=value)


def _probe_fault(draw: random.Random, bench: Bench, at_s: float) -> Fault:
    target = draw.choice(bench.signals)
    names = [name for name, spec in CATALOGUE.items() if spec.kind == "probe"]
    if not target.endswith("_c"):
        names = [name for name in names if name not in ("swapped", "wrong_unit", "dislodged")]
    name = draw.choice(names)
    size = next(size for end, size in _BIAS.items() if target.endswith(end))
    sign = draw.choice((-1.0, 1.0))
    value: float | str | None = None
    if name in ("bias", "spike"):
        value = round(sign * _log_uniform(draw, size), 3)
    elif name == "drift":
        value = round(sign * _log_uniform(draw, size) * draw.choice((0.1, 1.0)), 3)
        value = max(-100.0, min(100.0, value))
    elif name == "noise":
        value = round(0.3 * _log_uniform(draw, size), 3)
    elif name == "swapped":
        value = draw.choice([other for other in bench.signals if other.endswith("_c") and other != target])
    elif name == "dislodged":
        value = round(draw.uniform(18.0, 25.0), 1)
    return Fault(name=name, at_s=at_s, target=target, duration_s=_duration(draw, name), value=value)


def _duration(draw: random.Random, name: str) -> float | None:
    if name == "replugged":
        return round(draw.uniform(0.5, 10.0), 1)
    if name != "power_cycled" and draw.random() < 0.5:  # a brown-out ends; values have no settings to lose
        return None
    return round(_log_uniform(draw, _LASTS_S.get(name, _Size(0.2, 60.0))), 1)


def _log_uniform(draw: random.Random, size: _Size) -> float:
    return float(size.low * (size.high / size.low) ** draw.random())


def _nothing(draw: random.Random) -> float | None:
    return None


def _between(low: float, high: float) -> Callable[[random.Random], float | None]:
    return lambda draw: round(draw.uniform(low, high), 3)


def _one_of(*values: float) -> Callable[[random.Random], float | None]:
    return lambda draw: draw.choice(values)


_DRAWN: Mapping[str, Callable[[random.Random], float | None]] = {
    "silent": _nothing,
    "slow": _between(0.02, 0.3),
    "garbled": _one_of(0.05, 0.3, 1.0),
    "half_frame": _nothing,
    "late_reply": _between(0.2, 1.5),
    "wrong_unit_id": _nothing,
    "exception_code": _one_of(1.0, 2.0, 4.0, 6.0),
    "babble": _nothing,
    "unplugged": _nothing,
    "replugged": _nothing,
    "power_cycled": _nothing,
    "stuck_on": _nothing,
    "stuck_off": _nothing,
    "weak": _between(0.0, 0.9),
    "delayed": _between(2.0, 120.0),
    "stall": _nothing,
    "runaway": _between(0.0, 265.0),
    "reversed": _nothing,
    "tube_wear": _between(0.05, 1.0),
    "occlusion_in": _between(0.5, 1.0),
    "occlusion_out": _between(0.05, 1.0),
    "leak": _between(5.0, 2000.0),
    "air": _between(0.5, 15.0),
    "disconnected": _nothing,
    "kill": _nothing,
    "stop": _nothing,
    "cpu_starved": _nothing,
    "disk_full": _nothing,
    "console_lost": _nothing,
    "time_jump": _one_of(-86400.0, -3600.0, 3600.0, 86400.0),
}
