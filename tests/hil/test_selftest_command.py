"""`hipec selftest` on real processes: what it measures, what it certifies, and what is refused without it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from certified import certify
from typer.testing import CliRunner

from config.loading import RIGS
from controller.app import app
from controller.core.exchange import Act
from controller.runtime import certificate
from controller.runtime.client import Client, Refusal
from controller.runtime.rundir import CONTROL_SOCKET
from controller.runtime.session import running

pytestmark = [pytest.mark.hil, pytest.mark.timeout(180)]


def test_the_command_measures_the_trip_path_and_certifies_it(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["selftest", "--data", str(tmp_path), "--json"])
    assert answer.exit_code == 0, answer.output
    rows = {row["name"]: row for row in json.loads(answer.stdout)["rows"]}
    assert all(row["passed"] for row in rows.values())
    assert 0.4 < float(rows["contactor opens without its lease"]["measured"].split()[0]) < 1.0
    assert 0.5 < float(rows["control stopped: contactor opens"]["measured"].split()[0]) <= 0.8
    assert "verified" in rows["record"]["allowed"]
    found = certificate.read(tmp_path / "selftest-bench-simulated.json")
    assert found is not None
    assert found.devices["bath"].startswith("Huber")
    assert [line.name for line in found.lines] == list(rows)


def test_no_start_without_a_certificate_and_a_start_with_one(tmp_path: Path) -> None:
    arguments = ["--rig", "bench", "--simulate", "--data-dir", str(tmp_path / "data")]

    def start(run_dir: Path) -> None:
        with running(arguments, run_dir), Client(run_dir / CONTROL_SOCKET) as client:
            until_s = time.monotonic() + 20.0
            while client.state()["bad"] and time.monotonic() < until_s:
                time.sleep(0.1)  # a device that has not answered yet is not the one that was tested
            client.act(Act.START)

    with pytest.raises(Refusal, match="no session self-test of this rig; run: hipec selftest --rig bench --simulate"):
        start(tmp_path / "one")
    certify(tmp_path / "data")
    start(tmp_path / "two")


def test_another_device_than_the_rig_file_names_is_refused_with_what_answered_and_is_allowed(tmp_path: Path) -> None:
    text = (RIGS / "bench.toml").read_text().replace("# identities = [", "identities = [").replace("12345", "9*")
    (tmp_path / "rig.toml").write_text(text)
    words = ["selftest", "--rig", str(tmp_path / "rig.toml"), "--simulate", "--data", str(tmp_path)]
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 2, answer.output
    assert "who is bath: Huber Pilot ONE 121227 answers; the rig file allows: Huber Pilot ONE 9*" in answer.stdout
