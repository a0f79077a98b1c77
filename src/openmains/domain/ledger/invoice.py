# SPDX-License-Identifier: Apache-2.0
"""Invoices (数电票) of bills: their life as a table, and how an amount that holds its tax is parted. Pure; amounts are whole fen.

    asked         written down and told to the tax adapter; what it made of it is not known yet
    issued        it has its number
    refused       the adapter will not; another may be asked for
    red_asked     a red-letter invoice (红字) was asked for; what came of it is not known yet
    red_lettered  taken back by a red-letter invoice; another may be asked for

A bill has one at a time that stands: all but ``refused`` and ``red_lettered``.
"""

from collections.abc import Mapping
from enum import StrEnum


class InvoiceState(StrEnum):
    """Where an invoice stands."""

    ASKED = "asked"
    ISSUED = "issued"
    REFUSED = "refused"
    RED_ASKED = "red_asked"
    RED_LETTERED = "red_lettered"


class InvoiceEvent(StrEnum):
    """What can happen to it."""

    DONE = "done"  # the adapter did what it was asked for
    DECLINED = "declined"  # it will not
    UNCLEAR = "unclear"  # no answer: it is asked again under the same number
    RED = "red"  # a person asks for the red letter


S, E = InvoiceState, InvoiceEvent
CHANGES: Mapping[InvoiceState, Mapping[InvoiceEvent, InvoiceState]] = {
    S.ASKED: {E.DONE: S.ISSUED, E.DECLINED: S.REFUSED, E.UNCLEAR: S.ASKED},
    S.ISSUED: {E.RED: S.RED_ASKED},
    S.REFUSED: {},
    S.RED_ASKED: {E.DONE: S.RED_LETTERED, E.DECLINED: S.ISSUED, E.UNCLEAR: S.RED_ASKED},
    S.RED_LETTERED: {},
}
WAITS = frozenset({S.ASKED, S.RED_ASKED})
"""States in which the adapter is asked what became of it."""


def after(state: InvoiceState, event: InvoiceEvent) -> InvoiceState | None:
    """Where it stands then; None: that cannot be done now."""
    return CHANGES[state].get(event)


def tax_within(fen: int, rate_bp: int) -> int:
    """Of an amount that holds its tax the tax, half up to the fen: fen × rate ÷ (1 + rate). ``rate_bp``: 1/100 of a percent; 300 is 3 %."""
    return (2 * fen * rate_bp + 10_000 + rate_bp) // (2 * (10_000 + rate_bp))
