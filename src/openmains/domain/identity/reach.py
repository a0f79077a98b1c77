# SPDX-License-Identifier: Apache-2.0
"""How far rights reach (R13.5): a grant is a role, and where it holds – places with all below them, media, products (a maker's own models), for
a client application also the devices that it is bound to.

Within its reach somebody may what the role may; outside, nothing is there. What concerns the utility as a whole nobody does whose
rights are limited: ``WHOLE`` names those permissions, and a limited person does not hold them, whatever the role says.
"""

from dataclasses import dataclass

from openmains.domain.identity.permission import Permission as P

MOST_PLACES = 100
MOST_PRODUCTS = 1_000
MEDIA = ("gas", "water")

WHOLE = frozenset(
    {
        P.MANAGE_USERS, P.SEE_TRAIL, P.MANAGE_PLACES, P.MANAGE_PRODUCTS, P.MANAGE_DRIVERS, P.MANAGE_LIFETIMES, P.MANAGE_CONCENTRATORS,
        P.MANAGE_OPERATOR_PLATFORMS,
        P.FOLLOW_READINGS, P.MANAGE_TASKS, P.MANAGE_QUERIES, P.HANDLE_DEAD_LETTERS, P.MANAGE_RULES, P.HANDLE_NOTICES, P.MANAGE_NOTICES,
        P.STOP_COMMANDS, P.MANAGE_COMMANDS, P.HANDLE_SECURITY, P.SET_SECURITY, P.MANAGE_KEYS, P.DRAFT_TARIFFS, P.APPROVE_TARIFFS,
        P.EXPORT_MONEY, P.ASK_FOR_MONEY, P.APPROVE_MONEY, P.TAKE_MONEY, P.BOOK_PAYMENTS, P.RUN_BILLING, P.MANAGE_ORDERS, P.SEE_SYSTEM,
        P.MANAGE_SUBSCRIPTIONS, P.MANAGE_JOBS, P.INSERT_READINGS, P.MANAGE_PAYMENT_CHANNELS, P.PAY_AS_THIRD_PARTY,
        P.RUN_DIRECT_DEBIT,
    }
)  # fmt: skip
"""Of the utility as a whole: its people, settings, keys, books and unknown terminals lie at no place."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a grant holds. Each that is empty limits nothing; ``places`` are areas, each with all below it; ``meters`` are the bound devices
    of an application, beside which stand the products of these (ADR 0061)."""

    places: tuple[int, ...] = ()
    media: tuple[str, ...] = ()
    products: tuple[int, ...] = ()
    meters: tuple[int, ...] = ()

    @property
    def is_whole(self) -> bool:
        """The whole utility."""
        return not (self.places or self.media or self.products or self.meters)


EVERYWHERE = Reach()
