from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from config.loading import RIGS
from config.problems import ConfigError
from controller.runtime import settings
from controller.runtime.clock import RunClock
from controller.runtime.numbers import number
from controller.runtime.processes import Plan, Supervisor
from controller.runtime.rundir import ControlLock, InUse, make_run_dir
from controller.runtime.settings import BadSetting


def test_the_defaults_are_the_bench_and_the_rehearsal() -> None:
    read = settings.read([])
    assert read.rig.name == "bench"
    assert read.treatment.name == "saline_rehearsal"
    assert read.patient.bsa_m2 == pytest.approx(1.818, abs=0.001)
    assert not read.simulated


def test_a_port_is_replaced_by_name_and_the_others_stay() -> None:
    before = settings.read([]).rig.ports
    after = settings.read(["--port", "pump=/dev/pts/7", "--port", "bus=tcp:host:4001"]).rig.ports
    assert after["pump"].path == "/dev/pts/7"
    assert after["pump"].echo == before["pump"].echo
    assert after["bus"].path == "tcp:host:4001"
    assert after["heater"] == before["heater"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--port", "pump"], "NAME=PATH"),
        (["--port", "pump="], "NAME=PATH"),
        (["--port", "pump=a", "--port", "pump=b"], "given twice"),
        (["--port", "pumpe=/dev/x"], "rig bench has bus, flow"),
        (["--port", "pump=/dev/x", "--port", "bus=/dev/../dev/x"], "is port .* already; allowed is one path per port"),
        (["--patient", "BENCH"], "PSEUDONYM:HEIGHT_CM:WEIGHT_KG"),
        (["--patient", "BENCH:170:4,2"], "4,2"),
        (["--patient", "BENCH:1_70:70"], "height_cm '1_70': no number; allowed: digits with a point"),
        (["--patient", "BENCH:170:\u0667\u0660"], "weight_kg '\u0667\u0660': no number"),
        (["--patient", "BENCH:nan:70"], "height_cm"),
        (["--patient", "BENCH:inf:70"], "height_cm"),
        (["--patient", "BENCH:90:70"], "height_cm"),
        (["--patient", "Erika Muster:170:70"], "pseudonym"),
        (["--speed", "10"], "not simulated: 1"),
        (["--speed", "nan"], "allowed: 1 to 100"),
        (["--speed", "0.5", "--simulated"], "allowed: 1 to 100"),
    ],
)
def test_a_bad_argument_is_refused_with_what_is_allowed(arguments: list[str], says: str) -> None:
    with pytest.raises(BadSetting, match=says):
        settings.read(arguments)


def test_ports_on_any_free_tcp_port_are_apart() -> None:
    settings.read(["--port", "pump=tcp:127.0.0.1:0", "--port", "bus=tcp:127.0.0.1:0"])


def test_an_option_that_a_driver_refuses_is_refused_when_the_rig_is_read(tmp_path: Path) -> None:
    text = (RIGS / "bench.toml").read_text()
    (tmp_path / "rig.toml").write_text(text.replace("watchdog_s = 3", "watchdog_s = 300"))
    with pytest.raises(ConfigError, match=r"rig\.toml: devices\.bath\.options\.watchdog_s = 300: allowed: whole"):
        settings.read(["--rig", str(tmp_path / "rig.toml")])


@pytest.mark.parametrize("changes", [{"faults": ("off:core_c@1",)}, {"seed": 3}])
@pytest.mark.parametrize("where", [{"simulated": False}, {"simulated": True, "sim_elsewhere": True}])
def test_faults_and_seeds_need_a_simulator_of_our_own(
    tmp_path: Path, where: dict[str, bool], changes: dict[str, Any]
) -> None:
    plan = Plan(rig="bench", treatment="saline_rehearsal", run_dir=tmp_path, data_dir=tmp_path, **where, **changes)
    with pytest.raises(BadSetting, match="is for simulated rigs only"):
        Supervisor(plan)


def test_a_rig_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(ConfigError, match="bench"):
        settings.read(["--rig", "nowhere"])


def test_a_faster_clock_needs_a_simulated_rig() -> None:
    assert settings.read(["--speed", "10", "--simulated"]).speed == 10.0


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf"), 1e9])
def test_a_clock_that_does_not_run_forward_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match=r"allowed: 0\.01 to 1000"):
        RunClock(speed=speed)


def test_time_on_the_wall_is_shorter_on_a_faster_clock() -> None:
    clock = RunClock(speed=1000.0)
    before_s = clock.now()
    clock.sleep(1.0)
    clock.sleep(-1.0)
    assert clock.now() - before_s >= 1.0
    assert clock.wall_s(1.0) == 0.001


def test_h36_a_wall_clock_that_is_set_does_not_move_the_run_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, now_s = RunClock(), time.time()
    before_s = clock.now()
    monkeypatch.setattr(time, "time", lambda: now_s + 86_400.0)
    assert 0.0 <= clock.now() - before_s < 3600.0


def test_a_second_controller_is_refused_and_told_who_runs(tmp_path: Path) -> None:
    with ControlLock(run_dir=tmp_path), pytest.raises(InUse, match=r"already runs here \(process \d+\)"):
        ControlLock(run_dir=tmp_path)
    ControlLock(run_dir=tmp_path).close()


def test_the_run_directory_is_for_its_owner_only(tmp_path: Path) -> None:
    make_run_dir(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    make_run_dir(tmp_path / "a" / "b")


@pytest.mark.parametrize("mode", [0o755, 0o1777])
def test_a_folder_that_others_may_use_is_refused_and_left_as_it_is(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(InUse, match=r"is open to others \(mode 1?7[57]+\); allowed: a folder that is not there"):
        make_run_dir(tmp_path)
    assert tmp_path.stat().st_mode & 0o7777 == mode


def test_a_run_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InUse, match="run directory"):
        make_run_dir(tmp_path / "file" / "below")
    with pytest.raises(InUse, match="is not a directory"):
        make_run_dir(tmp_path / "file")


def test_a_run_directory_too_deep_for_a_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InUse, match="at most 107 bytes"):
        make_run_dir(tmp_path / ("x" * 90) / "run")


@pytest.mark.parametrize(("text", "value"), [("41.5", 41.5), ("-0.5", -0.5), ("+3", 3.0), (".5", 0.5), ("4.", 4.0)])
def test_a_number_is_read_as_it_is_typed(text: str, value: float) -> None:
    assert number(text) == value


@pytest.mark.parametrize(
    "text", ["", "4,2", "4_2", "1e3", "nan", "inf", "0x2", " 4", "4\n", "\u0664", "\uff14", "--4", ".", "9" * 400]
)
def test_what_only_a_program_takes_for_a_number_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="no number; allowed: digits with a point"):
        number(text)
