"""Run one simulated treatment to its end and say in numbers how it went.

Not responsible for the treatment (`sim.cosim`) or for showing the numbers (`controller.commandline`).
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from config.schema import Patient, Rig, Treatment
from controller.core.exchange import Event, Outputs
from controller.core.state import CycleState
from controller.records.header import Started, header_row
from controller.records.memory import MemoryRecord
from controller.records.store import check_new
from sim.cosim import CYCLE_S, PROTECTIVE, START_S, Cosim
from sim.faults import check, parse
from sim.hosts import check_host
from sim.plant.parameters import parameters_for
from sim.plant.plant import PROBE_ORDER
from sim.plant.sampler import sample

SLICE_CYCLES = 600
GIVE_UP_S = 5 * 3600.0
AFTER_TRIP_S = 60.0
SAMPLE_EVERY_S = 1.0


class Result(NamedTuple):
    """How it ended, and the numbers. `values` is JSON-able."""

    completed: bool
    tripped: bool
    values: dict[str, object]


class Tally:
    """Events of a run, by kind: what tripped and which alarms came, with their time in minutes."""

    def __init__(self) -> None:
        self.trips: list[dict[str, object]] = []
        self.alarms: list[dict[str, object]] = []

    def add(self, events: tuple[Event, ...]) -> None:
        """Count what happened in one cycle."""
        for event in events:
            line = {"at_min": round((event.at_s - START_S) / 60.0, 2), "id": event.name, "text": event.text}
            if event.kind == "trip":
                self.trips.append(line)
            elif event.kind == "alarm":
                self.alarms.append({**line, "priority": event.priority})


def run(cosim: Cosim, tally: Tally, *, seed: int, progress: Callable[[float, str], None]) -> Result:
    """Advance until COMPLETE, or a minute after a trip. `progress` gets minutes simulated and the phase."""
    begun = time.perf_counter()
    gc.collect()
    gc.disable()  # nothing here makes cycles of references; looking for them costs a tenth of the time
    try:
        return _run(cosim, tally, seed, progress, begun)
    finally:
        gc.enable()


def _run(cosim: Cosim, tally: Tally, seed: int, progress: Callable[[float, str], None], begun: float) -> Result:
    steps = cosim.cycle.steps
    hottest_in_c = hottest_cavity_c = hottest_core_c = 0.0
    plant = cosim.plant
    while True:
        for _ in range(SLICE_CYCLES // 10):
            for _ in range(10):
                cosim.advance()
            if cosim.terminals.inflow_open:
                hottest_in_c = max(hottest_in_c, plant.entering_cavity_c)
            hottest_cavity_c = max(hottest_cavity_c, *plant.cavity_c)
            hottest_core_c = max(hottest_core_c, plant.core_c)
        state = cosim.state
        progress((state.now_s - START_S) / 60.0, steps[state.walk.step].phase.value)
        tripped = state.latch.tripped and state.now_s - state.latch.trips[0].at_s > AFTER_TRIP_S
        if state.walk.step == "complete" or tripped or state.now_s - START_S > GIVE_UP_S:
            break
    wall_s = time.perf_counter() - begun
    simulated_s = (cosim.state.now_s - START_S) // CYCLE_S * CYCLE_S
    dose, walk, volumes = state.dose, state.walk, state.volumes
    counted_ml = volumes.in_patient_ml if volumes.in_patient_ml is not None else volumes.carried_ml
    retained_ml = plant.cavity_ml + plant.absorbed_ml + plant.evaporated_ml + plant.leaked_ml
    to_target_min = None
    if walk.ready_s is not None and walk.warm_up_s is not None:
        to_target_min = (walk.ready_s - walk.warm_up_s) / 60.0
    values: dict[str, object] = {
        "simulated": True,
        "word": "SIMULATED",
        "phase": steps[walk.step].phase.value,
        "trips": tally.trips,
        "alarms": tally.alarms,
        "minutes_at_or_above_41": dose.min_41,
        "minutes_at_or_above_42": dose.min_42,
        "share_41_to_43": dose.in_band / dose.n if dose.n else None,
        "time_to_target_min": to_target_min,
        "cavity_max_c": dose.cavity_max_c,
        "cavity_mean_c": dose.mean_c if dose.n else None,
        "cavity_sd_c": dose.sd_c if dose.n > 1 else None,
        "inflow_max_c": dose.inflow_max_c,
        "core_max_c": dose.core_max_c,
        "true_cavity_max_c": hottest_cavity_c,
        "true_inflow_max_c": hottest_in_c,
        "true_core_max_c": hottest_core_c,
        "cem43_min": dose.cem43_min,
        "volume_error_ml": counted_ml - retained_ml,
        "contact_min": dose.n * CYCLE_S / 60.0,
        "simulated_s": simulated_s,
        "wall_s": wall_s,
        "real_time_factor": simulated_s / wall_s,
        "seed": seed,
    }
    return Result(state.walk.step == "complete", bool(tally.trips), values)


def simulate_treatment(
    *,
    rig: Rig,
    treatment: Treatment,
    patient: Patient,
    seed: int,
    faults: Sequence[str] = (),
    sampled: bool = False,
    watch: Callable[[CycleState, Outputs, tuple[Event, ...]], None] | None = None,
    save_to: Path | None = None,
    progress: Callable[[float, str], None] = lambda minutes, phase: None,
) -> Result:
    """One whole treatment in virtual time, recorded in memory and, if asked, saved to a file.

    `watch` sees every cycle. Raises BadRequest on a fault that cannot be, RecordError on a file that cannot.
    """
    if save_to is not None:
        check_new(save_to)  # not after the whole treatment
    planned = [parse(text) for text in faults]
    probes = [name for name in PROBE_ORDER if name in rig.signals]  # a heater's power, say, is no probe of the plant
    for fault in planned:
        if fault.kind == "host":
            check_host(fault)
        check(fault, signals=probes, devices=[*rig.devices, PROTECTIVE], ports=list(rig.ports))
    tally = Tally()
    started = Started(START_S, time.time())
    record = MemoryRecord(started=started)
    next_sample_s = START_S

    def sink(state: CycleState, outputs: Outputs, events: tuple[Event, ...]) -> None:
        nonlocal next_sample_s
        if state.now_s >= next_sample_s or cosim.inputs.orders:
            next_sample_s = state.now_s + SAMPLE_EVERY_S - 0.5 * CYCLE_S
            record.sample(state.now_s, cosim.inputs, outputs, cosim.cycle.view(state))
        if events:
            tally.add(events)
            for event in events:
                record.event(event)
        if watch is not None:
            watch(state, outputs, events)

    cosim = Cosim(
        rig=rig,
        treatment=treatment,
        patient=patient,
        parameters=sample(seed, rig) if sampled else parameters_for(rig, None, treatment.technique),
        seed=seed,
        faults=planned,
        sink=sink,
    )
    result = run(cosim, tally, seed=seed, progress=progress)
    if save_to is not None:
        header = header_row(rig=rig, treatment=treatment, patient=patient, simulated=True, speed=1.0, started=started)
        record.save(save_to, header)
    return result
