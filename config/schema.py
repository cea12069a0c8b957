"""The typed, bounded shape of a rig and of a treatment.

Every number carries its unit in its name and its bounds in its type. A bound of a safety limit is a hard ceiling:
configuration can tighten it and never widen it. Rules that span several fields stand in `config.rules`.
Not responsible for reading files (`config.loading`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

# Hard ceilings. Nothing in a file can exceed these; their sources stand in docs/decisions/11-hard-ceilings.md.
INFLOW_CAP_CEILING_C = 45.0
INFLOW_TRIP_CEILING_C = 45.5
OUTLET_TRIP_CEILING_C = 46.0
BATH_SETPOINT_CEILING_C = 46.0
CAVITY_WARN_CEILING_C = 43.4
CAVITY_TRIP_CEILING_C = 43.5
CORE_TRIP_CEILING_C = 39.5
CORE_STOP_CEILING_C = 40.0
CAVITY_PRESSURE_TRIP_CEILING_MMHG = 22.0
LINE_PRESSURE_TRIP_CEILING_MMHG = 300.0
HEAT_EXPIRY_S = 1.0
PUMP_EXPIRY_S = 2.0
CONTACTOR_LEASE_S = 2.0

MeasuredSignal = Literal[
    "heater_outlet_c",
    "inflow_c",
    "outflow_c",
    "cavity_1_c",
    "cavity_2_c",
    "cavity_3_c",
    "core_c",
    "source_c",
    "flow_lpm",
    "bubble_mm",
    "line_pressure_mmhg",
    "cavity_pressure_mmhg",
    "reservoir_ml",
    "pump_rpm",
    "heater_setpoint_c",
    "heater_power_w",
    "mains_ok",
]
Frame = Literal["8N1", "8N2", "8E1", "8O1", "7E1", "7O1"]
Baud = Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200]
Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Text = Annotated[str, Meta(max_length=400)]


class Shape(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every configured thing has in common: immutable, named fields only, unknown keys refused."""


# --- rig ---------------------------------------------------------------------------------------------------------


class Port(Shape, frozen=True, kw_only=True):
    """One serial line. `path` is a device path or tcp:HOST:PORT; `echo` says that the adapter repeats what is sent."""

    path: Annotated[str, Meta(min_length=1, max_length=300)]
    baud: Baud = 9600
    frame: Frame = "8N1"
    echo: bool = False
    timeout_s: Annotated[float, Meta(ge=0.02, le=2.0)] = 0.3


class Register(Shape, frozen=True, kw_only=True):
    """One value in a Modbus device that is described by the rig file and not by a driver."""

    channel: Name
    address: Annotated[int, Meta(ge=0, le=65535)]
    table: Literal["holding", "input", "coil", "discrete"] = "holding"
    type: Literal["u16", "i16", "u32", "i32", "f32", "bit"] = "i16"
    word_order: Literal["high_first", "low_first"] = "high_first"
    scale: float = 1.0
    offset: float = 0.0
    minimum: float = -1e9
    maximum: float = 1e9
    sentinels: tuple[int, ...] = ()
    writable: bool = False


class Device(Shape, frozen=True, kw_only=True):
    """One device on a port: its family names the driver; `options` are that driver's own, checked by it.

    `identities` are shell patterns of what may answer (`hipec devices --probe` prints it); empty lets any unit in.
    """

    family: Name
    port: Name
    address: Annotated[int, Meta(ge=0, le=255)] = 1
    options: dict[str, bool | int | float | str] = field(default_factory=dict)
    registers: tuple[Register, ...] = ()
    identities: tuple[Annotated[str, Meta(min_length=1, max_length=100)], ...] = ()


class Source(Shape, frozen=True, kw_only=True):
    """Where a signal is read: device, channel, and a linear calibration `value = raw * gain + offset`."""

    device: Name
    channel: Name
    gain: Annotated[float, Meta(ge=-1e6, le=1e6)] = 1.0
    offset: Annotated[float, Meta(ge=-1e6, le=1e6)] = 0.0
    max_age_s: Annotated[float, Meta(gt=0, le=3.0)] = 0.6


class RelayChannel(Shape, frozen=True, kw_only=True):
    """One output of a relay board."""

    device: Name
    channel: Annotated[int, Meta(ge=0, le=31)]


