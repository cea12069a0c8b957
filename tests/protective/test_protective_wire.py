"""Frames, datagrams, imports and arguments of the protective channel."""

import ast
import json
import math
import os
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from protective_board import Bus, Clock

import controller.protective
from controller.protective import __main__ as program
from controller.protective import link as link_module
from controller.protective import loop as loop_module
from controller.protective import rtu
from controller.protective.link import Heartbeat, Link, parse

HOUSE = Path(controller.protective.__file__).parent
ALLOWED = set(sys.stdlib_module_names) | {"serial"}


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Bus:
    made = Bus(Clock(), timeout_s=0.108)
    monkeypatch.setattr(rtu, "open_serial", lambda path, baud, frame, timeout_s: made)
    return made


@pytest.fixture
def master(bus: Bus) -> rtu.Master:
    return rtu.Master(path="x", baud=9600, frame="8N1", clock=bus.clock)  # type: ignore[arg-type]


def answer(bus: Bus, monkeypatch: pytest.MonkeyPatch, reply: str) -> None:
    """Whatever is asked, that is what comes back."""

    def write(data: bytes) -> None:
        bus.frames.append((bus.clock.now_s, data))
        bus.coming.append((bus.clock.now_s, bytes.fromhex(reply)))

    monkeypatch.setattr(bus, "write", write)


# Waveshare Modbus RTU Relay wiki and ComWinTop CWT-TM-8PT100 data sheet; its printed CRC B8 44 of the 25.0 °C reply is
# that of another frame and is refused.
READS = [
    ("01 03 00 00 00 08 44 0C", lambda m: m.read_holding(1, 0, 8), "01 03 10" + " 00 FA" * 8, (250,) * 8),
    ("01 03 00 00 00 01 84 0A", lambda m: m.read_holding(1, 0, 1), "01 03 02 00 FA 38 07", (250,)),
    ("01 05 00 00 00 00 CD CA", lambda m: m.write_coil(1, 0, 0), "01 05 00 00 00 00 CD CA", None),
    ("01 05 02 00 00 07 8D B0", lambda m: m.write_coil(1, 0x0200, 7), "01 05 02 00 00 07 8D B0", None),
    ("01 05 02 00 00 14 CC 7D", lambda m: m.write_coil(1, 0x0200, 20), "01 05 02 00 00 14 CC 7D", None),
    ("01 05 02 01 00 08 9C 74", lambda m: m.write_coil(1, 0x0201, 8), "01 05 02 01 00 08 9C 74", None),
]


@pytest.mark.parametrize(("request_hex", "call", "reply_hex", "expected"), READS)
def test_published_frames(bus, master, monkeypatch, request_hex, call, reply_hex, expected) -> None:
    if len(bytes.fromhex(reply_hex)) == 19:  # the data sheet prints this one without its checksum
        reply_hex += rtu.crc16(bytes.fromhex(reply_hex)).hex()
    answer(bus, monkeypatch, reply_hex)
    assert call(master) == expected
    assert bus.frames[-1][1] == bytes.fromhex(request_hex)


