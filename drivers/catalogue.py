"""All device families by name. A new one adds its line here, and its twin in sim.devices.catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from drivers import (
    adam4015,
    flow_bubble,
    huber_pb,
    keller,
    lead_fluid,
    pixsys,
    pt100_8ch,
    registers,
    watson_marlow,
    waveshare_relay,
)
from drivers.family import Family

_FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        family.name: family
        for family in (
            adam4015.FAMILY,
            flow_bubble.FAMILY,
            huber_pb.FAMILY,
            keller.FAMILY,
            lead_fluid.FAMILY,
            pixsys.FAMILY,
            pt100_8ch.FAMILY,
            registers.FAMILY,
            watson_marlow.FAMILY,
            waveshare_relay.FAMILY,
        )
    }
)


def families() -> Mapping[str, Family]:
    """Every family by its name in a rig file."""
    return _FAMILIES
