"""The two catalogues name the same families, and the configuration knows them as they are."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from config.families import FAMILIES
from config.schema import Device, Register
from drivers import family
from drivers.catalogue import families
from drivers.port import Port
from drivers.roles import DeviceError
from sim.devices import twin
from sim.devices.catalogue import twins
from sim.devices.twin import Twin, Wiring
from sim.memory import MemoryLine, VirtualClock
from sim.terminals import Terminals

NAMES = sorted(families())
COMMANDED = {"pump", "bath", "element", "relay"}
REGISTER = Register(channel="level_ml", address=1)


def modules_beside(member: ModuleType) -> Iterator[tuple[str, ModuleType]]:
    # By the file and not by the package: pytest may put tests/ first on the path, and tests/drivers shadows the name.
    package = member.__name__.rpartition(".")[0]
    for file in sorted(Path(str(member.__file__)).parent.glob("*.py")):
        yield file.stem, importlib.import_module(f"{package}.{file.stem}")


def device(name: str) -> Device:
    return Device(family=name, port="p", registers=(REGISTER,) if name == "registers" else ())


def line_to(*stations: Twin) -> Port:
    clock = VirtualClock()
    line = MemoryLine(twins=stations, clock=clock)
    return Port(name="p", line=line, clock=clock, timeout_s=0.3, char_s=10 / 9600)


def test_every_family_has_a_twin_and_every_twin_a_family():
    assert set(families()) == set(twins())


def test_every_driver_file_with_a_family_is_in_the_catalogue():
    written = {name for name, module in modules_beside(family) if hasattr(module, "FAMILY")}
    assert written == set(families())


def test_every_twin_file_that_makes_a_twin_is_in_the_catalogue():
    written = {name for name, module in modules_beside(twin) if hasattr(module, "make_twin")}
    assert written == set(twins())


def test_the_configuration_knows_exactly_these_families():
    assert set(FAMILIES) == set(families())


@pytest.mark.parametrize("name", NAMES)
def test_a_family_is_found_by_its_own_name_and_lives_in_the_file_of_that_name(name):
    entry = families()[name]
    assert entry.name == name
    assert importlib.import_module(f"drivers.{name}").FAMILY is entry


@pytest.mark.parametrize("name", NAMES)
def test_a_family_says_what_it_does_when_the_host_falls_silent_and_where_that_is_written(name):
    entry = families()[name]
    assert len(entry.comm_loss) >= 10
    assert len(entry.manual) >= 10
    assert entry.title
    assert entry.wire
    assert entry.roles


@pytest.mark.parametrize("name", [name for name in NAMES if COMMANDED & set(families()[name].roles)])
def test_what_can_be_commanded_is_known_to_the_configuration_as_an_actuator_and_the_other_way_round(name):
    assert FAMILIES[name].uses


@pytest.mark.parametrize("name", [name for name in NAMES if FAMILIES[name].uses])
def test_a_configured_actuator_has_a_driver_that_takes_commands(name):
    assert COMMANDED & set(families()[name].roles)


@pytest.mark.parametrize("name", NAMES)
def test_the_driver_reads_the_channels_that_the_configuration_allows(name):
    driver = families()[name].make(line_to(), device(name), "it")
    known = {*FAMILIES[name].channels, *(register.channel for register in device(name).registers)}
    assert known
    assert known <= set(driver.channels)


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_option_is_refused_in_words(name):
    wrong = Device(family=name, port="p", options={"no_such_option": 1}, registers=device(name).registers)
    with pytest.raises(ValueError, match="no_such_option"):
        families()[name].make(line_to(), wrong, "it")


@pytest.mark.parametrize("name", NAMES)
def test_driver_and_twin_of_a_family_understand_each_other_with_default_options(name):
    config = device(name)
    driver_channels = families()[name].make(line_to(), config, "it").channels
    simulated = twins()[name](
        Wiring(
            address=config.address,
            options=config.options,
            terminals=Terminals(),
            inputs={channel: lambda: 20.0 for channel in driver_channels},
            outputs={number: lambda closed: None for number in range(8)},
            registers=config.registers,
        )
    )
    driver = families()[name].make(line_to(simulated), config, "it")
    identity = driver.open_session()
    driver.confirm()
    readings = driver.exchange(None)
    driver.make_safe()
    assert identity.model
    assert set(readings) == set(driver.channels)


@pytest.mark.parametrize("name", NAMES)
def test_a_dead_line_is_a_device_error_and_nothing_else(name):
    driver = families()[name].make(line_to(), device(name), "it")
    for act in (driver.open_session, driver.confirm, lambda: driver.exchange(None)):
        with pytest.raises(DeviceError):
            act()
