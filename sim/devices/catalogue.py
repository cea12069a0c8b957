"""All twins by the name of their family in a rig file. The other half of each stands in drivers.catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sim.devices import (
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
from sim.devices.twin import MakeTwin

_TWINS: Mapping[str, MakeTwin] = MappingProxyType(
    {
        "adam4015": adam4015.make_twin,
        "flow_bubble": flow_bubble.make_twin,
        "huber_pb": huber_pb.make_twin,
        "keller": keller.make_twin,
        "lead_fluid": lead_fluid.make_twin,
        "pixsys": pixsys.make_twin,
        "pt100_8ch": pt100_8ch.make_twin,
        "registers": registers.make_twin,
        "watson_marlow": watson_marlow.make_twin,
        "waveshare_relay": waveshare_relay.make_twin,
    }
)


def twins() -> Mapping[str, MakeTwin]:
    """How to make the twin of each family."""
    return _TWINS
