# SPDX-License-Identifier: Apache-2.0
"""Edits travel as uplinks of their own channel, through the stream, in order with what the meter says.

So an edit is a version of its day like any other: counted by the meter's own counter, applied exactly once, in the
frame log, and replayed with everything else (ADR 0003). The payload is JSON, so that the frame log can be read.
"""

import msgspec

from openmains.app.ingest.uplink import Uplink
from openmains.domain.ids import ExceptionId, MeterId, ProductId, TenantId, UserId
from openmains.domain.readings.edit import edited_day, restored_day
from openmains.domain.readings.model import DayRow

EDIT_CHANNEL = "edit"
MOST_SLOTS = 3600  # a slot of 25 s


class Edit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a person set, and upon what: ``base``, grid and ``received_s`` are those of the day that was looked at.

    An undo says what its slots held before the edit that it takes back: ``increments`` and ``quality``, one a slot.
    ``volume`` is their sum then.
    """

    exception_id: ExceptionId
    user_id: UserId
    day: int
    base: int
    interval_s: int
    slots: int
    first: int
    count: int
    volume: int
    received_s: int  # an edit makes no reading late: the day keeps the instant its report came
    edit_id: int = 0
    approved_by: int = 0  # the second person; 0: none was needed
    reason: str = ""
    increments: list[int] | None = None
    quality: list[int] | None = None

    @property
    def is_undo(self) -> bool:
        """Whether it puts back what was, instead of setting a value."""
        return self.increments is not None

    def row(self) -> DayRow:
        """Raises ``ValueError`` when it is no part of a day."""
        if self.slots > MOST_SLOTS:
            raise ValueError(f"a day of {self.slots} slots")
        if self.increments is not None:
            if len(self.increments) != self.count:
                raise ValueError(f"{len(self.increments)} values for {self.count} slots")
            return restored_day(
                self.day, self.base, self.interval_s, self.slots, self.first, self.increments, self.quality or []
            )
        return edited_day(self.day, self.base, self.interval_s, self.slots, self.first, self.count, self.volume)


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Edit).decode


def edit_uplink(edit: Edit, meter_id: MeterId, tenant_id: TenantId, product_id: ProductId, now_us: int) -> Uplink:
    """The message that carries an edit."""
    return Uplink(
        meter_id, tenant_id, product_id, EDIT_CHANNEL, str(edit.edit_id or edit.exception_id), now_us, _encode(edit)
    )


def read_edit(payload: bytes) -> tuple[Edit, DayRow] | str:
    """The edit and its row, or what is wrong with it."""
    try:
        edit = _decode(payload)
        return edit, edit.row()
    except (msgspec.DecodeError, ValueError) as error:  # ValidationError is a DecodeError
        return str(error)
