"""When a session self-test still counts: every way in which it does not is refused, with what to type."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from config.loading import load_rig
from controller.runtime import certificate
from controller.runtime.certificate import Certificate

RIG = load_rig("bench")
DEVICES = {"bath": "Huber Pilot ONE 1", "pump": "Watson-Marlow 630"}
LINES = [{"name": "contactor", "measured": "open", "allowed": "open", "passed": True}]


@pytest.fixture
def made(tmp_path: Path) -> Certificate:
    path = certificate.write(tmp_path, RIG, simulated=True, devices=DEVICES, lines=LINES)
    found = certificate.read(path)
    assert found is not None
    return found


def refusal(found: Certificate | None, **changed: object) -> str:
    asked = {"simulated": True, "wall_s": found.made_s if found else 0.0, "devices": DEVICES, **changed}
    return certificate.refusal(found, asked.pop("rig", RIG), **asked)  # type: ignore[arg-type]


def test_a_fresh_one_of_this_rig_these_devices_and_this_host_counts(made: Certificate) -> None:
    assert refusal(made) == ""
    assert refusal(made, wall_s=made.made_s + 24 * 3600.0) == ""


def test_the_names_of_the_ports_are_not_part_of_the_rig(made: Certificate) -> None:
    ports = {name: msgspec.structs.replace(port, path=f"/dev/pts/{name}") for name, port in RIG.ports.items()}
    assert refusal(made, rig=msgspec.structs.replace(RIG, ports=ports)) == ""


TIGHTER = msgspec.structs.replace(RIG, limits=msgspec.structs.replace(RIG.limits, inflow_cap_c=44.0))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"simulated": False}, "altered"),
        ({"rig": TIGHTER}, "another rig file"),
        ({"devices": {**DEVICES, "bath": "Huber Pilot ONE 2"}}, "bath is Huber Pilot ONE 2"),
        ({"devices": {**DEVICES, "bath": ""}}, "bath is not there"),
        ({"devices": {**DEVICES, "scale": "new"}}, "scale is new"),
    ],
)
def test_another_rig_or_device_does_not_count(made: Certificate, changed: dict[str, object], says: str) -> None:
    said = refusal(made, **changed)
    assert says in said
    assert "run: hipec selftest --rig bench" in said


@pytest.mark.parametrize("later_s", [24 * 3600.0 + 1.0, -61.0, float("nan"), float("inf")])
def test_an_old_one_or_one_of_the_future_does_not_count(made: Certificate, later_s: float) -> None:
    assert "24 h are allowed" in refusal(made, wall_s=made.made_s + later_s)


@pytest.mark.parametrize(
    "change",
    [
        lambda said: said.update(made_s=said["made_s"] + 3600.0),
        lambda said: said.update(host="elsewhere"),
        lambda said: said["devices"].update(bath="other"),
        lambda said: said["lines"][0].update(passed=False),
        lambda said: said.update(lines=[]),
    ],
)
def test_one_that_was_altered_does_not_count(tmp_path: Path, change: Callable[[dict[str, object]], None]) -> None:
    path = certificate.write(tmp_path, RIG, simulated=True, devices=DEVICES, lines=LINES)
    said = json.loads(path.read_text())
    change(said)
    path.write_text(json.dumps(said))
    assert "altered" in refusal(certificate.read(path))


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"made_s": "x"}'])
def test_what_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    path = certificate.place(tmp_path, RIG, simulated=True)
    path.write_text(text)
    assert certificate.read(path) is None
    assert "there is no session self-test" in refusal(None)


def test_what_has_not_passed_is_not_certified(tmp_path: Path) -> None:
    for lines in ([], [{**LINES[0], "passed": False}]):
        with pytest.raises(ValueError, match="not certified"):
            certificate.write(tmp_path, RIG, simulated=True, devices=DEVICES, lines=lines)
    assert list(tmp_path.iterdir()) == []


def test_a_self_test_of_other_software_does_not_count(made: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(made) == ""
    monkeypatch.setattr(certificate, "software", lambda: "0.1.0 source ffffffffffff")
    assert "made with other software" in refusal(made)
