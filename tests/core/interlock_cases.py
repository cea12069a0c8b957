"""For every row of the interlock table: how a working bench is broken so that this row, and its response, must come."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from make import World, make_cycle, world_in

from controller.core.exchange import Act, LinkFault
from controller.core.interlocks import Response
from controller.core.probe_identity import Identity
from controller.core.signals import Reading

PROBE_STEP_C = 1.5  # per reading; a larger one is called a jump and never reaches an interlock
Breaking = Callable[[World], None]  # called before every cycle


class Case(NamedTuple):
    """`within_s` counts from the first broken cycle to the row's alarm; `delay_s` is what the manual promises."""

    id: str
    response: Response
    delay_s: float
    within_s: float
    breaking: Breaking
    kind: str = "bath"
    step: str = "perfuse"
    settle_s: float = 20.0
    dt_s: float = 0.1
    note: str = ""

    @property
    def name(self) -> str:
        return f"{self.id}-{self.note}" if self.note else self.id

    def world(self) -> World:
        return world_in(self.step, kind=self.kind, settle_s=self.settle_s)


def reads(**values: float | None) -> Breaking:
    """The signals walk to these values, temperatures no faster than a probe can; None: the probe is lost."""

    def breaking(world: World) -> None:
        for name, value in values.items():
            if value is None or not name.endswith("_c") or name == "heater_setpoint_c":
                world.bent[name] = value
                continue
            now_c = world.bent.get(name, world.temperature_c[name])
            assert isinstance(now_c, float)
            world.bent[name] = now_c + min(max(value - now_c, -PROBE_STEP_C), PROBE_STEP_C)

    return breaking


def says(**status: object) -> Breaking:
    def breaking(world: World) -> None:
        world.status = {**(world.status or {}), **status}

    return breaking


def says_slowly(**values: float) -> Breaking:
    """The protective channel's probes walk to these values, no faster than a probe can."""

    def breaking(world: World) -> None:
        for name, value in values.items():
            now_c = (world.status or {}).get(name, value + 2.0 * PROBE_STEP_C)
            says(**{name: max(value, now_c - PROBE_STEP_C)})(world)

    return breaking


def both(*parts: Breaking) -> Breaking:
    def breaking(world: World) -> None:
        for part in parts:
            part(world)

    return breaking


def leaks(ml_per_s: float, *, at_once_ml: float = 0.0) -> Breaking:
    done: set[int] = set()

    def breaking(world: World) -> None:
        world.reservoir_ml -= ml_per_s * 0.5
        if at_once_ml and id(world) not in done:
            done.add(id(world))
            world.reservoir_ml -= at_once_ml

    return breaking


def _silent(world: World) -> None:
    world.status = {**(world.status or {}), "at_s": (world.status or {}).get("at_s", world.now_s)}


def _never_answered(world: World) -> None:
    world.status = None


def _link(world: World) -> None:
    since_s = world.link_faults[0].since_s if world.link_faults else world.now_s + 0.1
    world.link_faults = (LinkFault("pump", since_s, "does not answer"),)


def _late(world: World) -> None:
    world.overrun_s = 0.25


def _disk(world: World) -> None:
    world.host_faults = ("recorder: disk full",)


def _restarted(world: World) -> None:
    world.restarted = "" if world.state.walk.hold else "control ended without a goodbye in PERFUSE"


def _inflow_warms_first(world: World) -> None:
    """As if the plugs of outlet and inflow were exchanged."""
    if world.outputs.heat_on:
        world.state = world.state._replace(identity=Identity({}, ("inflow_c",)))


def _wrong(world: World) -> None:
    world.link_faults = (LinkFault("pump", world.now_s, "answers as a 720, the rig file says 530", wrong=True),)


def _a_little_late(world: World) -> None:
    world.overrun_s = 0.15


def unseen(seconds: float) -> Breaking:
    def breaking(world: World) -> None:
        world.attended_s = seconds

    return breaking


def _clock_set(world: World) -> None:
    world.wall_jump_s = 3600.0


