# SPDX-License-Identifier: Apache-2.0
"""Messages that could not be used, as people see them."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

DeadLetterStatus = Literal["open", "replayed", "dismissed"]


class DeadLetter(Struct, frozen=True):
    """A message that could not be used, with what was wrong and where."""

    dead_letter_id: int
    meter_id: int
    product_id: int
    channel: str
    path: str
    received_at: datetime
    payload_hex: str
    reason: str
    byte_offset: int
    detail: str
    status: DeadLetterStatus
    handled_by: int | None
    handled_at: datetime | None
