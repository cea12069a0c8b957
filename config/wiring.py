"""Rules of a rig's wiring: ports, devices, where signals are read, and what moves what.

Every violation is reported. A rule whose subject is missing keeps silent, because the missing thing is reported itself.
Not responsible for the shape (`config.schema`) or for levels (`config.rules`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from config.families import REGISTERS_FOR, FamilyFacts, Use, channels_of
from config.problems import Problem, shown
from config.schema import Device, Port, RelayChannel, Rig, Source

REQUIRED_SIGNALS = (
    "inflow_c",
    "outflow_c",
    "heater_outlet_c",
    "cavity_1_c",
    "cavity_2_c",
    "core_c",
    "flow_lpm",
    "reservoir_ml",
    "line_pressure_mmhg",
    "cavity_pressure_mmhg",
    "bubble_mm",
    "pump_rpm",
)
"""Without these no treatment can be supervised."""

TEMPERATURE_GAIN = (0.95, 1.05)
TEMPERATURE_OFFSET_C = 2.0
CHANNEL_UNITS = {
    "c": ("c",),
    "lpm": ("lpm",),
    "mm": ("mm",),
    "mmhg": ("mmhg", "bar"),
    "ml": ("ml", "bar"),
    "rpm": ("rpm",),
    "w": ("w", "percent"),
    "ok": ("ok",),
}
"""A signal's unit and the units of the channels that can be calibrated into it."""

ANY_TCP_PORT = ":0"  # a free one: another each time

# What controller/protective takes; it shares no code, so a test compares.
PROTECTIVE_BAUDS = (9600, 19200, 38400, 57600, 115200)
PROTECTIVE_FRAMES = ("8N1", "8N2", "8E1", "8O1")

Families = Mapping[str, FamilyFacts]


def wiring_problems(rig: Rig, families: Families) -> list[Problem]:
    """Every violation of a wiring rule in `rig`."""
    rules: tuple[Callable[[Rig, Families], Iterator[Problem]], ...] = (
        _ports,
        _devices,
        _addresses,
        _registers,
        _signals,
        _calibrations,
        _shared_channels,
        _movers,
        _relays,
        _protective,
    )
    return [problem for rule in rules for problem in rule(rig, families)]


def shared_paths(paths: Mapping[str, str]) -> list[Problem]:
    """Ports whose path is another port's already, whatever it is called; keys are the ports' names."""
    owner: dict[str, str] = {}
    found = []
    for name, path in paths.items():
        real = path.lower() if path.startswith("tcp:") else os.path.realpath(path)
        first = owner.setdefault(real, name)
        if first != name and not (real.startswith("tcp:") and real.endswith(ANY_TCP_PORT)):
            found.append(Problem(name, path, f"is port {first} already; allowed is one path per port"))
    return found


def _ports(rig: Rig, _families: Families) -> Iterator[Problem]:
    for problem in shared_paths({name: port.path for name, port in rig.ports.items()}):
        yield problem._replace(key=f"ports.{problem.key}.path")


def _devices(rig: Rig, families: Families) -> Iterator[Problem]:
    for name, device in rig.devices.items():
        if device.port not in rig.ports:
            yield Problem(f"devices.{name}.port", device.port, f"no such port; allowed are {_names(rig.ports)}")
        facts = families.get(device.family)
        if facts is None:
            yield Problem(f"devices.{name}.family", device.family, f"no such family; allowed are {_names(families)}")
        elif not facts.first_address <= device.address <= facts.last_address:
            allowed = f"allowed for {device.family} is {facts.first_address} to {facts.last_address}"
            yield Problem(f"devices.{name}.address", str(device.address), allowed)


def _addresses(rig: Rig, _families: Families) -> Iterator[Problem]:
    owner: dict[tuple[str, int], str] = {}
    for name, device in rig.devices.items():
        first = owner.setdefault((device.port, device.address), name)
        if first != name:
            reason = f"is the address of {first} on port {device.port}; allowed is one device per address"
            yield Problem(f"devices.{name}.address", str(device.address), reason)