def test_a_coil_is_read_by_its_own_number(bus: Bus, master: rtu.Master, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(bus, monkeypatch, "01 01 01 01 90 48")
    assert master.read_coil(1, 0) is True
    answer(bus, monkeypatch, "01 01 01 00 51 88")
    assert master.read_coil(1, 0) is False


@pytest.mark.parametrize(
    ("reply", "what"),
    [
        ("01 03 02 00 FA B8 44", "the CRC that the data sheet prints"),
        ("01 03 02 00 FA 38 08", "a wrong CRC"),
        ("02 03 02 00 FA 38 43", "another unit"),
        ("01 04 02 00 FA 39 73", "another function"),
        ("01 03 02 00 FA 38", "a frame cut short"),
        ("01 03 02 00 FA 38 07 00", "a byte too many"),
        ("00 01 03 02 00 FA 38 07", "a byte before"),
        ("01 83 02 C0 F1", "an exception"),
        ("01 03 04 00 FA 00 FA 1A 4E", "another length"),
        ("", "nothing"),
    ],
)
def test_what_is_not_the_answer_is_no_answer(bus, master, monkeypatch, reply: str, what: str) -> None:
    answer(bus, monkeypatch, reply)
    before_s = bus.clock.now_s
    with pytest.raises(rtu.NoAnswer, match="asked 01 03 00 00 00 01"):
        master.read_holding(1, 0, 1)
    assert bus.clock.now_s - before_s >= 0.1, f"no silence after {what}"


@pytest.mark.parametrize("reply", ["01 05 02 00 00 13 8D BF", "01 05 00 00 00 14 CD C5", "01 85 02 C3 51"])
def test_a_command_whose_reply_differs_was_not_accepted(bus, master, monkeypatch, reply: str) -> None:
    answer(bus, monkeypatch, reply)
    with pytest.raises(rtu.NoAnswer):
        master.write_coil(1, 0x0200, 20)


@given(st.binary(max_size=30))
def test_a_frame_with_its_checksum_has_a_remainder_of_zero(data: bytes) -> None:
    assert rtu.crc16(data + rtu.crc16(data)) == b"\0\0"


def test_a_heartbeat_is_read() -> None:
    assert parse(b'{"seq": 7, "at": 12.5, "heat": true, "reset": 2}') == Heartbeat(7, 12.5, True, 2)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\x00",
        b"[]",
        b"7",
        b"null",
        b"[" * 512,
        b"{}",
        b'{"seq": 7, "at": 12.5, "heat": true}',
        b'{"seq": 7.0, "at": 12.5, "heat": true, "reset": 0}',
        b'{"seq": true, "at": 12.5, "heat": true, "reset": 0}',
        b'{"seq": -1, "at": 12.5, "heat": true, "reset": 0}',
        b'{"seq": 7, "at": NaN, "heat": true, "reset": 0}',
        b'{"seq": 7, "at": 1e999, "heat": true, "reset": 0}',
        b'{"seq": 7, "at": "x", "heat": true, "reset": 0}',
        b'{"seq": 7, "at": null, "heat": true, "reset": 0}',
        b'{"seq": 7, "at": ' + b"9" * 400 + b', "heat": true, "reset": 0}',
        b'{"seq": 7, "at": 12.5, "heat": 1, "reset": 0}',
        b'{"seq": 7, "at": 12.5, "heat": "false", "reset": 0}',
        b'{"seq": 7, "at": 12.5, "heat": true, "reset": "0"}',
    ],
)
def test_what_is_malformed_is_no_heartbeat(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".?"):
        parse(data)


def test_h31_a_second_channel_in_the_same_run_directory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, opened, really = Link(tmp_path), [], os.open
    monkeypatch.setattr(os, "open", lambda path, flags: opened.append(really(path, flags)) or opened[-1])
    with pytest.raises(BlockingIOError):
        Link(tmp_path)
    os.close(opened[0])  # as the end of the refused process does
    first.close()
    Link(tmp_path).close()


def test_the_newest_heartbeat_that_waits_counts(tmp_path: Path) -> None:
    link = Link(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as control:
        for seq in (7, 8, 9):
            said = {"seq": seq, "at": 12.5, "heat": seq < 9, "reset": 0}
            control.sendto(json.dumps(said).encode(), str(tmp_path / "protective.sock"))
    assert link.hear() == Heartbeat(9, 12.5, False, 0)
    assert link.hear() is None
    link.close()


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5), st.lists))
def test_no_json_value_does_more_than_be_refused(value: object) -> None:
    fields = {"seq": value, "at": value, "heat": value, "reset": value}
    for name in fields:
        said = {"seq": 1, "at": 1.0, "heat": False, "reset": 0, name: value}
        try:
            beat = parse(json.dumps(said).encode())
        except ValueError:
            continue
        assert math.isfinite(beat.heartbeat_at_s)
        assert beat.heartbeat_seq >= 0


class Flood:
    """A socket whose next datagram is always there."""

    def __init__(self) -> None:
        self.taken = 0

    def recv(self, size: int) -> bytes:
        self.taken += 1
        return json.dumps({"seq": self.taken, "at": 1.0, "heat": True, "reset": 0}).encode()


def test_a_flood_of_heartbeats_does_not_hold_the_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link, flood = Link(tmp_path), Flood()
    try:
        monkeypatch.setattr(link, "_socket", flood)
        beat = link.hear()
        assert beat is not None
        assert beat.heartbeat_seq == flood.taken <= 100
    finally:
        monkeypatch.undo()
        link.close()


