# SPDX-License-Identifier: Apache-2.0
"""Any cyclic redundancy check, by its parameters: width, polynomial, start value, reflection, final xor.

Makers agree on no check, so a check is data. The parameters are those of the Rocksoft model, in which the public catalogues
list checks; a check of this model over ``123456789`` is known for each of them. A CRC finds damage and proves nothing about who
sent the bytes.
"""

from binascii import crc_hqx
from dataclasses import dataclass
from functools import lru_cache

MIRROR = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))
LEAST_WIDTH, MOST_WIDTH = 8, 64


@dataclass(frozen=True, slots=True)
class Crc:
    """A check of ``width`` bits, 8 to 64. ``polynomial`` without its highest bit, most significant bit first.

    Raises ``ValueError`` for parameters that do not fit the width: such a check would be another one than was meant.
    """

    width: int
    polynomial: int
    start: int = 0
    reflect_in: bool = False
    reflect_out: bool = False
    final_xor: int = 0

    def __post_init__(self) -> None:
        if not LEAST_WIDTH <= self.width <= MOST_WIDTH:
            raise ValueError(f"width is {LEAST_WIDTH}..{MOST_WIDTH} bits, not {self.width}")
        for name, value in (("polynomial", self.polynomial), ("start", self.start), ("final_xor", self.final_xor)):
            if not 0 <= value < 1 << self.width:
                raise ValueError(f"{name} 0x{value:x} does not fit into {self.width} bits")
        if not self.polynomial & 1:
            raise ValueError(
                "a polynomial ends in 1: it is written most significant bit first, without its highest bit"
            )

    def of(self, data: bytes) -> int:
        """The check over ``data``."""
        if self.width == 16 and self.polynomial == 0x1021 and not self.reflect_in and not self.reflect_out:
            return (
                crc_hqx(data, self.start) ^ self.final_xor
            )  # most frames' check, tried at every byte of a stream of noise
        table, top, mask = _table(self.width, self.polynomial), self.width - 8, (1 << self.width) - 1
        if self.reflect_in:
            data = data.translate(MIRROR)
        register = self.start
        for byte in data:
            register = (register << 8 & mask) ^ table[register >> top ^ byte]
        if self.reflect_out:
            register = int(f"{register:0{self.width}b}"[::-1], 2)
        return register ^ self.final_xor


@lru_cache(maxsize=64)
def _table(width: int, polynomial: int) -> tuple[int, ...]:
    high, mask = 1 << (width - 1), (1 << width) - 1
    found = []
    for value in range(256):
        register = value << (width - 8)
        for _ in range(8):
            register = (register << 1 & mask) ^ (polynomial if register & high else 0)
        found.append(register)
    return tuple(found)


CRC16_XMODEM = Crc(16, 0x1021)
CRC16_CCITT_FALSE = Crc(16, 0x1021, 0xFFFF)
CRC16_MODBUS = Crc(16, 0x8005, 0xFFFF, True, True)
