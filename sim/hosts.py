"""What can be wrong with the computer in virtual time: a process killed or stopped, cycles late, a full disk.

A plain record, set by faults and obeyed by the in-process engines. What only real processes show (signals, sockets,
memory, a real disk) is the HIL tests' part, not this one's.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.faults import Edge, Fault

PROCESSES = ("control", "protective")
DEFAULT_LATE_S = 0.4
ROOMY_MB = 100_000.0
RESTART_S = 2.0  # a supervisor's time from a dead process to its next one


@dataclass(slots=True, kw_only=True)
class HostState:
    """`stopped` processes go on where they were; `reborn` ones begin anew with nothing remembered."""

    stopped: set[str] = field(default_factory=set)
    reborn: set[str] = field(default_factory=set)
    late_s: float = 0.0
    recorder: str = ""
    wall_jump_s: float = 0.0
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
    """Raise ValueError when virtual time has nothing that this host fault could strike."""
    if fault.name in ("kill", "stop") and fault.target not in PROCESSES:
        raise ValueError(f"fault {fault}: virtual time has only the processes {', '.join(PROCESSES)}")
    if fault.name not in _APPLIERS:
        raise ValueError(f"fault {fault}: needs real processes; virtual time can do: {', '.join(sorted(_APPLIERS))}")


def apply_to_host(edge: Edge, host: HostState) -> None:
    """Set or lift a host fault; any other kind is none of its business. Raises ValueError as `check_host` does."""
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
    host.wall_jump_s = fault.value if started and isinstance(fault.value, float) else 0.0


_APPLIERS = {"kill": _kill, "stop": _stop, "cpu_starved": _starve, "disk_full": _disk, "time_jump": _jump}
