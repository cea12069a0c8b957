"""Both real channels around a true exchanger whose flow stops: what each is told may be false, the heat is not.

Permit is control AND protective, a trip is control OR protective. True flow, true outlet temperature, heater relay and
contactor are kept apart from what meter, probes and read-back say of them. 1 kW heats 100 mL by 2.4 °C a second.
"""

from __future__ import annotations

from itertools import combinations, product

import pytest
from make import world_in

from controller.protective.channel import ChannelInputs, ChannelOutputs, ChannelState, step

TICK_S = 0.1
HEATS_C_PER_S = 2.4
FLOWING_C = 44.2
EXPIRY_S, LEASE_S = 1.0, 2.0
HOT_ENOUGH_C = 47.0  # in the exchanger, not in the patient: clamp and slug rule hold it there
CAUSES = ("pump stops", "line kinked")
FAULTS = (
    "meter stuck", "rotor stuck", "outlet probe stuck", "protective probe stuck", "heater welded", "contactor welded",
    "control hangs", "protective hangs",
)  # fmt: skip
ONLY_HARDWARE = {frozenset({"heater welded", "contactor welded"})}  # the thermostat in series is for this pair


class Bench:
    """The truth, and the two channels that see it through their instruments."""

    def __init__(self, faults: frozenset[str]) -> None:
        self.world = world_in("perfuse", kind="inline", settle_s=30.0)
        self.faults = faults
        self.cause = ""
        self.outlet_c, self.stuck_c = FLOWING_C, FLOWING_C
        self.channel, self.said = ChannelState(), ChannelOutputs()
        self.closed, self.seq = False, 0
        self.cycled_s = self.refreshed_s = self.world.now_s
        for _ in range(60):
            self.tick(wanted=False)
        for _ in range(150):
            self.tick()
        assert self.power, "both channels agree to heat"

    @property
    def power(self) -> bool:
        """Electric power flows in the element."""
        hung = self.has("control hangs")
        heats = self.world.outputs.heat_on and not (hung and self.world.now_s - self.cycled_s >= EXPIRY_S)
        return (heats or self.has("heater welded")) and self.closed

    def has(self, fault: str) -> bool:
        return fault in self.faults and bool(self.cause)

    def tick(self, *, wanted: bool = True) -> None:
        world = self.world
        if self.power:
            self.outlet_c = self.outlet_c + HEATS_C_PER_S * TICK_S if self.cause else FLOWING_C
        self._read(self.outlet_c + 0.01 * (self.seq % 2))
        if self.has("control hangs"):
            world.now_s += TICK_S
        else:
            world.step()
            self.cycled_s, self.seq = world.now_s, self.seq + 1
        if not self.has("protective hangs"):
            self._protect(wanted and world.outputs.heat_on)
        lapsed = world.now_s - self.refreshed_s >= LEASE_S
        self.closed = (self.said.close_contactor and not lapsed) or self.has("contactor welded")

    def _read(self, outlet_c: float) -> None:
        world = self.world
        world.status = {
            "permit": self.channel.permit or not self.cause,
            "trip": self.channel.trip,
            "contactor_closed": self.closed,
            **({"at_s": self.refreshed_s} if self.has("protective hangs") else {}),
        }
        if self.cause:
            world.bent["heater_outlet_c"] = self.stuck_c if self.has("outlet probe stuck") else outlet_c
            world.bent["flow_lpm"] = world.outputs.pump_lpm if self.has("meter stuck") else 0.0
            if self.cause == "pump stops" and not self.has("rotor stuck"):
                world.bent["pump_rpm"] = 0.0
            world.status |= {"outlet_b_c": self._seen_c(outlet_c)}

    def _seen_c(self, outlet_c: float) -> float:
        return self.stuck_c if self.has("protective probe stuck") else outlet_c

    def _protect(self, wanted: bool) -> None:
        now_s = self.world.now_s
        seen = ChannelInputs(self._seen_c(self.outlet_c), 44.0, now_s, self.cycled_s, self.seq, wanted, 0, self.closed)
        self.channel, self.said = step(self.channel, seen, now_s)
        if self.said.lease_tenths:
            self.refreshed_s = now_s

    def breaks(self, cause: str) -> tuple[float, float]:
        """Let the flow stop and the faults come; seconds until no power flows any more, and how hot it became."""
        self.cause, began_s, off_s = cause, self.world.now_s, 0.0
        for _ in range(100):
            self.tick()
            if self.power:
                off_s = self.world.now_s - began_s
        return off_s, self.outlet_c


@pytest.mark.parametrize("cause", CAUSES)
def test_h06_when_the_flow_stops_the_heat_is_off_within_a_second(cause: str) -> None:
    off_s, _ = Bench(frozenset()).breaks(cause)
    assert off_s <= 1.0


@pytest.mark.parametrize(("cause", "fault"), list(product(CAUSES, FAULTS)))
def test_h06_h47_no_single_fault_on_top_keeps_the_heat_on(cause: str, fault: str) -> None:
    off_s, hottest_c = Bench(frozenset({fault})).breaks(cause)
    assert off_s <= 1.0
    assert hottest_c <= HOT_ENOUGH_C


def test_h47_the_pairs_of_faults_that_only_hardware_stops_are_the_known_ones() -> None:
    left = set()
    for pair in combinations(FAULTS, 2):
        off_s, _ = Bench(frozenset(pair)).breaks("line kinked")
        if off_s > 5.0:
            left.add(frozenset(pair))
    assert left == ONLY_HARDWARE
