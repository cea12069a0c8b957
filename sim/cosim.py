"""A whole treatment in virtual time, in one process: the real cycle and protective channel against the plant.

Devices are reduced to what they do to a value: resolution, sampling, silence, and the leases that let their outputs
expire. The bytes are left out; `sim.server` has them. Not responsible for the summary of a run (`sim.treatment_run`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial

from config.schema import CONTACTOR_LEASE_S, HEAT_EXPIRY_S, PUMP_EXPIRY_S, Patient, Rig, Treatment
from controller.core.broken_off import Given
from controller.core.cycle import Cycle
from controller.core.exchange import Event, Inputs, LinkFault, Order, Outputs, ProtectiveStatus
from controller.core.restart import Restored, broken_off_in
from controller.core.signals import GOOD, Quality, Reading
from controller.core.state import CycleState
from controller.protective import channel
from controller.protective.limits import Limits
from sim.faults import Fault, FaultSchedule, apply_to_links, apply_to_plant
from sim.hosts import HostState, apply_to_host
from sim.links import LinkState
from sim.operator import AtConsole, Operator
from sim.plant.attendant import Attendant
from sim.plant.parameters import Parameters
from sim.plant.plant import Plant
from sim.terminals import SHORT, Terminals

CYCLE_S = 0.1
START_S = 1000.0
STEPS_PER_UNIT: Mapping[str, int] = {"adam4015": 100, "huber_pb": 100, "pt100_8ch": 10, "pixsys": 10}
PROTECTIVE = "protective"  # the name of the second channel's board among the links

# Sixteen in a cycle: the constructor of a NamedTuple is a call in Python, this one is not.
_reading = partial(tuple.__new__, Reading)

Sink = Callable[[CycleState, Outputs, tuple[Event, ...]], None]


class Cosim:
    """One simulated treatment. `advance` runs one cycle; `state`, `outputs` and `plant` may be looked at between."""

    def __init__(
        self,
        *,
        rig: Rig,
        treatment: Treatment,
        patient: Patient,
        parameters: Parameters,
        seed: int,
        faults: Sequence[Fault] = (),
        sink: Sink | None = None,
        operator: AtConsole | None = None,
        look_s: float = 1.0,
    ) -> None:
        self.rig, self.treatment = rig, treatment
        self.cycle = Cycle(rig=rig, treatment=treatment, patient=patient)
        self.terminals = Terminals()
        self.plant = Plant(parameters=parameters, terminals=self.terminals, seed=seed)
        self.attendant = Attendant(self.plant)
        self.operator: AtConsole = operator if operator is not None else Operator()
        self._look_s = look_s  # between two looks of the operator
        self.now_s = START_S
        self.state = self.cycle.initial(START_S)
        self.inputs = Inputs({})
        self.outputs = Outputs()
        self.links: dict[str, LinkState] = {name: LinkState() for name in (*rig.devices, PROTECTIVE)}
        self._ports = {
            port: [name for name, device in rig.devices.items() if device.port == port] for port in rig.ports
        }
        self._ports[rig.protective.port] = [PROTECTIVE]
        self.schedule = FaultSchedule(faults)
        self.host = HostState()
        self._sick = False
        self._since: dict[str, float] = {}
        self._readings: dict[str, Reading] = {}
        self._plan = tuple(
            (signal, STEPS_PER_UNIT.get(rig.devices[source.device].family), self.links[source.device])
            for signal, source in rig.signals.items()
        )
        self._answering = self._plan
        self._sink = sink
        self._channel = channel.ChannelState()
        self.status: ProtectiveStatus | None = None
        self._seq = 0
        self._command_at_s = dict.fromkeys(("pump", "heater", "relay", "annunciator"), START_S)
        self.terminals.annunciator_sounds = rig.actuators.annunciator is not None
        self._lease_until_s: dict[str, float] = {}
        trips = {name: getattr(rig.protective, name) for name in ("outlet_trip_c", "inflow_trip_c")}
        self._protective_limits = Limits(**trips)
        self._told_limits = asdict(self._protective_limits)
        self._probe_at_s = START_S
        self._looked_s = 0.0
        self._seen_s = START_S
        self._wall_offset_s = 0.0
        self._due_s = START_S
        self._cycles = 0

    def advance(self) -> None:
        """Let one cycle's time pass in the plant, then run the cycle and carry its outputs out."""
        self.now_s = now_s = START_S + (self._cycles + 1) * CYCLE_S
        self._cycles += 1
        if self.schedule.next_s <= now_s - START_S:
            self._apply_faults(now_s - START_S)
        self.plant.step(CYCLE_S)
        if self._cycles % 10 == 1:
            self.attendant.step(now_s)
        if self.host.runs(PROTECTIVE):
            self._protect(now_s)
        else:
            self._relays(now_s, channel.ChannelOutputs())
        if self.host.runs("control") and now_s - self._due_s >= self.host.late_s:
            self._control(now_s)
        else:
            self._expire(now_s)

    def _control(self, now_s: float) -> None:
        """One completed cycle."""
        host = self.host
        if host.take_rebirth("control"):
            self.state, self.outputs, self._seq = (
                self.cycle.initial(now_s, left_behind(self.cycle, self.state)),
                Outputs(),
                0,
            )
            self._due_s = self._seen_s = now_s
            self._wall_offset_s = host.wall_offset_s
        orders: tuple[Order, ...] = ()
        due = self._cycles % 10 == 1 or now_s - self._looked_s >= self._look_s - 0.5 * CYCLE_S
        if host.console_there:
            self._seen_s = now_s
        if due and host.console_there:
            self._looked_s = now_s
            orders = self.operator.look(
                self.state, self.cycle.steps[self.state.walk.step], has_drug=self.treatment.drug is not None
            )
        faults = self._read(now_s)
        overrun_s = max(0.0, now_s - self._due_s)
        jumped_s, self._wall_offset_s = host.wall_offset_s - self._wall_offset_s, host.wall_offset_s
        self.inputs = Inputs(
            self._readings,
            orders,
            self.status,
            faults,
            host.faults,
            overrun_s,
            session="",
            attended_s=now_s - self._seen_s,
            wall_jump_s=jumped_s,
            disk_free_mb=host.disk_free_mb,
        )
        self.state, self.outputs, events = self.cycle.step(self.state, self.inputs, now_s)
        self._seq += 1
        self._due_s = START_S + (self._cycles + 1) * CYCLE_S
        self._actuate(self.outputs, now_s)
        if self._sink is not None:
            self._sink(self.state, self.outputs, events)

    def _apply_faults(self, elapsed_s: float) -> None:
        for edge in self.schedule.due(elapsed_s):
            apply_to_plant(edge, self.plant)
            apply_to_host(edge, self.host)
            apply_to_links(edge, self.links, self._ports)
        self._sick = not all(link.healthy for link in self.links.values())
        self._answering = tuple(line for line in self._plan if line[2].healthy)

    def _read(self, now_s: float) -> tuple[LinkFault, ...]:
        terminals = self.terminals
        wires = terminals.sensed | {
            "pump_rpm": terminals.pump_rpm_command,
            "heater_setpoint_c": terminals.bath_setpoint_c,
            "heater_power_w": terminals.heater_power_w,
        }
        readings = dict(self._readings)  # who does not answer leaves the old one
        for signal, steps, _ in self._answering:
            value = wires[signal]
            if value is None:
                readings[signal] = Reading(None, now_s, Quality.FAULT, "open circuit")
            elif not value > SHORT:
                readings[signal] = Reading(None, now_s, Quality.FAULT, "short circuit" if value == SHORT else "NaN")
            else:
                shown = value if steps is None else round(value * steps) / steps
                readings[signal] = _reading((shown, now_s, GOOD, ""))
        self._readings = readings
        return self._faulty(now_s) if self._sick or self._since else ()

    def _faulty(self, now_s: float) -> tuple[LinkFault, ...]:
        for name, link in self.links.items():
            if name == PROTECTIVE or link.healthy:
                self._since.pop(name, None)
            else:
                self._since.setdefault(name, now_s)
        return tuple(LinkFault(name, since_s, "does not answer") for name, since_s in self._since.items())

    def _protect(self, now_s: float) -> None:
        terminals = self.terminals
        if self.host.take_rebirth(PROTECTIVE):
            self._channel = channel.ChannelState()
        heard = not self._sick or self.links[PROTECTIVE].healthy
        if heard:
            self._probe_at_s = now_s
        inputs = channel.ChannelInputs(
            outlet_b_c=_tenths(terminals.sensed["outlet_b_c"]) if heard else None,
            inflow_b_c=_tenths(terminals.sensed["inflow_b_c"]) if heard else None,
            probe_at_s=self._probe_at_s,
            heartbeat_at_s=self.state.now_s,
            heartbeat_seq=self._seq,
            heat_wanted=self.outputs.heat_on or self.outputs.prove_contactor,
            reset_count=self.outputs.protective_reset,
            contactor_closed=terminals.contactor_closed if heard else None,
        )
        self._channel, said = channel.step(self._channel, inputs, now_s, self._protective_limits)
        if heard:
            if not said.close_contactor:
                self._lease_until_s.pop("contactor", None)
            self._relays(now_s, said)
        else:
            self._relays(now_s, channel.ChannelOutputs())
        self.status = ProtectiveStatus(
            now_s,
            said.permit,
            terminals.contactor_closed,
            said.trip,
            inputs.outlet_b_c,
            inputs.inflow_b_c,
            said.why_not,
            self._told_limits,
            self._channel.lapse_s,
        )

    def _relays(self, now_s: float, said: channel.ChannelOutputs) -> None:
        """The protective channel's relays: what it renews now, and what opens because nobody did."""
        terminals, wired = self.terminals, self.rig.protective
        terminals.contactor_closed = self._leased("contactor", said.lease_tenths / 10.0, now_s)
        if wired.clamp_channel is not None:
            terminals.clamp_allowed = self._leased("clamp", said.free * CONTACTOR_LEASE_S, now_s)
        if wired.tone_channel is not None:
            terminals.tone_silenced = self._leased("tone", said.quiet * CONTACTOR_LEASE_S, now_s)

    def _leased(self, relay: str, lease_s: float, now_s: float) -> bool:
        """A flash-on relay of the protective channel's board: closed for as long as its lease runs."""
        if lease_s:
            self._lease_until_s[relay] = now_s + lease_s
        return now_s <= self._lease_until_s.get(relay, START_S)

    def _actuate(self, outputs: Outputs, now_s: float) -> None:
        terminals, rig = self.terminals, self.rig
        actuators = rig.actuators
        if self._reaches(actuators.pump, "pump", now_s):
            terminals.pump_rpm_command = outputs.pump_lpm * 1000.0 / rig.circuit.pump_ml_per_rev
        if self._reaches(actuators.heater, "heater", now_s):
            terminals.bath_on = outputs.heat_on
            terminals.bath_circulating = True
            if outputs.heat_on:
                terminals.bath_setpoint_c = round(outputs.bath_setpoint_c * 100.0) / 100.0
            terminals.element_fraction = outputs.heater_fraction if outputs.heat_on else 0.0
        if self._reaches(actuators.pump_enable.device, "relay", now_s):
            terminals.pump_enabled = outputs.pump_enable
            terminals.inflow_open = outputs.inflow_open
            terminals.outflow_closed = outputs.outflow_closed
        buzzer = actuators.annunciator
        if buzzer is not None and self._reaches(buzzer.device, "annunciator", now_s):
            terminals.annunciator_sounds = not outputs.quiet
        if self._sick:
            self._expire(now_s)

    def _expire(self, now_s: float) -> None:
        """Outputs whose command was not refreshed fall off by themselves."""
        terminals = self.terminals
        if now_s - self._command_at_s["heater"] > HEAT_EXPIRY_S:
            terminals.bath_on = False
            terminals.element_fraction = 0.0
        if now_s - self._command_at_s["relay"] > PUMP_EXPIRY_S:
            terminals.pump_enabled = terminals.inflow_open = terminals.outflow_closed = False
        if self.rig.actuators.annunciator is not None and now_s - self._command_at_s["annunciator"] > PUMP_EXPIRY_S:
            terminals.annunciator_sounds = True

    def _reaches(self, device: str, lease: str, now_s: float) -> bool:
        if self._sick and self.links[device].deaf:
            return False
        self._command_at_s[lease] = now_s
        return True


def left_behind(cycle: Cycle, state: CycleState) -> Restored:
    """What a control that is started again finds in the record of a killed one: latched trips, and what is in whom."""
    trips = tuple((trip.id, trip.response.name, trip.text) for trip in state.latch.trips)
    step, walk, plan = cycle.steps[state.walk.step], state.walk, cycle.plan
    given = plan.fractions[: walk.doses]
    doses = tuple(Given(drug=plan.drug, mg=fraction.mg, at_min=fraction.at_min) for fraction in given)
    volume_ml = state.volumes.in_patient_ml
    if volume_ml is None and state.volumes.accounts:
        volume_ml = state.volumes.carried_ml
    left = broken_off_in(step.name, step.phase.value, cycle.patient.pseudonym, volume_ml, doses, walk.broken_off)
    return Restored("control was killed" if trips else "", trips, broken_off=left)


def _tenths(value: float | None) -> float | None:
    if value is None or not value > SHORT:
        return None
    return round(value * 10.0) / 10.0
