"""Lines that take their time: pacing, half duplex, echo and wire faults in virtual time; real ends on ptys and TCP."""

from __future__ import annotations

import errno
import os
import select
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import serial
from hypothesis import given
from hypothesis import strategies as st

from config.schema import Port
from sim.bus import Bus, Station
from sim.devices.twin import Reply
from sim.ends import PtyEnd, TcpEnd
from sim.links import modbus_crc
from sim.refusal import BadRequest
from sim.wire import Line, Wire, open_end

CHAR_S = 10 / 9600


class Parrot:
    """A test twin: answers each complete line that begins with its letter with the letter and the line's length."""

    def __init__(self, letter: bytes = b"a", delay_s: float = 0.02, answer: bytes = b"") -> None:
        self.letter = letter
        self.delay_s = delay_s
        self.answer = answer
        self.heard: list[tuple[float, bytes]] = []
        self.ticked_s: list[float] = []
        self.power_cycles = 0
        self._held = b""

    def receive(self, data: bytes, now_s: float) -> list[Reply]:
        self.heard.append((now_s, data))
        self._held += data
        if not self._held.endswith(b"\r"):
            return []
        question, self._held = self._held, b""
        if not question.startswith(self.letter):
            return []
        return [Reply(self.delay_s, self.answer or b"%s%02d\r" % (self.letter, len(question)))]

    def tick(self, now_s: float) -> None:
        self.ticked_s.append(now_s)

    def power_cycle(self, now_s: float) -> None:
        self.power_cycles += 1


def bus_of(*twins: Parrot, echo: bool = False, char_s: float = CHAR_S) -> Bus:
    stations = [Station(name=twin.letter.decode(), twin=twin) for twin in twins]
    return Bus(name="bus", stations=stations, char_s=char_s, echo=echo)


def test_a_question_is_heard_no_sooner_than_its_last_character() -> None:
    twin = Parrot()
    bus = bus_of(twin)
    bus.hear(b"a234567\r", 5.0)
    assert bus.advance(5.0 + 7.9 * CHAR_S) == b""
    assert twin.heard == []
    bus.advance(5.0 + 8.1 * CHAR_S)
    assert twin.heard == [(pytest.approx(5.0 + 8 * CHAR_S), b"a234567\r")]


def test_a_reply_comes_no_sooner_than_its_delay_and_its_characters() -> None:
    bus = bus_of(Parrot(delay_s=0.02))
    bus.hear(b"a\r", 5.0)
    bus.advance(5.0 + 2 * CHAR_S)
    complete_s = 5.0 + 2 * CHAR_S + 0.02 + 4 * CHAR_S
    assert bus.due_s == pytest.approx(complete_s)
    assert bus.advance(complete_s - 1e-6) == b""
    assert bus.advance(complete_s + 1e-6) == b"a02\r"


def test_a_long_reply_comes_in_pieces_at_the_lines_pace() -> None:
    bus = bus_of(Parrot(delay_s=0.0, answer=b"x" * 39 + b"\r"))
    bus.hear(b"a\r", 0.0)
    arrivals = []
    while bus.due_s < 10.0:
        now_s = bus.due_s
        if data := bus.advance(now_s):
            arrivals.append((round(now_s / CHAR_S), len(data)))
    assert arrivals == [(18, 16), (34, 16), (42, 8)]


@given(chunks=st.lists(st.integers(1, 9), min_size=1, max_size=6), gap_s=st.floats(0.0, 0.002))
def test_however_a_question_is_cut_it_takes_at_least_its_characters(chunks: list[int], gap_s: float) -> None:
    twin = Parrot(delay_s=0.0)
    bus = bus_of(twin)
    now_s = 0.0
    question = b"a" * (sum(chunks) - 1) + b"\r"
    sent = question
    for size in chunks:
        bus.hear(sent[:size], now_s)
        sent = sent[size:]
        now_s += gap_s
    bus.advance(100.0)
    assert b"".join(data for _, data in twin.heard) == question
    assert twin.heard[-1][0] >= len(question) * CHAR_S - 1e-12


def test_every_device_of_a_bus_hears_and_only_the_one_addressed_answers() -> None:
    first, second = Parrot(b"a"), Parrot(b"b")
    bus = bus_of(first, second)
    bus.hear(b"b\r", 0.0)
    assert bus.advance(1.0) == b"b02\r"
    assert [len(twin.heard) for twin in (first, second)] == [1, 1]


def test_what_is_sent_while_a_device_speaks_is_lost() -> None:
    bus = bus_of(Parrot(delay_s=0.0))
    bus.hear(b"a\r", 0.0)
    bus.advance(2 * CHAR_S)
    bus.hear(b"a\r", 3 * CHAR_S)  # the reply takes characters 2 to 6
    assert bus.advance(1.0) == b"a02\r"
    assert bus.collisions == 1
    bus.hear(b"a\r", 2.0)
    assert bus.advance(3.0) == b"a02\r", "the line is free again"


