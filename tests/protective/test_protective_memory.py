"""The protective process without memory: it ends, not with zero, and the contactor's lease is not renewed.

The real process on a pseudo-terminal; only what raises, and when, is arranged (`failing/sitecustomize.py`).
"""

import resource
import signal
import struct
import time
from pathlib import Path

import pytest
from protective_board import RELAYS
from test_protective_process import Pair, end, pair, running

from controller.protective.limits import LEASE_S

__all__ = ["pair"]
pytestmark = pytest.mark.hil
# Reporting, hearing, the wire: what runs in every round.
WHERE = ("json.dumps", "json.loads", "socket.socket.recv", "struct.pack", "serial.Serial.read")
ROUND_S = 0.5  # within it each of them is called


def flashes(pair: Pair) -> int:
    """How often the contactor's lease was given or renewed."""
    return sum(data[:4] == struct.pack(">BBH", RELAYS, 5, 0x0200) for _, data in pair.bus.frames)


def until_it_heats(pair: Pair) -> None:
    """Permitted, closed, and past the first off-proof: from here on the lease is renewed again and again."""
    for _ in range(600):
        if pair.newest.get("trip"):  # a busy machine was silent for too long itself
            pair.resets += 1
        pair.serve(0.1, heat=pair.newest.get("permit") is True)
        if pair.newest.get("lapse_s") is not None and pair.bus.closed:
            return
    raise AssertionError(f"it does not heat: {pair.newest}")


@pytest.mark.parametrize(
    ("where", "once"), [*((name, "for ever") for name in WHERE), ("json.dumps", "once"), ("serial.Serial.read", "once")]
)
def test_h33_one_that_runs_out_of_memory_while_it_heats_ends_at_once_and_renews_no_lease(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, once: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent / "failing"))
    monkeypatch.setenv("FAIL_WHERE", where)
    monkeypatch.setenv("FAIL_FILE", str(tmp_path / "now"))
    monkeypatch.setenv("FAIL_ONCE", once)
    with running(pair) as process:
        until_it_heats(pair)
        (tmp_path / "now").touch()
        pair.serve(ROUND_S, heat=True)
        renewed = flashes(pair)
        pair.serve(0.5 if once == "once" else LEASE_S, heat=True)
        assert process.poll() == 1
        pair.bus.clock.now_s = time.monotonic()
        assert not pair.bus.closed, "opened by its last act, or by the lease that nobody renews"
        assert flashes(pair) == renewed
        assert "MemoryError" in process.communicate(timeout=5)[1]


def test_h33_one_that_gets_no_more_memory_while_it_heats_needs_none_and_still_opens_for_a_dead_control(
    pair: Pair,
) -> None:
    with running(pair) as process:
        until_it_heats(pair)
        resource.prlimit(process.pid, resource.RLIMIT_AS, (1, 1))
        pair.serve(2.0, heat=True)
        assert process.poll() is None
        assert pair.newest["contactor_closed"] is True
        pair.serve(1.5, heat=None)
        assert not pair.bus.closed
        assert end(process, pair, signal.SIGTERM)[0] == 0


def test_it_says_whether_its_memory_is_locked_and_it_is_as_it_says(pair: Pair) -> None:
    with running(pair) as process:
        until_it_heats(pair)
        status = Path(f"/proc/{process.pid}/status").read_text()
        locked_kb = int(status.partition("VmLck:")[2].split()[0])
        said = end(process, pair, signal.SIGTERM)[1]
    assert ("memory: locked" in said) is (locked_kb > 0)
    assert "memory: " in said
