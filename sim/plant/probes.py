"""Sensors: first-order lag, white noise, calibration offset, self-heating; and everything a probe can do wrong.

Healthy probes are stepped all at once; a probe with a fault is bent afterwards. Noise comes from a table made once.
Not responsible for quantisation or sentinels: those are the device's (`sim.devices`).
"""

from __future__ import annotations

import random
from collections.abc import Mapping, MutableMapping, Sequence
from operator import add

from sim.plant.parameters import ProbeParameters
from sim.terminals import SHORT

NOISE_ROWS = 1009
SPIKE_EVERY_S = 5.0
OUT_OF_FLUID_LAG_S = 20.0
FAULTS = ("off", "short", "stuck", "drift", "bias", "spike", "noise", "nan", "swapped", "wrong_unit", "dislodged")


class Probe:
    """One probe's fault: `fault` is a name from FAULTS or None, `fault_value` its size (or the other probe's name)."""

    __slots__ = ("_fault", "_faulty", "fault_value", "held", "name", "since_s")

    def __init__(self, name: str, faulty: set[str]) -> None:
        self.name = name
        self._faulty = faulty  # the names of all probes of its bank that are not well
        self.fault_value: float | str | None = None
        self.held: float | None = None
        self.since_s = 0.0
        self._fault: str | None = None

    @property
    def fault(self) -> str | None:
        """What is wrong with it; None when it is well."""
        return self._fault

    @fault.setter
    def fault(self, name: str | None) -> None:
        if name is not None and name not in FAULTS:
            raise ValueError(f"no probe fault {name!r}; allowed: {', '.join(FAULTS)}")
        self._fault = name
        (self._faulty.discard if name is None else self._faulty.add)(self.name)
        self.held = None
        self.since_s = 0.0

    def size(self, default: float) -> float:
        """The fault's size as a number, in the signal's unit."""
        return float(self.fault_value) if isinstance(self.fault_value, (int, float)) else default


class ProbeBank:
    """All probes of a plant, in one fixed order of names. Writes `sensed` by name."""

    def __init__(self, *, parameters: Mapping[str, ProbeParameters], start: Sequence[float], room_c: float, seed: int):
        self.names = tuple(parameters)
        self._faulty: set[str] = set()
        self.probes = {name: Probe(name, self._faulty) for name in self.names}
        self._all = tuple(self.probes.values())
        self._random = random.Random(seed)
        self._room_c = room_c
        self._lags = tuple(p.lag_s for p in parameters.values())
        self._gains = tuple(p.gain for p in parameters.values())
        self._lagged = [value * gain for value, gain in zip(start, self._gains, strict=True)]
        self._alphas: list[float] = []
        self._alphas_dt_s = 0.0
        self._row = 0
        gauss = self._random.gauss
        bias = [(p.offset + p.self_heating, p.noise) for p in parameters.values()]
        self._noise = [[b + gauss(0.0, n) if n else b for b, n in bias] for _ in range(NOISE_ROWS)]

    def step(self, dt_s: float, truth: Sequence[float], sensed: MutableMapping[str, float | None]) -> None:
        """Let every probe follow `truth` (in the order of names) for `dt_s` and write what its wire carries."""
        if dt_s != self._alphas_dt_s:
            self._alphas = [dt_s / (dt_s + lag_s) for lag_s in self._lags]
            self._alphas_dt_s = dt_s
        row = self._row = self._row + 1 if self._row < NOISE_ROWS - 1 else 0
        self._lagged = lagged = [
            x + (t * g - x) * a for x, t, g, a in zip(self._lagged, truth, self._gains, self._alphas, strict=True)
        ]
        sensed.update(zip(self.names, map(add, lagged, self._noise[row]), strict=True))
        if self._faulty:
            self._spoil(dt_s, sensed)

    def _spoil(self, dt_s: float, sensed: MutableMapping[str, float | None]) -> None:
        well = {name: sensed[name] for name in self.names}
        for probe in self._all:
            value = well[probe.name]
            if probe.fault is not None and value is not None:
                probe.since_s += dt_s
                sensed[probe.name] = self._bent(dt_s, probe, value, well)

    def _bent(self, dt_s: float, probe: Probe, value: float, well: Mapping[str, float | None]) -> float | None:
        match probe.fault:
            case "off":
                return None
            case "short":
                return SHORT
            case "nan":
                return float("nan")
            case "stuck":
                probe.held = value if probe.held is None else probe.held
                return probe.held
            case "drift":
                return value + probe.size(0.5) * probe.since_s / 60.0
            case "bias":
                return value + probe.size(2.0)
            case "spike":
                return value + (probe.size(10.0) if (probe.since_s - dt_s) % SPIKE_EVERY_S < dt_s else 0.0)
            case "noise":
                return value + self._random.gauss(0.0, probe.size(1.0))
            case "swapped":
                return well[str(probe.fault_value)]
            case "wrong_unit":
                return value * 1.8 + 32.0
            case _:  # dislodged: hangs in the room (or the value given)
                held = value if probe.held is None else probe.held
                probe.held = held + (probe.size(self._room_c) - held) * dt_s / (dt_s + OUT_OF_FLUID_LAG_S)
                return probe.held
