# SPDX-License-Identifier: Apache-2.0
"""What a batch of messages leaves for others: alarms that change, and messages that could not be used, as people see them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from msgspec import Struct

from openmains.domain.ids import MeterId, ProductId, TenantId

DeadLetterStatus = Literal["open", "replayed", "dismissed"]


class DeadLetter(Struct, frozen=True):
    """A message that could not be used, with what was wrong and where. ``number`` and ``imei``: the meter's, null where it is
    in the registry no more."""

    dead_letter_id: int
    meter_id: MeterId
    number: str | None
    imei: str | None
    product_id: ProductId
    channel: str
    path: str
    received_at: datetime
    payload_hex: str
    reason: str
    byte_offset: int
    detail: str
    frame_number: int | None  # in the frame, of a message held because it is not the registered one
    status: DeadLetterStatus
    handled_by: int | None
    handled_at: datetime | None


@dataclass(slots=True)
class AlarmChange:
    """A transition of one event of one meter, of a limit's event: of one quantity."""

    tenant_id: TenantId
    meter_id: MeterId
    event: str
    severity: str
    action: str  # "raised", "repeated", "cleared"
    raised_at: int
    received_us: int
    quantity: str = ""  # of an alarm about a limit: which one, what it was and the bound, x 10^exponent of the unit
    value: int | None = None
    bound: int | None = None
    unit: str = ""
    exponent: int = 0
