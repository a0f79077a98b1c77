# SPDX-License-Identifier: Apache-2.0
"""What customers see of themselves. Amounts are integers in fen; volumes and prices are decimal text. Nothing that staff wrote for each
other is part of it."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from openmains.app.fleet.model import Medium
from openmains.app.identity.model import Actor
from openmains.app.payment.order_model import DeliveryName, OrderSource, OrderStateName
from openmains.domain.ids import AccountId, CustomerId, MeterId, OrderId, TenantId, UserId
from openmains.domain.ledger.prepaid import BalanceStage
from openmains.domain.period import Zone
from openmains.domain.work_order.life import OrderOutcome, OrderState

RequestKind = Literal["no_supply", "meter_fault", "other"]
"""What a customer may ask for: kinds of work orders that need no judgement of how grave it is. Gas that leaks is told by phone."""
RequestText = Annotated[str, Meta(min_length=1, max_length=500)]
ActKey = Annotated[
    str,
    Meta(
        min_length=8,
        max_length=32,
        pattern=r"^[A-Za-z0-9_.-]+$",
        description="The page's own for this act: the same again is the same act.",
    ),
]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who holds the phone that signed in: the customers whose own number it is now, and their codes. No user, with no permission."""

    tenant_id: TenantId
    zone: Zone
    expires_at: datetime
    customer_ids: tuple[CustomerId, ...]
    codes: tuple[str, ...]
    session_hash: bytes
    address: str = ""
    request_id: str = ""

    def actor(self, customer_id: CustomerId | None = None) -> Actor:
        """As whom the trail names it. It may nothing that a permission stands for."""
        code = self.codes[0 if customer_id is None else self.customer_ids.index(customer_id)]
        return Actor(
            self.tenant_id, UserId(0), code, code, "", "zh", self.zone.key, "customer", address=self.address,
            request_id=self.request_id,
        )  # fmt: skip


class CodeChallenge(Struct, frozen=True):
    """A code is on its way, where the phone is a customer's: nothing here tells whether it is. ``challenge`` goes back with the code."""

    challenge: str
    expires_at: datetime


class WechatSignIn(Struct, frozen=True):
    """``authorize_url``: where the page sends the person, who comes back with a code; ``application``: the ``appid`` to name there."""

    application: str
    authorize_url: str


class CustomerSession(Struct, frozen=True):
    """``customers``: codes of the customers whose phone signed in; ``is_wechat``: it is in a WeChat that is bound to that phone, which pays;
    ``wechat``: by what one is bound, null where the utility offers none."""

    utility: str
    zone: str
    customers: list[str]
    expires_at: datetime
    is_wechat: bool
    wechat: WechatSignIn | None


class HomeMeter(Struct, frozen=True):
    """A meter that hangs at the account. ``is_prepaid``: money can be paid for the meter itself; ``balance_fen``: what it said it holds, at
    ``seen_at``; null: it says none in money."""

    meter_id: MeterId
    number: str
    is_prepaid: bool
    balance_fen: int | None
    seen_at: datetime | None


class HomeDeduction(Struct, frozen=True):
    """The newest day that was deducted from the balance of an account that is charged at the server."""

    day: date
    fen: int
    volume_m3: str
    is_estimated: bool


class HomeBalance(Struct, frozen=True):
    """Of an account that is charged at the server: what was paid ahead less what is owed. ``warn_fen``: below it the customer is warned;
    ``last`` null: no day of the customer's own was deducted yet."""

    balance_fen: int
    warn_fen: int
    stage: BalanceStage
    last: HomeDeduction | None


class Home(Struct, frozen=True):
    """An account that the customer holds, since ``held_since``: of before nothing is shown. ``owed_fen`` and ``credit_fen`` as booked; late
    fees come to it when it is paid. ``at_server`` null: it is charged by bills, or at the meter."""

    account_id: AccountId
    customer_id: CustomerId
    number: str
    medium: Medium
    address: str
    held_since: datetime
    owed_fen: int
    credit_fen: int
    at_server: HomeBalance | None
    meters: list[HomeMeter]


class UseDay(Struct, frozen=True):
    """``volume_m3`` null: not known yet, or not any more."""

    day: date
    volume_m3: str | None
    is_estimated: bool


class TierUse(Struct, frozen=True):
    """A tier of the running cycle. ``size_m3`` null: the last one, without an end. ``price``: CNY for a m³, all components; '' by heat
    value."""

    tier: int
    used_m3: str
    size_m3: str | None
    price: str


class HomeUse(Struct, frozen=True):
    """Days of the last month and this one, up to yesterday; and the tiers of the tariff with what is counted from ``counted_since`` to
    before ``counted_until``. ``why``: the code why there are none (docs/charging.md), ''."""

    account_id: AccountId
    days: list[UseDay]
    tiers: list[TierUse]
    counted_m3: str | None
    counted_since: date | None
    counted_until: date | None
    why: str


class HomeBill(Struct, frozen=True):
    """A bill of the customer's own time. ``open_fen``: of it still owed."""

    bill_id: int
    month: str
    first_day: str
    last_day: str
    volume_m3: str
    total_fen: int
    open_fen: int
    estimated_days: int
    due_day: str


class HomeReceipt(Struct, frozen=True):
    """A payment that was taken; ``is_returned``: and taken back."""

    receipt_id: int
    channel: str
    fen: int
    taken_at: datetime
    is_returned: bool


class HomeChannel(Struct, frozen=True):
    """A channel by which customers pay; ``in_wechat``: within WeChat too, by who is signed in there."""

    channel_id: int
    provider: Literal["wechat", "alipay"]
    name: str
    in_wechat: bool


class HomePayment(Struct, frozen=True):
    """An order and where its money is. ``code``: what the provider's app opens or scans while it is open; ``invoke``: with what a page in
    WeChat starts the payment while it is open (``getBrandWCPayRequest``); ``receipt_id``: once it is paid."""

    order_id: int
    account_id: int
    meter_id: int | None
    source: OrderSource
    fen: int
    state: OrderStateName
    delivery: DeliveryName
    code: str
    invoke: dict[str, str]
    made_at: datetime
    expires_at: datetime
    paid_at: datetime | None
    delivered_at: datetime | None
    receipt_id: int | None
    refunded_fen: int


class HomeRequest(Struct, frozen=True):
    """What the customer asked for, as a work order. ``answer``: what was found and done, once it is done."""

    order_id: OrderId
    account_id: AccountId
    kind: str
    text: str
    state: OrderState
    made_at: datetime
    due_at: datetime | None
    ended_at: datetime | None
    outcome: OrderOutcome | None
    answer: str
