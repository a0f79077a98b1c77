# SPDX-License-Identifier: Apache-2.0
"""What GB/T 36330-2018 section 7.6 leaves open, as options of a product or gateway (R5.4; ``docs/protocols/gbt36330.md``).

Byte order, start value, range and length of the check are not said by the standard, and its text (7.6.4: header and data) and
note (data) differ about the range. The defaults are the ones most readings of it have: big-endian, 0x0000, header and data, 2 bytes.
"""

from dataclasses import dataclass
from typing import Literal

from openmains.wire.crc import CRC16_XMODEM, Crc
from openmains.wire.cursor import ByteOrder

LAYER = "gbt36330"
MAX_DATA = 128  # of the data area, as sent
HEADER = 7  # length, sequence (2), application, version, control, message type
SHORT_HEADER = 6  # of an abnormal confirmation, which has no message type

CrcRange = Literal["header+data", "data"]


@dataclass(frozen=True, slots=True)
class Profile:
    """Checked options. ``crc_range`` "data": the header is then not covered, so damage in it goes unseen.

    ``check_length``: bytes of the check area; a longer one than the CRC begins with zeros, a shorter one has its low-order bytes.
    ``clear_commands``: whether what moves a valve, money, prices, keys or firmware may go down in clear. Section 5.7 b) wants it
    encrypted, so it is refused, both sending and receiving, unless a utility's meters can do no other.
    """

    byte_order: ByteOrder = "big"
    crc: Crc = CRC16_XMODEM
    crc_range: CrcRange = "header+data"
    check_length: int = 2
    clear_commands: bool = False

    def __post_init__(self) -> None:
        if self.byte_order not in ("big", "little"):
            raise ValueError(f"byte_order is big or little, not {self.byte_order}")
        if self.crc_range not in ("header+data", "data"):
            raise ValueError(f"crc_range is header+data or data, not {self.crc_range}")
        if not 1 <= self.check_length <= 4:
            raise ValueError(f"check_length is 1..4 bytes, not {self.check_length}")

    @property
    def shortest(self) -> int:
        """Bytes of an abnormal confirmation, the shortest frame there is."""
        return SHORT_HEADER + self.check_length

    @property
    def longest(self) -> int:
        """Bytes of a frame with a full data area."""
        return HEADER + MAX_DATA + self.check_length

    def check_of(self, header: bytes, data: bytes) -> bytes:
        """The check area of a frame."""
        value = self.crc.of(header + data if self.crc_range == "header+data" else data)
        return (value & (1 << 8 * self.check_length) - 1).to_bytes(self.check_length, self.byte_order)


DEFAULT = Profile()
