"""What is shipped loads, fits together, and says where it comes from."""

from __future__ import annotations

import pytest

from config.loading import RIGS, TREATMENTS, list_rigs, list_treatments, load_pair, load_rig, load_treatment
from config.schema import OUTLET_TRIP_CEILING_C


@pytest.mark.parametrize("name", list_rigs())
def test_a_shipped_rig_loads_under_its_files_name(name):
    assert load_rig(name).name == name


@pytest.mark.parametrize("name", list_treatments())
def test_a_shipped_treatment_loads_under_its_files_name_and_names_its_source(name):
    treatment = load_treatment(name)
    assert treatment.name == name
    assert len(treatment.source) > 40


@pytest.mark.parametrize("rig", list_rigs())
@pytest.mark.parametrize("treatment", list_treatments())
def test_every_shipped_treatment_may_run_on_every_shipped_rig(rig, treatment):
    assert load_pair(rig, treatment)[1].name == treatment


@pytest.mark.parametrize("name", list_rigs())
def test_a_shipped_rig_has_three_cavity_probes_and_trips_at_or_below_the_ceilings(name):
    rig = load_rig(name)
    assert {"cavity_1_c", "cavity_2_c", "cavity_3_c"} <= set(rig.signals)
    assert rig.limits.outlet_trip_c <= OUTLET_TRIP_CEILING_C
    assert rig.protective.outlet_trip_c <= OUTLET_TRIP_CEILING_C


@pytest.mark.parametrize("name", list_rigs())
def test_the_protective_channels_devices_are_not_among_the_control_devices(name):
    rig = load_rig(name)
    assert all(device.port != rig.protective.port for device in rig.devices.values())


def test_protocol_numbers_stand_as_published():
    numbers = {}
    for name in list_treatments():
        treatment = load_treatment(name)
        if treatment.drug is not None:
            drug = treatment.drug
            numbers[name] = (drug.mg_per_m2, treatment.duration_min, treatment.target_c, drug.shares, drug.at_min)
    assert numbers == {
        "mitomycin_90": (35, 90, 42, (0.5, 0.25, 0.25), (0, 30, 60)),
        "cisplatin_90": (100, 90, 40, (0.5, 0.25, 0.25), (0, 30, 60)),
        "cisplatin_60": (75, 60, 41, (1.0,), (0,)),
        "oxaliplatin_30": (360, 30, 43, (1.0,), (0,)),
    }


@pytest.mark.parametrize("path", [*RIGS.glob("*.toml"), *TREATMENTS.glob("*.toml")], ids=lambda path: path.stem)
def test_shipped_files_name_no_device_of_this_machine(path):
    text = path.read_text()
    assert "ttyUSB0 " not in text.replace("which /dev/ttyUSB0 does not", "")
    assert "/home/" not in text
    assert "/dev/pts/" not in text


@pytest.mark.parametrize("name", list_rigs())
def test_h42_a_shipped_rig_has_what_sounds_and_what_shuts_without_a_page(name):
    rig = load_rig(name)
    assert rig.actuators.annunciator is not None
    assert rig.protective.clamp_channel is not None
    assert rig.protective.tone_channel is not None


def test_the_described_pump_in_the_comments_of_the_modbus_rig_is_a_valid_one(tmp_path):
    text = (RIGS / "modbus.toml").read_text("utf-8")
    began = text.index("# [devices.pump]\n")
    ends = text.index("[devices.pump] # ", began)
    goes_on = text.index("[devices.", ends + 1)
    example = "".join(f"{line.removeprefix('# ')}\n" for line in text[began:ends].splitlines())
    path = tmp_path / "described.toml"
    path.write_text(text[:began] + example + text[goes_on:], "utf-8")
    assert load_rig(str(path)).devices["pump"].family == "registers"
