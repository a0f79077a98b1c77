# SPDX-License-Identifier: Apache-2.0
"""Lives, installations and what is due, as use cases and the API see them. Registers count 10^``unit_exponent`` m³."""

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from openmains.app.fleet.model import AreaRef, BarCode, Digits, Imei, Medium, MeterRef, Place, ProductRef
from openmains.domain.fleet.hanging import MeterRole, RegisterSource
from openmains.domain.fleet.meter_life import Life, LifeAct
from openmains.domain.fleet.meter_number import WRITTEN
from openmains.domain.fleet.registry_columns import MOST_QMAX_L_H
from openmains.domain.ids import AccountId, AreaId, InstallationId, MeterId, UserId

GasKind = Literal["", "natural", "town", "lpg"]
DueAction = Literal["replace", "verify"]
ActKind = Literal["receive", "issue", "bring_back", "install", "accept", "move", "remove", "repair", "restock", "scrap"]
ActKey = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        pattern=r"^\S+$",
        description="The caller's own for this act: the same again is the same act.",
    ),
]
Number = Annotated[str, Meta(min_length=1, max_length=32, pattern=rf"^{WRITTEN}$")]
NameOfPerson = Annotated[str, Meta(max_length=100)]
AccountRef = Annotated[AccountId, Meta(ge=1, le=2**63 - 1)]
AccountNumber = Annotated[str, Meta(max_length=64)]
RegisterText = Annotated[
    str, Meta(pattern=r"^[0-9]{1,12}([.][0-9]{1,9})?$", description="In m³, with the decimals that were read.")
]
ReadSource = Literal["read", "photographed", "estimated"]
Months = Annotated[int, Meta(ge=1, le=600)]


class MeterFacts(Struct, frozen=True):
    """What a meter is besides what reports need. ``parent_*``: the master above it, or the meter that it checks. ``pulse_ml``, ``start_ml``:
    of a retrofit device what one pulse counts and where the wheels stood, in millilitres. ``lifetime_months``: its own; null: by the rules."""

    role: MeterRole
    parent_id: MeterId | None
    parent_number: str | None
    q3_l_h: int
    gas_kind: GasKind
    verified_on: date | None
    lifetime_months: int | None
    pulse_ml: int | None
    start_ml: int | None


class MeterFactsChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What of it may change; fields not given stay. A role counts from the next installation on, and
    does not change while the meter hangs."""

    role: MeterRole | UnsetType = UNSET
    parent_id: MeterRef | UnsetType | None = UNSET
    q3_l_h: Annotated[int, Meta(ge=0, le=MOST_QMAX_L_H)] | UnsetType = UNSET
    gas_kind: GasKind | UnsetType = UNSET
    verified_on: date | UnsetType | None = UNSET
    lifetime_months: Months | UnsetType | None = UNSET
    pulse_ml: Annotated[int, Meta(ge=1, le=10**9)] | UnsetType | None = UNSET
    start_ml: Annotated[int, Meta(ge=0, le=2**62)] | UnsetType | None = UNSET


class NewStockMeter(Struct, frozen=True, forbid_unknown_fields=True):
    """A meter that comes into the warehouse of an area."""

    number: Number
    product_id: ProductRef
    area_id: AreaRef
    bar_code: BarCode = ""
    imei: Imei | None = None
    imsi: Digits = ""
    iccid: Digits = ""
    dn: Annotated[int, Meta(ge=0, le=5000)] = 0
    qmax_l_h: Annotated[int, Meta(ge=0, le=MOST_QMAX_L_H)] = 0
    q3_l_h: Annotated[int, Meta(ge=0, le=MOST_QMAX_L_H)] = 0
    gas_kind: GasKind = ""
    verified_on: date | None = None
    role: MeterRole = MeterRole.HOUSEHOLD


class MeterName(Struct, frozen=True, forbid_unknown_fields=True):
    """A meter by its number or bar code, or both; and what else was read off it or from its frames, which must all be the same meter's."""

    number: Annotated[str, Meta(max_length=32)] = ""
    bar_code: Annotated[str, Meta(max_length=64)] = ""
    imei: Imei | None = None
    frame_number: Annotated[str, Meta(max_length=32, pattern=r"^[0-9]*$")] = ""


class GivenRegister(Struct, frozen=True, forbid_unknown_fields=True):
    """A register at an end of an installation, and how it was got."""

    m3: RegisterText
    source: ReadSource


class Installation(Struct, frozen=True):
    """A meter at an account from ``begins`` until before ``ends`` (null: it hangs there). A register that is null was read by nobody.
    ``exchanged_for``: number of the meter that took its place."""

    installation_id: InstallationId
    meter_id: MeterId
    number: str
    account_id: AccountId
    account_number: str
    address: str
    role: MeterRole
    begins: datetime
    ends: datetime | None
    opening: int | None
    opening_m3: str | None
    opening_by: RegisterSource
    closing: int | None
    closing_m3: str | None
    closing_by: RegisterSource | None
    unit_exponent: int
    person: str
    contractor: str
    entered_by: UserId | None
    enterer: str | None
    accepted_by: UserId | None
    accepter: str | None
    accepted_at: datetime | None
    exchanged_for: str | None


class LifeRecord(Struct, frozen=True):
    """An act in the history of a meter. ``other_number``: the other meter of an exchange."""

    act_id: int
    kind: ActKind
    at: datetime
    life: Life
    account_id: AccountId | None
    account_number: str | None
    other_number: str | None
    person: str
    contractor: str
    reason: str
    key: str
    made_by: UserId | None
    maker: str | None
    made_at: datetime