class Actuators(Shape, frozen=True, kw_only=True):
    """Which device moves what. De-energised, the clamp turns the flow into the bypass and the drain stands open.

    `annunciator` is a buzzer with a supply of its own that sounds while this relay is open.
    """

    pump: Name
    heater: Name
    pump_enable: RelayChannel
    inflow_open: RelayChannel
    outflow_closed: RelayChannel
    annunciator: RelayChannel | None = None


class Circuit(Shape, frozen=True, kw_only=True):
    """Volumes and ratings of the disposable circuit."""

    inflow_line_ml: Annotated[float, Meta(ge=10, le=1000)] = 213.0
    outflow_line_ml: Annotated[float, Meta(ge=10, le=1000)] = 213.0
    exchanger_ml: Annotated[float, Meta(ge=5, le=1000)] = 80.0
    reservoir_full_ml: Annotated[float, Meta(ge=500, le=20000)] = 8000.0
    pump_ml_per_rev: Annotated[float, Meta(gt=0.1, le=100)] = 9.6
    pump_max_rpm: Annotated[float, Meta(gt=1, le=1000)] = 265.0


class Heater(Shape, frozen=True, kw_only=True):
    """The heat source. A bath is driven by set-point, an inline element by power."""

    kind: Literal["bath", "inline"]
    max_power_w: Annotated[float, Meta(gt=10, le=3000)] = 2000.0
    exchanger_ua_w_per_k: Annotated[float, Meta(gt=10, le=5000)] = 280.0
    bath_setpoint_max_c: Annotated[float, Meta(ge=38.0, le=BATH_SETPOINT_CEILING_C)] = BATH_SETPOINT_CEILING_C


class Limits(Shape, frozen=True, kw_only=True):
    """Alarm and trip levels. Each upper bound is the hard ceiling; a rig file may only come in below it."""

    inflow_cap_c: Annotated[float, Meta(ge=38.0, le=INFLOW_CAP_CEILING_C)] = 44.5
    inflow_trip_c: Annotated[float, Meta(ge=38.5, le=INFLOW_TRIP_CEILING_C)] = 45.5
    outlet_trip_c: Annotated[float, Meta(ge=39.0, le=OUTLET_TRIP_CEILING_C)] = 46.0
    cavity_trip_c: Annotated[float, Meta(ge=40.0, le=CAVITY_TRIP_CEILING_C)] = 43.5
    core_warn_c: Annotated[float, Meta(ge=36.0, le=38.5)] = 38.5
    core_alarm_c: Annotated[float, Meta(ge=36.5, le=39.0)] = 39.0
    core_trip_c: Annotated[float, Meta(ge=37.0, le=CORE_TRIP_CEILING_C)] = 39.5
    core_stop_c: Annotated[float, Meta(ge=37.5, le=CORE_STOP_CEILING_C)] = 40.0
    core_low_c: Annotated[float, Meta(ge=33.0, le=36.0)] = 34.5
    cavity_pressure_warn_mmhg: Annotated[float, Meta(ge=2, le=20)] = 18.0
    cavity_pressure_trip_mmhg: Annotated[float, Meta(ge=4, le=CAVITY_PRESSURE_TRIP_CEILING_MMHG)] = 22.0
    line_pressure_alarm_mmhg: Annotated[float, Meta(ge=20, le=250)] = 200.0
    line_pressure_trip_mmhg: Annotated[float, Meta(ge=40, le=LINE_PRESSURE_TRIP_CEILING_MMHG)] = 300.0
    heat_flow_min_lpm: Annotated[float, Meta(ge=0.2, le=1.0)] = 0.25
    flow_max_lpm: Annotated[float, Meta(gt=0.2, le=2.5)] = 2.5
    bubble_trip_mm: Annotated[float, Meta(gt=0, le=5.0)] = 5.0
    reservoir_low_ml: Annotated[float, Meta(ge=150, le=3000)] = 300.0
    volume_error_alarm_ml: Annotated[float, Meta(ge=50, le=300)] = 250.0
    probe_disagreement_warn_c: Annotated[float, Meta(ge=0.2, le=0.5)] = 0.5
    probe_disagreement_trip_c: Annotated[float, Meta(ge=0.3, le=1.0)] = 1.0


