"""Treatment, latch and orders under any sequence of acts and faults: no way to heat that a person did not open."""

from __future__ import annotations

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from make import ORDER_OF_STEPS, World, world_in

from controller.core.exchange import Act, LinkFault, Order, Outputs
from controller.core.treatment import phases

BENDS = {
    "inflow_c": (45.0, 45.9, None),
    "heater_outlet_c": (45.5, 47.0, None),
    "cavity_1_c": (43.8, 30.0, None),
    "cavity_2_c": (40.0, None),
    "cavity_3_c": (30.0, None),
    "core_c": (38.8, 39.8, 40.5, None),
    "outflow_c": (38.0, None),
    "flow_lpm": (0.0, 0.1, 3.0, -0.5, None),
    "pump_rpm": (0.0, None),
    "bubble_mm": (8.0, None),
    "line_pressure_mmhg": (5.0, 220.0, 320.0, None),
    "cavity_pressure_mmhg": (19.0, 25.0, None),
    "reservoir_ml": (100.0, None),
    "heater_power_w": (0.0, 900.0, None),
    "heater_setpoint_c": (20.0, None),
    "source_c": (48.0, None),
}
STATUSES = ({}, {}, {"permit": False}, {"trip": "outlet 46.2 °C", "permit": False}, {"at_s": 0.0}, None)
HEATED = ("preheat", "fill", "warm_up", "perfuse")
DRAINED = {
    **dict.fromkeys(("fill", "warm_up", "perfuse"), "drain"),
    **dict.fromkeys(("rinse_ready", "rinse_fill", "rinse_dwell"), "rinse_drain"),
}
VALUES = (None, 0.6, 1.5, 2.5, 9.0, 39.0, 42.0, 42.8, 47.0, float("nan"))