def test_h34_a_log_that_would_wait_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link, wrote = Link(tmp_path), []
    try:
        monkeypatch.setattr(link_module.os, "write", lambda fd, data: wrote.append((fd, data)))
        monkeypatch.setattr(link_module.select, "select", lambda r, w, x, timeout_s: ([], [] if full else w, []))
        full = True
        link.say("nobody reads")
        assert wrote == []
        full = False
        link.say("somebody reads")
        assert wrote == [(2, b"protective: somebody reads\n")]
    finally:
        monkeypatch.undo()
        link.close()


@pytest.mark.parametrize(
    ("path", "url", "exclusive", "parity"),
    [
        ("/dev/nowhere", "/dev/nowhere", True, "E"),
        ("tcp:h:5", "socket://h:5", None, "E"),
        ("/dev/pts/0", None, True, "N"),
    ],
)
def test_a_port_is_opened_with_its_frame_and_exclusively_where_it_is_a_device(
    monkeypatch: pytest.MonkeyPatch, path: str, url: str | None, exclusive: bool | None, parity: str
) -> None:
    opened: list[tuple[str, int, dict[str, object]]] = []
    monkeypatch.setattr(rtu.serial, "serial_for_url", lambda *given, **options: opened.append((*given, options)))
    rtu.open_serial(path, 19200, "8E1", 0.1)
    ((to, baud, options),) = opened
    assert (to, baud) == (url or path, 19200)
    assert (options["exclusive"], options["parity"], options["bytesize"]) == (exclusive, parity, 8)
    assert options["timeout"] == options["write_timeout"] == 0.1


def test_only_the_standard_library_and_pyserial_are_imported() -> None:
    for path in HOUSE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, path
                names = [node.module or ""]
            for name in names:
                own = name == "controller.protective" or name.startswith("controller.protective.")
                assert own or name.split(".")[0] in ALLOWED, f"{path.name} imports {name}"
                assert name.split(".")[0] not in {"threading", "asyncio", "multiprocessing"}, path


def test_h33_whatever_ends_a_round_the_contactor_is_opened_and_the_process_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def fails(loop: loop_module.Loop) -> None:
        done.append("round")
        raise MemoryError

    monkeypatch.setattr(loop_module.Loop, "round", fails)
    monkeypatch.setattr(loop_module.Loop, "make_safe", lambda loop: done.append("safe"))
    monkeypatch.setattr(program.signal, "signal", lambda number, handler: None)  # not for the test's own process
    monkeypatch.setattr(program.ctypes, "CDLL", lambda name, use_errno: SimpleNamespace(mlockall=lambda flags: 0))
    with pytest.raises(MemoryError):
        program.main(["--port", "/dev/nowhere", "--run-dir", str(tmp_path)])
    assert done == ["round", "safe"]
    assert not (tmp_path / "protective.sock").exists()


def test_it_can_be_read_in_one_sitting() -> None:
    assert sum(len(path.read_text().splitlines()) for path in HOUSE.glob("*.py")) < 600


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--outlet-trip-c", "46.1"], "outlet_trip_c = 46.1: allowed above 2.0 up to 46.0"),
        (["--inflow-trip-c", "nan"], "inflow_trip_c = nan"),
        (["--heartbeat-timeout-s", "0.6"], "up to 0.5"),
        (["--persistence-s", "inf"], "persistence_s = inf"),
        (["--probe-age-max-s", "0"], "above 0.0"),
        (["--outlet-trip-c", "4,2"], "invalid float value"),
        (["--relay-unit", "1"], "both 1"),
        (["--inflow-channel", "0"], "both 0"),
        (["--probe-unit", "0"], "invalid choice"),
        (["--outlet-channel", "8"], "invalid choice"),
        (["--baud", "1200"], "invalid choice"),
        (["--speed", "10"], "only on a simulated port"),
        (["--speed", "nan"], "1 to 100"),
    ],
)
def test_an_argument_that_widens_or_contradicts_ends_it_with_code_2(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        program.main(["--port", "/dev/ttyX", "--run-dir", str(tmp_path / "run"), *arguments])
    assert ended.value.code == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
