"""Modbus RTU over our own port: pymodbus makes and reads the frames, `Port` carries them.

pymodbus' own clients are not used: their sync client costs 2.5 ms a transaction and waits 12 s for a dead unit by
default. Not responsible for the meaning of a register.
"""

from __future__ import annotations

from drivers.port import Port


class ModbusUnit:
    """One unit on one RTU bus. Every call is one transaction and may raise any DeviceError."""

    def __init__(self, *, port: Port, unit: int) -> None:
        self.port = port
        self.unit = unit

    def read_holding(self, address: int, count: int) -> list[int]:
        """FC03: `count` unsigned 16-bit registers."""
        raise NotImplementedError

    def read_input(self, address: int, count: int) -> list[int]:
        """FC04: `count` unsigned 16-bit registers."""
        raise NotImplementedError

    def read_coils(self, address: int, count: int) -> list[bool]:
        """FC01."""
        raise NotImplementedError

    def read_discrete(self, address: int, count: int) -> list[bool]:
        """FC02."""
        raise NotImplementedError

    def write_coil(self, address: int, value: int) -> None:
        """FC05 with the raw 16-bit value (FF00 on, 0000 off; some boards give others a meaning)."""
        raise NotImplementedError

    def write_register(self, address: int, value: int) -> None:
        """FC06."""
        raise NotImplementedError

    def write_registers(self, address: int, values: list[int]) -> None:
        """FC16."""
        raise NotImplementedError
