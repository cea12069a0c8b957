"""The ways in which a working bench is broken, or nearly broken, before every cycle of a test of one row."""

from __future__ import annotations

from collections.abc import Callable

from make import World, make_cycle, make_treatment

from controller.core.exchange import Act, LinkFault
from controller.core.probe_identity import Identity
from controller.core.restart import broken_off_in
from controller.core.signals import Reading

PROBE_STEP_C = 1.5  # per reading; a larger one is called a jump and never reaches an interlock
TWIN_OF = {"outlet_b_c": "heater_outlet_c", "inflow_b_c": "inflow_c"}
Breaking = Callable[[World], None]  # called before every cycle


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
            now_c = (world.status or {}).get(name, world.temperature_c[TWIN_OF[name]])
            says(**{name: now_c + min(max(value - now_c, -PROBE_STEP_C), PROBE_STEP_C)})(world)

    return breaking


def inflow_at(value: float) -> Breaking:
    """Both probes of the inflow, and the outlet's near it."""
    outlet_c = value + 2.0
    return both(reads(inflow_c=value, heater_outlet_c=outlet_c), says_slowly(inflow_b_c=value, outlet_b_c=outlet_c))


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


def blocked(world: World) -> None:
    """Nothing runs back out of the cavity."""
    world.cavity_ml = 0.0


def lasts(seconds: float, breaking: Breaking) -> Breaking:
    """The break goes away again, for good, after so long."""
    ends_s: dict[int, float] = {}

    def lasting(world: World) -> None:
        if world.now_s < ends_s.setdefault(id(world), world.now_s + seconds - 1e-6):
            breaking(world)
        else:
            world.bent, world.status, world.link_faults, world.overrun_s = {}, {}, (), 0.0

    return lasting


def silent(world: World) -> None:
    world.status = {**(world.status or {}), "at_s": (world.status or {}).get("at_s", world.now_s)}


def never_answered(world: World) -> None:
    world.status = None


def link_lost(world: World) -> None:
    since_s = world.link_faults[0].since_s if world.link_faults else world.now_s + 0.1
    world.link_faults = (LinkFault("pump", since_s, "does not answer"),)


def late(seconds: float) -> Breaking:
    def breaking(world: World) -> None:
        world.overrun_s = seconds

    return breaking


def disk_full(world: World) -> None:
    world.host_faults = ("recorder: disk full",)


def disk_left(free_mb: float | None) -> Breaking:
    def breaking(world: World) -> None:
        world.disk_free_mb = free_mb

    return breaking


def found_in_the_patient(ml: float) -> Breaking:
    """As if control had been started again after a drain that was broken off."""

    def breaking(world: World) -> None:
        found = broken_off_in("drain", "DRAIN", "P-1", ml, (), None)
        world.state = world.state._replace(walk=world.state.walk._replace(broken_off=found))

    return breaking


def restarted(world: World) -> None:
    world.restarted = "" if world.state.walk.hold else "control ended without a goodbye in PERFUSE"


def inflow_warms_first(world: World) -> None:
    """As if the plugs of outlet and inflow were exchanged."""
    if world.outputs.heat_on:
        world.state = world.state._replace(identity=Identity({}, ("inflow_c",)))


def wrong_device(world: World) -> None:
    world.link_faults = (LinkFault("pump", world.now_s, "answers as a 720, the rig file says 530", wrong=True),)


def unseen(seconds: float) -> Breaking:
    def breaking(world: World) -> None:
        world.attended_s = seconds

    return breaking


def clock_set(seconds: float) -> Breaking:
    def breaking(world: World) -> None:
        world.wall_jump_s = seconds

    return breaking


def told(**outputs: float) -> Breaking:
    """What the cycle before is remembered to have commanded."""

    def breaking(world: World) -> None:
        world.state = world.state._replace(outputs=world.state.outputs._replace(**outputs))

    return breaking


def against_told(name: str, output: str, *, times: float = 1.0, more: float) -> Breaking:
    """The signal reads this much more than what was commanded."""

    def breaking(world: World) -> None:
        reads(**{name: times * getattr(world.outputs, output) + more})(world)

    return breaking


def drops(share: float) -> Breaking:
    """The line's pressure drop is this share of what it was learned to be."""

    def breaking(world: World) -> None:
        far_mmhg = 3.0 + world.cavity_ml / 1000.0
        world.bent["line_pressure_mmhg"] = far_mmhg + share * world.state.line.expected_mmhg

    return breaking


def left_behind(more_ml: float) -> Breaking:
    """The drain comes to rest with so much more in the patient than it may leave."""

    def breaking(world: World) -> None:
        walk, reference_ml = world.state.walk, world.state.volumes.reference_ml
        if reference_ml is None or walk.warm_up_s is None:
            return  # the drain is over
        may_ml = 300.0 + 3.0 * (world.now_s - walk.warm_up_s) / 60.0
        world.cavity_ml, world.reservoir_ml = 0.0, reference_ml - may_ml - more_ml

    return breaking


def runs_out_to(share: float) -> Breaking:
    """The drain empties the cavity to this share of what was filled, and the level stands."""

    def breaking(world: World) -> None:
        volumes = world.state.volumes
        if volumes.reference_ml is None or volumes.filled_ml is None:
            return
        goal_ml = volumes.carried_ml + volumes.reference_ml - share * volumes.filled_ml
        world.reservoir_ml += min(max(goal_ml - world.reservoir_ml, -20.0), 20.0)

    return breaking


def scatters(name: str, by_c: float) -> Breaking:
    """So much to either side, from reading to reading."""

    def breaking(world: World) -> None:
        side = 1.0 if round(world.now_s * 10) % 2 else -1.0
        world.bent[name] = world.temperature_c[name] + by_c * side

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


def stands(name: str, for_s: float) -> Breaking:
    """A sensor shows one value to its last digit, and moves by a little once in `for_s`."""
    began: dict[int, tuple[float, float]] = {}

    def breaking(world: World) -> None:
        value, since_s = began.setdefault(id(world), (world.state.sensed.good[name], world.now_s))
        if world.now_s - since_s >= for_s:
            value, since_s = began[id(world)] = value + 1e-4, world.now_s
        world.bent[name] = Reading(value, world.now_s + 0.1)

    return breaking


def stop_pressed(world: World) -> None:
    world.pressing = () if world.state.walk.hold else (Act.STOP,)


def held(world: World) -> None:
    world.pressing = () if world.state.walk.hold else (Act.HOLD,)


def held_then(**values: float) -> Breaking:
    """The treatment is held, and these are read."""

    def breaking(world: World) -> None:
        held(world)
        reads(**values)(world)

    return breaking


def resumed_at(fluid_c: float) -> Breaking:
    """Held, and resumed with the fluid in the line as hot as this."""

    def breaking(world: World) -> None:
        stands = not world.outputs.inflow_open
        world.pressing = (Act.RESUME,) if stands and world.state.walk.hold else () if stands else (Act.HOLD,)
        reads(inflow_c=fluid_c, heater_outlet_c=fluid_c)(world)

    return breaking


def weak_source(world: World) -> None:
    world.cycle = make_cycle(heater={"bath_setpoint_max_c": 42.5})
    reads(heater_outlet_c=41.5, inflow_c=41.3, source_c=42.5)(world)
    says_slowly(outlet_b_c=41.5, inflow_b_c=41.3)(world)


def nothing(world: World) -> None:
    return


def never_agitated(world: World) -> None:
    if not world.cycle.treatment.agitate_every_min:
        world.cycle = make_cycle(treatment=make_treatment(agitate_every_min=3.0))
