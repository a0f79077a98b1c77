# SPDX-License-Identifier: Apache-2.0
"""Price table of CJ/T 188-2004: written by A010, read by 8102 [?].

``price 1 (3) · volume 1 (3) · price 2 (3) · volume 2 (3) · price 3 (3) · first day (1)``, BCD, low byte first: prices in 0.01 yuan for a cubic
metre, volumes in m³. The layout is from public descriptions of the standard and not confirmed by its text; makers of prepay meters
often have one of their own.
"""

from dataclasses import dataclass

from openmains.wire.cjt188.frame import LAYER
from openmains.wire.cursor import Reader, Writer
from openmains.wire.errors import WireError

PRICE_TABLE = 0x8102


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Three prices in fen for a cubic metre, the two volumes (m³) at which the next one begins, and the day of the month (1–31) from which
    it holds."""

    prices: tuple[int, int, int]
    bounds: tuple[int, int]
    first_day: int


def encode_prices(table: PriceTable) -> bytes:
    """16 bytes; raises ``WireError`` for what the table cannot say."""
    _check(table)
    writer = Writer(LAYER)
    for price, bound in zip(table.prices, (*table.bounds, None), strict=True):
        writer.bcd(price, 3, "little")
        if bound is not None:
            writer.bcd(bound, 3, "little")
    writer.bcd(table.first_day, 1, "little")
    return writer.getvalue()


def decode_prices_untrusted(payload: bytes) -> PriceTable:
    """A price table; raises ``WireError``."""
    reader = Reader(payload, LAYER)
    first, low, second, high, third = (reader.bcd(3, "little") for _ in range(5))
    table = PriceTable((first, second, third), (low, high), reader.bcd(1, "little"))
    reader.finish()
    _check(table)
    return table


def _check(table: PriceTable) -> None:
    if not 1 <= table.first_day <= 31:
        raise WireError(LAYER, 15, "day of the month")
    if table.bounds[0] >= table.bounds[1]:
        raise WireError(LAYER, 9, "bounds do not rise")