def _told_more(world: World) -> None:
    told = world.state.outputs._replace(heater_fraction=0.7)
    world.state = world.state._replace(outputs=told)


def scatters(name: str) -> Breaking:
    """0.8 °C to either side, from reading to reading."""

    def breaking(world: World) -> None:
        side = 1.0 if round(world.now_s * 10) % 2 else -1.0
        world.bent[name] = world.temperature_c[name] + 0.8 * side

    return breaking


def coarse(name: str, **neighbours: float) -> Breaking:
    """A probe of 0.1 °C keeps its value, and two seconds later its neighbours move away."""
    began: dict[int, float] = {}

    def breaking(world: World) -> None:
        began_s = began.setdefault(id(world), world.now_s)
        track = world.state.tracks[name]._replace(finest_step=0.1)
        world.state = world.state._replace(tracks={**world.state.tracks, name: track})
        world.bent[name] = Reading(world.temperature_c[name], world.now_s + 0.1)
        if world.now_s - began_s < 2.0:
            return
        for other, value in neighbours.items():
            (says if other.endswith("_b_c") else reads)(**{other: value})(world)

    return breaking


def _stop(world: World) -> None:
    world.pressing = () if world.state.walk.hold else (Act.STOP,)


def _held(world: World) -> None:
    world.pressing = () if world.state.walk.hold else (Act.HOLD,)


def _held_then_power(world: World) -> None:
    world.pressing = (Act.HOLD,) if not world.state.walk.hold else ()
    world.bent["heater_power_w"] = 500.0


def _held_then_hot(world: World) -> None:
    hot = not world.outputs.inflow_open
    world.pressing = (Act.RESUME,) if hot and world.state.walk.hold else () if hot else (Act.HOLD,)
    reads(inflow_c=43.5, heater_outlet_c=43.5)(world)


def _weak(world: World) -> None:
    world.cycle = make_cycle(heater={"bath_setpoint_max_c": 42.5})
    reads(heater_outlet_c=41.5, inflow_c=41.3, source_c=42.5)(world)
    says_slowly(outlet_b_c=41.5, inflow_b_c=41.3)(world)


def _nothing(world: World) -> None:
    return


def _stuck_drain(world: World) -> None:
    world.cavity_ml = 0.0  # nothing more runs back; the level knows what is missing


R0, R1, R2, R3, R4 = Response.R0, Response.R1, Response.R2, Response.R3, Response.R4

