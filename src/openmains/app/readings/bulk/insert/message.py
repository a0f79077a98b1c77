# SPDX-License-Identifier: Apache-2.0
"""What a person's file brought of one meter travels as an uplink of its own channel, as edits do (``app/readings/edits.py``).

So it stands in the meter's own order, is a version like any other with its cause, is in the frame log, and is applied with its stream
position. It holds only what was not known: the same one again changes no value.
"""

import msgspec

from openmains.app.ingest.uplink import Uplink
from openmains.domain.ids import MeterId, ProductId, TenantId, UserId
from openmains.domain.readings.model import DayRow

INSERT_CHANNEL = "insert"
MOST_VALUES = 5_000
"""Values that one message holds at most, but for those of one day."""


class RunOf(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Values of a quantity (its number) on a grid; ``interval_s`` 0: one spot value. ``quality``: flags of each, none: all measured."""

    point: int
    start_s: int
    interval_s: int
    values: list[int]
    quality: list[int]


class LoggedOf(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What every report says (``logged`` in points.toml), by the column it is kept in."""

    at: int
    values: dict[str, int]


class DayOf(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Slots of a day; those not known are ``MISSING``. ``received_s``: when the day's newest message came."""

    day: int
    base: int
    interval_s: int
    increments: list[int]
    quality: list[int]
    received_s: int

    def row(self) -> DayRow:
        """As days are merged."""
        return DayRow(self.day, self.base, self.interval_s, list(self.increments), list(self.quality), partial=True)


class Inserted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a file brought, and by whom."""

    user_id: UserId
    job_id: int
    file: str = ""
    runs: list[RunOf] = []
    logged: list[LoggedOf] = []
    days: list[DayOf] = []


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Inserted).decode


def insert_uplink(word: Inserted, meter_id: MeterId, tenant_id: TenantId, product_id: ProductId, at_us: int) -> Uplink:
    """The message that carries it."""
    return Uplink(meter_id, tenant_id, product_id, INSERT_CHANNEL, str(word.job_id), at_us, _encode(word))


def read_inserted(payload: bytes) -> Inserted | str:
    """What was inserted, or what is wrong with the message."""
    try:
        word = _decode(payload)
    except msgspec.DecodeError as error:  # ValidationError is a DecodeError
        return str(error)
    if any(len(day.increments) != len(day.quality) or day.interval_s <= 0 for day in word.days):
        return "a day whose slots and flags differ"
    if any(not run.values or (run.quality and len(run.quality) != len(run.values)) for run in word.runs):
        return "a run without values, or with other flags"
    return word
