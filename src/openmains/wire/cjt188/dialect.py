# SPDX-License-Identifier: Apache-2.0
"""What makers of CJ/T 188 meters disagree about, as far as a master must know it (``docs/protocols/cjt188.md``)."""

from dataclasses import dataclass
from enum import Enum

from openmains.wire.cjt188.data import IdOrder


class Valve(Enum):
    """Where a valve stands, by the status bytes of a 901F answer."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"  # any other pattern: a fault, or on its way


@dataclass(frozen=True, slots=True)
class Dialect:
    """``valve_mask`` over status byte ``valve_byte``; ``valve_open`` and ``valve_closed`` are patterns under it.

    ``valve_wait_ms``: from the command to the first look, and between looks; a motor valve takes seconds.
    """

    id_order: IdOrder = "high-first"
    valve_byte: int = 0
    valve_mask: int = 0x03
    valve_open: int = 0x00
    valve_closed: int = 0x01
    valve_wait_ms: int = 2_000
    preamble: int = 4

    def __post_init__(self) -> None:
        if self.valve_byte not in (0, 1) or not 0 < self.valve_mask < 256:
            raise ValueError("valve_byte is 0 or 1, valve_mask 0x01..0xFF")
        if self.valve_open == self.valve_closed or (self.valve_open | self.valve_closed) & ~self.valve_mask:
            raise ValueError("open and closed must differ and lie inside valve_mask")

    def valve(self, status: bytes) -> Valve:
        """Where the valve stands by these two status bytes."""
        found = status[self.valve_byte] & self.valve_mask
        return {self.valve_open: Valve.OPEN, self.valve_closed: Valve.CLOSED}.get(found, Valve.UNKNOWN)

    def status(self, valve: Valve, status: bytes = bytes(2)) -> bytes:
        """``status`` with the valve's bits made to say ``valve``; any other pattern for UNKNOWN. Raises ``ValueError`` without one."""
        patterns = {Valve.OPEN: self.valve_open, Valve.CLOSED: self.valve_closed}
        wanted = patterns.get(valve)
        if wanted is None:
            others = (each for each in range(self.valve_mask, 0, -1) if not each & ~self.valve_mask)
            wanted = next((each for each in others if each not in patterns.values()), None)
            if wanted is None:
                raise ValueError("these status bits know open and closed only")
        found = bytearray(status)
        found[self.valve_byte] = found[self.valve_byte] & ~self.valve_mask | wanted
        return bytes(found)


STANDARD = Dialect()
