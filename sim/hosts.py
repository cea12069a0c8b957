"""What can be wrong with the computer in virtual time: a process killed or stopped, cycles late, a full disk, a wall
clock that is set, a console that is gone.

A plain record, set by faults and obeyed by the in-process engines. What only real processes show (signals, sockets,
memory, a real disk) is the HIL tests' part, not this one's: REAL_ONLY says which faults.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sim.faults import Edge, Fault
from sim.refusal import BadRequest

PROCESSES = ("control", "protective")
DEFAULT_LATE_S = 0.4
ROOMY_MB = 100_000.0
REAL_ONLY: Mapping[str, str] = {
    "disk_slow": "the record's own thread waits for a real disk (tests/hil/test_host_pressure.py)",
    "console_flood": "the api's own thread reads a real socket (tests/hil/test_flooded_socket.py)",
}


@dataclass(slots=True, kw_only=True)
class HostState:
    """`stopped` processes go on where they were; `reborn` ones begin anew with nothing remembered."""

    stopped: set[str] = field(default_factory=set)
    reborn: set[str] = field(default_factory=set)
    late_s: float = 0.0
    recorder: str = ""
    wall_offset_s: float = 0.0  # by how much the wall clock has been set since the start
    console_there: bool = True  # somebody's console takes states, and acts can come from it
    disk_free_mb: float = ROOMY_MB

    def runs(self, process: str) -> bool:
        """Whether the process gets the processor."""
        return process not in self.stopped

    def take_rebirth(self, process: str) -> bool:
        """True once after the process was started again."""
        if process not in self.reborn:
            return False
        self.reborn.discard(process)
        return True

    @property
    def faults(self) -> tuple[str, ...]:
        """What the host would tell the cycle."""
        return (f"recorder: {self.recorder}",) if self.recorder else ()


def check_host(fault: Fault) -> None:
    """Raise BadRequest when virtual time has nothing that this host fault could strike."""
    if fault.name in ("kill", "stop") and fault.target not in PROCESSES:
        raise BadRequest(f"fault {fault}: virtual time has only the processes {', '.join(PROCESSES)}")
    if fault.name in REAL_ONLY:
        raise BadRequest(
            f"fault {fault}: needs real processes, {REAL_ONLY[fault.name]}; "
            f"virtual time can do: {', '.join(sorted(_APPLIERS))}"
        )


def apply_to_host(edge: Edge, host: HostState) -> None:
    """Set or lift a host fault; any other kind is none of its business. Raises BadRequest as `check_host` does."""
    if edge.fault.kind == "host":
        check_host(edge.fault)
        _APPLIERS[edge.fault.name](edge.fault, edge.started, host)


def _kill(fault: Fault, started: bool, host: HostState) -> None:
    if started:
        host.stopped.add(fault.target)
    else:
        host.stopped.discard(fault.target)
        host.reborn.add(fault.target)


def _stop(fault: Fault, started: bool, host: HostState) -> None:
    (host.stopped.add if started else host.stopped.discard)(fault.target)


def _starve(fault: Fault, started: bool, host: HostState) -> None:
    host.late_s = DEFAULT_LATE_S if started else 0.0


def _disk(fault: Fault, started: bool, host: HostState) -> None:
    host.recorder = "no space left on device" if started else ""
    host.disk_free_mb = 0.0 if started else ROOMY_MB


def _jump(fault: Fault, started: bool, host: HostState) -> None:
    by_s = fault.value if isinstance(fault.value, float) else 0.0
    host.wall_offset_s += by_s if started else -by_s


def _console(fault: Fault, started: bool, host: HostState) -> None:
    host.console_there = not started


_APPLIERS: Mapping[str, Callable[[Fault, bool, HostState], None]] = {
    "kill": _kill,
    "stop": _stop,
    "cpu_starved": _starve,
    "disk_full": _disk,
    "time_jump": _jump,
    "console_lost": _console,
}
