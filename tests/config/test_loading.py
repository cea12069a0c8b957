"""A file is loaded whole or refused with every reason: file, key, value, and what is allowed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rig_text import remove_key, rig_data, set_key, treatment_data, write_toml

from config.loading import (
    build_patient,
    effective_json,
    effective_sha256,
    list_rigs,
    list_treatments,
    load_pair,
    load_rig,
    load_treatment,
)
from config.problems import ConfigError, Problem
from config.schema import Limits, Patient, Rig
from config.shape import build, violations


def refusal(path: Path | str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_rig(path)
    return caught.value


def test_a_rig_written_out_and_read_again_is_the_same(tmp_path):
    assert load_rig(write_toml(tmp_path, rig_data())) == load_rig("bench")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "bench', "line 1"),
        ("name = 'bench'\n[circuit\n", "line 2"),
        ("a = 1\na = 2\n", "line 2"),
        ("a = 08", "line 1"),
        ("target = 4,2", "line 1"),
    ],
)
def test_malformed_toml_is_refused_with_its_line(tmp_path, text, said):
    path = tmp_path / "broken.toml"
    path.write_text(text)
    message = str(refusal(path))
    assert str(path) in message
    assert "is not TOML" in message
    assert said in message


def test_bytes_that_are_no_text_are_refused_with_their_line(tmp_path):
    path = tmp_path / "latin.toml"
    path.write_bytes(b"# first\nname = 'b\xe9'\n")
    assert "not UTF-8 (at line 2)" in str(refusal(path))


def test_too_deep_and_too_long_files_are_refused_in_words(tmp_path):
    deep, long = tmp_path / "deep.toml", tmp_path / "long.toml"
    deep.write_text("a = " + "[" * 100_000)
    long.write_text("#" * 1_000_001)
    assert "nested too deeply" in str(refusal(deep))
    assert "too large" in str(refusal(long))


def test_an_unknown_name_is_refused_with_the_names_there_are():
    message = str(refusal("bensh"))
    assert "bench" in message
    assert "modbus" in message


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path):
    folder = tmp_path / "rig.toml"
    folder.mkdir()
    assert "cannot be read" in str(refusal(folder))


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("limits.inflow_cap_c", 47.0, "a number from 38.0 to 45.0"),
        ("limits.inflow_cap_c", "4,2", "a number from 38.0 to 45.0"),
        ("limits.inflow_cap_c", True, "a number from 38.0 to 45.0"),
        ("limits.outlet_trip_c", 46.1, "a number from 39.0 to 46.0"),
        ("limits.bubble_trip_mm", 0.0, "a number above 0 up to 5.0"),
        ("limits.cavity_trip_c", 10**400, "a number from 40.0 to 43.5"),
        ("heater.kind", "steam", "one of bath, inline"),
        ("ports.pump.baud", 9601, "one of 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200"),
        ("ports.pump.echo", "yes", "true or false"),
        ("devices.probes.address", 256, "a whole number from 0 to 255"),
        ("devices.probes.address", 1.5, "a whole number from 0 to 255"),
        ("signals.inflow_c.max_age_s", 3.1, "a number above 0 up to 3.0"),
        ("actuators.pump_enable.channel", -1, "a whole number from 0 to 31"),
        ("circuit", 3, "a table [circuit]"),
        ("ports", [], "a table [ports]"),
    ],
)
def test_a_value_out_of_bounds_names_file_key_value_and_what_is_allowed(tmp_path, key, value, allowed):
    path = write_toml(tmp_path, set_key(rig_data(), key, value))
    error = refusal(path)
    assert len(error.problems) == 1
    problem = error.problems[0]
    assert problem.key == key
    assert problem.allowed == f"allowed is {allowed}"
    assert problem.file == str(path)
    assert problem.value
    assert str(problem).startswith(f"{path}: {key} = ")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("key", ["limits.inflow_cap_c", "signals.core_c.gain", "devices.bath.options.watchdog_s"])
def test_nan_and_infinity_are_refused_wherever_they_stand(tmp_path, key, value):
    error = refusal(write_toml(tmp_path, set_key(rig_data(), key, value)))
    assert [problem.key for problem in error.problems] == [key]
    assert "finite" in str(error)


def test_nan_in_a_list_is_refused_with_its_place(tmp_path):
    path = write_toml(tmp_path, set_key(treatment_data(), "drug.at_min", [0, math.nan, 60]))
    with pytest.raises(ConfigError, match=r"drug\.at_min\[1\]"):
        load_treatment(path)


@pytest.mark.parametrize("key", ["limit", "limits.inflow_cap", "ports.pump.speed", "signals.inflow_c.scale"])
def test_an_unknown_key_is_refused_with_the_keys_there_are(tmp_path, key):
    error = refusal(write_toml(tmp_path, set_key(rig_data(), key, 1.0)))
    assert [problem.key for problem in error.problems] == [key]
    assert "unknown key; allowed are" in str(error)


def test_an_unknown_signal_and_an_impossible_name_are_refused(tmp_path):
    data = rig_data()
    data["signals"]["brain_c"] = {"device": "probes", "channel": "ch0_c"}
    data["ports"]["Bus 2"] = {"path": "/dev/null"}
    error = refusal(write_toml(tmp_path, data))
    assert {problem.key for problem in error.problems} == {"signals.brain_c", "ports.Bus 2"}


@pytest.mark.parametrize("key", ["circuit", "protective.port", "devices.pump.family", "actuators.heater"])
def test_a_missing_key_is_named(tmp_path, key):
    error = refusal(write_toml(tmp_path, remove_key(rig_data(), key)))
    assert [problem.key for problem in error.problems] == [key]
    assert "is missing" in str(error)


def test_every_violation_of_shape_is_told_at_once(tmp_path):
    data = rig_data()
    wrong: dict[str, Any] = {
        "limits.inflow_cap_c": 50.0,
        "ports.pump.frame": "9X9",
        "devices.probes.address": -3,
        "signals.core_c.max_age_s": 0.0,
        "heater.colour": "red",
    }
    for key, value in wrong.items():
        set_key(data, key, value)
    error = refusal(write_toml(tmp_path, data))
    assert {problem.key for problem in error.problems} == set(wrong)
    assert len(str(error).splitlines()) == len(wrong)


def test_every_violation_of_levels_and_wiring_is_told_at_once(tmp_path):
    data = rig_data()
    wrong: dict[str, Any] = {
        "limits.core_warn_c": 38.5,
        "limits.core_alarm_c": 38.0,
        "limits.cavity_pressure_trip_mmhg": 10.0,
        "devices.probes.port": "nowhere",
        "actuators.pump": "ghost",
        "protective.port": "bus",
    }
    for key, value in wrong.items():
        set_key(data, key, value)
    keys = {problem.key for problem in refusal(write_toml(tmp_path, data)).problems}
    assert keys == {
        "limits.core_warn_c",
        "limits.cavity_pressure_warn_mmhg",
        "devices.probes.port",
        "actuators.pump",
        "protective.port",
    }


def test_a_pair_tells_what_is_wrong_with_both_files(tmp_path):
    rig = write_toml(tmp_path, set_key(rig_data(), "actuators.pump", "ghost"), "rig.toml")
    treatment = write_toml(tmp_path, set_key(treatment_data(), "ready_c", 42.5), "treatment.toml")
    with pytest.raises(ConfigError) as caught:
        load_pair(rig, treatment)
    assert {problem.file for problem in caught.value.problems} == {str(rig), str(treatment)}


def test_a_pair_that_fits_is_loaded_and_one_that_does_not_is_refused_with_the_treatments_file(tmp_path):
    rig, treatment = load_pair("bench", "mitomycin_90")
    assert (rig.name, treatment.name) == ("bench", "mitomycin_90")
    path = write_toml(tmp_path, set_key(treatment_data(), "rigs", ["other"]))
    with pytest.raises(
        ConfigError, match=r"mine\.toml: rigs = other: is a treatment for another rig; this rig is bench"
    ):
        load_pair("bench", path)


def test_a_pair_tells_what_is_wrong_with_each_file_and_with_both_together(tmp_path):
    rig = write_toml(
        tmp_path, set_key(set_key(rig_data(), "limits.flow_max_lpm", 1.0), "actuators.pump", "ghost"), "rig.toml"
    )
    treatment = write_toml(tmp_path, set_key(treatment_data(), "ready_c", 42.5), "treatment.toml")
    with pytest.raises(ConfigError) as caught:
        load_pair(rig, treatment)
    assert [(problem.file, problem.key) for problem in caught.value.problems] == [
        (str(rig), "actuators.pump"),
        (str(treatment), "ready_c"),
        (str(treatment), "flow_lpm"),
    ]


def test_shipped_names_are_listed():
    assert set(list_rigs()) >= {"bench", "modbus"}
    assert len(list_treatments()) >= 5


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"height_cm": math.nan}, "height_cm"),
        ({"weight_kg": "70"}, "weight_kg"),
        ({"pseudonym": "John Doe"}, "pseudonym"),
        ({"age": 50}, "age"),
    ],
)
def test_a_patient_out_of_bounds_is_refused(data, key):
    with pytest.raises(ConfigError) as caught:
        build_patient(data)
    assert [problem.key for problem in caught.value.problems] == [key]


def test_the_hash_is_of_the_meaning_and_not_of_the_text(tmp_path):
    shipped = load_rig("bench")
    data = rig_data()
    data["limits"]["core_trip_c"] = 39.5  # the default, now written out
    reordered = load_rig(write_toml(tmp_path, dict(reversed(data.items()))))
    assert effective_sha256(rig=reordered) == effective_sha256(rig=shipped)


def test_the_hash_follows_every_part():
    rig, treatment = load_pair("bench", "mitomycin_90")
    warmer = msgspec.structs.replace(treatment, target_c=41.9)
    hashes = {
        effective_sha256(rig=rig),
        effective_sha256(rig=load_rig("modbus")),
        effective_sha256(rig=rig, treatment=treatment),
        effective_sha256(rig=rig, treatment=warmer),
        effective_sha256(rig=rig, treatment=treatment, patient=Patient()),
        effective_sha256(rig=rig, treatment=treatment, patient=Patient(weight_kg=71)),
    }
    assert len(hashes) == 6
    assert all(len(each) == 64 for each in hashes)


def test_the_canonical_form_reads_back_as_the_same_rig():
    rig = load_rig("bench")
    assert msgspec.convert(msgspec.json.decode(effective_json(rig=rig))["rig"], Rig) == rig


@settings(max_examples=60)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_shape_and_msgspec_agree_on_every_number(value):
    try:
        msgspec.convert({"inflow_cap_c": value}, Limits)
        fits = True
    except msgspec.ValidationError:
        fits = False
    assert fits is not bool(violations({"inflow_cap_c": value}, Limits))


@settings(max_examples=60)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from(["ports", "devices", "signals", "limits", "actuators", "protective", "circuit", "name"]),
)
def test_whatever_stands_in_a_file_it_is_loaded_or_refused_and_nothing_else(value, key):
    assert {problem.key.split(".")[0].split("[")[0] for problem in refused(set_key(rig_data(), key, value))} <= {key}


def refused(data: dict[str, Any]) -> tuple[Problem, ...]:
    try:
        build(data, Rig)
    except ConfigError as error:
        return error.problems
    return ()
