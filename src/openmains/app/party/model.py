# SPDX-License-Identifier: Apache-2.0
"""Accounts as use cases and the API see them."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from openmains.app.fleet.model import Code, CustomerRef, Medium, Text
from openmains.domain.ids import AccountId, AreaId, CustomerId, PremisesId, UserId
from openmains.domain.party.accounts import ActKind

PremisesRef = Annotated[PremisesId, Meta(ge=1, le=2**63 - 1)]
AccountRef = Annotated[AccountId, Meta(ge=1, le=2**63 - 1)]
ActKey = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        pattern=r"^\S+$",
        description="The caller's own for this act: the same again is the same act.",
    ),
]


class Account(Struct, frozen=True):
    """An account (户号) with where it is, and who holds it now; closed for ever from ``closed_at`` on."""

    account_id: AccountId
    number: str
    medium: Medium
    premises_id: PremisesId
    premises_code: str
    address: str
    area_id: AreaId
    area_name: str
    opened_at: datetime
    closed_at: datetime | None
    revision: int
    customer_id: CustomerId | None
    customer_code: str | None
    customer_name: str | None
    held_since: datetime | None


AccountSort = Literal["account_id", "number", "-number"]
"""As they were entered, or by their number up and down."""


class AccountFilter(Struct, frozen=True):
    """Which accounts a list holds, in which order; an area includes those below it. ``number``: how it begins; ``customer_id``: who holds it,
    now or at any time (``is_past``). ``after``: id or number of the last that was shown, by which the list is sorted."""

    area_id: AreaId | None = None
    premises_id: PremisesId | None = None
    customer_id: CustomerId | None = None
    number: str | None = None
    is_past: bool = False
    limit: int = 50
    after: int | str | None = None
    sort: AccountSort = "account_id"


class RecordedAct(Struct, frozen=True):
    """An act of an account in its history, as ``AccountAct`` of ``domain/party/accounts.py``, with names for people. ``made_at``: when told."""

    act_id: int
    kind: ActKind
    at: datetime
    customer_id: CustomerId | None
    customer_name: str | None
    former_id: CustomerId | None
    former_name: str | None
    other_id: AccountId | None
    other_number: str | None
    key: str
    reason: str
    made_by: UserId | None
    maker: str | None
    made_at: datetime


class Holder(Struct, frozen=True):
    """Who held an account from ``begins`` until before ``ends`` (null: holds it)."""

    customer_id: CustomerId
    customer_code: str
    customer_name: str
    begins: datetime
    ends: datetime | None


class NewAccount(Struct, frozen=True, forbid_unknown_fields=True):
    """An account to open. ``customer_id`` moves in at once; ``opened_at``: now without it, else earlier."""

    key: ActKey
    number: Code
    premises_id: PremisesRef
    medium: Medium
    customer_id: CustomerRef | None = None
    opened_at: datetime | None = None
    reason: Text = ""


class WantedAct(Struct, frozen=True, forbid_unknown_fields=True):
    """An act on an account, now or at an instant that was (``at``). ``customer_id``: who moves in or takes over; of a split who moves into the
    new account, without one the holder. ``number`` and ``premises_id``: of the account split off, at the same premises without one.
    ``other_id``: the account that a merge ends."""

    key: ActKey
    kind: ActKind
    at: datetime | None = None
    customer_id: CustomerRef | None = None
    number: Code | None = None
    premises_id: PremisesRef | None = None
    other_id: AccountRef | None = None
    reason: Text = ""