class TreatmentMachine(RuleBasedStateMachine):
    """A `World` under random acts and faults; `may_heat` is the test's own memory of what people allowed."""

    def __init__(self) -> None:
        super().__init__()
        self.world: World
        self.may_heat = False
        self.was_step = ""
        self.testing = False  # the self-test alone: it leads back

    @initialize(step=st.sampled_from((*ORDER_OF_STEPS, *HEATED * 3)), kind=st.sampled_from(("bath", "inline")))
    def begin(self, step: str, kind: str) -> None:
        self.world = world_in(step, kind=kind)
        self.may_heat = step != "standby"
        self.was_step = self.world.step_name
        table = phases(self.world.cycle.treatment)
        self.next = {line.name: line.then for line in table}

    @rule(act=st.sampled_from(Act), value=st.sampled_from(VALUES))
    def order(self, act: Act, value: float | None) -> None:
        self.act(Order(act, value=value))

    @rule(act=st.sampled_from((Act.START, Act.CONFIRM, Act.DOSE, Act.RESET, Act.RESUME, Act.HOLD)))
    def onward(self, act: Act) -> None:
        self.act(Order(act))
        self.passes(2)

    @rule(act=st.sampled_from((Act.JOG_PUMP, Act.JOG_HEAT)), press=st.integers(1, 3), times=st.sampled_from((1, 12)))
    def jog(self, act: Act, press: int, times: int) -> None:
        value = 0.5 if act is Act.JOG_PUMP else 38.0 if self.world.cycle.rig.heater.kind == "bath" else 0.1
        for _ in range(times):
            self.world.step(Order(Act.JOG_PUMP, value=0.5, text=str(press)))
            self.follow(())
            self.world.step(Order(act, value=value, text=str(press)))
            self.follow(())

    @rule()
    def recover(self) -> None:
        """What a person does who has found the cause."""
        self.world.bent, self.world.link_faults, self.world.overrun_s, self.world.status = {}, (), 0.0, {}
        self.world.host_faults = ()
        self.passes(10, dt_s=0.3)
        self.act(Order(Act.RESET))
        self.passes(8, dt_s=0.3)
        self.act(Order(Act.RESUME))
        self.passes(7, dt_s=0.3)

    @rule(data=st.data(), name=st.sampled_from(sorted(BENDS)))
    def bend(self, data: st.DataObject, name: str) -> None:
        self.world.bent[name] = data.draw(st.sampled_from(BENDS[name]))
        self.passes(data.draw(st.integers(0, 6)))

    @rule(status=st.sampled_from(STATUSES))
    def protective(self, status: dict[str, object] | None) -> None:
        self.world.status = status

    @rule(lost=st.booleans(), late=st.booleans(), disk=st.booleans())
    def trouble(self, lost: bool, late: bool, disk: bool) -> None:
        self.world.link_faults = (LinkFault("relay", self.world.now_s, "does not answer"),) if lost else ()
        self.world.overrun_s = 0.3 if late else 0.0
        self.world.host_faults = ("recorder: disk full",) if disk else ()

    @rule(cycles=st.sampled_from((1, 5, 15)), mend=st.booleans())
    def wait(self, cycles: int, mend: bool) -> None:
        if mend:
            self.world.bent, self.world.link_faults, self.world.overrun_s, self.world.status = {}, (), 0.0, {}
        self.passes(cycles)

    @rule(minutes=st.sampled_from((0.5, 3.0, 10.0)))
    def long_wait(self, minutes: float) -> None:
        self.passes(round(minutes * 12.0), dt_s=5.0)

    def passes(self, cycles: int, *, dt_s: float = 0.1) -> None:
        for _ in range(cycles):
            self.world.step(dt_s=dt_s)
            self.follow(())

    def act(self, order: Order) -> None:
        world = self.world
        without, heated = world.copy(), world.outputs.heat_on
        world.step(order)
        self.follow((order,))
        # "reset refused, ..." is the late answer to an earlier reset and comes with or without this order.
        refused = [event for event in world.events if event.text.startswith(f"{order.act.value} refused: ")]
        taken = [event for event in world.events if event.kind == "order"]
        assert len(taken) + len(refused) == 1
        without.step()
        if refused and not taken:
            assert world.state == without.state
            assert [event for event in world.events if event not in refused] == list(without.events)
        if order.act is Act.STOP:
            self.is_stopped(world.outputs)
            assert "stop" in world.trips
        if order.act is Act.RESET:
            assert not world.outputs.heat_on or heated or without.outputs.heat_on, "a reset is no reason to heat"

    def is_stopped(self, out: Outputs) -> None:
        assert (out.heat_on, out.heater_fraction, out.pump_lpm) == (False, 0.0, 0.0)
        assert (out.pump_enable, out.inflow_open) == (False, False)

    def follow(self, orders: tuple[Order, ...]) -> None:
        """The test's own, slower book-keeping of one cycle."""
        world = self.world
        taken = {event.name for event in world.events if event.kind == "order"}
        tripped_now = any(event.kind == "trip" for event in world.events)
        if taken & {"start", "self_test", "resume", "jog_pump"}:
            self.may_heat = True
        if tripped_now or "stop" in taken:
            self.may_heat = False
        assert self.may_heat or not world.state.latch.armed
        if world.outputs.heat_on:
            assert self.may_heat
            assert not world.trips
            assert not world.state.walk.hold
        step = world.step_name
        if "self_test" in taken or "start" in taken:
            self.testing = "self_test" in taken
        if step != self.was_step:
            drained = "drain" in taken and self.was_step in DRAINED
            onward = "standby" if self.testing and self.was_step == "self_test" else self.next[self.was_step]
            assert step == (DRAINED[self.was_step] if drained else onward)
            assert not drained or not world.outputs.heat_on
            if step == "perfuse":
                assert world.state.walk.first_dose_s is not None
            if step in ("warm_up", "perfuse"):
                assert world.state.walk.confirmed is False
        if self.was_step in ("prime", "preheat", "warm_up", "rinse_ready") and step == self.next[self.was_step]:
            assert taken & {"confirm", "dose", "resume"}
        self.was_step = step

    @invariant()
    def a_latched_trip_allows_no_energy_and_a_hold_no_heat(self) -> None:
        if not hasattr(self, "world"):
            return
        out, latch = self.world.outputs, self.world.state.latch
        if latch.trips:
            assert not latch.armed
            assert not out.heat_on
            assert set(self.world.trips) <= set(self.world.state.alarms.active)
            assert all(self.world.state.alarms.active[id_].latched for id_ in self.world.trips)
        responses = {trip.response.name for trip in latch.trips}
        if "R3" in responses:
            self.is_stopped(out)
        if "R2" in responses:
            assert (out.pump_lpm, out.inflow_open, out.outflow_closed) == (0.0, False, False)


TreatmentMachine.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    report_multiple_bugs=False,
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
)
TestNoSequenceOfActsAndFaultsHeatsWithoutAPerson = TreatmentMachine.TestCase
