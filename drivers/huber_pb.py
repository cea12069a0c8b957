"""Huber circulator with Pilot ONE: the bath of a plate exchanger, by PB messages or PB packages.

A session leaves the bath circulating, so that the heat that is in it is carried away, controlled by its own internal
sensor, and not tempering. `exchange` writes what is commanded, re-arms the watchdog vWD1 as long as there are commands,
and reads. A fault of the device ends the session; opening the next one clears it, and never starts tempering.
Not responsible for the frames (`drivers.huber_frames`), options (`drivers.huber_options`), or when heat may come back.

Source: Huber, Data Communication V2.3.0en. A bench has to settle what the manual leaves open: that an expired vWD1
ends tempering (p. 21 says: generates a fault), and that PB messages are answered while packages are in use.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from config.schema import BATH_SETPOINT_CEILING_C
from config.schema import Device as DeviceConfig
from drivers import huber_frames as frames
from drivers.family import Family
from drivers.huber_frames import Number
from drivers.huber_link import PilotLink
from drivers.huber_options import PACKAGE_VALUES, POLL_S, PROTOCOLS, read_options
from drivers.port import Port
from drivers.roles import (
    BadReply,
    BathCommand,
    Command,
    Identity,
    Reading,
    Refused,
    Restarted,
    WrongDevice,
)

SETTLE_S = 2.0  # after switching, before the status has to say so
REARM_PARTS = 6  # vWD1 is written this often within its time; the rule is at least three times
SETPOINT_LOWEST_C = 0.0

TEMPERING, CIRCULATING, FAULTY, NOT_RESTARTED = 1 << 0, 1 << 1, 1 << 8, 1 << 14
OTHER_CONTROL = {1 << 3: "process control", 1 << 10: "an external internal value", 1 << 11: "an external process value"}
"""vStatus1 bits that mean that the set-point no longer bounds the bath's own temperature."""

CHANNELS: Mapping[str, str] = {"bath_c": "vTI", "process_c": "vTE", "setpoint_c": "vSP", "power_w": "vPow"}


