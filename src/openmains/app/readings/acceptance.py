# SPDX-License-Identifier: Apache-2.0
"""That a person took the number in a meter's frames for right travels as an uplink of its own channel, as edits do.

So it stands in the meter's own order before the held messages that are sent after it, is applied once, and is in the frame log.
"""

import msgspec

from openmains.app.ingest.uplink import Uplink
from openmains.domain.ids import ExceptionId, MeterId, ProductId, TenantId, UserId

NUMBER_CHANNEL = "number"
MOVED_CHANNEL = "moved"
"""A message that was held at another meter and that a person gave to this one: its number is looked at no more, and it says
nothing of which module sits here."""


class Acceptance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose word it is, upon which exception, about which number."""

    exception_id: ExceptionId
    user_id: UserId
    number: int


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Acceptance).decode


def acceptance_uplink(
    accepted: Acceptance, meter_id: MeterId, tenant_id: TenantId, product_id: ProductId, now_us: int
) -> Uplink:
    """The message that carries it."""
    place = str(accepted.exception_id)
    return Uplink(meter_id, tenant_id, product_id, NUMBER_CHANNEL, place, now_us, _encode(accepted))


def read_acceptance(payload: bytes) -> Acceptance | str:
    """What was accepted, or what is wrong with the message."""
    try:
        return _decode(payload)
    except msgspec.DecodeError as error:  # ValidationError is a DecodeError
        return str(error)