class MeterLife(Struct, frozen=True):
    """Where a meter stands, what may be done next, what it is, when it is due, all that was done and where it hung, newest first.
    ``is_bar_code_doubled``: another meter had its bar code before bar codes were unique: look which one it is."""

    meter_id: MeterId
    number: str
    bar_code: str
    is_bar_code_doubled: bool
    medium: Medium
    life: Life
    life_at: datetime | None
    may: list[LifeAct]
    revision: int
    facts: MeterFacts
    due_on: date | None
    due_action: DueAction | None
    installations: list[Installation]
    acts: list[LifeRecord]


class StockMeter(Struct, frozen=True):
    """A meter that hangs nowhere; ``person``, ``contractor``: to whom it was issued last."""

    meter_id: MeterId
    number: str
    bar_code: str
    product_code: str
    medium: Medium
    area_id: AreaId
    area_name: str
    life: Life
    life_at: datetime | None
    verified_on: date | None
    person: str
    contractor: str


class DueMeter(Struct, frozen=True):
    """A meter that hangs, with when and why it is due; ``due_on`` null: nobody said what the rules need (DN, kind of gas, Qmax)."""

    meter_id: MeterId
    number: str
    bar_code: str
    medium: Medium
    area_id: AreaId
    area_name: str
    address: str
    account_number: str | None
    dn: int
    gas_kind: GasKind
    installed_on: date
    verified_on: date | None
    due_on: date | None
    action: DueAction | None


class DueCount(Struct, frozen=True):
    """How many meters of an area, with all below it, are due in a month (its first day; null: not known when)."""

    month: date | None
    action: DueAction | None
    meters: int


class DueFilter(Struct, frozen=True):
    """Meters due from ``first`` to ``last`` (both included); ``unknown``: those of which nobody can say when."""

    area_id: AreaId | None = None
    action: DueAction | None = None
    first: date | None = None
    last: date | None = None
    unknown: bool = False
    limit: int = 50
    after: tuple[str, int] | None = None  # (due date, meter) of the last one seen


class LifetimeRule(Struct, frozen=True, forbid_unknown_fields=True):
    """How long a meter may be used, or when it is verified anew: the first rule that fits counts. ``dn_to``, ``qmax_l_h_to`` 0: any."""

    medium: Medium
    months: Months
    action: DueAction
    gas_kind: GasKind = ""
    dn_to: Annotated[int, Meta(ge=0, le=5000)] = 0
    qmax_l_h_to: Annotated[int, Meta(ge=0, le=MOST_QMAX_L_H)] = 0


class InstallationRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Hang a meter at an account, by its id or number; ``at``: when, now without it."""

    key: ActKey
    meter: MeterName
    opening: GivenRegister
    account_id: AccountRef | None = None
    account_number: AccountNumber = ""
    at: datetime | None = None
    place: Place | None = None
    person: NameOfPerson = ""
    contractor: NameOfPerson = ""
    reason: Annotated[str, Meta(max_length=400)] = ""


class ExchangeRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """One meter for another at one instant: ``closing`` of the old one, ``opening`` of the new one."""

    key: ActKey
    old: MeterName
    new: MeterName
    closing: GivenRegister
    opening: GivenRegister
    at: datetime | None = None
    person: NameOfPerson = ""
    contractor: NameOfPerson = ""
    reason: Annotated[str, Meta(max_length=400)] = ""


class RemoveRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a meter off; nothing comes in its place."""

    key: ActKey
    meter: MeterName
    closing: GivenRegister
    at: datetime | None = None
    person: NameOfPerson = ""
    reason: Annotated[str, Meta(max_length=400)] = ""


class MoveRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Let a meter that stays on its wall belong to another account, by its id or number."""

    key: ActKey
    meter: MeterName
    register: GivenRegister
    account_id: AccountRef | None = None
    account_number: AccountNumber = ""
    at: datetime | None = None
    reason: Annotated[str, Meta(max_length=400)] = ""


class StoreRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Acts that touch no installation."""

    key: ActKey
    meter: MeterName
    kind: Literal["bring_back", "repair", "restock", "scrap"]
    at: datetime | None = None
    reason: Annotated[str, Meta(max_length=400)] = ""


class AcceptanceRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Put in use what another person installed."""

    key: ActKey
    at: datetime | None = None
    reason: Annotated[str, Meta(max_length=400)] = ""


class IssueLine(Struct, frozen=True, forbid_unknown_fields=True):
    """Meters of a model that leave the warehouse: ``quantity`` of consecutive numbers from ``number`` on (or a bar code, of one meter)."""

    product: Annotated[str, Meta(min_length=1, max_length=64)]
    number: Annotated[str, Meta(min_length=1, max_length=64)]
    quantity: Annotated[int, Meta(ge=1, le=10_000)] = 1


class IssueRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Issue from the warehouse to a person, all lines or none."""

    key: ActKey
    lines: Annotated[list[IssueLine], Meta(min_length=1, max_length=1000)]
    person: Annotated[str, Meta(min_length=1, max_length=100)]
    contractor: NameOfPerson = ""
    at: datetime | None = None
    reason: Annotated[str, Meta(max_length=400)] = ""


class Issued(Struct, frozen=True):
    """How many meters were issued."""

    meters: int