class HuberBath:
    """One circulator. Every method may raise what `drivers.roles` lists; see there for what each means."""

    def __init__(
        self,
        *,
        port: Port,
        name: str,
        unit: int = 1,
        protocol: str = "plain",
        watchdog_s: int = 3,
        package_values: tuple[str, ...] = tuple(PACKAGE_VALUES.split(",")),
        alarm_high_c: float = 50.0,
        serial: str = "",
    ) -> None:
        width, self._packaged = PROTOCOLS[protocol]
        self._listed = package_values if self._packaged else ()
        self._link = PilotLink(port=port, name=name, unit=unit, width=width, listed=self._listed)
        self._clock = port.clock
        self._name = name
        self._watchdog_s = watchdog_s
        self._alarm_high_c = alarm_high_c
        self._serial = serial
        self._polled = tuple(variable for variable in POLL_S if variable not in self._listed)
        self._confirmed: bool | None = None  # what was last switched and answered; None: not known
        self._told_on = False
        self._told_s = -math.inf
        self._armed_s = -math.inf
        self._lapsed_s: float | None = None  # when our own silence is known to have let the watchdog run out

    @property
    def channels(self) -> tuple[str, ...]:
        """Bath, external probe and set-point read-back in °C; heating power in W."""
        return tuple(CHANNELS)

    def open_session(self) -> Identity:
        """Tempering off, faults cleared, internal control, watchdog armed and read back, circulation on."""
        link = self._link
        link.samples.clear()
        self._lapsed_s = None
        self._known_status()
        self._tell(False)
        self._clear_fault()
        identity = self._identify()
        link.write("vTmpMode", 0)
        if self._alarm_high_c:
            link.write("vTIAlarmHigh", self._word(self._alarm_high_c))
        self._arm()
        if link.ask("vWD1") != self._watchdog_s:
            raise Refused(f"{self._name}: vWD1 is {link.number('vWD1').value}, not the {self._watchdog_s} s written")
        link.write("vCircActive", 1)
        if self._packaged:
            link.compare_list()
        if not link.ask("vStatus1") & NOT_RESTARTED:
            raise Restarted(f"{self._name}: restarted while the session was being opened")
        return identity

    def confirm(self) -> None:
        """Read the status, which also tells of a restart. Raises WrongDevice or Restarted."""
        if not self._known_status() & NOT_RESTARTED:
            raise Restarted(f"{self._name}: restarted (vStatus1 bit 14 is clear)")

    def exchange(self, command: Command | None) -> Mapping[str, Reading]:
        """Carry out a BathCommand and read; with None nothing is written, so that vWD1 runs out."""
        if command is not None and not isinstance(command, BathCommand):
            raise Refused(f"{self._name}: a bath takes no {type(command).__name__}")
        if command is not None and not command.on:
            self._switch(False)
        self._transfer(self._words(command))
        if command is not None and command.on:
            self._switch(True)
        self._poll()
        self._check(command)
        return {channel: self._reading(channel) for channel in CHANNELS}

    def make_safe(self) -> None:
        """End tempering, then keep the bath circulating, should ending the one have ended the other."""
        self._tell(False)
        self._circulate()

    # --- writing

    def _words(self, command: BathCommand | None) -> dict[str, int]:
        """What this exchange writes: the set-point always, vWD1 when it is due."""
        if command is None:
            return {}
        if not (SETPOINT_LOWEST_C <= command.setpoint_c <= BATH_SETPOINT_CEILING_C):
            raise Refused(
                f"{self._name}: set-point {command.setpoint_c} °C; allowed: "
                f"{SETPOINT_LOWEST_C} to {BATH_SETPOINT_CEILING_C} °C"
            )
        words = {"vSP": self._word(command.setpoint_c)}
        if self._packaged or self._unarmed_s() >= self._watchdog_s / REARM_PARTS:
            words["vWD1"] = self._watchdog_s
        return words

    def _transfer(self, words: Mapping[str, int]) -> None:
        if "vWD1" in words and self._unarmed_s() > self._watchdog_s - 1:
            self._lapsed_s = self._clock.now()
        if self._packaged:
            self._link.exchange_package(words)
        else:
            for variable, word in words.items():
                self._link.write(variable, word)
        if "vWD1" in words:
            self._armed_s = self._clock.now()

    def _switch(self, on: bool) -> None:
        """Start or end tempering, once. It is not started again by itself when the device ended it."""
        if self._confirmed is not on:
            self._tell(on)
            self._circulate()

    def _tell(self, on: bool) -> None:
        if on is not self._told_on or self._told_s == -math.inf:
            self._told_on = on
            self._told_s = self._clock.now()
        self._confirmed = None
        self._link.write("vTmpActive", int(on))
        self._confirmed = on

    def _circulate(self) -> None:
        """Ask for circulation; a device with a fault may answer no, and vStatus1 tells what came of it."""
        self._link.ask("vCircActive", 1)

    def _arm(self) -> None:
        self._link.write("vWD1", self._watchdog_s)
        self._armed_s = self._clock.now()

    def _unarmed_s(self) -> float:
        return self._clock.now() - self._armed_s

    def _word(self, value_c: float) -> int:
        return frames.encode_temperature(value_c, self._link.width)

    # --- reading

    def _poll(self) -> None:
        """Read what has never been read, and then the most overdue: two by message, one beside a package."""
        link = self._link
        for variable in self._polled:
            if variable not in link.samples:
                link.ask(variable)
        overdue = sorted(self._polled, key=lambda variable: link.age_s(variable) / POLL_S[variable], reverse=True)
        if not self._packaged:
            for variable in overdue[:2]:
                link.ask(variable)
        elif overdue and link.age_s(overdue[0]) >= POLL_S[overdue[0]]:
            link.ask(overdue[0])

    def _reading(self, channel: str) -> Reading:
        variable = CHANNELS[channel]
        number = self._link.number(variable)
        if variable == "vSP" and self._status() & FAULTY:
            number = Number(None, self._fault_text())
        return Reading(number.value, self._link.samples[variable].at_s, number.fault)

    def _status(self) -> int:
        return self._link.samples["vStatus1"].word

    def _known_status(self) -> int:
        word = self._link.ask("vStatus1")
        if word == self._link.width.unknown:
            raise WrongDevice(f"{self._name}: answers in PB but has no vStatus1")
        return word

    def _fault_text(self) -> str:
        code = self._link.number("vError").value if "vError" in self._link.samples else None
        return "device fault" if code is None else f"device fault {code:.0f}"

    # --- judging

    def _check(self, command: BathCommand | None) -> None:
        status = self._status()
        if status == self._link.width.unknown:
            raise BadReply(f"{self._name}: vStatus1 can no longer be read")
        if not status & NOT_RESTARTED:
            raise Restarted(f"{self._name}: restarted (vStatus1 bit 14 is clear)")
        if status & FAULTY:
            self._judge_fault(command)
            return
        if self._lapsed_s is not None and self._link.samples["vStatus1"].at_s > self._lapsed_s:
            self._lapsed_s = None
        for bit, text in OTHER_CONTROL.items():
            if status & bit:
                raise Restarted(f"{self._name}: switched to {text} by somebody else")
        if command is not None:
            self._compare_status(status, command)

    def _judge_fault(self, command: BathCommand | None) -> None:
        """Silent commands let the watchdog run out, which is no news; every other fault ends the session."""
        if "vError" not in self._listed:
            self._link.ask("vError")
        if command is None:
            return
        if command.on or self._lapsed_s is None:
            raise Restarted(f"{self._name}: {self._fault_text()}, tempering has ended")
        self._clear_fault()
        self._link.write("vCircActive", 1)
        self._link.ask("vStatus1")
        self._lapsed_s = None
        self._told_s = self._clock.now()

    def _compare_status(self, status: int, command: BathCommand) -> None:
        if self._link.samples["vStatus1"].at_s - self._told_s < SETTLE_S:
            return
        if bool(status & TEMPERING) is not command.on:
            if not command.on:
                self._confirmed = None  # "off" is written again at the next turn; "on" waits for an "off" first
            del self._link.samples["vStatus1"]  # judged once: the next turn asks again
            raise Refused(f"{self._name}: told {'on' if command.on else 'off'}, vStatus1 says otherwise")
        if not status & CIRCULATING:
            raise Refused(f"{self._name}: does not circulate")

    def _clear_fault(self) -> None:
        """Clear vError if there is any; raises Refused when the cause is still there."""
        if self._link.ask("vError") == 0:
            return
        cleared = self._fault_text()
        self._link.ask("vError", 1)
        if self._link.ask("vError") != 0:
            raise Refused(f"{self._name}: {cleared} cannot be cleared")

    def _identify(self) -> Identity:
        """Read the serial number, at the addresses that public clients of the protocol use; it may be unknown."""
        words = [self._link.ask(variable) for variable in ("vSerialHigh", "vSerialLow")]
        known = self._link.width.unknown not in words
        serial = str((words[0] & 0xFFFF) << 16 | words[1] & 0xFFFF) if known else ""
        if self._serial and serial != self._serial:
            raise WrongDevice(f"{self._name}: serial number {serial or 'unknown'}, the rig names {self._serial}")
        return Identity("Huber", "Pilot ONE", serial)


def make(port: Port, config: DeviceConfig, name: str) -> HuberBath:
    """A driver from a rig file's device. Raises ValueError naming the option, its value and what is allowed."""
    return HuberBath(port=port, name=name, unit=config.address, **read_options(config.options, name)._asdict())


FAMILY = Family(
    name="huber_pb",
    title="Huber circulator with Pilot ONE (Ministat, CC, Unistat)",
    roles=("bath", "temperature"),
    wire="PB messages or PB packages in ASCII; RS232 9600 8N1, or TCP 8101",
    comm_loss="vWD1: a fault after 2 to 150 s without a command, which ends tempering; written with the commands",
    manual="Huber, Data Communication V2.3.0en",
    make=make,
)