def _registers(rig: Rig, _families: Families) -> Iterator[Problem]:
    for name, device in rig.devices.items():
        key = f"devices.{name}.registers"
        if (device.family == "registers") is not bool(device.registers):
            yield Problem(key, f"{len(device.registers)} entries", 'allowed for family "registers", and only there')
        seen: set[str] = set()
        for index, register in enumerate(device.registers):
            if register.channel in seen:
                yield Problem(f"{key}[{index}].channel", register.channel, "allowed is each channel once")
            seen.add(register.channel)
            if not register.minimum < register.maximum:
                allowed = f"allowed is below maximum {register.maximum}"
                yield Problem(f"{key}[{index}].minimum", str(register.minimum), allowed)
            if register.scale == 0.0:
                yield Problem(f"{key}[{index}].scale", "0.0", "allowed is any number but zero")


def _signals(rig: Rig, families: Families) -> Iterator[Problem]:
    present = set(map(str, rig.signals))
    for signal in REQUIRED_SIGNALS:
        if signal not in present:
            yield Problem(f"signals.{signal}", "", "is missing; every rig needs it")
    for signal, source in rig.signals.items():
        device = rig.devices.get(source.device)
        if device is None:
            allowed = f"no such device; allowed are {_names(rig.devices)}"
            yield Problem(f"signals.{signal}.device", source.device, allowed)
        elif device.family in families:
            yield from _channel(signal, source, device, families)


def _channel(signal: str, source: Source, device: Device, families: Families) -> Iterator[Problem]:
    key, channels = f"signals.{signal}.channel", channels_of(device, families)
    if source.channel not in channels:
        yield Problem(key, source.channel, f"{source.device} has no such channel; allowed are {', '.join(channels)}")
    elif device.family != "registers" and _unit(source.channel) not in CHANNEL_UNITS[_unit(signal)]:
        units = " or ".join(CHANNEL_UNITS[_unit(signal)])
        yield Problem(key, source.channel, f"is in {_unit(source.channel)}; allowed for this signal is {units}")


def _calibrations(rig: Rig, _families: Families) -> Iterator[Problem]:
    low, high = TEMPERATURE_GAIN
    for signal, source in rig.signals.items():
        if source.gain == 0.0:
            yield Problem(f"signals.{signal}.gain", "0.0", "allowed is any number but zero")
        if _unit(signal) == "c" and not low <= source.gain <= high:
            yield Problem(f"signals.{signal}.gain", str(source.gain), f"allowed for a temperature is {low} to {high}")
        if _unit(signal) == "c" and not abs(source.offset) <= TEMPERATURE_OFFSET_C:
            allowed = f"allowed for a temperature is {-TEMPERATURE_OFFSET_C} to {TEMPERATURE_OFFSET_C}"
            yield Problem(f"signals.{signal}.offset", str(source.offset), allowed)
        if signal.endswith("_w") and _unit(source.channel) == "percent":
            rated = rig.heater.max_power_w / 100
            if not abs(source.gain - rated) <= 0.01 * rated:
                allowed = f"allowed is heater.max_power_w / 100 = {rated}"
                yield Problem(f"signals.{signal}.gain", str(source.gain), allowed)


def _shared_channels(rig: Rig, _families: Families) -> Iterator[Problem]:
    owner: dict[tuple[str, str], str] = {}
    for signal, source in rig.signals.items():
        first = owner.setdefault((source.device, source.channel), signal)
        if first != signal:
            where = f"{source.device} {source.channel}"
            yield Problem(f"signals.{signal}", where, f"is read as {first} already; allowed is one signal per channel")


def _movers(rig: Rig, families: Families) -> Iterator[Problem]:
    wanted: tuple[tuple[str, str, Use], ...] = (
        ("pump", rig.actuators.pump, "pump"),
        ("heater", rig.actuators.heater, rig.heater.kind),
    )
    for role, name, use in wanted:
        yield from _fit(rig, families, f"actuators.{role}", name, use)


