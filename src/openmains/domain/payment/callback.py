# SPDX-License-Identifier: Apache-2.0
"""What a callback must say before it changes anything. Its signature was looked at before; here is all that a true signature does not say:
that it is new, that it is ours, and that it is of this order and amount.

Our own clock judges its time; the provider's is never taken for the time of a booking.
"""

from dataclasses import dataclass
from enum import StrEnum

WINDOW_S = 300  # WeChat Pay v3: five minutes, and so for partners; Alipay says none, and what comes late is asked for


class CallbackFault(StrEnum):
    """Why a callback changed nothing."""

    UNREADABLE = "unreadable"  # not what this provider sends
    UNKNOWN_KEY = "unknown-key"  # signed with a key that the channel does not know
    SIGNATURE = "signature"  # the signature is not of these bytes
    STALE = "stale"  # older or newer than the window by our clock
    SECRET = "secret"  # noqa: S105 - the sealed part does not open with the channel's key
    MERCHANT = "merchant"  # of another merchant or application
    ORDER = "order"  # of no order of this channel
    AMOUNT = "amount"  # another amount or currency than the order's
    NUMBER = "number"  # the channel's number is another payment's
    CHANNEL_OFF = "channel-off"  # the channel is switched off or gone


@dataclass(frozen=True, slots=True)
class OrderClaim:
    """What the provider says of an order, or what we hold of it, to be compared."""

    merchant: str
    application: str
    order_number: str
    fen: int
    currency: str = "CNY"


def is_stale(instant_s: int, now_s: int) -> bool:
    """Whether an instant is outside the window around our clock."""
    return abs(now_s - instant_s) > WINDOW_S


def is_in_trail(count: int) -> bool:
    """Whether the so-many-th refusal of a kind on a day stands in the audit trail: the 1st, 10th, 100th … so that a flood fills nothing."""
    return str(count).strip("0") == "1"


def fault(claim: OrderClaim, held: OrderClaim) -> CallbackFault | None:
    """The first thing that does not fit."""
    if (claim.merchant, claim.application) != (held.merchant, held.application):
        return CallbackFault.MERCHANT
    if claim.order_number != held.order_number:
        return CallbackFault.ORDER
    if (claim.fen, claim.currency) != (held.fen, held.currency):
        return CallbackFault.AMOUNT
    return None
