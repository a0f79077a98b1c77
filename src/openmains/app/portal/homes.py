# SPDX-License-Identifier: Apache-2.0
"""What a customer sees of an account: of the time since it was taken over, and nothing of who held it before."""

from datetime import datetime

from openmains.app.billing.model import BillHead
from openmains.app.billing.ports import BillStore
from openmains.app.payment.model import Receipt
from openmains.app.payment.order_model import PaymentOrder
from openmains.app.payment.order_ports import PaymentChannelStore, PaymentOrderStore
from openmains.app.payment.ports import ReceiptStore
from openmains.app.portal.model import Home, HomeBill, HomeChannel, HomePayment, HomeReceipt, Visitor
from openmains.app.portal.ports import Holding, PortalStore
from openmains.app.portal.wechat_channel import takes_wechat
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.period import day_to_date

MOST_BILLS, MOST_ROWS = 60, 50


async def holding_of(work: Work, visitor: Visitor, account_id: int) -> Holding:
    """Raises ``not-found`` for what is not the visitor's, there or not."""
    found = await work[PortalStore].holding(visitor.customer_ids, account_id)
    if found is None:
        raise Problem("not-found")
    return found


def day_of(visitor: Visitor, at: datetime) -> str:
    """The day of the utility on which it was."""
    return day_to_date(visitor.zone.day_of(int(at.timestamp()))).isoformat()


async def homes(store: Store, visitor: Visitor) -> list[Home]:
    """All that the visitor's customers hold."""
    async with store.tenant(visitor.tenant_id) as work:
        return await work[PortalStore].homes(visitor.customer_ids)


async def bills(store: Store, visitor: Visitor, account_id: int) -> list[HomeBill]:
    """Newest first, the versions that stand."""
    async with store.tenant(visitor.tenant_id) as work:
        held = await holding_of(work, visitor, account_id)
        rows = await work[BillStore].heads(MOST_BILLS, None, account_id=account_id)
    return [_bill(one) for one in rows if not one.superseded and is_own_bill(visitor, held, one)]


async def own_bill(store: Store, visitor: Visitor, bill_id: int) -> int:
    """The day since which the account is held. Raises ``not-found`` for a bill of somebody else's account, or of a time before that day."""
    async with store.tenant(visitor.tenant_id) as work:
        found = next(iter(await work[BillStore].heads(1, None, bill_id=bill_id)), None)
        held = None if found is None else await holding_of(work, visitor, found.account_id)
        if found is None or held is None or not is_own_bill(visitor, held, found):
            raise Problem("not-found")
    return visitor.zone.day_of(int(held.since.timestamp()))


def is_own_bill(visitor: Visitor, held: Holding, bill: BillHead) -> bool:
    """A bill is the customer's where its days end after the account was taken over, and whose first day was not before it."""
    return bill.first_day >= day_of(visitor, held.since)


def _bill(one: BillHead) -> HomeBill:
    return HomeBill(
        one.bill_id, one.month, one.first_day, one.last_day, one.volume_m3, one.total_fen, one.open_fen, one.estimated_days, one.due_day
    )  # fmt: skip


async def receipts(store: Store, visitor: Visitor, account_id: int) -> list[HomeReceipt]:
    """Newest first."""
    async with store.tenant(visitor.tenant_id) as work:
        held = await holding_of(work, visitor, account_id)
        rows = await work[ReceiptStore].page(MOST_ROWS, None, account_id=account_id)
    return [
        HomeReceipt(one.receipt_id, one.channel, one.fen, one.taken_at, one.returned)
        for one in rows
        if one.taken_at >= held.since
    ]


async def own_receipt(work: Work, visitor: Visitor, receipt_id: int) -> Receipt:
    """Raises ``not-found``."""
    found = await work[ReceiptStore].get(receipt_id)
    if found is None or found.taken_at < (await holding_of(work, visitor, found.account_id)).since:
        raise Problem("not-found")
    return found


async def home_channels(store: Store, visitor: Visitor, today: int) -> list[HomeChannel]:
    """Channels that take orders."""
    async with store.tenant(visitor.tenant_id) as work:
        found = await work[PaymentChannelStore].all(today)
    return [HomeChannel(one.channel_id, one.provider, one.name, takes_wechat(one)) for one in found if one.is_on]


async def payments(store: Store, visitor: Visitor, account_id: int) -> list[HomePayment]:
    """Orders of the account, newest first: by this page, at the counter's code, by others."""
    async with store.tenant(visitor.tenant_id) as work:
        held = await holding_of(work, visitor, account_id)
        rows = await work[PaymentOrderStore].page(MOST_ROWS, None, account_id=account_id, state=None, delivery=None)
    return [told(one) for one in rows if one.made_at >= held.since]


async def own_payment(store: Store, visitor: Visitor, order_id: int) -> HomePayment:
    """Raises ``not-found``."""
    async with store.tenant(visitor.tenant_id) as work:
        found = await work[PaymentOrderStore].get(order_id)
        if found is None or found.made_at < (await holding_of(work, visitor, found.account_id)).since:
            raise Problem("not-found")
    return told(found)


def told(one: PaymentOrder) -> HomePayment:
    """An order as its payer sees it."""
    is_open = one.state == "open"
    return HomePayment(
        one.order_id, one.account_id, one.meter_id, one.source, one.fen, one.state, one.delivery, one.code if is_open else "",
        one.invoke if is_open else {}, one.made_at, one.expires_at, one.paid_at, one.delivered_at, one.receipt_id, one.refunded_fen,
    )  # fmt: skip
