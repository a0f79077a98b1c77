# SPDX-License-Identifier: Apache-2.0
"""What a gateway's normal confirmation of a meter's message says (R5.2, R5.3), *ours*: the time, and whether the meter is to stay awake.

``at 4 · ms 2 · utc_offset_min 2 signed · flags 1``; bit 0 of the flags: something follows, else the meter sleeps; bit 1: it is to join anew,
for its slice is of a plan that is over. ``at`` 0: the gateway does not know the time, and the meter keeps its own.
"""

from dataclasses import dataclass

from openmains.wire.cursor import ByteOrder, Reader, Writer
from openmains.wire.gbt36330.profile import LAYER

MORE, JOIN_ANEW = 1, 2


@dataclass(frozen=True, slots=True)
class Receipt:
    """``at_ms``: UTC when it was said, 0: not known."""

    at_ms: int
    utc_offset_min: int
    more: bool
    join_anew: bool = False


def encode_receipt(receipt: Receipt, order: ByteOrder = "big") -> bytes:
    """Nine bytes."""
    writer = Writer(LAYER)
    writer.uint(receipt.at_ms // 1000, 4, order)
    writer.uint(receipt.at_ms % 1000, 2, order)
    writer.sint(receipt.utc_offset_min, 2, order)
    writer.u8(receipt.more * MORE + receipt.join_anew * JOIN_ANEW)
    return writer.getvalue()


def decode_receipt_untrusted(data: bytes, order: ByteOrder = "big") -> Receipt:
    """Raises ``WireError`` for anything else."""
    reader = Reader(data, LAYER)
    at = reader.uint(4, order)
    ms = reader.uint(2, order)
    if ms > 999:
        raise reader.fail("ms", 4)
    offset = reader.sint(2, order)
    flags = reader.u8()
    if flags > MORE + JOIN_ANEW:
        raise reader.fail("flags", 8)
    reader.finish()
    return Receipt(at * 1000 + ms, offset, bool(flags & MORE), bool(flags & JOIN_ANEW))
