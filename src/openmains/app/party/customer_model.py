# SPDX-License-Identifier: Apache-2.0
"""Customers as use cases and the API see them. Of personal data there are masks only; a value in clear is an answer of its own."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from openmains.app.fleet.areas import WhyText
from openmains.app.fleet.model import Code, Name, Text
from openmains.app.party.model import Account
from openmains.domain.ids import AreaId, ContactId, CustomerId
from openmains.domain.party.personal import PersonalField
from openmains.domain.tariff.plan import CustomerClass

CustomerKind = Literal["person", "organisation"]
ContactRef = Annotated[ContactId, Meta(ge=1, le=2**63 - 1)]
Relation = Annotated[str, Meta(max_length=100)]
Given = Annotated[
    str,
    Meta(max_length=64, description="In clear; sealed at rest and shown masked from then on. Empty: none."),
]


class PartyCustomer(Struct, frozen=True):
    """A customer in a list. ``phone``: masked, '' for none. ``accounts``: how many are held now."""

    customer_id: CustomerId
    code: str
    name: str
    kind: CustomerKind
    customer_class: CustomerClass
    is_protected: bool
    is_critical: bool
    address: str
    accounts: int
    created_at: datetime
    revision: int
    phone: str = ""


class Contact(Struct, frozen=True):
    """A person to speak with for a customer. ``phone``: masked."""

    contact_id: ContactId
    customer_id: CustomerId
    name: str
    relation: str
    phone: str = ""


class CustomerDetail(PartyCustomer, frozen=True, kw_only=True):
    """A customer with contacts and accounts, those of the past too. Personal data is masked."""

    note: str
    identity_number: str = ""
    bank_account: str = ""
    contacts: list[Contact] = []
    held: list[Account] = []


class NewCustomer(Struct, frozen=True, forbid_unknown_fields=True):
    """A customer to add."""

    code: Code
    name: Name
    kind: CustomerKind = "person"
    customer_class: CustomerClass = CustomerClass.RESIDENT
    is_protected: bool = False
    is_critical: bool = False
    address: Text = ""
    note: Text = ""
    phone: Given = ""
    identity_number: Given = ""
    bank_account: Given = ""


class CustomerChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What of a customer may change; fields not given stay. ``reason``: needed where protection ends, and where
    ``is_critical`` or personal data changes."""

    name: Name | UnsetType = UNSET
    kind: CustomerKind | UnsetType = UNSET
    customer_class: CustomerClass | UnsetType = UNSET
    is_protected: bool | UnsetType = UNSET
    is_critical: bool | UnsetType = UNSET
    address: Text | UnsetType = UNSET
    note: Text | UnsetType = UNSET
    phone: Given | UnsetType = UNSET
    identity_number: Given | UnsetType = UNSET
    bank_account: Given | UnsetType = UNSET
    reason: WhyText | UnsetType = UNSET


class NewContact(Struct, frozen=True, forbid_unknown_fields=True):
    """A contact to add."""

    name: Name
    relation: Relation = ""
    phone: Given = ""


CustomerSort = Literal["customer_id", "code", "-code"]
"""As they were entered, or by their code up and down."""


class CustomerFilter(Struct, frozen=True):
    """Which customers a list holds, in which order; hits of a search as they were entered. ``terms`` and ``grams``: of a search; ``found``:
    whom a whole phone, identity number or bank account names; an area: who holds an account there or below."""

    area_id: AreaId | None = None
    customer_class: CustomerClass | None = None
    terms: tuple[str, ...] = ()
    grams: tuple[int, ...] = ()
    found: tuple[CustomerId, ...] = ()
    limit: int = 50
    after: tuple[int, str] | None = None
    sort: CustomerSort = "customer_id"


class PersonalRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Which value is to be seen in clear, and why. ``contact_id``: of a contact of the customer."""

    field: PersonalField
    contact_id: ContactRef | None = None
    reason: WhyText = ""


class PersonalValue(Struct, frozen=True):
    """A value in clear."""

    field: PersonalField
    value: str
