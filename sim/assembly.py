"""From a rig to its twins on their lines, wired to the plant's terminals.

A channel carries the signal that the rig reads there, back through the signal's calibration; what the rig maps nowhere
is an open circuit. Not responsible for ports (`sim.wire`) or physics (`sim.plant`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from config.schema import Device, Port, RelayChannel, Rig, Source
from sim.bus import Bus, Station
from sim.devices.options import options_problems
from sim.devices.twin import MakeTwin, Twin, Wiring
from sim.links import LinkState
from sim.refusal import BadRequest
from sim.terminals import Terminals

Input = Callable[[], float | None]
Output = Callable[[bool], None]

PROTECTIVE_PROBE = "protective_probe"
PROTECTIVE_RELAY = "protective_relay"
PROBE_FAMILY = "pt100_8ch"
RELAY_FAMILY = "waveshare_relay"
READ_BACK: Mapping[str, Callable[[Terminals], float]] = {
    "pump_rpm": lambda terminals: terminals.pump_rpm,
    "heater_setpoint_c": lambda terminals: terminals.bath_setpoint_c,
    "heater_power_w": lambda terminals: terminals.heater_power_w,
}
"""Signals that no probe feels: what a drive or heater that the rig file describes shows of itself."""


class Inputs(dict[str, Input]):
    """Channels by name; one that is not wired is an open circuit."""

    def __missing__(self, channel: str) -> Input:
        """Return what an open circuit carries."""
        return lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Every line of a rig. `links` by device name; `devices_of` names the devices of each port."""

    buses: Mapping[str, Bus]
    links: Mapping[str, LinkState]
    devices_of: Mapping[str, tuple[str, ...]]

    def tick(self, now_s: float) -> None:
        """Let every twin's timers run."""
        for bus in self.buses.values():
            bus.tick(now_s)


def assemble(rig: Rig, terminals: Terminals, twins: Mapping[str, MakeTwin], *, seed: int = 0) -> Bench:
    """Make a twin for every device of the rig and for the protective channel's two.

    Raises BadRequest naming the device whose family has no twin, or the signal whose calibration has no inverse.
    """
    devices = {**rig.devices, **_protective_devices(rig)}
    stations: dict[str, list[Station]] = {name: [] for name in rig.ports}
    for name, device in devices.items():
        stations[device.port].append(Station(name=name, twin=_twin(rig, name, device, terminals, twins)))
    buses = {
        name: Bus(
            name=name,
            stations=stations[name],
            char_s=character_s(port),
            echo=port.echo,
            seed=seed + index,
        )
        for index, (name, port) in enumerate(rig.ports.items())
    }
    return Bench(
        buses=buses,
        links={station.name: station.link for bus in buses.values() for station in bus.stations},
        devices_of={name: tuple(station.name for station in bus.stations) for name, bus in buses.items()},
    )


def character_s(port: Port) -> float:
    """Seconds of one character: start bit, data bits, parity bit if any, stop bits."""
    return (1 + int(port.frame[0]) + (port.frame[1] != "N") + int(port.frame[2])) / port.baud


def _twin(rig: Rig, name: str, device: Device, terminals: Terminals, twins: Mapping[str, MakeTwin]) -> Twin:
    if device.family not in twins:
        raise BadRequest(f"device {name}: no twin of family {device.family!r}; there are: {', '.join(sorted(twins))}")
    if problems := options_problems(device):
        raise BadRequest("; ".join(f"devices.{name}.{problem}" for problem in problems))
    wiring = Wiring(
        address=device.address,
        options=device.options,
        terminals=terminals,
        inputs=_inputs(rig, name, terminals),
        outputs=_outputs(rig, name, terminals),
        registers=device.registers,
        echo=False,  # the bus echoes for the whole port; a twin that did so too would be heard twice
    )
    try:
        return twins[device.family](wiring)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        # An option that is the driver's too, which knows what is allowed and may not be asked here.
        raise BadRequest(f"devices.{name}.options: {dict(device.options)} cannot be simulated: {error}") from error


def _protective_devices(rig: Rig) -> dict[str, Device]:
    wired = rig.protective
    return {
        PROTECTIVE_PROBE: Device(family=PROBE_FAMILY, port=wired.port, address=wired.probe_unit),
        PROTECTIVE_RELAY: Device(family=RELAY_FAMILY, port=wired.port, address=wired.relay_unit),
    }


def _inputs(rig: Rig, device: str, terminals: Terminals) -> Inputs:
    if device == PROTECTIVE_PROBE:
        wired = {rig.protective.outlet_channel: "outlet_b_c", rig.protective.inflow_channel: "inflow_b_c"}
        return Inputs({f"ch{number}_c": _felt(name, 1.0, 0.0, terminals) for number, name in wired.items()})
    return Inputs(
        {
            source.channel: _felt(signal, _gain(signal, source), source.offset, terminals)
            for signal, source in rig.signals.items()
            if source.device == device
        }
    )


def _gain(signal: str, source: Source) -> float:
    if source.gain == 0.0:
        raise BadRequest(f"signals.{signal}.gain: 0 has no inverse; allowed: anything else")
    return source.gain


def _felt(signal: str, gain: float, offset: float, terminals: Terminals) -> Input:
    """What the channel's wire carries: raw = (value - offset) / gain. Open and short pass as they are."""
    read_back = READ_BACK.get(signal)

    def raw() -> float | None:
        value = read_back(terminals) if read_back is not None else terminals.sensed.get(signal)
        if value is None or not math.isfinite(value):
            return value
        return (value - offset) / gain

    return raw


def _outputs(rig: Rig, device: str, terminals: Terminals) -> dict[int, Output]:
    if device == PROTECTIVE_RELAY:
        return _protective_outputs(rig, terminals)
    actuators = rig.actuators
    wired: tuple[tuple[RelayChannel, str], ...] = (
        (actuators.pump_enable, "pump_enabled"),
        (actuators.inflow_open, "inflow_open"),
        (actuators.outflow_closed, "outflow_closed"),
    )
    outputs = {relay.channel: _switch(terminals, name) for relay, name in wired if relay.device == device}
    buzzer = actuators.annunciator
    if buzzer is not None and buzzer.device == device:
        terminals.annunciator_sounds = True  # until the first command: its relay starts open
        outputs[buzzer.channel] = lambda closed: setattr(terminals, "annunciator_sounds", not closed)
    return outputs


def _protective_outputs(rig: Rig, terminals: Terminals) -> dict[int, Output]:
    wired = rig.protective
    outputs = {wired.contactor_channel: _switch(terminals, "contactor_closed")}
    for channel, name in ((wired.clamp_channel, "clamp_allowed"), (wired.tone_channel, "tone_silenced")):
        if channel is not None:
            outputs[channel] = _switch(terminals, name)
            outputs[channel](False)  # a relay without a lease
    return outputs


def _switch(terminals: Terminals, name: str) -> Output:
    return lambda closed: setattr(terminals, name, closed)
