"""Numbers of the simulated bench and patient: what the physics needs, with units, and where each comes from.

Sources: tubing and prime from catalogue dimensions (3/8 in x 3/32 in PVC, 71 mL/m, 0.38 W/K/m); conductance cavity to
body fitted to Furman and Lambert (NESS 2011, P15) and Goldenshluger (Ann Surg Oncol 2018); anaesthetised heat balance
from the circulating-water garment study PMC1409744; body heat capacity from Temperature 2022 (specific heat 2.98
kJ/kg/K). Not responsible for limits or set-points: nothing here is known to the controller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from config.schema import Rig

FLUID_J_PER_ML_K = 4.12  # crystalloid carrier, rho * cp
REFERENCE_FLOW_LPM = 1.5  # the flow at which a rig file states its exchanger's conductance
HeaterKind = Literal["bath", "inline"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitParameters:
    """Reservoir, pump and lines. Lines and exchanger are full of fluid at room temperature from the start."""

    room_c: float = 21.0
    inflow_line_ml: float = 213.0
    outflow_line_ml: float = 213.0
    exchanger_ml: float = 80.0
    line_loss_w_per_k_ml: float = 0.38 / 71.0
    reservoir_full_ml: float = 8000.0
    reservoir_loss_w_per_k: float = 2.5  # when full; falls with the level
    carrier_ml: float = 6000.0  # what the bedside person pours at the start: prime, fill and reserve
    carrier_c: float = 22.0
    rinse_ml: float = 3000.0
    rinse_c: float = 37.0
    pump_ml_per_rev: float = 9.6
    pump_max_rpm: float = 265.0
    pump_rpm_per_s: float = 200.0  # the drive's ramp
    stall_pressure_mmhg: float = 2500.0  # where slip has eaten the whole stroke
    line_resistance_mmhg_per_lpm: float = 10.0
    line_resistance_mmhg_per_lpm2: float = 20.0  # fittings and cannulae: 60 mmHg at 1.5 L/min
    line_compliance_ml_per_mmhg: float = 0.06
    drain_head_mmhg: float = 4.0
    drain_resistance_mmhg_per_lpm: float = 6.67


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaterParameters:
    """A circulator with plate exchanger ("bath") or an element in the stream with a solid-state relay ("inline")."""

    kind: HeaterKind = "bath"
    max_power_w: float = 2000.0
    exchanger_ua_w_per_k: float = 280.0  # at REFERENCE_FLOW_LPM
    stagnant_ua_w_per_k: float = 40.0  # what is left of it when the fluid stands
    bath_ml: float = 3000.0
    bath_flow_lpm: float = 15.0
    bath_loss_w_per_k: float = 2.0
    bath_cooling_w: float = 0.0  # heating-only circulator
    bath_gain_w_per_k: float = 800.0  # the circulator's own PI regulator
    bath_integral_s: float = 90.0
    bath_overtemperature_c: float = 65.0  # its mechanical cut-out; latches
    element_j_per_k: float = 150.0
    element_overtemperature_c: float = 90.0  # manual-reset thermostat on the heater's body; latches


@dataclass(frozen=True, slots=True, kw_only=True)
class CavityParameters:
    """The perfused cavity: three compartments (right upper, left upper, pelvis) of equal volume."""

    technique: Literal["open", "closed"] = "closed"
    free_ml: float = 1600.0  # up to here the wall does not stretch
    compliance_ml_per_mmhg: float = 150.0
    rest_pressure_mmhg: float = 2.0
    open_pressure_share: float = 0.3  # of the closed cavity's pressure, hydrostatic, when the wall is open
    mixing_per_s: float = 0.008  # exchange between two compartments as a share of the volume; x3 open (hand stirred)
    inflow_shares: tuple[float, float, float] = (0.45, 0.35, 0.20)
    outflow_shares: tuple[float, float, float] = (0.20, 0.20, 0.60)
    dead_ml: float = 15.0  # below the lowest hole of the drain
    collect_ml: float = 60.0  # the drain starts to suck air below dead + collect
    wetted_ml: float = 1500.0  # the whole peritoneal surface is wet from here on
    open_loss_w_per_k: float = 2.0
    open_evaporation_ml_min: float = 0.5
    absorption_ml_min: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientParameters:
    """An anaesthetised patient as three heat stores: tissue around the cavity, core, and periphery."""

    weight_kg: float = 70.0
    body_j_per_kg_k: float = 2980.0
    core_start_c: float = 36.0
    periphery_below_core_c: float = 2.0
    ua_w_per_k: float = 45.0  # cavity fluid to core, in series over film and perfused tissue
    film_share: float = 0.35  # of that series resistance: fluid to tissue
    tissue_share: float = 0.06  # of body heat capacity
    core_share: float = 0.58
    periphery_w_per_k: float = 70.0  # blood-borne, core to periphery
    metabolism_w: float = 70.0
    metabolism_per_k: float = 0.08  # rise per degree of core above 37
    room_loss_w_per_k: float = 4.5  # periphery to room, covered
    cooling_w: float = 150.0  # water mattress and ice
    cooling_from_c: float = 35.5  # eased off towards this core temperature
    dilation_from_c: float = 38.0  # anaesthetised threshold of vasodilation and sweating
    dilation_per_k: float = 0.25  # rise of blood-borne conductances per degree above it
    dilation_loss_w_per_k: float = 30.0  # further loss per degree above it

    @classmethod
    def of_weight(cls, weight_kg: float) -> PatientParameters:
        """The nominal patient at another weight (kg): surfaces scale with w^(2/3), metabolism with w^(3/4)."""
        nominal = cls()
        surface = (weight_kg / nominal.weight_kg) ** (2.0 / 3.0)
        return replace(
            nominal,
            weight_kg=weight_kg,
            ua_w_per_k=nominal.ua_w_per_k * surface,
            periphery_w_per_k=nominal.periphery_w_per_k * surface,
            metabolism_w=nominal.metabolism_w * (weight_kg / nominal.weight_kg) ** 0.75,
            room_loss_w_per_k=nominal.room_loss_w_per_k * surface,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeParameters:
    """One sensor: first-order lag, gain, white noise (rms), calibration offset, self-heating, in its signal's unit."""

    lag_s: float
    gain: float = 1.0
    noise: float = 0.0
    offset: float = 0.0
    self_heating: float = 0.0


