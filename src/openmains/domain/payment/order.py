# SPDX-License-Identifier: Apache-2.0
"""The life of a payment order as a table: state × event → state. What a pair does not name leaves the state as it is.

    created    written down; whether the provider has it is not known yet
    open       the provider has it, and nobody has paid
    unknown    an answer did not come or could not be believed: it is asked for, never assumed
    paid       the provider said so, signed, and it is booked
    closed     nobody paid, and nobody can any more
    refunded   all of it was given back

Money that comes late counts: an order that was closed and is then said to be paid is paid. Nothing else leaves ``paid`` but the whole
refund, whatever a provider says afterwards; such a word is a contradiction, which a person is shown (``contradicts``).
"""

from collections.abc import Mapping
from enum import StrEnum


class OrderState(StrEnum):
    """Where an order stands."""

    CREATED = "created"
    OPEN = "open"
    UNKNOWN = "unknown"
    PAID = "paid"
    CLOSED = "closed"
    REFUNDED = "refunded"


class OrderEvent(StrEnum):
    """What can happen to it."""

    PLACED = "placed"  # the provider took it, or says that it waits for its payer
    UNCLEAR = "unclear"  # no answer, or none that can be believed
    DECLINED = "declined"  # the provider refused to take it
    PAID = "paid"  # the provider: paid, with the number, merchant and amount that fit
    CLOSED = "closed"  # the provider: closed, or it never had it and its time is over
    REFUNDED = "refunded"  # all of it was given back


S, E = OrderState, OrderEvent
ENDS = frozenset({S.PAID, S.CLOSED, S.REFUNDED})
ASKED_FOR = frozenset({S.CREATED, S.OPEN, S.UNKNOWN})
"""States in which the provider is asked what became of it."""

CHANGES: Mapping[OrderState, Mapping[OrderEvent, OrderState]] = {
    S.CREATED: {E.PLACED: S.OPEN, E.UNCLEAR: S.UNKNOWN, E.DECLINED: S.CLOSED, E.PAID: S.PAID, E.CLOSED: S.CLOSED},
    S.OPEN: {E.UNCLEAR: S.UNKNOWN, E.PAID: S.PAID, E.CLOSED: S.CLOSED},
    S.UNKNOWN: {E.PLACED: S.OPEN, E.PAID: S.PAID, E.CLOSED: S.CLOSED},
    S.PAID: {E.REFUNDED: S.REFUNDED},
    S.CLOSED: {E.PAID: S.PAID},
    S.REFUNDED: {},
}


def after(state: OrderState, event: OrderEvent) -> OrderState:
    """Where it stands then."""
    return CHANGES[state].get(event, state)


def contradicts(state: OrderState, event: OrderEvent) -> bool:
    """Whether the provider now says of an order that was paid that it was not."""
    return state in (S.PAID, S.REFUNDED) and event in (E.CLOSED, E.DECLINED)


def pause_s(asked: int) -> int:
    """How long after the ``asked``-th question the next one comes: 5 s, doubled up to half an hour."""
    return int(min(1800, 5 * 2 ** min(asked, 9)))
