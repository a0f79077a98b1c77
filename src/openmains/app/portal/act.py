# SPDX-License-Identifier: Apache-2.0
"""What a customer does: pays for an account, asks for a repair or a word. Each is once for the page's key, which is kept under the
customer's own name: two customers' keys never meet."""

from msgspec import Struct

from openmains.app.fleet.lives.acts import fingerprint
from openmains.app.identity.ports import AuditTrail
from openmains.app.payment.channel_settings import ChannelContext
from openmains.app.payment.channels.port import Scene
from openmains.app.payment.ordering import WantedOrder, make_order
from openmains.app.portal.homes import holding_of, told
from openmains.app.portal.model import HomePayment, HomeRequest, RequestKind, Visitor
from openmains.app.portal.ports import PortalStore
from openmains.app.portal.wechat import payer_of
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.app.work_order.kinds import settings_for
from openmains.app.work_order.make import made_before, place_order
from openmains.app.work_order.ports import OrderFacts, OrderStore
from openmains.domain.period import DAY_S

US = 1_000_000
DAY_US = DAY_S * US
MOST_REQUESTS = 5  # of a customer within a day


class _Asked(Struct, frozen=True):
    account_id: int
    kind: str
    text: str


async def pay(
    store: Store,
    tools: ChannelContext,
    visitor: Visitor,
    key: str,
    channel_id: int,
    account_id: int,
    meter_id: int | None,
    fen: int,
    now_us: int,
    *,
    in_wechat: bool = False,
) -> HomePayment:
    """An order as at the counter (``app/payment/ordering.py``), or one that the page pays in WeChat. Raises ``not-found`` for an account that
    is not held, and as ``make_order`` and ``payer_of``."""
    async with store.tenant(visitor.tenant_id) as work:
        held = await holding_of(work, visitor, account_id)
    payer = await payer_of(store, tools, visitor, channel_id) if in_wechat else ""
    scene: Scene = "jsapi" if in_wechat else "native"
    wanted = WantedOrder(f"my:{held.customer_id}:{key}", channel_id, account_id, meter_id, fen, scene, payer)
    return told(await make_order(store, tools, visitor.actor(held.customer_id), wanted, now_us))


async def ask(
    store: Store, visitor: Visitor, key: str, account_id: int, kind: RequestKind, text: str, now_us: int
) -> HomeRequest:
    """A work order of source ``customer``, at the account and the meter that hangs there; nobody's of the staff made it.

    :raises Problem: ``not-found``, ``invalid-input`` for a text of spaces only, ``order-key-used``, ``requests-full``, ``kind-off`` where the
        utility takes none of this kind.
    """
    if not text.strip():
        raise Problem("invalid-input", fields=(("/text", "required"),))
    asked = fingerprint(_Asked(account_id, kind, text.strip()))
    async with store.tenant(visitor.tenant_id) as work:
        portal, held = work[PortalStore], await holding_of(work, visitor, account_id)
        whole = f"my:{held.customer_id}:{key}"
        await portal.lock_requests(held.customer_id)
        there = await made_before(work, whole, asked)
        if there is None:
            if await portal.requests_since(held.customer_id, now_us - DAY_US) >= MOST_REQUESTS:
                raise Problem("requests-full", most=MOST_REQUESTS)
            settings = await settings_for(work, kind)
            place = await work[OrderStore].place(None, account_id, None, None)
            if settings is None or not settings.is_on or place is None:
                raise Problem("kind-off", kind=kind)
            title = f"{settings.title} {settings.title_en}"[:100]
            actor = visitor.actor(held.customer_id)
            facts = OrderFacts(kind, "customer", "minor", title, text.strip(), actor.login)
            there = await place_order(
                work, None, whole, asked, facts, place, settings, now_us, zone_key=visitor.zone.key
            )
            assert there is not None  # noqa: S101 the key is the customer's, who is locked
            await portal.add_request(there, held.customer_id, held.account_id)
            await work[AuditTrail].record(actor, "make_order", "work_order", there, None, facts)
        (made,) = await portal.requests(held.customer_id, held.account_id, there)
    return made


async def requests(store: Store, visitor: Visitor, account_id: int) -> list[HomeRequest]:
    """What was asked for at an account by who holds it now, newest first."""
    async with store.tenant(visitor.tenant_id) as work:
        held = await holding_of(work, visitor, account_id)
        return await work[PortalStore].requests(held.customer_id, held.account_id)