def _fit(rig: Rig, families: Families, key: str, name: str, use: Use) -> Iterator[Problem]:
    device = rig.devices.get(name)
    if device is None:
        yield Problem(key, name, f"no such device; allowed are {_names(rig.devices)}")
    elif device.family in families and use not in families[device.family].uses:
        able = _names(family for family, facts in families.items() if use in facts.uses)
        yield Problem(key, name, f"{device.family} cannot be used as {use}; allowed is a device of {able}")
    elif missing := _missing_registers(device, use):
        yield Problem(key, name, f"describes no writable {', '.join(missing)}, which used as {use} it needs")


def _missing_registers(device: Device, use: Use) -> list[str]:
    """Writable registers that a described device lacks for this use."""
    if device.family != "registers":
        return []
    writable = {register.channel for register in device.registers if register.writable}
    return [channel for channel in REGISTERS_FOR.get(use, ()) if channel not in writable]


def _relays(rig: Rig, families: Families) -> Iterator[Problem]:
    owner: dict[RelayChannel, str] = {}
    for role in ("pump_enable", "inflow_open", "outflow_closed", "annunciator"):
        relay: RelayChannel | None = getattr(rig.actuators, role)
        if relay is None:  # only the annunciator may be missing
            continue
        yield from _fit(rig, families, f"actuators.{role}.device", relay.device, "relay")
        device = rig.devices.get(relay.device)
        outputs = families[device.family].outputs if device is not None and device.family in families else 0
        if outputs and relay.channel >= outputs:
            yield Problem(f"actuators.{role}.channel", str(relay.channel), f"allowed is 0 to {outputs - 1}")
        first = owner.setdefault(relay, role)
        if first != role:
            where = f"{relay.device} {relay.channel}"
            yield Problem(f"actuators.{role}", where, f"is {first} already; allowed is one role per relay")


def _protective(rig: Rig, _families: Families) -> Iterator[Problem]:
    wired = rig.protective
    port = rig.ports.get(wired.port)
    if port is None:
        yield Problem("protective.port", wired.port, f"no such port; allowed are {_names(rig.ports)}")
    else:
        yield from _protective_line(f"ports.{wired.port}", port)
    shared = [name for name, device in rig.devices.items() if device.port == wired.port]
    if shared:
        reason = f"is used by {', '.join(shared)}; allowed is a port that no control device shares"
        yield Problem("protective.port", wired.port, reason)
    if wired.probe_unit == wired.relay_unit:
        yield Problem("protective.relay_unit", str(wired.relay_unit), "allowed is any unit but probe_unit's")
    if wired.outlet_channel == wired.inflow_channel:
        yield Problem("protective.inflow_channel", str(wired.inflow_channel), "allowed is any but outlet_channel")
    owner: dict[int, str] = {}
    for name in ("contactor_channel", "clamp_channel", "tone_channel"):
        channel: int | None = getattr(wired, name)
        if channel is not None and owner.setdefault(channel, name) != name:
            yield Problem(f"protective.{name}", str(channel), f"is {owner[channel]} already; allowed is one per relay")


def _protective_line(key: str, port: Port) -> Iterator[Problem]:
    """The protective channel has Modbus code of its own, which serves fewer lines than control's."""
    allowed: tuple[tuple[str, object, Collection[object]], ...] = (
        ("baud", port.baud, PROTECTIVE_BAUDS),
        ("frame", port.frame, PROTECTIVE_FRAMES),
        ("echo", port.echo, (False,)),
    )
    for name, value, values in allowed:
        if value not in values:
            listed = ", ".join(shown(each) for each in values)
            yield Problem(f"{key}.{name}", shown(value), f"allowed for the protective channel's port is {listed}")


def _unit(name: str) -> str:
    return name.rsplit("_", 1)[-1]


def _names(names: Iterable[str]) -> str:
    return ", ".join(names)