CASES: tuple[Case, ...] = (
    Case("stop", R3, 0.0, 0.1, _stop),
    Case("outlet_over", R3, 0.2, 0.6, reads(heater_outlet_c=46.5)),
    Case("inflow_over", R3, 0.3, 0.7, reads(inflow_c=45.8)),
    Case("source_over", R1, 0.5, 0.9, reads(source_c=47.5)),
    Case("cavity_over", R1, 0.8, 1.1, reads(cavity_1_c=43.55), note="one probe is enough"),
    Case("core_trip", R1, 2.0, 2.5, reads(core_c=39.7)),
    Case("core_stop", R2, 2.0, 2.5, reads(core_c=40.2)),
    Case("no_flow", R4, 0.2, 0.4, reads(flow_lpm=0.1), note="meter"),
    Case("no_flow", R4, 0.2, 0.4, reads(flow_lpm=0.7), note="less than half of what the pump is set to"),
    Case("no_flow", R4, 0.2, 0.4, reads(flow_lpm=None), note="meter lost"),
    Case("no_flow", R4, 0.2, 0.4, reads(pump_rpm=0.0), note="rotor"),
    Case("no_flow", R4, 0.2, 0.4, reads(pump_rpm=None), note="rotor unknown"),
    Case("reservoir_low", R3, 0.5, 0.7, reads(reservoir_ml=250.0)),
    Case("air", R3, 0.0, 0.1, reads(bubble_mm=6.0)),
    Case("line_pressure", R2, 0.2, 0.4, reads(line_pressure_mmhg=320.0)),
    Case("accumulating", R2, 1.0, 12.0, leaks(0.0, at_once_ml=450.0)),
    Case("cavity_pressure", R2, 0.5, 0.7, reads(cavity_pressure_mmhg=23.0)),
    Case("cavity_pressure", R2, 0.5, 0.7, reads(cavity_pressure_mmhg=23.0), step="fill", note="while filling"),
    Case("disconnected", R3, 1.0, 1.6, reads(line_pressure_mmhg=5.0), settle_s=90.0),
    Case("drift", R0, 1.0, 700.0, leaks(0.2), settle_s=310.0, dt_s=0.5),
    Case("leak", R2, 10.0, 1500.0, leaks(0.3), settle_s=310.0, dt_s=0.5),
    Case("drain_short", R0, 5.0, 120.0, _stuck_drain, step="drain", settle_s=0.0),
    Case("unbalanced", R2, 2.0, 90.0, reads(flow_lpm=1.1), step="fill", dt_s=0.2),
    Case("reversed", R3, 0.4, 0.6, reads(flow_lpm=-0.2)),
    Case("runaway", R3, 1.0, 1.2, reads(flow_lpm=3.0)),
    Case("stalled", R4, 1.0, 1.2, reads(flow_lpm=0.5)),
    Case("probe_lost", R1, 0.2, 0.4, reads(heater_outlet_c=None), note="outlet"),
    Case("probe_lost", R1, 0.2, 0.4, reads(inflow_c=None), note="inflow"),
    Case("probe_lost", R1, 0.2, 0.4, reads(outflow_c=None), note="outflow"),
    Case("cavity_lost", R1, 0.5, 0.7, reads(cavity_1_c=None, cavity_2_c=None, cavity_3_c=None)),
    Case("cavity_few", R0, 2.0, 2.2, reads(cavity_1_c=None, cavity_2_c=None)),
    Case("cavity_outlier", R0, 5.0, 6.5, reads(cavity_3_c=30.0)),
    Case("line_pressure_lost", R3, 0.5, 0.7, reads(line_pressure_mmhg=None)),
    Case("cavity_pressure_lost", R2, 0.5, 0.7, reads(cavity_pressure_mmhg=None)),
    Case("bubble_lost", R3, 0.5, 0.7, reads(bubble_mm=None)),
    Case("level_lost", R3, 0.5, 0.7, reads(reservoir_ml=None)),
    Case("core_lost", R0, 3.0, 3.2, reads(core_c=None)),
    Case("swapped", R1, 0.0, 0.3, _inflow_warms_first, step="preheat", settle_s=0.0),
    Case("order", R1, 5.0, 6.0, both(reads(inflow_c=40.0), says(inflow_b_c=40.0)), settle_s=150.0),
    Case("inflow_disagrees", R1, 9.0, 9.5, reads(inflow_c=42.6), settle_s=30.0),
    Case("outlet_disagrees", R1, 9.0, 9.5, says(outlet_b_c=45.4), settle_s=30.0),
    Case("inflow_differs", R0, 10.0, 10.5, reads(inflow_c=43.3), settle_s=30.0),
    Case("heater_stuck_on", R4, 0.5, 4.0, _held_then_power),
    Case("over_power", R4, 5.0, 6.0, reads(outflow_c=34.0), kind="inline", settle_s=90.0),
    Case("setpoint_differs", R1, 1.5, 1.7, reads(heater_setpoint_c=30.0)),
    Case("device_lost", R4, 0.0, 0.9, _link),
    Case("device_late", R0, 0.3, 0.5, _link),
    Case("restart", R1, 0.0, 0.1, _restarted),
    Case("protective_trip", R4, 0.0, 0.1, says(trip="outlet 46.1 °C", permit=False)),
    Case("protective_lost", R4, 0.2, 0.9, _silent, note="silent"),
    Case("protective_lost", R4, 0.2, 0.4, _never_answered, note="unknown"),
    Case("protective_refuses", R4, 0.5, 0.7, says(permit=False)),
    Case("overrun", R1, 0.0, 0.1, _late),
    Case("host", R0, 0.0, 0.1, _disk),
    Case("core_alarm", R0, 5.0, 5.5, reads(core_c=39.2)),
    Case("core_warn", R0, 10.0, 10.5, reads(core_c=38.7)),
    Case("core_low", R0, 60.0, 61.0, reads(core_c=34.0), dt_s=0.2),
    Case("cavity_warm", R0, 5.0, 5.5, reads(cavity_2_c=43.2)),
    Case("cavity_cool", R0, 30.0, 31.0, reads(cavity_1_c=40.5, cavity_2_c=40.5, cavity_3_c=40.5)),
    Case("line_pressure_high", R0, 1.0, 1.2, reads(line_pressure_mmhg=220.0)),
    Case("cavity_pressure_high", R0, 3.0, 3.2, reads(cavity_pressure_mmhg=19.0)),
    Case("weak_heat", R0, 300.0, 420.0, _weak, dt_s=0.5),
    Case("at_cap", R0, 600.0, 700.0, reads(cavity_1_c=41.0, cavity_2_c=41.0, cavity_3_c=41.0), dt_s=0.5),
    Case("not_heating", R0, 1.0, 150.0, both(reads(inflow_c=41.0), says(inflow_b_c=41.0)), dt_s=0.2),
    Case("heat_off", R0, 60.0, 61.0, _held, dt_s=0.2),
    Case("slug", R0, 0.5, 3.0, _held_then_hot, step="fill"),
    Case("dose_due", R0, 0.0, 1800.0, _nothing, dt_s=0.8),
    Case("twins_apart", R1, 1.0, 1.7, says_slowly(outlet_b_c=41.0), settle_s=30.0, note="outlet"),
    Case("twins_apart", R1, 1.0, 1.7, says_slowly(inflow_b_c=41.0), settle_s=30.0, note="inflow"),
    Case("outflow_disagrees", R1, 9.0, 10.5, reads(outflow_c=40.0), settle_s=90.0, note="cold"),
    Case("outflow_disagrees", R1, 9.0, 10.5, reads(outflow_c=43.5), settle_s=90.0, note="hot"),
    Case("outflow_differs", R0, 10.0, 10.6, reads(outflow_c=41.0), settle_s=90.0),
    Case("outlet_differs", R0, 10.0, 10.5, says(outlet_b_c=44.9), settle_s=30.0),
    Case("frozen", R1, 0.0, 8.0, coarse("inflow_c", inflow_b_c=44.45), settle_s=30.0),
    Case("cavity_frozen", R0, 1.0, 40.0, coarse("cavity_2_c", cavity_1_c=41.0, cavity_3_c=41.0), settle_s=30.0),
    Case("cavity_outlier", R0, 5.0, 6.5, reads(cavity_2_c=None), note="one lost"),
    Case("cavity_spread", R0, 60.0, 65.0, reads(cavity_3_c=39.6), settle_s=310.0, dt_s=0.2),
    Case("probe_noise", R1, 10.0, 13.0, scatters("inflow_c")),
    Case("probe_noisy", R0, 2.0, 4.0, scatters("cavity_3_c")),
    Case("power_scale", R4, 2.0, 2.2, reads(heater_power_w=2600.0)),
    Case("power_differs", R4, 1.0, 1.2, reads(heater_power_w=2300.0), kind="inline"),
    Case("heats_over", R4, 10.0, 12.0, reads(heater_power_w=1500.0, source_c=46.9)),
    Case("hotter_than_source", R1, 5.0, 6.0, reads(source_c=42.0), settle_s=90.0),
    Case("heat_short", R0, 30.0, 33.0, _told_more, kind="inline", settle_s=310.0, dt_s=0.2),
    Case("pump_differs", R3, 1.5, 1.7, reads(pump_rpm=200.0)),
    Case("wrong_device", R4, 0.0, 0.1, _wrong),
    Case("late_often", R1, 0.0, 0.3, _a_little_late),
    Case("unattended", R1, 0.0, 0.1, unseen(61.0)),
    Case("console_lost", R0, 0.0, 0.1, unseen(11.0)),
    Case("clock_jump", R0, 0.0, 0.1, _clock_set),
)
