"""The devices of a rig as the cycle sees them: signals in, outputs out.

`inputs` turns the newest readings into signals with the rig's calibration; `publish` turns outputs into one command
for each device. Values that contradict the rig are refused (ValueError), never clamped.
Not responsible for bytes (`drivers`), turns on a bus (`ports`) or ageing (`controller.core.sensing`).
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

from config.schema import BATH_SETPOINT_CEILING_C, PUMP_EXPIRY_S, Rig
from config.schema import Port as PortConfig
from controller.core.exchange import SAFE, LinkFault, Outputs
from controller.core.signals import Quality, Reading
from controller.runtime.commands import CommandBoard, StopFlag
from controller.runtime.ports import PortNote, PortWorker
from controller.runtime.slot import DeviceSlot, LinkStatistics, MakeDevice
from drivers.family import Family
from drivers.port import Clock, Line, Port, SerialLine, character_s
from drivers.roles import BathCommand, Command, LinkLost, PowerCommand, PumpCommand, RelayCommand

OpenLine = Callable[[PortConfig], Line]


class BadRig(ValueError):
    """The rig cannot be built as written; the text says what, where, and what is allowed."""


class _Wire(NamedTuple):
    signal: str
    slot: DeviceSlot
    channel: str
    gain: float
    offset: float


def serial_line(config: PortConfig) -> Line:
    """Open the line that the rig names. Raises LinkLost."""
    if not config.path.startswith("tcp:") and not os.path.exists(config.path):
        raise LinkLost(f"{config.path}: there is no such device; allowed: a serial device's path or tcp:HOST:PORT")
    return SerialLine(path=config.path, baud=config.baud, frame=config.frame)


def port_of(name: str, config: PortConfig, clock: Clock, open_line: OpenLine, *, slack_s: float = 0.0) -> Port:
    """A port over a newly opened line. `slack_s` more is allowed for each reply. Raises LinkLost."""
    try:
        line = open_line(config)
    except LinkLost as error:
        raise LinkLost(f"port {name}: {error}") from error
    return Port(
        name=name,
        line=line,
        clock=clock,
        timeout_s=config.timeout_s + slack_s,
        char_s=character_s(config.baud, config.frame),
        echo=config.echo,
    )


class Bench:
    """All ports of a rig but the protective channel's. Made, opened, started; ended once.

    `slack_s` is 0 on a real rig. Where simulated time runs faster than the wall's, the host's scheduling does not run
    faster with it, and every reply is allowed that much longer.
    """

    def __init__(
        self,
        *,
        rig: Rig,
        families: Mapping[str, Family],
        clock: Clock,
        stop: StopFlag,
        open_line: OpenLine = serial_line,
        slack_s: float = 0.0,
    ) -> None:
        self._rig = rig
        self._slack_s = slack_s
        self._clock = clock
        self._board = CommandBoard(safe=commands_for(rig, SAFE), stop=stop)
        names = sorted({device.port for device in rig.devices.values()})
        self.workers = tuple(self._worker(name, families, open_line) for name in names)
        slots = {slot.name: slot for worker in self.workers for slot in worker.slots}
        self._slots = slots
        self._wires = tuple(
            _Wire(str(signal), slots[source.device], source.channel, source.gain, source.offset)
            for signal, source in rig.signals.items()
        )

    def open(self) -> None:
        """Open every port. Raises LinkLost (missing, in use) or BadRig; what was opened is closed again."""
        try:
            for worker in self.workers:
                worker.open()
            self._check_channels()
        except ValueError as error:
            self.end()
            raise BadRig(str(error)) from error
        except BaseException:
            self.end()
            raise

    def start(self) -> None:
        """Begin to serve every port."""
        for worker in self.workers:
            worker.start()

    def end(self, *, timeout_s: float = 5.0) -> list[str]:
        """Make every device safe and close the ports; wall seconds. Returns the ports that did not come back."""
        for worker in self.workers:
            worker.ask_to_end()
        return [worker.name for worker in self.workers if not worker.end(timeout_s=timeout_s)]

    @property
    def tried(self) -> bool:
        """True once every device had its first turn."""
        return all(worker.tried for worker in self.workers)

    def inputs(self, now_s: float) -> dict[str, Reading]:
        """The newest reading of every signal of the rig; MISSING where its device never delivered."""
        return {wire.signal: _reading(wire, now_s) for wire in self._wires}

    def publish(self, outputs: Outputs, now_s: float) -> None:
        """Give the outputs of the cycle at `now_s` to the ports. Raises ValueError if they contradict the rig."""
        self._board.publish(commands_for(self._rig, outputs), now_s)

    def link_faults(self) -> tuple[LinkFault, ...]:
        """Devices that do not answer as they should."""
        return tuple(fault for worker in self.workers for fault in worker.link_faults())

    def identities(self) -> dict[str, str]:
        """Who answered when each device's session was last opened; "" before."""
        return {name: slot.identity for name, slot in self._slots.items()}

    def statistics(self) -> list[LinkStatistics]:
        """One snapshot for each device."""
        return [line for worker in self.workers for line in worker.statistics()]

    def notes(self) -> list[PortNote]:
        """What has happened on the ports since the last call."""
        taken = []
        for worker in self.workers:
            while worker.notes:
                taken.append(worker.notes.popleft())
        return taken

    def _worker(self, name: str, families: Mapping[str, Family], open_line: OpenLine) -> PortWorker:
        if name not in self._rig.ports:
            raise BadRig(f"devices name the port {name!r}; this rig has: {', '.join(sorted(self._rig.ports))}")
        config = self._rig.ports[name]
        devices = [
            (device, self._maker(device, families)) for device, at in self._rig.devices.items() if at.port == name
        ]
        return PortWorker(
            name=name,
            open_port=lambda: port_of(name, config, self._clock, open_line, slack_s=self._slack_s),
            devices=devices,
            board=self._board,
            clock=self._clock,
        )

    def _maker(self, name: str, families: Mapping[str, Family]) -> MakeDevice:
        config = self._rig.devices[name]
        family = families.get(config.family)
        if family is None:
            allowed = ", ".join(sorted(families))
            raise BadRig(f"devices.{name}.family is {config.family!r}; allowed: {allowed}")
        return lambda port: family.device(port, config, name)

    def _check_channels(self) -> None:
        for signal, source in self._rig.signals.items():
            channels = self._slots[source.device].channels
            if source.channel not in channels:
                raise ValueError(
                    f"signals.{signal}.channel is {source.channel!r}; {source.device} has: {', '.join(channels)}"
                )


