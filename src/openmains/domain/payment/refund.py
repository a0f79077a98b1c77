# SPDX-License-Identifier: Apache-2.0
"""The life of a refund as a table. It is booked when a second person agrees, so that nobody spends the money meanwhile; then the
provider is told, and
asked until it says what became of it."""

from collections.abc import Mapping
from enum import StrEnum


class RefundState(StrEnum):
    """Where a refund stands."""

    ASKED = "asked"  # waits for another person
    REJECTED = "rejected"
    AGREED = "agreed"  # booked; the provider is told, or asked, again and again
    DONE = "done"  # the provider gave it back
    FAILED = "failed"  # the provider will not: the money stays in the clearing account, and a person sees to it


class RefundEvent(StrEnum):
    """What can happen to it."""

    AGREE = "agree"
    REJECT = "reject"
    DONE = "done"
    DECLINED = "declined"
    AGAIN = "again"


S, E = RefundState, RefundEvent
CHANGES: Mapping[RefundState, Mapping[RefundEvent, RefundState]] = {
    S.ASKED: {E.AGREE: S.AGREED, E.REJECT: S.REJECTED},
    S.REJECTED: {},
    S.AGREED: {E.DONE: S.DONE, E.DECLINED: S.FAILED},
    S.DONE: {},
    S.FAILED: {E.AGAIN: S.AGREED, E.DONE: S.DONE},
}
STANDING = frozenset({S.ASKED, S.AGREED, S.DONE, S.FAILED})
"""States that count against what was paid: together they never exceed it."""


def after(state: RefundState, event: RefundEvent) -> RefundState | None:
    """Where it stands then; None: that cannot be done now."""
    return CHANGES[state].get(event)


def is_too_much(paid_fen: int, standing_fen: int, wanted_fen: int) -> bool:
    """Whether more would be given back than was paid."""
    return wanted_fen <= 0 or standing_fen + wanted_fen > paid_fen