def test_the_adapter_echoes_what_the_host_sends_before_the_reply() -> None:
    bus = bus_of(Parrot(), echo=True)
    bus.hear(b"ab\r", 0.0)
    assert bus.advance(2.9 * CHAR_S) == b""
    assert bus.advance(3.1 * CHAR_S) == b"ab\r"
    assert bus.advance(1.0) == b"a03\r"


def test_a_twin_that_echoes_itself_is_not_echoed_twice() -> None:
    twin = Parrot(answer=b"ab\ra03\r")
    twin.echoes = True  # type: ignore[attr-defined]
    bus = bus_of(twin, echo=True)
    bus.hear(b"ab\r", 0.0)
    assert bus.advance(1.0) == b"ab\ra03\r"


def answer_with(bus: Bus, **link: object) -> bytes:
    for name, value in link.items():
        setattr(bus.stations[0].link, name, value)
    bus.hear(b"a\r", 10.0)
    return bus.advance(10.0 + 2 * CHAR_S + 0.02 + 4 * CHAR_S + 0.001)


@pytest.mark.parametrize("name", ["silent", "dead", "unplugged"])
def test_a_device_that_is_cut_off_hears_and_says_nothing(name: str) -> None:
    twin = Parrot()
    assert answer_with(bus_of(twin), **{name: True}) == b""
    assert twin.heard == []


def test_half_a_frame_is_the_first_half() -> None:
    assert answer_with(bus_of(Parrot()), half_frame=True) == b"a0"


def test_a_garbled_reply_has_the_length_of_the_right_one() -> None:
    reply = answer_with(bus_of(Parrot()), garbled=1.0)
    assert len(reply) == 4
    assert reply != b"a02\r"


def test_a_slow_reply_comes_later_by_that_much() -> None:
    bus = bus_of(Parrot())
    assert answer_with(bus, extra_delay_s=0.5) == b""
    assert bus.due_s == pytest.approx(10.0 + 2 * CHAR_S + 0.52 + 4 * CHAR_S)
    assert bus.advance(11.0) == b"a02\r"


def test_an_exception_code_replaces_a_modbus_reply() -> None:
    body = bytes.fromhex("0103020102")
    frame = body + modbus_crc(body).to_bytes(2, "little")
    reply = answer_with(bus_of(Parrot(answer=frame), char_s=CHAR_S / 2), exception_code=4)
    assert reply[:3] == bytes.fromhex("018304")
    assert modbus_crc(reply[:-2]).to_bytes(2, "little") == reply[-2:]


def test_a_babbler_fills_the_line_and_drowns_questions() -> None:
    twin = Parrot()
    bus = bus_of(twin)
    bus.stations[0].link.babble = True
    bus.advance(0.0)
    bus.hear(b"a\r", 0.001)
    noise = b""
    now_s = 0.0
    while now_s < 1.0:
        now_s = bus.due_s
        noise += bus.advance(now_s)
    assert twin.heard == []
    assert 0.9 * 960 <= len(noise) <= 1.1 * 960


def test_a_brown_out_reaches_the_twin_once() -> None:
    twin = Parrot()
    bus = bus_of(twin)
    bus.stations[0].link.power_cycles += 1
    bus.tick(1.0)
    bus.tick(2.0)
    assert twin.power_cycles == 1
    assert twin.ticked_s == [1.0, 2.0]


# --- real ends ---------------------------------------------------------------------------------------------------


def serve(wire: Wire, seconds: float, host: int | None = None) -> bytes:
    """Run a wire for a while as the simulator does; return what `host` can read meanwhile."""
    until_s = time.monotonic() + seconds
    got = b""
    while (now_s := time.monotonic()) < until_s:
        lines = wire.fds()
        watched = [*lines, *([] if host is None else [host])]
        ready, _, _ = select.select(watched, [], [], max(0.0, min(wire.due_s, until_s) - now_s))
        for fd in ready:
            if fd in lines:
                wire.hear(lines[fd], time.monotonic())
            elif data := os.read(fd, 4096):
                got += data
            else:
                return got
        wire.advance(time.monotonic())
    return got


@pytest.fixture
def twin() -> Parrot:
    return Parrot(delay_s=0.0)


@pytest.fixture
def wire(tmp_path: Path, twin: Parrot) -> Iterator[Wire]:
    with closing(Wire([Line(bus_of(twin), PtyEnd(tmp_path / "bus"))])) as made:
        yield made


@pytest.mark.hil
def test_pyserial_talks_over_the_pseudo_terminal(wire: Wire) -> None:
    with serial.Serial(wire.addresses["bus"], 9600, timeout=0) as host:
        host.write(b"a\x00\xff\n\r")
        assert serve(wire, 0.1, host.fileno()) == b"a05\r"


@pytest.mark.hil
def test_the_next_host_finds_the_port_free_and_empty(wire: Wire) -> None:
    for _ in range(3):
        with serial.Serial(wire.addresses["bus"], 9600, timeout=0, exclusive=True) as host:
            host.write(b"a\r")
            assert serve(wire, 0.05, host.fileno()) == b"a02\r"
            host.write(b"a\r")
        serve(wire, 0.05)