class Protective(Shape, frozen=True, kw_only=True):
    """Wiring of the independent channel. Its limits are constants in its own code; these only tighten them."""

    port: Name
    probe_unit: Annotated[int, Meta(ge=1, le=247)] = 1
    outlet_channel: Annotated[int, Meta(ge=0, le=7)] = 0
    inflow_channel: Annotated[int, Meta(ge=0, le=7)] = 1
    relay_unit: Annotated[int, Meta(ge=1, le=247)] = 2
    contactor_channel: Annotated[int, Meta(ge=0, le=7)] = 0
    clamp_channel: Annotated[int, Meta(ge=0, le=7)] | None = None  # in series with the coil of the clamp to the patient
    tone_channel: Annotated[int, Meta(ge=0, le=7)] | None = None  # its rest contact sounds: silent only while refreshed
    outlet_trip_c: Annotated[float, Meta(ge=39.0, le=46.0)] = 46.0
    inflow_trip_c: Annotated[float, Meta(ge=39.0, le=46.0)] = 46.0


class Rig(Shape, frozen=True, kw_only=True):
    """A whole bench: ports, devices, signals, actuators, circuit, limits and the protective channel's wiring."""

    name: Name
    description: Text = ""
    circuit: Circuit
    heater: Heater
    limits: Limits = field(default_factory=Limits)
    ports: dict[Name, Port]
    devices: dict[Name, Device]
    signals: dict[MeasuredSignal, Source]
    actuators: Actuators
    protective: Protective


# --- treatment ---------------------------------------------------------------------------------------------------


class Drug(Shape, frozen=True, kw_only=True):
    """A drug and its fractions. Shares add up to 1; times count from the first dose."""

    name: Annotated[str, Meta(min_length=2, max_length=60)]
    mg_per_m2: Annotated[float, Meta(gt=0, le=1000)]
    max_mg: Annotated[float, Meta(gt=0, le=5000)]
    shares: tuple[Annotated[float, Meta(gt=0, le=1)], ...]
    at_min: tuple[Annotated[float, Meta(ge=0, le=120)], ...]


class Treatment(Shape, frozen=True, kw_only=True):
    """One protocol: target, flow, volumes, times, and the drug if any. Values are set by the hospital."""

    name: Name
    title: Annotated[str, Meta(min_length=3, max_length=120)]
    source: Annotated[str, Meta(min_length=3, max_length=600)]
    carrier: Annotated[str, Meta(min_length=2, max_length=80)]
    technique: Literal["open", "closed"] = "closed"
    rigs: tuple[Name, ...] = ()
    target_c: Annotated[float, Meta(ge=39.0, le=43.0)] = 42.0
    ready_c: Annotated[float, Meta(ge=38.5, le=43.0)] = 41.0
    cavity_warn_c: Annotated[float, Meta(ge=40.0, le=CAVITY_WARN_CEILING_C)] = 43.0
    flow_lpm: Annotated[float, Meta(ge=0.4, le=2.5)] = 1.5
    fill_flow_lpm: Annotated[float, Meta(ge=0.1, le=1.5)] = 0.8
    preheat_c: Annotated[float, Meta(ge=37.0, le=44.0)] = 42.0
    carrier_ml_per_m2: Annotated[float, Meta(ge=500, le=3000)] = 1500.0
    fill_max_ml: Annotated[float, Meta(ge=500, le=5000)] = 3500.0
    duration_min: Annotated[float, Meta(ge=1, le=120)] = 90.0
    rinse_ml: Annotated[float, Meta(ge=0, le=4000)] = 1500.0
    rinse_dwell_min: Annotated[float, Meta(ge=0, le=15)] = 3.0
    agitate_every_min: Annotated[float, Meta(ge=0, le=30)] = 0.0  # closed technique: shake and turn; 0: no reminder
    drug: Drug | None = None


class Patient(Shape, frozen=True, kw_only=True):
    """What the doses and volumes are computed from. A pseudonym, never a name."""

    pseudonym: Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9._-]+$")] = "BENCH"
    height_cm: Annotated[float, Meta(ge=100, le=230)] = 170.0
    weight_kg: Annotated[float, Meta(ge=30, le=200)] = 70.0

    @property
    def bsa_m2(self) -> float:
        """Body surface area in m2 (Mosteller, N Engl J Med 1987;317:1098)."""
        return float((self.height_cm * self.weight_kg / 3600.0) ** 0.5)