def commands_for(rig: Rig, outputs: Outputs) -> dict[str, Command]:
    """One command for each actuator's device. Raises ValueError for what the rig cannot or must not do."""
    rpm = outputs.pump_lpm * 1000.0 / rig.circuit.pump_ml_per_rev
    if not (0.0 <= rpm <= rig.circuit.pump_max_rpm):
        raise ValueError(f"pump at {outputs.pump_lpm} L/min is {rpm} rpm; allowed: 0 to {rig.circuit.pump_max_rpm:g}")
    commands: dict[str, Command] = {rig.actuators.pump: PumpCommand(rpm), rig.actuators.heater: _heat(rig, outputs)}
    closed: dict[str, set[int]] = {}
    for relay, wanted in (
        (rig.actuators.pump_enable, outputs.pump_enable),
        (rig.actuators.inflow_open, outputs.inflow_open),
        (rig.actuators.outflow_closed, outputs.outflow_closed),
        (rig.actuators.annunciator, outputs.quiet),
    ):
        if relay is None:
            continue
        channels = closed.setdefault(relay.device, set())
        if wanted:
            channels.add(relay.channel)
    for device, channels in closed.items():
        commands[device] = RelayCommand(frozenset(channels), PUMP_EXPIRY_S)
    return commands


def _heat(rig: Rig, outputs: Outputs) -> Command:
    if rig.heater.kind == "bath":
        highest_c = min(rig.heater.bath_setpoint_max_c, BATH_SETPOINT_CEILING_C)
        if not (0.0 <= outputs.bath_setpoint_c <= highest_c):
            raise ValueError(f"bath set-point {outputs.bath_setpoint_c} °C; allowed: 0 to {highest_c:g} °C")
        return BathCommand(outputs.heat_on, outputs.bath_setpoint_c)
    if not (0.0 <= outputs.heater_fraction <= 1.0):
        raise ValueError(f"heater fraction {outputs.heater_fraction}; allowed: 0 to 1")
    return PowerCommand(outputs.heat_on, outputs.heater_fraction if outputs.heat_on else 0.0)


def _reading(wire: _Wire, now_s: float) -> Reading:
    raw = wire.slot.readings.get(wire.channel)
    if raw is None:
        return Reading(None, now_s, Quality.MISSING, f"{wire.slot.name} has not delivered {wire.channel} yet")
    if raw.fault is not None or raw.value is None:
        return Reading(None, raw.at_s, Quality.FAULT, raw.fault or f"{wire.slot.name}: no value for {wire.channel}")
    value = raw.value * wire.gain + wire.offset
    if not math.isfinite(value):
        return Reading(None, raw.at_s, Quality.FAULT, f"{wire.slot.name}: {wire.channel} is {raw.value!r}")
    return Reading(value, raw.at_s)