@pytest.mark.hil
def test_a_last_word_before_closing_is_still_heard(wire: Wire, twin: Parrot) -> None:
    with serial.Serial(wire.addresses["bus"], 9600, timeout=0) as host:
        host.write(b"a stop\r")
    serve(wire, 0.05)
    assert [data for _, data in twin.heard] == [b"a stop\r"]


@pytest.mark.hil
def test_unplugged_hangs_up_and_replugged_is_back_at_the_same_path(wire: Wire) -> None:
    path = wire.addresses["bus"]
    link = next(iter(wire.fds().values())).bus.stations[0].link
    with serial.Serial(path, 9600, timeout=0) as host:
        link.unplugged = True
        wire.tick(time.monotonic())
        assert not os.path.lexists(path)
        assert wire.fds() == {}
        with pytest.raises(serial.SerialException):
            host.read(1)
    link.unplugged = False
    wire.tick(time.monotonic())
    with serial.Serial(path, 9600, timeout=0) as host:
        host.write(b"a\r")
        assert serve(wire, 0.05, host.fileno()) == b"a02\r"


@pytest.mark.hil
def test_a_reader_that_never_reads_does_not_block_the_wire(tmp_path: Path) -> None:
    with closing(PtyEnd(tmp_path / "bus")) as end, serial.Serial(end.address, 9600, timeout=0):
        for _ in range(40):
            end.write(b"x" * 4096)


@pytest.mark.hil
def test_a_path_that_is_served_is_refused_and_stays_the_first_ones(tmp_path: Path) -> None:
    path = tmp_path / "bus"
    with closing(PtyEnd(path)):
        served = os.readlink(path)
        with pytest.raises(BadRequest, match=rf"bus: another simulator \(process {os.getpid()}\) serves it; give"):
            PtyEnd(path)
        assert os.readlink(path) == served
    PtyEnd(path).close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.hil
def test_a_path_unplugged_for_a_moment_is_still_taken(tmp_path: Path) -> None:
    with closing(PtyEnd(tmp_path / "bus")) as end:
        end.unplug()
        with pytest.raises(BadRequest, match="another simulator"):
            PtyEnd(tmp_path / "bus")
        end.plug()


@pytest.mark.hil
def test_what_a_killed_simulator_left_behind_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "bus"
    path.symlink_to("/dev/pts/4711")
    (tmp_path / ".bus.lock").write_text("4711\n")
    with closing(PtyEnd(path)) as end:
        assert stat.S_ISCHR(os.stat(end.address).st_mode)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.hil
def test_closing_leaves_a_path_that_is_no_longer_ours(tmp_path: Path) -> None:
    path = tmp_path / "bus"
    end = PtyEnd(path)
    path.unlink()
    path.symlink_to("/dev/pts/4711")
    end.close()
    assert os.readlink(path) == "/dev/pts/4711"


@pytest.mark.hil
def test_closing_leaves_no_path_behind(tmp_path: Path) -> None:
    end = PtyEnd(tmp_path / "bus")
    assert stat.S_ISCHR(os.stat(end.address).st_mode)
    end.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.hil
def test_tcp_serves_one_client_turns_a_second_away_and_takes_the_next(twin: Parrot) -> None:
    with closing(Wire([Line(bus_of(twin), TcpEnd("127.0.0.1", 0))])) as wire:
        number = int(wire.addresses["bus"].rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", number)) as host:
            host.sendall(b"a\r")
            assert serve(wire, 0.1, host.fileno()) == b"a02\r"
            with socket.create_connection(("127.0.0.1", number)) as second:
                assert serve(wire, 0.1, second.fileno()) == b""
                assert second.recv(1) == b""
        serve(wire, 0.05)
        with socket.create_connection(("127.0.0.1", number)) as host:
            host.sendall(b"a\r")
            assert serve(wire, 0.1, host.fileno()) == b"a02\r"


def test_a_file_in_the_way_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(ValueError, match="exists and is no simulated port"):
        open_end(str(tmp_path / "notes"), Port(path="x"))
    assert (tmp_path / "notes").read_text() == "mine"


@pytest.mark.parametrize("where", ["tcp:nowhere", "tcp::5", "tcp:localhost:seven", "tcp:localhost:70000"])
def test_a_malformed_tcp_address_says_what_is_allowed(where: str) -> None:
    with pytest.raises(ValueError, match="allowed: tcp:HOST:PORT"):
        open_end(where, Port(path="x"))


def test_a_taken_tcp_port_and_a_missing_folder_are_one_clear_error(tmp_path: Path) -> None:
    with closing(TcpEnd("127.0.0.1", 0)) as taken, pytest.raises(ValueError, match=os.strerror(errno.EADDRINUSE)):
        open_end(taken.address, Port(path="x"))
    with pytest.raises(ValueError, match=os.strerror(errno.ENOENT)):
        open_end(str(tmp_path / "missing" / "bus"), Port(path="x"))