def _thermometer(lag_s: float, *, self_heating: float = 0.01) -> ProbeParameters:
    return ProbeParameters(lag_s=lag_s, noise=0.015, self_heating=self_heating)


NOMINAL_PROBES: Mapping[str, ProbeParameters] = MappingProxyType(
    {
        "heater_outlet_c": _thermometer(0.6),
        "inflow_c": _thermometer(0.8),
        "outflow_c": _thermometer(1.5),
        "cavity_1_c": _thermometer(4.0),
        "cavity_2_c": _thermometer(4.0),
        "cavity_3_c": _thermometer(4.0),
        "core_c": _thermometer(15.0, self_heating=0.0),
        "source_c": _thermometer(1.0),
        "flow_lpm": ProbeParameters(lag_s=0.2, noise=0.008),
        "bubble_mm": ProbeParameters(lag_s=0.02),
        "line_pressure_mmhg": ProbeParameters(lag_s=0.05, noise=1.5),
        "cavity_pressure_mmhg": ProbeParameters(lag_s=0.1, noise=0.15),
        "reservoir_ml": ProbeParameters(lag_s=0.3, noise=4.0),
        "outlet_b_c": _thermometer(0.6),
        "inflow_b_c": _thermometer(0.8),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Everything a `Plant` is made of."""

    circuit: CircuitParameters = field(default_factory=CircuitParameters)
    heater: HeaterParameters = field(default_factory=HeaterParameters)
    cavity: CavityParameters = field(default_factory=CavityParameters)
    patient: PatientParameters = field(default_factory=PatientParameters)
    probes: Mapping[str, ProbeParameters] = field(default_factory=lambda: NOMINAL_PROBES)

    @classmethod
    def nominal(cls, heater_kind: HeaterKind) -> Parameters:
        """The cooled reference patient on a bench with this kind of heater."""
        return cls(heater=HeaterParameters(kind=heater_kind))


def parameters_for(
    rig: Rig, patient: PatientParameters | None, technique: Literal["open", "closed"] = "closed"
) -> Parameters:
    """Nominal physics with the volumes and ratings of a rig file; the nominal patient when none is given."""
    return Parameters(
        circuit=CircuitParameters(
            inflow_line_ml=rig.circuit.inflow_line_ml,
            outflow_line_ml=rig.circuit.outflow_line_ml,
            exchanger_ml=rig.circuit.exchanger_ml,
            reservoir_full_ml=rig.circuit.reservoir_full_ml,
            carrier_ml=min(CircuitParameters().carrier_ml, 0.9 * rig.circuit.reservoir_full_ml),
            pump_ml_per_rev=rig.circuit.pump_ml_per_rev,
            pump_max_rpm=rig.circuit.pump_max_rpm,
        ),
        heater=HeaterParameters(
            kind=rig.heater.kind,
            max_power_w=rig.heater.max_power_w,
            exchanger_ua_w_per_k=rig.heater.exchanger_ua_w_per_k,
        ),
        cavity=CavityParameters(technique=technique),
        patient=patient if patient is not None else PatientParameters(),
    )
