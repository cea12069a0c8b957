"""Only a unit on the rig file's list of identities gets a session."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from config.loading import list_rigs, load_rig
from config.schema import Rig
from drivers.allow_list import AllowListed, in_words
from drivers.catalogue import families
from drivers.port import Port, character_s
from drivers.roles import Device, WrongDevice
from sim.assembly import assemble
from sim.devices.catalogue import twins
from sim.memory import MemoryLine, VirtualClock
from sim.terminals import Terminals


def ports_of(rig: Rig) -> dict[str, Port]:
    """Every port of the rig with its twins behind it."""
    clock, bench, ports = VirtualClock(), assemble(rig, Terminals(), twins()), {}
    for name, port in rig.ports.items():
        char_s = character_s(port.baud, port.frame)
        line = MemoryLine(twins=[station.twin for station in bench.buses[name].stations], clock=clock, char_s=char_s)
        ports[name] = Port(name=name, line=line, clock=clock, timeout_s=port.timeout_s, char_s=char_s, echo=False)
    return ports


def drivers_of(rig: Rig, identities: Mapping[str, tuple[str, ...]]) -> dict[str, Device]:
    ports = ports_of(rig)
    drivers = {}
    for name, config in rig.devices.items():
        made = families()[config.family].device(ports[config.port], config, name)
        assert not isinstance(made, AllowListed), "a shipped rig lets any unit in"
        drivers[name] = AllowListed(made, name=name, allowed=identities[name]) if name in identities else made
    return drivers


@pytest.mark.parametrize("name", list_rigs())
def test_h32_each_device_of_a_rig_opens_as_itself_and_as_nobody_else(name: str) -> None:
    rig = load_rig(name)
    found = {device: in_words(driver.open_session()) for device, driver in drivers_of(rig, {}).items()}
    for listed in found.values():
        assert listed
    for device, driver in drivers_of(rig, {device: (listed,) for device, listed in found.items()}).items():
        assert in_words(driver.open_session()) == found[device]
    for device, driver in drivers_of(rig, {device: (f"{listed}.1",) for device, listed in found.items()}).items():
        with pytest.raises(WrongDevice, match=rf"{device}: .* answers; the rig file allows: .*\.1"):
            driver.open_session()


def test_h32_a_pattern_lets_a_series_in_and_the_family_makes_it_of_the_rig_file() -> None:
    rig = load_rig("bench")
    config = rig.devices["probes"]
    ports = ports_of(rig)
    for identities, admitted in ((("Other", "Advantech ADAM-4015 *"), True), (("Advantech ADAM-4017*",), False)):
        listed = type(config)(
            family=config.family,
            port=config.port,
            address=config.address,
            options=config.options,
            identities=identities,
        )
        device = families()[config.family].device(ports[config.port], listed, "probes")
        if admitted:
            assert device.open_session().model == "ADAM-4015"
        else:
            with pytest.raises(WrongDevice, match="ADAM-4017"):
                device.open_session()
